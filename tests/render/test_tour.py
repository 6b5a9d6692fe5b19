"""A grand tour: steady, without a jump, the same for equal seeds, and through every dimension."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadParameter
from explorer.render.camera import Camera
from explorer.render.tour import SPEED, Tour

H = 1e-3  # seconds


def pace(tour: Tour, seconds: float) -> float:
    return float(np.linalg.norm(tour.at(seconds + H).basis - tour.at(seconds).basis)) / H


@settings(max_examples=15, deadline=None)
@given(d=st.integers(3, 12), seed=st.integers(0, 1000), shares=st.lists(st.floats(0.001, 1), min_size=3, max_size=6))
def test_it_goes_at_a_steady_pace_and_sees_right_angles(d: int, seed: int, shares: list[float]):
    tour = Tour(d, seed)
    for share in shares:
        basis = tour.at(share * tour.seconds).basis
        np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-12)
        # of three dimensions a turn by an angle moves two of the three directions; a direction that is passed at a stop is left at once
        assert pace(tour, share * tour.seconds) <= SPEED * math.sqrt(2) * 1.01
    between = [pace(tour, seconds) for seconds in np.linspace(0.1, 0.9, 3)]
    assert max(between) == pytest.approx(min(between), rel=0.02)
    assert min(between) >= SPEED * 0.99


def test_it_never_jumps_and_comes_back():
    tour = Tour(5, 1)
    times = np.arange(0, tour.seconds + 5, 0.05)
    bases = np.array([tour.at(seconds).basis for seconds in times])
    assert np.linalg.norm(np.diff(bases, axis=0), axis=(1, 2)).max() <= 0.05 * SPEED * math.sqrt(2) * 1.01
    assert tour.at(0) == tour.at(-3) == tour.at(math.nan) == tour.at(math.inf) == Camera.facing(5)
    np.testing.assert_allclose(tour.at(tour.seconds + 7).basis, tour.at(7).basis, atol=1e-9)
    assert tour.seconds > 60


def test_equal_seeds_give_equal_tours():
    assert Tour(6, 3).at(50) == Tour(6, 3).at(50)
    assert Tour(6, 3).at(50) != Tour(6, 4).at(50)


def test_every_dimension_comes_into_view():
    tour = Tour(8, 2)
    shares = np.mean([tour.at(seconds).basis[:2] ** 2 for seconds in np.arange(0, tour.seconds, 2)], axis=0).sum(axis=0)
    assert shares == pytest.approx(2 / 8, abs=0.12)  # of two directions on the screen, each dimension has as much as any other


def test_it_begins_where_the_camera_is_and_stays_in_its_dimensions():
    start = Camera.facing(9, perspective=0.2).dragged(0.4, 0.3)
    tour = Tour(4, start=start)
    assert tour.at(0) == start
    for seconds in (0.5, 20.0, 100.0):
        camera = tour.at(seconds)
        assert camera.n_dims == 9
        assert (camera.basis[:, 4:] == 0).all()
        assert camera.perspective == pytest.approx(0.2)


def test_other_dimensions_are_refused():
    with pytest.raises(BadParameter, match="or more"):
        Tour(2)
    with pytest.raises(BadParameter, match="3 to 4"):
        Tour(5, start=Camera.facing(4))
