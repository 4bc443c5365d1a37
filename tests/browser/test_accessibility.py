"""axe-core finds no serious violation in the page's own elements, on any tab, in light and in dark mode."""

from __future__ import annotations

import pytest

from tests.browser.conftest import EXAMPLE, FACE
from tests.conftest import PORTRAIT

pytestmark = pytest.mark.browser

#: Gradio's own elements, which cannot be changed: example buttons without a name, the colours of code, the empty video
#: player.
GRADIOS = [[".gallery-item"], [".cm-editor"], [".empty"]]
SERIOUS = {"serious", "critical"}


def violations(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context={"exclude": GRADIOS}).response["violations"]
    return [
        f"{violation['help']}: {node['html']}"
        for violation in found
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_tab_has_a_serious_violation(chromium, page_url, scheme):
    page = chromium.new_page(color_scheme=scheme)
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.wait_for_selector(EXAMPLE)
    page.set_input_files("input[type=file] >> nth=0", PORTRAIT)
    page.wait_for_selector(FACE)
    assert violations(page) == []
    for tab in ("Webcam", "Video"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)  # until the tab has faded in
        assert violations(page) == []
    page.get_by_role("tab", name="Augmentation").click()
    page.set_input_files("input[type=file] >> nth=-1", PORTRAIT)
    page.wait_for_selector(".view")
    assert violations(page) == []
    page.close()
