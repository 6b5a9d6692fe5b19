from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import BadParameter, UnknownChoice, UnknownRow
from explorer.state.selection import Mode, Selection

N = 12
row_sets = st.sets(st.integers(0, N - 1))
masks = st.lists(st.booleans(), min_size=N, max_size=N).map(np.array)


def rows_of(selection: Selection) -> set[int]:
    return set(selection.rows.tolist())


@given(first=row_sets, second=row_sets, mode=st.sampled_from(["replace", "add", "subtract", "intersect"]), masked=st.booleans())
def test_modes_are_set_operations(first: set[int], second: set[int], mode: Mode, *, masked: bool):
    selection = Selection(N)
    selection.apply(first)
    given_rows: Any = np.isin(np.arange(N), list(second)) if masked else second
    selection.apply(given_rows, mode=mode)
    expected = {"replace": second, "add": first | second, "subtract": first - second, "intersect": first & second}[mode]
    assert rows_of(selection) == expected
    assert selection.count == len(expected)


@given(steps=st.lists(st.tuples(row_sets, st.sampled_from(["replace", "add", "subtract", "intersect"])), min_size=1, max_size=5))
def test_a_mask_that_somebody_holds_keeps_its_values(steps: list[tuple[set[int], Mode]]):
    selection, held = Selection(N), []
    for rows, mode in steps:
        held.append((selection.mask, selection.mask.copy()))
        selection.apply(rows, mode=mode)
    selection.clear()
    selection.reset(N + 1)
    assert all(np.array_equal(mask, copy) for mask, copy in held)


def test_a_mask_that_was_given_is_copied():
    selection, mask = Selection(4), np.array([True, False, True, False])
    selection.apply(mask)
    mask[:] = False
    assert selection.rows.tolist() == [0, 2]


@pytest.mark.parametrize(
    "rows",
    [
        [3, 1, 3],
        (1, 3),
        {1, 3},
        range(1, 4, 2),
        pytest.param(iter([1, 3]), id="an iterator"),
        np.array([1, 3], np.uint8),
        np.array([3, 1], np.uint64),
        [False, True, False, True, False],
    ],
    ids=repr,
)
def test_rows_come_in_any_order_and_form(rows: Any):
    selection = Selection(5)
    selection.apply(rows)
    assert selection.rows.tolist() == [1, 3]


@pytest.mark.parametrize("rows", [[], (), np.zeros(0), np.zeros(0, bool), np.zeros(5, bool), set()], ids=repr)
def test_nothing_is_a_selection_of_nothing(rows: Any):
    selection = Selection(5)
    selection.apply([1])
    selection.apply(rows)
    assert selection.count == 0


@pytest.mark.parametrize(("rows", "wrong"), [([0, 5], 5), ([-1], -1), (np.array([2, 10**12]), 10**12)])
def test_a_row_outside_is_refused_and_the_selection_stays(rows: Any, wrong: int):
    selection = Selection(5)
    selection.apply([1, 2], made_by="a lasso")
    before = selection.mask, selection.version
    with pytest.raises(UnknownRow, match=rf"no row {wrong}: the rows of this dataset are numbered 0 to 4\."):
        selection.apply(rows, mode="add")
    assert (selection.mask, selection.version) == before
    assert (selection.made_by, selection.count) == ("a lasso", 2)


@pytest.mark.parametrize("rows", [[True, False], np.zeros(6, bool), [1.0], ["1"], [None], [[True]] * 5], ids=repr)
def test_what_is_neither_numbers_nor_a_mask_of_all_rows_is_refused(rows: Any):
    selection = Selection(5)
    with pytest.raises(BadParameter, match="give whole row numbers, or a mask of all 5 rows"):
        selection.apply(rows)
    assert (selection.version, selection.count) == (0, 0)


def test_an_unknown_mode_is_refused():
    selection = Selection(5)
    with pytest.raises(BadParameter, match="choose replace, add, subtract, intersect"):
        selection.apply([1], mode="union")  # type: ignore[arg-type]
    assert selection.count == 0


def test_every_change_is_told_once_and_says_what_made_it():
    selection, told = Selection(5), []
    selection.param.watch(lambda *_: told.append((selection.version, selection.count, selection.made_by)), ["version"])
    selection.apply([1], made_by="the legend")
    selection.apply([1], made_by="a lasso")
    selection.clear()
    selection.reset(3)
    assert told == [(1, 1, "the legend"), (2, 1, "a lasso"), (3, 0, ""), (4, 0, "")]
    assert selection.mask.shape == (3,)


def test_a_named_selection_is_kept_and_recalled():
    selection = Selection(N)
    selection.apply([1, 2, 3])
    selection.keep("  three ")
    selection.apply([3, 4])
    selection.keep("two")
    assert selection.names == ["three", "two"]
    selection.recall("three", mode="subtract")
    assert selection.rows.tolist() == [4]
    assert selection.made_by == "three"
    assert np.flatnonzero(selection.kept("two")).tolist() == [3, 4]
    selection.forget("two")
    selection.forget("two")
    with pytest.raises(UnknownChoice, match="three"):
        selection.recall("two")
    assert selection.rows.tolist() == [4]


@pytest.mark.parametrize("name", ["", " ", "x" * 81])
def test_a_name_that_cannot_be_is_refused(name: str):
    selection = Selection(N)
    selection.apply([1])
    with pytest.raises(BadParameter):
        selection.keep(name)
    assert not selection.names


def test_nothing_cannot_be_kept():
    with pytest.raises(BadParameter, match="nothing is selected"):
        Selection(N).keep("nothing")


@given(masks, masks)
def test_inverting_stays_within_what_is_shown(mask: np.ndarray, within: np.ndarray):
    selection = Selection(N)
    selection.apply(mask)
    selection.invert(within)
    assert np.array_equal(selection.mask, within & ~mask)
    selection.undo()
    assert np.array_equal(selection.mask, mask)
    selection.invert()
    assert np.array_equal(selection.mask, ~mask)
