"""The table as a person uses it: sort, scroll, tick, look, take away; and what it costs on the wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import explorer
from explorer.appraisal import NEIGHBORHOODS
from tests.browser.conftest import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Locator

MILLION = 1_000_000

MEASURED = re.compile(
    "|".join([r"(moved|kept of \d+|false|missing): ", "other .+ near$", *(f"{name}$" for name, _ in NEIGHBORHOODS.values())])
)


class TableOnPage:
    """The table of a page, found as a person finds it."""

    def __init__(self, page: Watched) -> None:
        self.watched, self.page = page, page.page
        self.box = self.page.locator(".table")
        self.grid = self.page.get_by_role("grid", name="Rows")

    def open(self, *, wanted: bool = True) -> None:
        """Open the table below the maps, or close it."""
        if self.box.is_visible() != wanted:
            self.page.get_by_role("button", name="Table of rows").click()
        self.box.wait_for(state="visible" if wanted else "hidden")
        if wanted:
            self.settle()

    def settle(self) -> None:
        """Wait until every row on screen is there."""
        self.page.wait_for_timeout(120)
        self.page.locator('.table[data-ready="true"]').wait_for()

    def line(self) -> str:
        """How many rows are listed, as it says."""
        return self.box.locator(".count").inner_text()

    def wait_for_line(self, text: str) -> None:
        """Wait until it says so, and the rows are there."""
        self.box.locator(".count", has_text=text).wait_for()
        self.settle()

    def rows(self) -> list[int]:
        """Row numbers on screen, from top to bottom."""
        lines = self.box.locator(".row")
        found = lines.evaluate_all("lines => lines.map(line => [Number(line.dataset.position), Number(line.dataset.row)])")
        return [row for _, row in sorted(found)]

    def column(self, at: int) -> list[str]:
        """A column's texts on screen."""
        lines = self.box.locator(".row")
        found = lines.evaluate_all("(lines, at) => lines.map(line => [Number(line.dataset.position), line.children[at].textContent])", at)
        return [text for _, text in sorted(found)]

    def row(self, number: int) -> Locator:
        """The line of a row, by its number."""
        return self.box.locator(f'.row[data-row="{number}"]')

    def sort(self, name: str, *, shift: bool = False) -> None:
        """Click a header."""
        header = self.grid.get_by_role("columnheader", name=name)
        before = header.get_attribute("aria-sort")
        header.get_by_role("button").click(modifiers=["Shift"] if shift else [])
        self.watched.wait_until(lambda: header.get_attribute("aria-sort") != before, what=f"the order of {name} changes")
        self.settle()

    def choose(self, which: str) -> None:
        """Say which rows are listed."""
        button = self.box.get_by_role("button", name=which, exact=True)
        button.click()
        self.box.locator(f'.choice[aria-pressed="true"]:has-text("{which}")').wait_for()
        self.settle()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return explorer.catalog().find("wordnet-10k").open().frame().astype({"category": str})


@pytest.fixture
def table(sample_page: Watched) -> Iterator[TableOnPage]:
    made = TableOnPage(sample_page)
    made.open()
    yield made
    sample_page.page.mouse.move(2, 2)
    for name in sample_page.page.locator('.table [aria-sort]:not([aria-sort="none"]) .name').all_inner_texts():
        while made.grid.get_by_role("columnheader", name=name).get_attribute("aria-sort") != "none":
            made.sort(name)
    untick = "boxes => { boxes.forEach(box => box.click()); return boxes.length; }"
    while made.box.locator(".check input:checked").evaluate_all(untick):
        made.settle()
    made.choose("Shown")
    made.open(wanted=False)


def test_columns_sort_up_and_down_and_within_each_other(table: TableOnPage, frame: pd.DataFrame):
    table.sort("word")
    assert table.rows()[:6] == frame.sort_values("word", kind="stable").index[:6].tolist()
    table.sort("word")
    assert table.rows()[:6] == frame.sort_values("word", kind="stable", ascending=False).index[:6].tolist()
    table.sort("word")
    assert table.rows()[:6] == [0, 1, 2, 3, 4, 5]
    table.sort("category")
    table.sort("n_synonyms", shift=True)
    table.sort("n_synonyms", shift=True)
    expected = frame.sort_values("n_synonyms", kind="stable", ascending=False).sort_values("category", kind="stable")
    assert table.rows()[:6] == expected.index[:6].tolist()


def test_keys_go_to_the_last_row_and_look_at_it(table: TableOnPage, frame: pd.DataFrame):
    table.grid.focus()
    table.page.keyboard.press("End")
    table.settle()
    assert table.rows()[-1] == 9999
    assert table.grid.get_attribute("aria-rowcount") == "10001"
    active = table.grid.get_attribute("aria-activedescendant")
    assert table.box.locator(f"#{active}").get_attribute("aria-rowindex") == "10001"
    table.page.keyboard.press("ArrowUp")
    table.page.keyboard.press("Enter")
    table.page.locator(".inspector .head", has_text=frame["word"][9998]).wait_for()
    assert "inspected" in str(table.row(9998).get_attribute("class"))
    table.page.keyboard.press("Home")
    table.settle()
    assert table.rows()[0] == 0


def test_a_click_looks_at_a_row_and_the_pointer_rings_it(table: TableOnPage, frame: pd.DataFrame):
    table.row(3).hover()
    table.watched.wait_until(lambda: table.watched.pixels("marks").any(), what="a ring around the row under the pointer")
    table.row(3).locator(".td").nth(2).click()
    table.page.locator(".inspector .head", has_text=frame["word"][3]).wait_for()


