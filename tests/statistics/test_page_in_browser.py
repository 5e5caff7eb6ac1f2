"""The pages in a headless Chromium: nothing is logged or fetched, everything fits, and keys suffice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from page_board import HOSTILE, make_page_board

from leaderboard.render import write_board

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium (Debian: apt install chromium)"
)
PAGES = (
    "index.html",
    "tables.html",
    "boards/recorded.html",
    "methods/method-0.html",
    "methods/method-1.html",
    "families/observed.html",
)
# Relative luminance and contrast of WCAG 2.1; the background is that of the nearest element that has one.
CONTRAST = """
(function () {
  function read(text) { var c = text.match(/[\\d.]+/g).map(Number); return c.length === 3 ? c.concat(1) : c; }
  function linear(x) { return x <= 10 ? x / 255 / 12.92 : Math.pow((x / 255 + 0.055) / 1.055, 2.4); }
  function light(c) { return 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]); }
  function paper(node) {
    for (; node; node = node.parentElement) {
      var colour = read(getComputedStyle(node).backgroundColor);
      if (colour[3] > 0) { return colour; }
    }
  }
  var worst = [99, ""];
  document.querySelectorAll("p, a, th, td, li, dt, dd, label, summary, h1, span").forEach(function (node) {
    if (!node.innerText || !node.innerText.trim() || !node.getClientRects().length) { return; }
    var a = light(read(getComputedStyle(node).color)), b = light(paper(node));
    var ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) { worst = [ratio, node.outerHTML.slice(0, 120)]; }
  });
  return worst;
})()
"""
ROWS = "[...document.querySelectorAll('.heat tbody tr')]"
SHOWN_ROWS = ROWS + ".filter(row => !row.hidden).map(row => row.cells[0].innerText)"
SHOWN_HEADS = (
    "[...document.querySelectorAll('.heat thead [data-board]')].filter(h => !h.hidden).map(h => h.innerText)"
)
ANSWERS = "[...document.querySelectorAll('.answer')]"
SHOWN_ANSWERS = ANSWERS + ".filter(a => !a.hidden).map(a => a.querySelector('h3').innerText)"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    board, catalogue = make_page_board(hostile=True)
    write_board(board, folder, catalogue)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_pages_fit_log_nothing_and_fetch_nothing(
    browser: Browser, site: Path, width: int, dark: bool
) -> None:
    browser.complaints.clear()
    browser.requests.clear()
    for page in PAGES:
        browser.open(site / page, width, dark)
        assert browser.evaluate("innerWidth") == width
        assert browser.evaluate("document.documentElement.scrollWidth") <= width, page
        ratio, where = browser.evaluate(CONTRAST)
        assert ratio >= 4.5, (page, where)  # level AA for text
    assert browser.complaints == []
    assert all(address.startswith(("file:", "data:")) for address in browser.requests), browser.requests


def test_dark_is_dark(browser: Browser, site: Path) -> None:
    """The mean of the paper's channels lies in the upper or the lower fifth of 0 to 255."""
    paper = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    browser.open(site / "index.html", 1400)
    assert min(browser.evaluate(paper)) > 0.8 * 255
    browser.open(site / "index.html", 1400, dark=True)
    assert max(browser.evaluate(paper)) < 0.2 * 255


def press_until(browser: Browser, condition: str, most: int = 200) -> None:
    """Press Tab until the element with the focus fulfils a condition on ``e``, which shows its outline."""
    for _ in range(most):
        browser.press("Tab")
        if browser.evaluate(f"(function (e) {{ return {condition}; }})(document.activeElement)"):
            assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"the key does not reach {condition}")


def test_the_heatmap_is_filtered_and_sorted_by_keys_alone(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html", 1400)
    everyone = browser.evaluate(SHOWN_ROWS)
    assert HOSTILE in everyone
    press_until(browser, "e.id === 'filter-name'")
    browser.write("method-1")
    assert set(browser.evaluate(SHOWN_ROWS)) == {name for name in everyone if "method-1" in name}
    press_until(browser, "e.className === 'sort' && e.dataset.column === '0'")
    browser.press("Enter", "\r")
    numbers = ROWS + ".map(row => row.cells[1].innerText)"
    found = [float(x.replace("−", "-").replace("≤", "")) for x in browser.evaluate(numbers) if x]
    assert found == sorted(found, reverse=True)
    assert browser.evaluate("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "descending"


def test_a_board_chosen_hides_the_columns_of_the_others(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html", 1400)
    browser.evaluate(
        "(function (s) { s.value = 'auxiliary'; s.dispatchEvent(new Event('input')); })"
        "(document.getElementById('filter-board'))"
    )
    assert sorted(browser.evaluate(SHOWN_HEADS)) == ["instrument", "proxy"]


def test_questions_lead_to_the_situations_that_fit(browser: Browser, site: Path) -> None:
    browser.open(site / "index.html", 390)
    assert sorted(browser.evaluate(SHOWN_ANSWERS)) == ["nonlinear", "observed"]
    browser.evaluate("document.querySelector('#chooser [value=instrument]').click()")
    assert sorted(browser.evaluate(SHOWN_ANSWERS)) == ["instrument", "proxy"]
    browser.evaluate("document.querySelector('#chooser [value=rankings]').click()")
    assert browser.evaluate(SHOWN_ANSWERS) == []
    assert "No simulated situation" in browser.evaluate("document.getElementById('chosen').innerText")


def test_without_scripts_everything_is_there(browser: Browser, site: Path) -> None:
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(site / "index.html", 390)
        visible = (
            "[...document.querySelectorAll('.answer')].filter(a => a.getClientRects().length > 0).length"
        )
        assert browser.evaluate(visible) == 6  # every family but the control
        assert browser.evaluate("document.getElementById('filters').getClientRects().length") == 0
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)
