from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from explorer.data.dataset import Dataset
from explorer.query.pieces import Stop
from explorer.session import Session
from explorer.views import search
from explorer.views.finder import Question
from explorer.views.plain import PlainToolkit
from explorer.views.search import SearchView


class Searched:
    """A search panel and what a browser would send."""

    def __init__(self, session: Session, loop: Any, **options: Any) -> None:
        self.flown: list[int] = []
        self.view = SearchView(session, PlainToolkit(), later=loop, on_fly=self.flown.append, **options)
        self.session, self.loop = session, loop
        self._asked = 0

    @property
    def component(self) -> Any:
        """What the browser has."""
        return self.view.component

    def send(self, kind: str, **more: Any) -> None:
        """Send what a browser sends."""
        self.component._handle_msg({"type": kind, "of": self.component.content["version"], **more})
        self.loop.run()

    def search(self, text: str, *, mode: str = "contains", case: bool = False, column: str = "", k: int = 50) -> dict[str, Any]:
        """Type, and wait for the answer."""
        self._asked += 1
        self.send("search", asked=self._asked, text=text, mode=mode, case=case, column=column, k=k)
        self.loop.until(lambda: self.component.found["asked"] == self._asked)
        if self.component.found["any"] and not self.component.found["error"]:
            self.loop.until(lambda: self.component.listed.get("first") == 0)
        return dict(self.component.found)

    def query(self, text: str) -> dict[str, Any]:
        """Type into the query line, and wait for the answer."""
        self._asked += 1
        self.send("query", asked=self._asked, text=text)
        self.loop.until(lambda: self.component.met["asked"] == self._asked)
        return dict(self.component.met)

    @property
    def listed(self) -> list[int]:
        """Row numbers in the list, once it is there."""
        self.loop.until(lambda: bool(self.component.listed))
        return [hit["row"] for hit in self.component.listed["hits"]]


@pytest.fixture
def panel(session: Session, loop: Any, opened: Callable[..., Dataset]) -> Searched:
    made = Searched(session, loop)
    opened()
    return made


def test_hits_are_counted_listed_and_marked(panel: Searched):
    found = panel.search("WORD 1")
    assert (found["note"], found["error"]) == ("11 rows", "")
    panel.loop.until(lambda: len(panel.component.listed.get("hits", [])) == 11)
    assert panel.listed == [1, *range(10, 20)]
    assert panel.component.listed["hits"][0] == {"row": 1, "title": "word 1", "column": "word", "text": ["", "word 1", ""], "titled": True}
    assert panel.search("word 1", mode="word")["note"] == "1 row"
    assert panel.search("WORD", case=True)["note"] == "0 rows"
    assert panel.search("^a$", mode="regex", column="kind")["note"] == "14 rows"


def test_an_expression_in_error_says_so_and_the_last_hits_stay(panel: Searched):
    panel.search("word 3")
    found = panel.search("word 3(", mode="regex")
    assert "cannot be read" in found["error"]
    assert (found["any"], found["note"]) == (True, "11 rows")
    panel.send("replace", by="search")
    assert panel.session.selection.count == 11
    assert panel.search("")["any"] is False
    assert panel.component.found["error"] == ""


def test_enter_goes_from_hit_to_hit_and_around(panel: Searched):
    panel.search("word 3")
    for step in (1, 1, -1, -1):
        panel.send("go", step=step)
    assert panel.flown == [3, 30, 3, 39]
    assert panel.session.inspection.row == 39
    assert panel.component.at == 10
    panel.send("look", row=31, at=2)
    panel.send("go", step=1)
    assert panel.flown[-2:] == [31, 32]


def test_enter_right_after_typing_waits_for_what_was_typed(panel: Searched):
    panel.search("word 3")
    panel.send("search", asked=99, text="word 2", mode="contains", case=False, column="")
    panel.send("go", step=1)
    panel.loop.until(lambda: panel.flown == [2])