def test_ticks_select_and_a_range_is_ticked_with_shift(table: TableOnPage, frame: pd.DataFrame):
    table.row(1).get_by_role("checkbox").click()
    table.row(4).get_by_role("checkbox").click(modifiers=["Shift"])
    table.page.locator(".status", has_text="4 selected").wait_for()
    assert table.line() == "10,000 rows", "what is listed stays"
    table.row(2).get_by_role("checkbox").click()
    table.page.locator(".status", has_text="3 selected").wait_for()
    table.choose("Selected")
    table.wait_for_line("3 selected rows of 10,000")
    assert table.rows() == [1, 3, 4]
    assert all(box.is_checked() for box in table.box.locator(".check input").all())


@pytest.mark.parametrize(("name", "read"), [("CSV", pd.read_csv), ("Parquet", pd.read_parquet)])
def test_what_is_listed_can_be_saved(
    table: TableOnPage, frame: pd.DataFrame, name: str, read: Callable[[Path], pd.DataFrame], tmp_path: Path
):
    table.sort("word")
    with table.page.expect_download() as waiting:
        table.box.get_by_role("button", name=name, exact=True).click()
    assert waiting.value.suggested_filename == f"WordNet-10000-senses-shown.{name.lower()}"
    waiting.value.save_as(tmp_path / "rows")
    got, expected = read(tmp_path / "rows"), frame.sort_values("word", kind="stable")
    assert got["row"].tolist() == expected.index.tolist()
    assert got["definition"].str.lstrip("'").tolist() == expected["definition"].str.lstrip("'").tolist()
    own = [column for column in got if not MEASURED.match(column)]  # by this page, or by another one
    assert own == ["row", *expected]


def test_rows_are_copied_for_a_spreadsheet(table: TableOnPage, frame: pd.DataFrame):
    table.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    table.row(1).get_by_role("checkbox").click()
    table.row(2).get_by_role("checkbox").click()
    table.page.locator(".status", has_text="2 selected").wait_for()
    table.choose("Selected")
    table.box.get_by_role("button", name="Copy", exact=True).click()
    table.wait_for_line("2 rows copied.")
    lines = table.page.evaluate("() => navigator.clipboard.readText()").split("\n")
    assert [line.split("\t")[:2] for line in lines] == [["row", "word"], ["1", frame["word"][1]], ["2", frame["word"][2]]]


def test_columns_are_chosen_by_keys_too(table: TableOnPage):
    table.box.get_by_role("button", name="Columns").focus()
    table.page.keyboard.press("Enter")
    popup = table.page.get_by_role("dialog", name="Columns that are shown")
    popup.get_by_label("definition").press(" ")
    table.grid.get_by_role("columnheader", name="definition").wait_for(state="detached")
    popup.get_by_role("button", name="As at first").click()
    table.grid.get_by_role("columnheader", name="definition").wait_for()
    table.page.keyboard.press("Escape")
    popup.wait_for(state="hidden")
    table.settle()


@pytest.fixture(scope="module")
def million(data_root: Path) -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    score = np.where(numbers.random(MILLION) < 0.1, np.nan, numbers.normal(size=MILLION))
    columns: dict[str, Any] = {name: numbers.normal(size=MILLION).astype(np.float32) for name in ("x", "y")}
    columns |= {"word": pa.array([f"<b>{i}</b>" for i in range(1000)] * 1000), "score": pa.array(score, from_pandas=True)}
    columns["link"] = pa.array([f"https://example.org/{i}" for i in range(1000)] * 1000)
    pq.write_table(pa.table(columns), data_root / "million.parquet")
    return pd.DataFrame({"score": score})


def test_a_million_rows_cost_no_more_than_the_rows_on_screen(open_page: Callable[..., Watched], server: str, million: pd.DataFrame):
    watched = open_page(f"{server}?dataset=million", dark=True)
    watched.wait_for_picture()
    table = TableOnPage(watched)
    table.open()
    table.wait_for_line("1,000,000 rows")
    received: list[int] = []
    wire = watched.page.context.new_cdp_session(watched.page)
    wire.on("Network.webSocketFrameReceived", lambda event: received.append(len(event["response"]["payloadData"])))
    wire.send("Network.enable")
    table.sort("score")
    by_score = million["score"].sort_values(kind="stable", na_position="last").index
    assert table.rows()[:5] == by_score[:5].tolist()
    table.grid.focus()
    watched.page.keyboard.press("End")
    table.settle()
    assert table.rows()[-3:] == by_score[-3:].tolist()
    assert set(table.column(3)) == {"\N{EN DASH}"}, "rows without a value are last"
    for _ in range(5):
        table.grid.evaluate("grid => { grid.scrollTop = Math.random() * grid.scrollHeight; }")
        table.settle()
    table.grid.evaluate("grid => { grid.scrollTop = grid.scrollHeight / 2; }")
    table.settle()
    middle = table.rows()
    at = int(by_score.get_indexer(middle)[0])
    assert by_score.get_indexer(middle).tolist() == list(range(at, at + len(middle)))
    assert abs(at - MILLION / 2) < 100
    table.row(middle[2]).hover()
    watched.page.mouse.wheel(0, 26 * 3)
    table.settle()
    assert table.rows()[0] == middle[3], "the wheel goes on by rows"
    assert table.column(2)[0].startswith("<b>"), "markup is text"
    link = table.box.locator(".row a").first
    assert str(link.get_attribute("rel")) == "noopener noreferrer"
    assert sum(received) < 100_000, f"{sum(received):,} characters in {len(received)} messages"
