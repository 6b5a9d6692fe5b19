from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from explorer import row_order
from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views import table as table_module
from explorer.views.table import Table
from explorer.views.table_cells import cells, describe, first_columns, thumbnail

Open = Callable[..., Dataset]


class Browser:
    """What a browser that shows the table does, and what it gets."""

    def __init__(self, view: Table, loop: Any) -> None:
        self.view, self.loop, self.id = view, loop, 0
        self.got: list[dict[str, Any]] = []
        view.component._send_msg = self.got.append  # type: ignore[method-assign, assignment]

    def send(self, kind: str, **rest: Any) -> None:
        """Say something to the server."""
        self.view.component._handle_msg({"type": kind, "client": "here", "version": self.listing["version"], **rest})
        self.loop.run()

    @property
    def listing(self) -> dict[str, Any]:
        """What it was told is listed."""
        return self.view.component.listing

    def page(self, start: int = 0, count: int = 100) -> dict[str, Any]:
        """Ask for rows, and wait for them."""
        self.id += 1
        before = len(self.got)
        self.send("page", id=self.id, start=start, count=count)
        self.loop.until(lambda: len(self.got) > before)
        assert self.got[-1]["type"] == "page"
        page = json.loads(self.got[-1]["page"])
        assert (page["id"], page["version"]) == (self.id, self.listing["version"])
        return page

    def after(self, act: Callable[[], object]) -> None:
        """Wait for the listing that comes of this."""
        before = self.listing.get("top")
        act()
        self.loop.until(lambda: self.listing.get("top") != before)

    def rows(self) -> list[int]:
        """Ask for the first rows' numbers."""
        return self.page()["rows"]


@pytest.fixture
def pointed() -> list[int | None]:
    return []


