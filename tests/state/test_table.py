from __future__ import annotations

from typing import Any

import pytest

from explorer.state.table import TableChoice


def test_a_click_goes_from_ascending_to_descending_to_no_order():
    choice = TableChoice()
    seen = []
    for _ in range(3):
        choice.sorted_by("year", further=False)
        seen.append(choice.sort)
    assert seen == [[["year", False]], [["year", True]], []]


def test_with_shift_a_column_orders_within_the_others():
    choice = TableChoice()
    for column, further in [("a", False), ("b", True), ("a", True), ("c", True), ("b", True), ("b", True)]:
        choice.sorted_by(column, further=further)
    assert choice.sort == [["a", True], ["c", False]]
    choice.sorted_by("c", further=False)
    assert choice.sort == [["c", True]]


def test_it_survives_json():
    choice = TableChoice(which="shown", columns=["b", "a"], sort=[["a", True]])
    other = TableChoice()
    other.load_json(choice.as_json())
    assert (other.which, other.columns, other.sort) == ("shown", ["b", "a"], [["a", True]])


@pytest.mark.parametrize("sort", [["a"], [["a"]], [["a", 1]], [[1, True]], "a"])
def test_what_is_no_order_is_refused(sort: Any):
    with pytest.raises(ValueError, match=r"sort|order"):
        TableChoice().load_json({"sort": sort})
