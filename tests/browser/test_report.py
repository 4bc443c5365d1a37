"""``report.html`` in Chromium: no request, nothing wider than the screen, readable in light and in dark mode."""

from __future__ import annotations

import pytest

from tests.browser.test_accessibility import violations
from tests.evaluation.reports import LABELS, write_example

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_example(folder / "seven")
    write_example(folder / "thirty", labels=[*LABELS, *(f"class number {number}" for number in range(23))])
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["seven", "thirty"])
def test_the_report(chromium, report, name, width, scheme):
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests, problems = [], []
    page.on("request", lambda request: requests.append(request.url[:5]))
    page.on("console", lambda message: problems.append(message.text))
    page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
    page.goto((report / name / "report.html").as_uri())
    assert set(requests) <= {"file:", "data:"}
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img").first.evaluate("image => image.naturalWidth") == 48
    assert page.get_by_role("heading", name="runs/<mine> & yours").is_visible()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(14, 19, 27)") == (scheme == "dark")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_has_no_serious_violation(chromium, report, scheme):
    # The page's policy would forbid the checker's script.
    context = chromium.new_context(viewport={"width": 390, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto((report / "seven" / "report.html").as_uri())
    assert violations(page) == []
    context.close()
