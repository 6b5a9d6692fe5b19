from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.coloring import MISSING, Coloring
from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.state.appearance import NOTHING_HIDDEN, Hidden
from explorer.views import legend as module
from explorer.views.legend import Legend, legend_content


class Clicked:
    """A legend and what a browser would send."""

    def __init__(self, session: Session, loop: Any) -> None:
        self.legend, self._session, self._loop = Legend(session), session, loop

    @property
    def component(self) -> Any:
        """What the browser has."""
        return self.legend.component

    def color_by(self, column: str) -> None:
        """Choose a column and wait for its legend."""
        self._session.appearance.color_by = column
        self._loop.until(lambda: self.component.content["title"] == column)

    def send(self, kind: str, **more: Any) -> None:
        """Send what a browser sends."""
        self.component._handle_msg({"type": kind, "of": self.component.content.get("version"), **more})
        self._loop.run()

    def search(self, text: str) -> list[str]:
        """Search and wait; names of those that were found."""
        self.send("search", text=text)
        self._loop.until(lambda: self.component.found.get("text") == text)
        return [entry[0] for entry in self.component.found["entries"]]

    @property
    def shown(self) -> list[str]:
        """Names of the listed categories that are not hidden."""
        return [name for name, _, _, code in self.component.content["entries"] if code not in self.component.hidden]

    def code(self, name: str) -> int:
        """Find the code of a listed category."""
        return next(code for entry, _, _, code in self.component.content["entries"] if entry == name)


@pytest.fixture
def clicked(session: Session, loop: Any) -> Clicked:
    return Clicked(session, loop)


def words(n: int, k: int) -> list[str | None]:
    """Values of k categories, n of them, the last one missing."""
    return [*(f"w{i % k:03d}" for i in range(n - 1)), None]


def test_the_legend_follows_the_color_on_the_map(session: Session, loop: Any, opened: Callable[..., Dataset]):
    legend = Legend(session)
    assert legend.component.content == {}
    opened()
    assert [entry[0] for entry in legend.component.content["entries"]] == ["a", "b", "c"]
    session.appearance.color_by = "score"
    loop.until(lambda: legend.component.content["title"] == "score")
    assert "bar" in legend.component.content


def test_a_legend_is_written_when_the_colors_change_and_not_for_every_scene(
    session: Session, opened: Callable[..., Dataset], loop: Any, monkeypatch: pytest.MonkeyPatch
):
    written: list[str | None] = []

    def content(coloring: Coloring, meaning: str) -> dict[str, Any]:
        written.append(coloring.column)
        return legend_content(coloring, meaning)

    monkeypatch.setattr(module, "legend_content", content)
    legend = Legend(session)
    opened()
    scene = session.scene
    session.selection.apply([1, 2])
    loop.until(lambda: session.scene is not scene)
    assert written == ["kind"]
    session.appearance.color_by = "score"
    loop.until(lambda: session.scene.coloring.column == "score")
    assert written == ["kind", "score"]
    assert legend.component.content["title"] == "score"