@pytest.fixture
def view(session: Session, loop: Any, pointed: list[int | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Table(session, later=loop, on_point=pointed.append)


@pytest.fixture
def browser(view: Table, loop: Any) -> Browser:
    return Browser(view, loop)


def test_without_a_dataset_it_says_so(browser: Browser):
    assert browser.listing["note"] == "Open a dataset: its rows are listed here."


def test_every_row_is_listed_at_first(browser: Browser, opened: Open):
    dataset = opened(40)
    assert browser.listing["line"] == "40 rows"
    assert [column["name"] for column in browser.listing["columns"]] == ["word", "kind", "score"]
    page = browser.page(3, 2)
    assert page["rows"] == [3, 4]
    assert page["cells"] == [["word 3", "a", f"{3 / 39:.6g}"], ["word 4", "b", f"{4 / 39:.6g}"]]
    assert dataset.n_rows == browser.listing["n"]


@pytest.mark.parametrize(
    ("start", "count", "rows"), [(38, 100, range(40)), (39, 5, range(35, 40)), (10**12, 3, range(37, 40)), (-5, 2, range(2))]
)
def test_a_page_past_the_end_is_the_last_one(browser: Browser, opened: Open, start: int, count: int, rows: range):
    opened(40)
    assert browser.page(start, count)["rows"] == list(rows)


def test_no_page_has_more_than_a_hundred_rows(browser: Browser, opened: Open):
    opened(250)
    assert browser.page(0, 10**9)["rows"] == list(range(100))


@pytest.mark.parametrize("message", [{"id": True}, {"start": 1.5}, {"start": None}, {"count": "7"}, {"start": 1 << 60}, {"client": 3}])
def test_a_message_without_sense_is_left_out(browser: Browser, opened: Open, message: dict[str, Any]):
    opened(40)
    browser.send("page", **{"id": 1, "start": 0, "count": 5, **message})
    assert browser.page(0, 1)["rows"] == [0]
    assert len(browser.got) == 1


def test_only_the_page_that_was_asked_for_last_is_sent(browser: Browser, opened: Open, loop: Any):
    opened(40)
    for start in range(5):
        browser.view.component._handle_msg(
            {"type": "page", "client": "here", "version": browser.listing["version"], "id": start + 1, "start": start, "count": 1}
        )
    loop.until(lambda: browser.got)
    loop.run()
    assert [json.loads(message["page"])["id"] for message in browser.got] == [5]


def test_what_is_selected_is_listed(browser: Browser, opened: Open, session: Session):
    opened(40)
    browser.after(lambda: session.selection.apply([7, 3, 11]))
    assert browser.listing["line"] == "3 selected rows of 40"
    assert browser.rows() == [3, 7, 11]
    assert browser.page()["ticked"] == [True] * 3
    browser.after(session.selection.clear)
    assert browser.listing["kind"] == "shown"
    assert browser.listing["n"] == 40


def test_what_is_filtered_away_is_not_listed(browser: Browser, opened: Open, session: Session, loop: Any):
    opened(40)
    browser.after(lambda: session.filters.put("query", "few", np.arange(40) < 10))
    assert browser.listing["line"] == "10 shown rows of 40"
    browser.after(lambda: session.selection.apply([8, 9, 10]))
    assert browser.listing["line"] == "2 selected rows of 40, 1 more hidden"
    browser.after(lambda: browser.send("which", which="all"))
    assert browser.listing["line"] == "40 rows"
    assert browser.view.component.counts == {"selected": 3, "shown": 10, "all": 40, "version": session.selection.version}


def test_a_filter_that_leaves_no_row_is_said(browser: Browser, opened: Open, session: Session):
    opened(40)
    browser.after(lambda: session.filters.put("query", "none", np.zeros(40, bool)))
    assert browser.listing["note"].startswith("No row is shown")
    assert browser.page()["rows"] == []
    browser.after(lambda: session.selection.apply([1]))
    assert browser.listing["note"] == "The selected rows are hidden by filters or the legend."


def test_while_one_change_follows_another_the_last_one_is_listed(browser: Browser, opened: Open, session: Session, loop: Any):
    opened()
    browser.after(lambda: session.selection.apply([1]))
    before = browser.listing["top"]
    for last in range(2, 9):
        session.selection.apply([last])
        loop.run()
    assert browser.listing["top"] == before
    loop.until(lambda: browser.listing["top"] != before)
    assert (browser.listing["top"], browser.rows()) == (before + 1, [8])


def test_selected_goes_on_with_the_selection(browser: Browser, opened: Open, session: Session):
    opened(40)
    browser.after(lambda: browser.send("which", which="shown"))
    session.selection.apply([1, 2])
    browser.loop.run()
    assert browser.listing["kind"] == "shown"
    browser.after(lambda: browser.send("which", which="selected"))
    assert session.table.which == "auto"
    assert browser.rows() == [1, 2]
    browser.after(lambda: session.selection.apply([5]))
    assert browser.rows() == [5]


def test_rows_are_sorted_by_several_columns(browser: Browser, opened: Open, session: Session):
    dataset = opened(40)
    browser.after(lambda: browser.send("sort", column="kind", further=False))
    browser.after(lambda: browser.send("sort", column="score", further=True))
    browser.after(lambda: browser.send("sort", column="score", further=True))
    frame = dataset.frame().astype({"kind": str}).sort_values(["kind", "score"], ascending=[True, False])
    assert browser.rows() == frame.index.tolist()
    assert [(column["place"], column["descending"]) for column in browser.listing["columns"]] == [(0, False), (1, False), (2, True)]
    browser.send("sort", column="no such")
    assert session.table.sort == [["kind", False], ["score", True]]


def test_a_long_sort_is_announced_and_its_late_answer_dropped(
    browser: Browser, opened: Open, session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch
):
    opened(40)
    monkeypatch.setattr(row_order, "FEW", 3)
    session.table.sort = [["score", True]]
    assert browser.view.component.busy == "Sorting 40 rows by score …"
    session.table.sort = []
    assert browser.listing["n"] == 40
    loop.run()
    assert browser.rows()[:3] == [0, 1, 2]
    assert browser.view.component.busy == ""


def test_an_error_is_a_sentence_and_the_table_stays(
    browser: Browser, opened: Open, session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch
):
    opened(40)

    def fail(*_: object) -> None:
        message = "no memory"
        raise MemoryError(message)

    monkeypatch.setattr(table_module, "make_listing", fail)
    session.table.sort = [["score", True]]
    loop.until(lambda: session.error)
    assert session.error == "The rows could not be listed (no memory). The log has the details."
    assert browser.listing["n"] == 40


def test_ticking_changes_the_selection_but_not_what_is_listed(browser: Browser, opened: Open, session: Session):
    opened(40)
    browser.send("tick", **{"from": 4, "to": 4, "on": True})
    browser.send("tick", **{"from": 6, "to": 8, "on": True})
    assert session.selection.rows.tolist() == [4, 6, 7, 8]
    assert session.selection.made_by == "the table"
    assert browser.listing["n"] == 40
    browser.after(lambda: browser.send("which", which="selected"))
    browser.send("tick", **{"from": 0, "to": 1, "on": False})
    assert session.selection.rows.tolist() == [7, 8]
    assert browser.rows() == [4, 6, 7, 8]
    assert browser.page()["ticked"] == [False, False, True, True]
    browser.after(session.selection.undo)
    assert browser.rows() == [4, 6, 7, 8]


def test_ranges_are_those_of_the_order(browser: Browser, opened: Open, session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch):
    opened(40)
    monkeypatch.setattr(table_module, "_ONE_BY_ONE", 2)
    browser.after(lambda: browser.send("sort", column="score"))
    browser.after(lambda: browser.send("sort", column="score"))
    browser.send("tick", **{"from": 0, "to": 4, "on": True})
    loop.until(lambda: session.selection.count)
    assert session.selection.rows.tolist() == [35, 36, 37, 38, 39]


@pytest.mark.parametrize("rest", [{"from": 5, "to": 4}, {"from": -1, "to": 4}, {"from": 0, "to": 40}, {"from": 0, "to": 1, "version": -1}])
def test_a_tick_outside_of_the_list_is_none(browser: Browser, opened: Open, session: Session, rest: dict[str, Any]):
    opened(40)
    browser.send("tick", on=True, **rest)
    assert session.selection.count == 0


def test_rows_are_pointed_at_and_looked_at(browser: Browser, opened: Open, session: Session, pointed: list[int | None]):
    opened(40)
    browser.send("point", row=5)
    browser.send("point", row=40)
    browser.send("point", row=None)
    browser.send("look", row=6)
    browser.send("look", row=41)
    assert pointed == [5, None, None]
    assert session.inspection.row == browser.view.component.inspected == 6


def test_columns_are_chosen(browser: Browser, opened: Open, session: Session):
    opened(40)
    assert browser.view.component.offered == ["word", "kind", "score"]
    browser.send("columns", columns=["score", "nothing", 3])
    assert [column["name"] for column in browser.listing["columns"]] == ["score"]
    assert browser.page(0, 1)["cells"] == [["0"]]
    browser.send("columns", columns=[])
    assert len(browser.listing["columns"]) == 3


def test_another_dataset_begins_anew_and_keeps_what_fits(browser: Browser, opened: Open, session: Session):
    opened(40)
    session.table.param.update(columns=["kind", "gone"], sort=[["score", True], ["gone", False]])
    browser.after(lambda: session.selection.apply([1]))
    opened(20, seed=1)
    browser.loop.until(lambda: browser.listing["n"] == 20)
    browser.loop.run()
    assert browser.rows() == list(range(19, -1, -1))
    assert [column["name"] for column in browser.listing["columns"]] == ["kind"]


@pytest.mark.parametrize(("ending", "read"), [(".csv", pd.read_csv), (".parquet", pd.read_parquet)])
def test_the_file_is_the_frame_in_the_order_of_the_table(
    browser: Browser, opened: Open, session: Session, loop: Any, ending: str, read: Callable[..., pd.DataFrame], tmp_path: Path
):
    dataset = opened(40)
    session.selection.apply([7])
    session.selection.keep("one")
    browser.after(lambda: session.selection.apply([3, 7, 11]))
    browser.after(lambda: setattr(session.table, "sort", [["score", True]]))
    files: list[tuple[str, bytes]] = []

    def send(source: Path, *, name: str, on_end: Callable[[], object], **_: Any) -> None:
        files.append((name, source.read_bytes()))
        on_end()

    browser.view.download.send = send  # type: ignore[method-assign, assignment]
    browser.send("save", ending=ending)
    loop.until(lambda: files)
    name, content = files[0]
    frame = read(io.BytesIO(content))
    assert name == f"Rows-0-selection{ending}"
    assert frame["row"].tolist() == [11, 7, 3]
    expected = dataset.frame([11, 7, 3]).reset_index().astype({"kind": str})
    expected.insert(1, "selection: one", [False, True, False])
    pd.testing.assert_frame_equal(frame.astype({"kind": str}), expected, check_dtype=False)
    assert not list(tmp_path.iterdir())


def test_a_file_can_be_canceled(browser: Browser, opened: Open, loop: Any, tmp_path: Path):
    opened(40)
    browser.send("save", ending=".csv")
    assert browser.view.component.making
    assert browser.view.component.busy == "Making the table …"
    browser.send("cancel")
    loop.until(lambda: not browser.view.component.making and not list(tmp_path.iterdir()))
    assert browser.view.component.busy == ""


def test_what_is_copied_goes_into_a_spreadsheet(
    browser: Browser, opened: Open, session: Session, loop: Any, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "explorer.audit")
    opened(40, note=["=1+1", "tab\there\nand there", *["x"] * 38])
    browser.after(lambda: session.selection.apply([0, 1]))
    browser.send("columns", columns=["word", "note", "score"])
    browser.send("copy")
    loop.until(lambda: browser.got)
    assert browser.got[-1]["line"] == "2 rows copied."
    told = caplog.records[-1].facts
    assert (told["action"], told["rows"], told["file"]) == ("export", 2, "clipboard")
    lines = [line.split("\t") for line in browser.got[-1]["text"].decode().split("\n")]
    assert lines[0] == ["row", "word", "note", "score"]
    assert lines[1][:3] == ["0", "word 0", "'=1+1"]
    assert lines[2][:3] == ["1", "word 1", "tab here and there"]


def test_a_copy_that_is_cut_says_so(browser: Browser, opened: Open, loop: Any):
    opened(10_050)
    browser.send("copy")
    loop.until(lambda: browser.got)
    assert browser.got[-1]["line"] == "The first 10,000 of 10,050 rows copied; save them as CSV to have all."
    assert browser.got[-1]["text"].count(b"\n") == 10_000


def test_a_browser_that_has_something_else_gets_the_listing_again(browser: Browser, opened: Open):
    opened(40)
    before = browser.listing["version"]
    browser.send("here")
    assert browser.listing["version"] == before
    browser.send("here", version=None)
    assert browser.listing["version"] == before + 1


# -- cells


def png(side: int) -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)).save(written, "PNG")
    return written.getvalue()


