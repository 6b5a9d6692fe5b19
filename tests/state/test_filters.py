"""Filters: what passes is what passes all; undo takes filters and selections back in the order of their changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import BadParameter
from explorer.state.filters import Filters
from explorer.state.history import History, PackedMask
from explorer.state.selection import Selection

N = 21

masks = st.lists(st.booleans(), min_size=N, max_size=N).map(np.array)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), masks))))
def test_rows_pass_that_pass_every_filter(changes: list[tuple[str, np.ndarray | None]]):
    filters, expected = Filters(N), dict[str, np.ndarray]()
    for key, mask in changes:
        if mask is None:
            filters.remove(key)
            expected.pop(key, None)
        else:
            filters.put(key, key, mask)
            expected[key] = mask
        assert list(filters.entries) == list(expected)
        passing = np.logical_and.reduce([np.ones(N, bool), *expected.values()])
        assert (filters.mask is None) == (not expected)
        assert filters.mask is None or np.array_equal(filters.mask, passing)
        for name in "abc":
            others = [mask for other, mask in expected.items() if other != name]
            left = filters.mask_without(name)
            assert (left is None) == (not others)
            assert left is None or np.array_equal(left, np.logical_and.reduce(others))


def test_a_filter_knows_its_label_and_how_many_pass():
    filters = Filters(N)
    filters.put("query", "n > 3", np.arange(N) > 3)
    assert filters.entries["query"].label == "n > 3"
    assert filters.entries["query"].count == N - 4
    filters.clear()
    assert not filters.entries
    assert filters.version == 2


@pytest.mark.parametrize("mask", [np.ones(N - 1, bool), np.ones(N, np.uint8), np.ones((N, 1), bool)])
def test_a_mask_of_other_rows_is_refused_and_nothing_changes(mask: np.ndarray):
    filters = Filters(N)
    with pytest.raises(BadParameter, match="one bool for each of the 21 rows"):
        filters.put("x", "x", mask)
    assert filters.mask is None
    assert not filters.history.can_undo


def test_selection_and_filters_are_undone_in_the_order_of_their_changes():
    history = History()
    selection, filters = Selection(N, history=history), Filters(N, history=history)
    selection.apply([1, 2], made_by="a lasso")
    filters.put("f", "few", np.arange(N) < 5)
    selection.apply([3], mode="add", made_by="Python")
    history.undo()
    assert selection.rows.tolist() == [1, 2]
    assert selection.made_by == "a lasso"
    history.undo()
    assert filters.mask is None
    assert selection.count == 2
    history.redo()
    assert list(filters.entries) == ["f"]
    assert filters.mask is not None
    assert int(filters.mask.sum()) == 5
    history.undo()
    history.undo()
    assert not selection.count
    assert not history.can_undo
    history.undo()
    for _ in range(3):
        history.redo()
    assert not history.can_redo
    assert selection.rows.tolist() == [1, 2, 3]
    history.undo()
    selection.clear()
    assert not history.can_redo, "what comes after a change is forgotten by another one"


def test_the_history_is_bounded():
    selection = Selection(N)
    for row in range(150):
        selection.apply([row % N])
    steps = 0
    while selection.history.can_undo:
        selection.undo()
        steps += 1
    assert steps == 100


@given(masks)
def test_a_packed_mask_is_the_mask(mask: np.ndarray):
    assert np.array_equal(PackedMask.of(mask).unpack(), mask)