def test_a_long_list_is_shown_in_pages(session: Session, loop: Any, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "_LISTED", 5)
    panel = Searched(session, loop)
    opened()
    panel.search("word")
    loop.until(lambda: panel.listed == [0, 1, 2, 3, 4])
    panel.send("go", step=-1)
    loop.until(lambda: panel.component.listed["first"] == 35)
    assert (panel.listed, panel.component.at, panel.flown) == ([35, 36, 37, 38, 39], 39, [39])


def test_hits_are_selected_in_four_ways(panel: Searched):
    panel.search("word 1")
    panel.send("replace", by="search")
    assert panel.session.selection.rows.tolist() == [1, *range(10, 20)]
    assert panel.session.selection.made_by == "text contains “word 1”"
    panel.search("word 2")
    panel.send("add", by="search")
    assert panel.session.selection.count == 22
    panel.query("score > 0.5")
    panel.send("intersect", by="query")
    assert panel.session.selection.rows.tolist() == list(range(20, 30))
    panel.send("subtract", by="query")
    assert panel.session.selection.count == 0
    panel.send("anything", by="query")


def test_a_filter_shows_hits_only_and_goes_with_a_second_click(panel: Searched):
    panel.query('kind == "a" and score < 0.5')
    assert panel.component.met["note"] == "7 rows"
    panel.send("show only", by="query")
    assert list(panel.session.filters.entries) == ["query"]
    assert panel.component.filtering == ["query"]
    panel.send("show only", by="query")  # Enter again changes nothing
    panel.loop.until(lambda: panel.session.scene.shown_mask is not None)
    assert panel.search("word 1")["note"] == "3 shown · 11 rows in all"
    panel.send("replace", by="search")
    assert panel.session.selection.rows.tolist() == [12, 15, 18]
    panel.send("filter", by="query")
    assert not panel.session.filters.entries
    assert panel.component.filtering == []
    panel.loop.until(lambda: panel.component.found["note"] == "11 rows")


def test_a_filter_that_would_leave_nothing_is_refused_with_a_sentence(panel: Searched):
    panel.query("score > 7")
    panel.send("show only", by="query")
    assert panel.component.met["error"] == "No row meets this: there would be nothing left to show."
    assert not panel.session.filters.entries


def test_enter_does_not_filter_by_what_was_there_before_an_error(panel: Searched):
    panel.query("score > 0.5")
    assert "has no column scor" in panel.query("scor > 0.5")["error"]
    panel.send("show only", by="query")
    assert not panel.session.filters.entries
    panel.query("score > 0.5")
    panel.send("show only", by="query")
    panel.send("unfilter", by="query")
    assert not panel.session.filters.entries


def test_a_late_answer_to_an_old_question_is_dropped_and_its_search_stops(panel: Searched):
    begun, stopped = threading.Event(), threading.Event()

    def slow(dataset: Dataset, stop: Stop) -> None:
        begun.set()
        while not stop():
            stopped.wait(0.001)
        stopped.set()

    panel.view.search.ask(Question(50, "slow", slow))
    assert begun.wait(60)
    panel._asked = 50
    assert panel.search("word 7")["note"] == "1 row"
    assert stopped.wait(60)
    panel.loop.run()
    assert panel.component.found["note"] == "1 row"


def test_what_fails_inside_is_logged_and_said(panel: Searched, caplog: pytest.LogCaptureFixture):
    def broken(dataset: Dataset, stop: Stop) -> None:
        raise ZeroDivisionError

    panel.view.query.ask(Question(60, "broken", broken))
    panel.loop.until(lambda: "Something went wrong" in panel.component.met["error"])
    assert "could not look for rows" in caplog.text


def test_another_dataset_begins_without_hits(panel: Searched, opened: Callable[..., Dataset]):
    panel.search("word 1")
    panel.query("score > 0.5")
    before = panel.component.content["version"]
    opened(30, seed=1, note=np.arange(30))
    assert panel.component.columns == ["word", "kind", "score", "note"]
    assert panel.component.content["example"].startswith('kind == "a" and score > ')
    assert not panel.component.found["any"]
    assert not panel.component.met["any"]
    panel.component._handle_msg({"type": "search", "of": before, "asked": 3, "text": "word", "mode": "contains"})
    panel.loop.run()
    assert not panel.component.found["any"]