def test_a_click_hides_a_category_and_another_one_shows_it(clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    clicked.send("toggle", code=clicked.code("b"))
    assert clicked.shown == ["a", "c"]
    assert clicked.component.some_hidden
    assert session.appearance.hidden == {"kind": ["b"]}
    loop.until(lambda: session.scene.n_shown == 27)
    clicked.send("toggle", code=clicked.code("b"))
    assert clicked.shown == ["a", "b", "c"]
    assert not clicked.component.some_hidden
    loop.until(lambda: session.scene.n_shown == 40)


def test_a_double_click_shows_one_alone_and_on_the_only_one_shows_all(clicked: Clicked, session: Session, opened: Callable[..., Dataset]):
    opened()
    clicked.send("toggle", code=clicked.code("a"))
    clicked.send("solo", code=clicked.code("b"))
    assert clicked.shown == ["b"]
    clicked.send("solo", code=clicked.code("a"))
    assert clicked.shown == ["a"]
    clicked.send("toggle", code=clicked.code("c"))
    assert clicked.shown == ["a", "c"]
    clicked.send("toggle", code=clicked.code("a"))
    clicked.send("solo", code=clicked.code("c"))
    assert clicked.shown == ["a", "b", "c"]
    assert session.appearance.hidden == {}


def test_a_slow_double_click_takes_its_first_click_back(clicked: Clicked, session: Session, opened: Callable[..., Dataset]):
    opened()
    for shown in (["b"], ["a", "b", "c"]):
        clicked.send("toggle", code=clicked.code("b"))
        clicked.send("late solo", code=clicked.code("b"))
        assert clicked.shown == shown


def test_showing_the_last_hidden_one_is_showing_all(clicked: Clicked, session: Session, opened: Callable[..., Dataset]):
    opened()
    clicked.send("solo", code=0)
    assert session.appearance.hidden == {"kind": {"all_but": ["a"]}}
    clicked.send("toggle", code=1)
    clicked.send("toggle", code=2)
    assert session.appearance.hidden == {}


def test_all_can_be_hidden_and_shown_again(clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    for code in range(3):
        clicked.send("toggle", code=code)
    loop.until(lambda: session.scene.n_shown == 0)
    assert clicked.shown == []
    clicked.send("all")
    loop.until(lambda: session.scene.n_shown == 40)
    assert clicked.shown == ["a", "b", "c"]


def test_rows_without_a_value_are_a_category_of_their_own(clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(kind=["a", "b", None, "no value"] * 10)
    assert [entry[0] for entry in clicked.component.content["entries"]] == ["a", "b", "no value", "no value"]
    clicked.send("toggle", code=MISSING)
    assert clicked.component.hidden == [MISSING]
    assert session.appearance.hidden == {"kind": [None]}
    clicked.send("solo", code=MISSING)
    loop.until(lambda: session.scene.n_shown == 10)
    assert not session.scene.shown_mask[[0, 1, 3]].any()


def test_of_a_number_column_rows_without_a_value_can_be_hidden(
    clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]
):
    score = np.linspace(0, 1, 40)
    score[:4] = np.nan
    opened(score=score)
    clicked.color_by("score")
    assert [entry[0] for entry in clicked.component.content["entries"]] == ["no value"]
    clicked.send("toggle", code=MISSING)
    loop.until(lambda: session.scene.n_shown == 36)
    clicked.send("toggle", code=MISSING)
    clicked.send("solo", code=MISSING)
    loop.until(lambda: session.scene.n_shown == 4)
    clicked.send("solo", code=MISSING)
    loop.until(lambda: session.scene.n_shown == 40)


def test_each_column_has_its_own_hidden_ones(clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(word=["x", "y"] * 20)
    clicked.color_by("kind")
    clicked.send("toggle", code=clicked.code("b"))
    clicked.color_by("word")
    assert clicked.shown == ["x", "y"]
    clicked.color_by("kind")
    assert clicked.shown == ["a", "c"]
    session.appearance.hide_in("kind", Hidden(frozenset(["gone"])))  # from a link made with other data
    assert clicked.shown == ["a", "b", "c"]
    assert not clicked.component.some_hidden


def test_a_search_box_comes_with_more_than_20_categories(clicked: Clicked, session: Session, opened: Callable[..., Dataset]):
    opened(kind=[f"w{i % 20}" for i in range(40)])
    assert clicked.component.content["searchable"] == ""
    opened(kind=[f"w{i % 21}" for i in range(63)], n=63)
    assert clicked.component.content["searchable"] == "Search 21 categories"


def test_found_ones_are_hidden_or_shown_alone_together(clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(n=120, kind=words(120, 30))
    assert clicked.search("W01") == [f"w01{i}" for i in range(10)]
    assert clicked.component.found["note"] == "10 found"
    clicked.send("only", text="W01")
    assert clicked.shown == [f"w01{i}" for i in range(10)]
    clicked.send("hide", text="W01")
    assert clicked.shown == []
    clicked.send("all")
    clicked.send("hide", text="w02")  # was not searched for: the browser is behind
    assert session.appearance.hidden == {}
    assert clicked.search("nothing") == []
    assert clicked.component.found["note"] == "None has that in its name."
    clicked.send("search", text=" ")
    loop.until(lambda: clicked.component.found == {})


def test_a_search_looks_at_all_categories_and_not_at_the_listed_ones_alone(
    clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]
):
    n = 3_000
    opened(n=n, kind=[f"w{i}" for i in range(n - 1)] + ["w0"])
    clicked.color_by("kind")
    content = clicked.component.content
    assert (len(content["entries"]), content["entries"][0][:1]) == (1_000, ["w0"])
    assert content["note"] == "2,745 rarer categories share one gray. The 1,000 most common of 2,999 are listed."
    assert clicked.search("w2998") == ["w2998"]
    assert len(clicked.search("w")) == 1_000
    assert clicked.component.found["note"] == "2,999 found, 1,000 are listed"
    clicked.search("w2998")
    clicked.send("solo", code=clicked.component.found["entries"][0][-1])
    assert session.appearance.hidden == {"kind": {"all_but": ["w2998"]}}
    loop.until(lambda: session.scene.n_shown == 1)


def test_names_are_cut_where_they_are_too_long(clicked: Clicked, session: Session, opened: Callable[..., Dataset]):
    opened(kind=["x" * 5_000, "<b>b</b>"] * 20)
    clicked.color_by("kind")
    assert [len(entry[0]) for entry in clicked.component.content["entries"]] == [8, 201]
    clicked.send("solo", code=clicked.component.content["entries"][1][-1])
    assert session.appearance.hidden == {"kind": {"all_but": ["x" * 5_000]}}


@pytest.mark.parametrize(
    "message",
    [
        None, [], "toggle", {"type": "toggle"}, {"type": "toggle", "code": 3}, {"type": "toggle", "code": -2},
        {"type": "toggle", "code": True}, {"type": "solo", "code": "a"}, {"type": "solo", "code": 1.0}, {"type": ["solo"], "code": 1},
        {"type": "hide", "text": "a"},
        {"type": "only"}, {"type": "search"}, {"type": "search", "text": 3}, {"type": "evil", "code": 1},
    ],
)  # fmt: skip
def test_a_message_that_makes_no_sense_changes_nothing(
    message: Any, clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]
):
    opened()
    before = dict(clicked.component.content)
    if isinstance(message, dict):
        message = {"of": before["version"], **message}
    clicked.component._handle_msg(message)
    loop.run()
    assert (session.appearance.hidden, clicked.component.content, clicked.component.found) == ({}, before, {})


def test_a_click_on_what_is_no_longer_listed_changes_nothing(clicked: Clicked, session: Session, opened: Callable[..., Dataset]):
    clicked.send("all")
    opened(seed=1)
    old = clicked.component.content["version"]
    opened(seed=2)
    clicked.send("toggle", code=0, of=old)
    assert session.appearance.hidden == {}


def test_one_category_can_be_hidden_and_comes_back(clicked: Clicked, session: Session, opened: Callable[..., Dataset]):
    opened(kind=["only"] * 40)
    clicked.color_by("kind")
    made = session.scene.coloring
    assert module.changed(made, NOTHING_HIDDEN, "toggle", [0]) == Hidden(frozenset(["only"]))
    assert module.changed(made, Hidden(frozenset(["only"])), "toggle", [0]) == NOTHING_HIDDEN
    assert module.changed(made, NOTHING_HIDDEN, "solo", [0]) == NOTHING_HIDDEN


def test_the_rows_of_a_category_are_selected_as_far_as_they_are_shown(
    clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]
):
    dataset = opened()
    kinds = np.array(dataset.table.column("kind").to_pylist(), dtype=object)
    clicked.send("select", code=clicked.code("a"))
    loop.until(lambda: session.selection.count)
    assert np.array_equal(session.selection.mask, kinds == "a")
    assert session.selection.made_by == "kind a"
    session.filters.put("few", "few", np.arange(40) < 20)
    loop.until(lambda: session.scene.shown_mask is not None)
    clicked.send("select", code=clicked.code("b"), mode="add")
    loop.until(lambda: session.selection.made_by == "kind b")
    assert np.array_equal(session.selection.mask, (kinds == "a") | ((kinds == "b") & (np.arange(40) < 20)))
    for nonsense in ({"code": 99}, {"code": "a"}, {"text": "a"}, {"code": 0, "mode": "or"}, {}):
        clicked.send("select", **nonsense)
    loop.run()
    assert session.selection.made_by == "kind b"


def test_what_a_search_found_is_selected(clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]):
    dataset = opened(kind=words(40, 30))
    clicked.color_by("kind")
    values = dataset.table.column("kind").to_pylist()
    clicked.search("w00")
    clicked.send("select", text="w00")
    loop.until(lambda: session.selection.count)
    assert session.selection.rows.tolist() == [row for row, value in enumerate(values) if value is not None and "w00" in value]


