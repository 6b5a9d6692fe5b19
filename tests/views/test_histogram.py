from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views import histogram_brush
from explorer.views.histogram import HistogramView, first_columns
from explorer.views.plain import PlainToolkit


class Brushed:
    """Histograms and what a browser would send."""

    def __init__(self, session: Session, loop: Any) -> None:
        self.view, self.session, self.loop = HistogramView(session, PlainToolkit(), later=loop), session, loop
        self._number = 0

    @property
    def component(self) -> Any:
        """What the browser has."""
        return self.view.component

    @property
    def names(self) -> list[str]:
        """Columns from top to bottom."""
        return [column["name"] for column in self.component.content["columns"]]

    def send(self, kind: str, **more: Any) -> None:
        """Send what a browser sends."""
        self.component._handle_msg({"type": kind, "of": self.component.content["version"], **more})
        self.loop.run()

    def brush(self, column: str, start: float, end: float, *, mode: str = "replace", first: bool = True) -> None:
        """Drag, and wait until it is on the map."""
        self._number += 1
        self.send("brush", column=column, start=start, end=end, mode=mode, first=first, number=self._number)
        self.loop.until(lambda: self.component.brushes["answered"] == self._number)

    def bar(self, column: str, bar: int, *, mode: str = "replace") -> None:
        """Click a bar, and wait for what it does."""
        before = self.versions
        self.send("bar", column=column, bar=bar, mode=mode)
        self.loop.until(lambda: self.versions != before)
        self.settle()

    @property
    def versions(self) -> tuple[int, int]:
        """What selection and filters count."""
        return self.session.selection.version, self.session.filters.version

    def settle(self) -> None:
        """Wait until nothing is being counted."""
        self.loop.until(lambda: not self.view._counting and self.view._counted is not None)

    def shown(self, column: str, which: str = "shown") -> list[int]:
        """Rows of each bar."""
        self.settle()
        columns, at = self.component.counts["columns"], self.names.index(column)
        counts: list[int] = columns[at][which] if at < len(columns) else []  # not counted yet
        return counts

    def on(self, column: str) -> dict[str, Any]:
        """Brushes of a column by what they do."""
        found: dict[str, Any] = self.component.brushes["columns"][column]
        return found


@pytest.fixture
def brushed(session: Session, loop: Any, opened: Callable[..., Dataset]) -> Brushed:
    """40 rows: kind a, b, c in turn, score from 0 to 1 in as many steps."""
    made = Brushed(session, loop)
    opened()
    loop.until(lambda: made.component.counts.get("of", 0) == made.component.content.get("version"))
    return made


def test_a_dataset_begins_with_its_color_then_numbers(brushed: Brushed):
    assert brushed.names == ["kind", "score"]
    assert brushed.component.choices == ["kind", "score"]
    assert brushed.shown("kind") == [14, 13, 13]


def test_columns_of_text_are_not_offered(brushed: Brushed):
    brushed.send("columns", columns=["word", "score", "score"])
    brushed.loop.until(lambda: brushed.names == ["score"])
    assert brushed.session.histograms.columns == ["score"]


def test_a_brush_selects_its_rows_and_says_so(brushed: Brushed):
    n = len(brushed.shown("score"))
    brushed.brush("score", 0, n / 2)
    assert brushed.session.selection.rows.tolist() == list(range(20))
    assert brushed.session.selection.made_by == "histogram of score 0.00 \N{EN DASH} 0.50"
    assert sum(brushed.shown("score", "selected")) == 20
    assert sum(brushed.shown("score")) == 40
    assert (brushed.on("score")["select"]["start"], brushed.on("score")["select"]["end"]) == (0, n / 2)


def test_a_filter_hides_rows_in_the_others_and_not_in_its_own_histogram(brushed: Brushed):
    brushed.send("act", act="filter")
    brushed.bar("kind", 1)
    assert brushed.session.filters.entries["histogram:kind"].label == "kind b"
    assert brushed.shown("kind") == [14, 13, 13]
    assert sum(brushed.shown("score")) == 13
    brushed.bar("kind", 2, mode="add")
    assert brushed.session.filters.entries["histogram:kind"].label == "kind b, c"
    assert sum(brushed.shown("score")) == 26


def test_a_drag_is_one_step_of_the_history_and_adds_to_what_was_selected_before(brushed: Brushed):
    n = len(brushed.shown("score"))
    brushed.session.selection.apply([39])
    brushed.brush("score", 0, n * 0.75, mode="add")
    brushed.brush("score", 0, n / 2, mode="add", first=False)
    assert brushed.session.selection.rows.tolist() == [*range(20), 39]
    brushed.session.history.undo()
    assert brushed.session.selection.rows.tolist() == [39]
    assert brushed.on("score") == {}
    brushed.session.history.redo()
    assert brushed.on("score")["select"]["end"] == n / 2


