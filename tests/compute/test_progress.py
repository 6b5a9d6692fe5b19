from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.compute.progress import Cadence


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def read(self) -> float:
        """Tell the time."""
        return self.now


def test_a_report_is_due_at_once_and_then_in_its_time() -> None:
    clock = Clock()
    cadence = Cadence(0.5, 0.1, clock.read)
    assert cadence.due()
    assert not cadence.due()
    clock.now += 0.49
    assert not cadence.due()
    clock.now += 0.01
    assert cadence.due()


def test_what_a_report_costs_puts_off_the_next() -> None:
    clock = Clock()
    cadence = Cadence(0.5, 0.125, clock.read)
    assert cadence.due()
    with cadence.timed():
        clock.now += 0.25
    clock.now = 101.9
    assert not cadence.due()
    clock.now = 102.0
    assert cadence.due()


def test_a_report_that_fails_is_not_counted_and_its_error_goes_on() -> None:
    cadence = Cadence()
    with pytest.raises(ZeroDivisionError), cadence.timed():
        _ = 1 / 0


@given(st.lists(st.tuples(st.floats(0, 0.3), st.floats(0, 0.2)), max_size=200), st.floats(0.001, 0.5))
def test_reports_never_take_more_than_their_share(steps: list[tuple[float, float]], share: float) -> None:
    clock = Clock()
    cadence = Cadence(0.05, share, clock.read)
    spent, last, times = 0.0, 0.0, []
    for work, cost in steps:
        clock.now += work
        if cadence.due():
            assert spent <= share * (clock.now - 100.0) + 1e-6  # all but the one that is made now
            times.append(clock.now)
            with cadence.timed():
                clock.now += cost
            spent, last = spent + cost, cost
    assert spent - last <= share * (clock.now - 100.0) + 1e-6
    assert all(later - earlier >= 0.05 - 1e-9 for earlier, later in pairwise(times))