def test_hits_are_ringed_where_the_map_can(session: Session, loop: Any, opened: Callable[..., Dataset]):
    ringed: list[list[int]] = []
    pointed: list[int | None] = []
    panel = Searched(session, loop, on_mark=ringed.append, on_point=pointed.append)
    opened()
    panel.search("word 3")
    panel.send("mark")
    panel.search("word 7")
    panel.send("mark")
    assert ringed == [[3, *range(30, 40)], [7], []]
    panel.send("point", row=3)
    panel.send("point", row=None)
    panel.send("point", row="3")
    assert pointed == [3, None]


@pytest.mark.parametrize(
    "message",
    [
        None,
        {"type": "search"},
        {"type": "search", "asked": True, "text": "word"},
        {"type": "search", "asked": 7, "text": "word", "mode": "magic"},
        {"type": "search", "asked": 7, "text": "word", "mode": "contains", "column": "no such"},
        {"type": "query", "asked": 7, "text": 5},
        {"type": "go", "step": 5},
        {"type": "look", "row": 10**9, "at": 0},
        {"type": "look", "row": 1},
        {"type": "replace"},
    ],
)
def test_messages_that_make_no_sense_change_nothing(panel: Searched, message: dict[str, Any] | None):
    panel.component._handle_msg(message if message is None else {"of": panel.component.content["version"], **message})
    panel.loop.run()
    assert panel.flown == []
    assert panel.session.selection.count == 0
    assert not panel.component.found["any"]


def directions(texts: list[str]) -> NDArray[np.float32]:
    """Make a vector of a number that is written: an angle."""
    return np.array([[np.cos(float(text)), np.sin(float(text)), 0.0] for text in texts], np.float32)


@pytest.fixture
def meant(session: Session, loop: Any) -> Searched:
    panel = Searched(session, loop, on_mark=lambda rows: session.param.update(marked=rows))
    frame = pd.DataFrame({"angle": [str(number / 10) for number in range(31)], "said": [f"says\n<b>{number}</b>" for number in range(31)]})
    session.open(frame, text="angle", encoder=directions)
    loop.until(lambda: session.scene is not None)
    return panel


def test_meaning_lists_the_nearest_with_scores_marks_and_colors_them(meant: Searched):
    assert meant.component.encoder == "directions"
    found = meant.search("1.52", mode="meaning", k=3)
    assert (found["note"], found["ranked"]) == ("3 nearest in meaning", True)
    meant.loop.until(lambda: meant.listed == [15, 16, 14])
    assert [hit["score"] for hit in meant.component.listed["hits"]] == [1.0, 0.997, 0.993]
    assert meant.component.marking
    assert meant.session.marked == [15, 16, 14]
    before = meant.session.appearance.color_by
    meant.send("color")
    meant.loop.until(lambda: meant.component.coloring)
    assert meant.session.appearance.color_by == "similarity to search 1"
    meant.send("color")
    assert meant.session.appearance.color_by == before
    assert not meant.component.coloring
    meant.send("go", step=1)
    assert meant.flown == [15]
    meant.send("replace", by="search")
    assert np.flatnonzero(meant.session.selection.mask).tolist() == [14, 15, 16]


def test_meaning_is_searched_among_what_is_shown(meant: Searched):
    meant.search("1.52", mode="meaning", k=3)
    mask = np.ones(31, bool)
    mask[15] = False
    meant.session.filters.put("test", "not 15", mask)
    meant.loop.until(lambda: meant.listed == [16, 14, 17])
    meant.loop.until(lambda: meant.session.marked == [16, 14, 17])


def test_meaning_says_what_is_wrong(meant: Searched):
    assert "could not encode: ValueError" in meant.search("x", mode="meaning", k=3)["error"]
    assert meant.search("2", mode="contains")["note"] == "12 rows"
    assert not meant.component.found["ranked"]
    meant.session.open(pd.DataFrame({"x": [0.0, 1, 2], "y": [1.0, 2, 0], "z": [1.0, 0, 0]}), vectors=["x", "y", "z"])
    meant.loop.until(lambda: meant.component.encoder == "")