def test_a_brush_goes_where_its_chip_is_removed_and_comes_back_with_an_undo(brushed: Brushed):
    brushed.send("act", act="filter")
    brushed.brush("score", 1, 4)
    assert brushed.on("score")["filter"]["end"] == 4
    brushed.session.filters.remove("histogram:score")
    assert brushed.on("score") == {}
    brushed.session.history.undo()
    assert brushed.on("score")["filter"]["end"] == 4


def test_clearing_takes_back_what_the_brush_did_and_nothing_else(brushed: Brushed):
    brushed.brush("score", 1, 4)
    brushed.send("act", act="filter")
    brushed.brush("score", 1, 4)
    brushed.send("clear", column="score")
    assert not brushed.session.filters.entries
    assert brushed.session.selection.count
    brushed.send("act", act="select")
    brushed.send("clear", column="kind")
    assert brushed.session.selection.count
    brushed.send("clear", column="score")
    assert not brushed.session.selection.count


def test_a_click_on_the_only_bar_that_was_taken_lets_it_go(brushed: Brushed):
    brushed.bar("kind", 0)
    assert brushed.session.selection.count == 14
    brushed.bar("kind", 1, mode="add")
    assert brushed.session.selection.count == 27
    assert brushed.on("kind")["select"]["bars"] == (0, 1)
    brushed.bar("kind", 0)
    brushed.bar("kind", 0)
    assert brushed.session.selection.count == 0


def test_a_late_answer_is_dropped(brushed: Brushed, monkeypatch: pytest.MonkeyPatch):
    asked: list[Callable[[], None]] = []

    class Slow:
        """A thread that has not come to it yet."""

        def submit(self, make: Callable[[], None]) -> Any:
            asked.append(make)
            return self

        def add_done_callback(self, _: object) -> None:
            """Nobody waits."""

    monkeypatch.setattr(histogram_brush, "_threads", Slow())
    brushed.send("brush", column="score", start=0, end=1, mode="replace", first=True, number=1)
    brushed.send("brush", column="score", start=0, end=3, mode="replace", first=False, number=2)
    asked[0]()
    brushed.loop.run()
    assert brushed.session.selection.count == 0
    asked[1]()
    brushed.view._brushes.clear("score")
    brushed.loop.run()
    assert brushed.session.selection.count == 0


def test_rows_hidden_in_the_legend_are_not_counted(brushed: Brushed):
    appearance = brushed.session.appearance
    appearance.hide_in("kind", appearance.hidden_in("kind").hide(["a"]))
    brushed.loop.until(lambda: brushed.shown("kind") == [0, 13, 13])
    assert sum(brushed.shown("score")) == 26


def test_bars_take_another_palette(brushed: Brushed):
    brushed.session.appearance.palette = "Tableau"
    assert brushed.component.content["columns"][0]["colors"][0] == "#4e79a7"
    brushed.loop.until(lambda: brushed.component.counts["of"] == brushed.component.content["version"])


def test_another_dataset_begins_anew(brushed: Brushed, opened: Callable[..., Dataset]):
    brushed.send("act", act="filter")
    brushed.bar("kind", 1)
    opened(30, seed=1, size=np.arange(30) % 7)
    brushed.loop.until(lambda: sum(brushed.shown("kind")) == 30)
    assert brushed.on("kind") == {}
    assert brushed.names == ["kind", "score"]


def test_what_no_browser_sends_changes_nothing(brushed: Brushed):
    before = brushed.versions
    for message in (
        {"kind": "brush", "column": "score", "start": float("nan"), "end": 1, "mode": "replace", "number": 1},
        {"kind": "brush", "column": "score", "start": "0", "end": 1, "mode": "replace", "number": 1},
        {"kind": "brush", "column": "nothing", "start": 0, "end": 1, "mode": "replace", "number": 1},
        {"kind": "brush", "column": "score", "start": 0, "end": 1, "mode": "explode", "number": 1},
        {"kind": "bar", "column": "kind", "bar": 3, "mode": "replace"},
        {"kind": "bar", "column": "kind", "bar": True, "mode": "replace"},
        {"kind": "columns", "columns": 3},
        {"kind": "columns", "columns": "kind"},
        {"kind": "columns", "columns": ["kind"] * 9},
        {"kind": "act", "act": "explode"},
        {"kind": "log", "log": 1},
        {"kind": "bar", "column": "kind", "bar": 0, "mode": "replace", "of": -1},
    ):
        brushed.send(**message)
    brushed.settle()
    assert brushed.versions == before
    assert brushed.session.histograms.as_json() == {"columns": ["kind", "score"], "act": "select", "log": False}


def test_the_first_columns_are_three(opened: Callable[..., Dataset]):
    data = opened(size=np.arange(40) % 5, weight=np.linspace(0, 3, 40))
    assert first_columns(data) == ["kind", "score", "size"]
