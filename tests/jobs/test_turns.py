from __future__ import annotations

from explorer.jobs.turns import Turns


def test_owners_take_turns_and_keep_their_own_order() -> None:
    turns: Turns[str] = Turns()
    for item in ("a1", "a2", "a3"):
        turns.put("a", item)
    turns.put("b", "b1")
    turns.put(None, "n1")
    assert [turns.take(bool) for _ in range(6)] == [("a", "a1"), ("b", "b1"), (None, "n1"), ("a", "a2"), ("a", "a3"), None]


def test_what_is_not_wanted_is_dropped_without_costing_a_turn() -> None:
    turns: Turns[int] = Turns()
    for item in (1, 2, 3):
        turns.put("a", item)
    turns.put("b", 4)
    assert turns.take(lambda item: item % 2 == 0) == ("a", 2)
    assert turns.take(lambda item: item % 2 == 0) == ("b", 4)
    assert turns.take(lambda item: item % 2 == 0) is None
    assert turns.take(lambda item: True) is None


def test_who_is_busy_waits_and_keeps_the_place() -> None:
    turns: Turns[str] = Turns()
    for owner in "abc":
        turns.put(owner, f"{owner}1")
    assert turns.take(bool, {"a"}) == ("b", "b1")
    assert turns.take(bool, {"a", "c"}) is None
    assert turns.take(bool) == ("a", "a1")
    assert turns.take(bool) == ("c", "c1")


def test_the_order_is_that_in_which_things_are_taken_each_once() -> None:
    turns: Turns[str] = Turns()
    assert turns.order() == []
    for owner, item in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "a2"), ("c", "a1"), ("a", "a3")):
        turns.put(owner, item)
    order = turns.order()
    assert order == ["a1", "b1", "a2", "a3"]
    taken = [turns.take(bool) for _ in range(6)]
    assert list(dict.fromkeys(found[1] for found in taken if found)) == order