def test_a_category_of_which_no_row_is_shown_leaves_the_selection_as_it_is(
    clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]
):
    opened()
    session.selection.apply([1, 2])
    clicked.send("toggle", code=clicked.code("b"))
    loop.until(lambda: session.scene.shown_mask is not None)
    clicked.send("select", code=clicked.code("b"))
    loop.until(lambda: session.error)
    assert session.error == "No row of b is shown, so the selection stays. Show it in the legend, or remove a filter."
    assert session.selection.rows.tolist() == [1, 2]


def test_it_says_how_many_of_each_category_are_selected(clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(kind=["a", "b", None, "c"] * 10)
    a, b, c = (clicked.code(name) for name in "abc")
    session.selection.apply([0, 4, 2])
    loop.until(lambda: clicked.component.selected == [[MISSING, "1"], [a, "2"]])
    session.selection.apply([1], mode="add")
    loop.until(lambda: clicked.component.selected == [[MISSING, "1"], [a, "2"], [b, "1"]])
    session.selection.clear()
    loop.run()
    assert clicked.component.selected == []
    session.selection.apply(np.ones(40, bool))
    loop.until(lambda: [code for code, _ in clicked.component.selected] == [MISSING, a, b, c])
    clicked.color_by("score")
    loop.run()
    assert clicked.component.selected == []
    opened(seed=5)
    assert clicked.component.selected == []


def test_selected_ones_are_counted_for_what_a_search_finds_too(
    clicked: Clicked, session: Session, loop: Any, opened: Callable[..., Dataset]
):
    n = 3_000
    opened(n=n, kind=[f"w{i}" for i in range(n - 1)] + ["w0"])
    clicked.color_by("kind")
    session.selection.apply([0, n - 1, 2998])
    loop.until(lambda: [count for _, count in clicked.component.selected] == ["2"])
    clicked.search("w2998")
    loop.run()
    assert [count for _, count in clicked.component.selected] == ["2", "1"]
    session.selection.apply([2998])
    loop.until(lambda: [count for _, count in clicked.component.selected] == ["1"])
