"""The way back and forward."""

from __future__ import annotations

from explorer.state.visits import Visits


def walk(*rows: int | None) -> Visits:
    made = Visits()
    for row in rows:
        made.visit(row)
    return made


def test_back_and_forward():
    visits = walk(1, 2, 3)
    assert (visits.can_go_back, visits.can_go_forward) == (True, False)
    assert [visits.back(), visits.back(), visits.back()] == [2, 1, None]
    assert [visits.forward(), visits.forward(), visits.forward()] == [2, 3, None]


def test_a_row_looked_at_after_going_back_takes_the_place_of_the_later_ones():
    visits = walk(1, 2, 3)
    row = visits.back()
    visits.visit(row)  # as the inspection says it
    assert visits.can_go_forward
    visits.visit(9)
    assert not visits.can_go_forward
    assert [visits.back(), visits.back()] == [2, 1]


def test_the_same_row_again_is_one_visit():
    assert not walk(4, 4).can_go_back


def test_from_nothing_back_is_to_the_last_row():
    visits = walk(1, 2, None)
    assert visits.back() == 2
    visits.visit(2)
    assert visits.back() == 1


def test_it_remembers_a_hundred_rows():
    visits = walk(*range(150))
    back = []
    while (row := visits.back()) is not None:
        back.append(row)
    assert back == list(range(148, 49, -1))
    visits.clear()
    assert (visits.can_go_back, visits.can_go_forward, visits.back()) == (False, False, None)
