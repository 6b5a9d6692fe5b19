from __future__ import annotations

from explorer.jobs.turns import Turns


def test_owners_take_turns_and_keep_their_own_order() -> None:
    turns: Turns[str] = Turns()
    for item in ("a1", "a2", "a3"):
        turns.put("a", item)
    turns.put("b", "b1")
    turns.put(None, "n1")
    assert [turns.take(bool) for _ in range(6)] == ["a1", "b1", "n1", "a2", "a3", None]


def test_what_is_not_wanted_is_dropped_without_costing_a_turn() -> None:
    turns: Turns[int] = Turns()
    for item in (1, 2, 3):
        turns.put("a", item)
    turns.put("b", 4)
    assert turns.take(lambda item: item % 2 == 0) == 2
    assert turns.take(lambda item: item % 2 == 0) == 4
    assert turns.take(lambda item: item % 2 == 0) is None
    assert turns.take(lambda item: True) is None