def test_a_small_picture_goes_as_it_is_and_a_large_one_as_a_thumbnail():
    assert thumbnail(png(8)).startswith("data:image/png;base64,")
    assert thumbnail(png(300)).startswith("data:image/webp;base64,")
    assert len(thumbnail(png(300))) < 6_000
    assert thumbnail("https://example.org/picture.png") is None
    assert thumbnail(png(300)[:5000]) is None
    assert thumbnail(b"no picture") is None


def test_cells_are_text_that_says_what_a_person_expects(make_table: Callable[..., Any]):
    from explorer.data.dataset import open_dataset

    n = 6
    columns = {
        "when": np.array(["2020-01-02", "2021-03-04T05:06:07", "NaT", "2020-01-02", "2020-01-02", "2020-01-02"], "M8[us]"),
        "sure": [True, False, None, True, True, True],
        "count": [1, None, 12345, 4, 5, 6],
        "long": ["x" * 1000, *["<b>bold</b>"] * 5],
        "link": ["https://example.org/1", "javascript:alert(1)", None, *["http://example.org"] * 3],
    }
    dataset = open_dataset(make_table(n, **columns))
    names = ["when", "sure", "count", "long"]
    got = cells(dataset, np.array([0, 1, 2]), names)
    assert got[0] == ["2020-01-02", "yes", "1", "x" * 199 + "…"]
    assert got[1] == ["2021-03-04 05:06:07", "no", None, "<b>bold</b>"]
    assert got[2] == [None, None, "12345", "<b>bold</b>"]
    kinds = {column["name"]: column["kind"] for column in describe(dataset, first_columns(dataset), ())}
    assert kinds | {"link": ""} == {"word": "text", "kind": "text", "score": "number"} | {
        "when": "time", "sure": "boolean", "count": "number", "long": "text", "link": ""
    }  # fmt: skip
