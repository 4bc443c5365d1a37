"""axe-core finds nothing serious of ours, on every tab, in light and in dark."""

from __future__ import annotations

import pytest

from tests.conftest import PORTRAIT

pytestmark = pytest.mark.browser

#: Gradio's own, which it gives no way to change: example buttons without a name, the colours of code, the place where
#: a clip will be.
GRADIOS = [[".gallery-item"], [".cm-editor"], [".empty"]]
SERIOUS = {"serious", "critical"}


def findings(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page, context={"exclude": GRADIOS}).response["violations"]
    return [
        f"{violation['help']}: {node['html']}"
        for violation in violations
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious(chromium, page_url, scheme):
    page = chromium.new_page(color_scheme=scheme)
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.wait_for_selector("#cards >> text=Choose a photo")
    page.set_input_files("input[type=file] >> nth=0", PORTRAIT)
    page.wait_for_selector(".face")
    assert findings(page) == []
    for tab in ("Webcam", "Video"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)  # until the tab has faded in
        assert findings(page) == []
    page.get_by_role("tab", name="Augmentation").click()
    page.set_input_files("input[type=file] >> nth=-1", PORTRAIT)
    page.wait_for_selector(".view")
    assert findings(page) == []
    page.close()
