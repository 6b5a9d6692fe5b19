"""The histograms of the served page: drags and clicks select and filter, chips and keys take it back, the last brush of a drag wins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Watched, new_page

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

N = 3_000
COLUMN = "<b>score</b>"


def write_rows(folder: Path) -> None:
    """Kinds in three spots, a number from 0 to 30 in steps of 0.01, a flag that is missing at times."""
    place = np.random.default_rng(0).normal(0, 0.1, (N, 2)) + np.column_stack([np.arange(N) % 3, np.zeros(N)])
    table = pa.table(
        {
            "x": place[:, 0].astype(np.float32),
            "y": place[:, 1].astype(np.float32),
            "kind": [("a", "b", "<i>c</i>")[i % 3] for i in range(N)],
            COLUMN: np.arange(N) / 100,
            "flag": [None if i % 10 == 0 else i % 2 == 0 for i in range(N)],
        }
    )
    pq.write_table(table, folder / "spread.parquet")


@pytest.fixture(scope="module")
def _spread() -> list[Watched]:
    return []


@pytest.fixture
def page(server: str, data_root: Path, context: BrowserContext, _spread: list[Watched]) -> Iterator[Watched]:
    """Give the page on these rows that the tests share, with nothing selected and nothing filtered."""
    if not _spread:
        write_rows(data_root)
        _spread.append(new_page(context, f"{server}?dataset=spread", width=1510, height=1000))
        histogram(_spread[0], "kind").locator("g.bar").first.wait_for()
    made = _spread[0]
    for name in ("Filter", "Select"):
        act(made, name)
        brushes = made.page.get_by_role("button", name="Remove the brush")
        for left in reversed(range(brushes.count())):
            brushes.first.click()
            expect(brushes).to_have_count(left, timeout=PATIENCE_MS)
    made.settle()
    yield made
    assert not made.errors, "the browser's console has errors:\n" + "\n".join(made.errors)


def histogram(page: Watched, column: str) -> Locator:
    return page.page.locator(".histogram").filter(has=page.page.get_by_text(column, exact=True))


def bars(page: Watched, column: str) -> list[str]:
    """What each bar says."""
    found: list[str] = histogram(page, column).locator("g.bar").evaluate_all("bars => bars.map(bar => bar.getAttribute('aria-label'))")
    return found


def act(page: Watched, name: str) -> None:
    button = page.page.locator(".histograms").get_by_role("button", name=name, exact=True)
    button.click()
    page.page.locator(f".histograms .acts button[data-act={name.lower()}][aria-pressed=true]").wait_for()


def drag(page: Watched, column: str, start: float, end: float, *, release: bool = True) -> None:
    """Drag from a part of the width to another."""
    svg = histogram(page, column).locator("svg")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    assert box
    mouse = page.page.mouse
    mouse.move(box["x"] + box["width"] * start, box["y"] + 20)
    mouse.down()
    for step in range(1, 9):
        mouse.move(box["x"] + box["width"] * (start + (end - start) * step / 8), box["y"] + 20)
        page.page.wait_for_timeout(40)
    if release:
        mouse.up()


def said(page: Watched, column: str) -> str:
    """What the brush of a histogram says."""
    return histogram(page, column).locator(".title b").inner_text()


def ends(page: Watched, column: str) -> tuple[float, float]:
    """From where to where the brush of a histogram is; zeros where there is none."""
    words = said(page, column).split() or ["0", "0"]
    return float(words[0]), float(words[-1])


def status(page: Watched, text: str) -> None:
    page.wait_until(lambda: text in page.status().inner_text(), f"the status says {text}, not {page.status().inner_text()}")


def test_brushes_and_bars_select_and_filter(page: Watched):
    assert bars(page, "kind") == ["<i>c</i>: 1,000 rows", "a: 1,000 rows", "b: 1,000 rows"]
    assert bars(page, "flag") == ["False: 1,500 rows", "True: 1,200 rows", "no value: 300 rows"]

    drag(page, COLUMN, 0, 0.5)
    status(page, "1,5")
    page.wait_until(lambda: said(page, COLUMN).startswith("0.0 "), "the brush says what it is")
    selected = int(page.status().inner_text().split(" selected")[0].split()[-1].replace(",", ""))
    assert abs(selected - 1_500) < 30
    page.wait_until(lambda: sum("selected" in bar for bar in bars(page, "kind")) == 3, "other histograms show the selection")

    act(page, "Filter")
    histogram(page, "kind").locator("g.bar").nth(1).click()
    status(page, "1,000 of 3,000 rows")
    page.wait_until(lambda: "False: 500" in bars(page, "flag")[0], "other histograms are under the filter")
    assert bars(page, "kind")[2].startswith("b: 1,000 rows")
    histogram(page, "kind").locator("g.bar").nth(2).click(modifiers=["Shift"])
    status(page, "2,000 of 3,000 rows")

    histogram(page, "kind").get_by_role("button", name="Remove the brush on kind").click()
    status(page, "3,000 of 3,000 rows")
    assert said(page, "kind") == ""

    drag(page, COLUMN, 0.2, 0.4)
    page.wait_until(lambda: "2,4" not in page.status().inner_text() and "of 3,000 rows shown" in page.status().inner_text(), "it filters")
    first = said(page, COLUMN)
    drag(page, COLUMN, 0.3, 0.6)  # the brush is moved: as wide as before, elsewhere
    page.wait_until(lambda: abs(ends(page, COLUMN)[0] - 15) < 1, f"the brush, {first} before, is where it was let go")
    low, high = ends(page, COLUMN)
    assert abs((high - low) - 6) < 0.5
    status(page, f"{round((high - low) * 100):,} of 3,000 rows")

    histogram(page, COLUMN).locator("svg").dblclick(position={"x": 4, "y": 4})
    status(page, "3,000 of 3,000 rows")


def test_all_of_it_by_keyboard(page: Watched):
    act(page, "Filter")
    first = histogram(page, "kind").locator("g.bar").first
    first.focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Enter")
    status(page, "1,000 of 3,000 rows")
    assert histogram(page, "kind").locator('g.bar[aria-pressed="true"]').get_attribute("data-bar") == "1"
    page.page.keyboard.press("End")
    page.page.keyboard.press("Shift+Enter")
    status(page, "2,000 of 3,000 rows")
    page.page.keyboard.press("Escape")
    status(page, "3,000 of 3,000 rows")

    drag(page, COLUMN, 0.2, 0.4)
    page.wait_until(lambda: said(page, COLUMN) != "", "there is a brush")
    before = said(page, COLUMN)
    page.page.get_by_role("slider", name=f"Upper end of the brush on {COLUMN}").focus()
    for _ in range(3):
        page.page.keyboard.press("ArrowRight")
    page.wait_until(lambda: said(page, COLUMN) != before, "the end moves")
    assert said(page, COLUMN).split(" ")[0] == before.split(" ")[0]
    page.page.keyboard.press("Escape")
    status(page, "3,000 of 3,000 rows")


def test_a_drag_shows_where_it_is_and_its_last_place_counts(page: Watched):
    act(page, "Filter")
    drag(page, COLUMN, 0, 0.25, release=False)
    page.wait_until(lambda: "3,000 of 3,000" not in page.status().inner_text(), "rows are filtered before the button is let go")
    page.page.mouse.up()
    page.page.keyboard.press("Escape")
    drag(page, COLUMN, 0.98, 0.5)
    page.wait_until(lambda: said(page, COLUMN).startswith(("15.", "14.")), "the last brush wins")
    page.settle()
    low, high = ends(page, COLUMN)
    status(page, f"{round((high - low) * 100):,} of 3,000 rows")


def test_columns_are_chosen(page: Watched):
    page.page.locator(".histograms summary").click()
    page.page.locator(".histograms").get_by_label("flag", exact=True).uncheck()
    histogram(page, "flag").wait_for(state="detached")
    page.page.locator(".histograms").get_by_label("flag", exact=True).check()
    histogram(page, "flag").wait_for()
    page.page.locator(".histograms").get_by_label("Log counts").check()
    page.wait_until(lambda: bars(page, "kind")[0] == "<i>c</i>: 1,000 rows", "counts stay what they are")
