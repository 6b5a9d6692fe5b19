"""What a person did is undone in the order in which it was done, whatever it was; each step says what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.state import history as history_module
from explorer.state.appearance import Appearance, Hidden, look_words
from explorer.state.clusters import ClusterNaming, naming_words
from explorer.state.filters import Filters
from explorer.state.history import Followed, History
from explorer.state.selection import Selection

N = 12


class Person:
    """Everything that is undone, with one history."""

    def __init__(self) -> None:
        self.history = History()
        self.appearance, self.naming = Appearance(), ClusterNaming()
        self.selection, self.filters = Selection(N, history=self.history), Filters(N, history=self.history)
        Followed(self.history, self.appearance, [*self.appearance.as_json()], look_words, dragged=["point_size"])
        Followed(self.history, self.naming, ["renamed"], naming_words)

    def do(self, what: int, value: int) -> None:
        """Do one of the things that can be undone."""
        mask = np.arange(N) % (value + 2) == 0
        name = "abc"[value % 3]
        actions: list[Any] = [
            lambda: self.appearance.param.update(color_by=name),
            lambda: self.appearance.hide_in("kind", self.appearance.hidden_in("kind").hide([name])),
            lambda: self.appearance.param.update(palette=name, density=["log", "linear", "equalized"][value % 3]),
            lambda: self.naming.rename(0, value, name),
            lambda: self.selection.apply(mask, made_by=name),
            lambda: self.filters.put(name, name, mask),
            lambda: self.selection.forget(name) if name in self.selection.names else self.selection.apply([1]) or self.selection.keep(name),
            self.selection.clear,
        ]
        actions[what]()

    def all(self) -> tuple[object, ...]:
        """Give everything that is set, ready to be compared."""
        masks = [(key, entry.label, entry.mask.tolist()) for key, entry in self.filters.entries.items()]
        kept = {name: self.selection.kept(name).tolist() for name in self.selection.names}
        return self.appearance.as_json(), self.naming.as_json(), self.selection.mask.tolist(), self.selection.made_by, kept, masks


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 4)), max_size=12))
def test_undo_goes_back_through_everything_and_redo_forth_again(actions: list[tuple[int, int]]):
    person = Person()
    start = person.all()
    for what, value in actions:
        person.do(what, value)
    end, back = person.all(), 0
    while person.history.can_undo:
        person.history.undo()
        back += 1
    assert person.all() == start
    assert person.history.undoes == ""
    for _ in range(back):
        person.history.redo()
    assert person.all() == end
    assert not person.history.can_redo


def test_each_step_says_what_it_was():
    person = Person()
    said = []
    person.history.param.watch(lambda *_: said.append(person.history.undoes), ["undoes"])
    person.appearance.color_by = "topic"
    person.appearance.hide_in("topic", Hidden().hide(["birds"]))
    person.appearance.hide_in("topic", Hidden().hide(["birds", None]))
    person.appearance.hide_in("topic", Hidden().hide(["birds"]))
    person.appearance.hide_in("topic", Hidden().hide(["birds", "cats", "dogs"]))
    person.appearance.hide_in("topic", Hidden.but(["cats"]))
    person.appearance.hide_in("topic", Hidden())
    person.appearance.point_size = 3
    person.appearance.density = "linear"
    person.appearance.labels = "clusters"
    person.appearance.labels = "none"
    person.appearance.palette = "glasbey"
    person.appearance.color_scale = "log"
    person.appearance.color_scale = "rank"
    person.appearance.color_by = None
    person.selection.apply([1], made_by="a lasso")
    person.selection.keep("mine")
    person.selection.clear()
    person.selection.forget("mine")
    person.filters.put("query", "n > 3", np.ones(N, bool))
    person.filters.remove("query")
    person.naming.rename(1, 2, "things that\nfly")
    assert said == [
        "color by topic",
        "hide birds",
        "hide no value",
        "show no value",
        "hide some of topic",
        "show cats alone",
        "show all of topic",
        "point size 3",
        "density linear",
        "labels on the map: clusters",
        "no labels on the map",
        "colors glasbey",
        "log color scale",
        "rank color scale",
        "one color",
        "select by a lasso",
        "keep the selection mine",
        "clear the selection",
        "forget the selection mine",
        "filter n > 3",
        "remove the filter n > 3",
        "name a cluster things that fly",
    ]
    person.history.undo()
    assert (person.history.undoes, person.history.redoes) == ("remove the filter n > 3", "name a cluster things that fly")


def test_a_long_name_is_shortened():
    person = Person()
    person.appearance.color_by = "x" * 500
    assert len(person.history.undoes) == 60
    assert person.history.undoes.startswith("color by xxx")
    assert person.history.undoes.endswith("…")


def test_one_drag_of_a_slider_is_one_step_and_the_next_is_another(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(history_module, "monotonic", lambda: now[0])
    person = Person()
    for size in (2, 3, 4):
        person.appearance.point_size = size
        now[0] += 0.2
    now[0] += 5
    person.appearance.point_size = 8
    assert person.history.undoes == "point size 8"
    person.history.undo()
    assert (person.appearance.point_size, person.history.undoes) == (4, "point size 4")
    person.appearance.point_size = 5  # at once, but not of the drag before
    person.history.undo()
    assert person.appearance.point_size == 4
    person.history.undo()
    assert person.appearance.point_size is None
    assert not person.history.can_undo


def test_two_quick_changes_that_no_slider_made_are_two_steps():
    person = Person()
    person.appearance.color_by = "a"
    person.appearance.color_by = "b"
    person.history.undo()
    assert person.appearance.color_by == "a"


def test_what_a_drag_began_is_not_continued_by_another_change():
    person = Person()
    person.selection.apply([1], made_by="a brush")
    person.appearance.color_by = "a"
    with person.history.continued():
        person.selection.apply([1, 2], made_by="a longer brush")
    assert person.history.undoes == "select by a longer brush"
    person.history.undo()
    assert person.selection.rows.tolist() == [1]
    assert person.appearance.color_by == "a"


def test_what_is_set_together_is_one_step_and_what_fails_is_none():
    person = Person()
    person.selection.apply([5])
    before = person.all()
    with person.history.together("open the bookmark far"):
        person.appearance.param.update(color_by="a", palette="b")
        person.selection.load(np.arange(N) < 3, "a lasso", {"few": np.arange(N) < 2})
        person.filters.clear()
        person.filters.put("a", "a", np.ones(N, bool))
        person.filters.put("b", "b", np.ones(N, bool))
        person.appearance.color_by = "c"
    after = person.all()
    assert person.history.undoes == "open the bookmark far"
    person.history.undo()
    assert person.all() == before
    person.history.redo()
    assert person.all() == after
    with pytest.raises(ValueError, match="density"), person.history.together("fail"):
        person.appearance.param.update(color_by="x", density="none such")
    assert person.history.undoes == "open the bookmark far"


def test_what_nobody_did_is_not_remembered():
    person = Person()
    with person.history.unrecorded():
        person.appearance.color_by = "a"
        person.selection.apply([1])
    person.naming.rename(0, 0, "")  # it is called so already
    assert not person.history.can_undo


def test_the_masks_of_kept_selections_count():
    selection = Selection(8_000_000)
    selection.apply([1])
    for at in range(200):
        selection.keep("one")
        selection.apply([at])
    steps = 0
    while selection.history.can_undo:
        selection.undo()
        steps += 1
    assert steps == 100


@given(st.lists(st.booleans(), max_size=60))
def test_of_many_steps_that_make_nothing_the_first_and_the_last_are_kept_and_no_other_is_lost(passing: list[bool]):
    history = History()
    for at, passes in enumerate(passing):
        history.record(_Number(at), f"{'look' if passes else 'make'} {at}", passing=passes)
    kept = []
    while history.can_undo:
        kept.append(history.undoes)
        history.undo()
    kept.reverse()
    assert [what for what in kept if what.startswith("make")] == [f"make {at}" for at, passes in enumerate(passing) if not passes]
    runs: list[list[str]] = [[]]
    for at, passes in enumerate(passing):
        if passes:
            runs[-1].append(f"look {at}")
        elif runs[-1]:
            runs.append([])
    left = set(kept)
    for run in filter(None, runs):
        most = history_module._PASSING
        assert [what for what in run if what in left] == (run if len(run) <= most else [run[0], *run[1 - most :]])


class _Number:
    """Something that is undone and has nothing to undo."""

    def __init__(self, number: int) -> None:
        self._number = number

    def snapshot(self) -> tuple[int, int]:
        """Give its number."""
        return self._number, 8

    def restore(self, snapshot: int) -> None:
        """Be as before."""
        assert snapshot == self._number
