"""Displacement against plain NumPy, and what it says of neighborhoods that move, break and burst."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.compute.displacement import displacement
from explorer.errors import BadParameter


def spread(layout: np.ndarray) -> float:
    """Mean distance from the medians of the nearest 85 %."""
    if not len(layout):
        return 0.0
    wide = layout.astype(np.float64)
    return float(np.sort(np.hypot(*(wide - np.median(wide, axis=0)).T))[: math.ceil(0.85 * len(wide))].mean())


def plainly(before: np.ndarray, after: np.ndarray, neighbors: list[list[int]]) -> np.ndarray:
    """Row by row, in float64."""
    both = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
    unit = (spread(before[both]) + spread(after[both])) / 2
    moves = after.astype(np.float64) - before
    moved = np.full(len(before), np.nan)
    for i in np.flatnonzero(both):
        others = [j for j in neighbors[i] if j >= 0 and both[j]]
        own = moves[i] - (moves[others].mean(axis=0) if others else 0)
        moved[i] = np.hypot(*own) / unit if unit else 0
    return moved


def nearest(places: np.ndarray, k: int) -> np.ndarray:
    """Each row's nearest rows, NaN last."""
    squares = ((places[:, None].astype(np.float64) - places[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(squares, np.inf)
    return np.argsort(squares, axis=1, kind="stable")[:, :k].astype(np.int32)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 40), k=st.integers(1, 20))
@settings(deadline=None, max_examples=80)
def test_moves_are_compared_with_those_of_the_true_neighbors(seed, n, k):
    rng = np.random.default_rng(seed)
    before, after = (rng.normal(size=(2, n, 2)) * 10).astype(np.float32)
    before[rng.random(n) < 0.1], after[rng.random(n) < 0.1, 1] = np.nan, np.inf
    neighbors = rng.integers(-1, n, (n, k)).astype(np.int32)
    wanted = plainly(before, after, neighbors[:, :15].tolist())
    np.testing.assert_allclose(displacement(before, after, neighbors=neighbors), wanted, rtol=1e-4, atol=1e-5)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 17))
@settings(deadline=None, max_examples=50)
def test_without_a_graph_the_nearest_of_the_window_are_the_neighbors(seed, n):
    rng = np.random.default_rng(seed)
    before, after = rng.normal(size=(2, n, 2)).astype(np.float32)  # so few rows are all in the window
    after[rng.random(n) < 0.1] = np.nan
    seen = np.where(np.isfinite(after), before, np.nan)
    neighbors = [row[: min(10, n - 1)] for row in nearest(np.where(np.isnan(seen), 1e6, seen), n).tolist()]
    np.testing.assert_allclose(displacement(before, after), plainly(before, after, neighbors), rtol=1e-4, atol=1e-5)


def two_clusters(n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two clouds far apart, which of them each row is in, and each row's nearest ten."""
    rng = np.random.default_rng(0)
    codes = np.arange(n) % 2
    before = (rng.normal(size=(n, 2)) + codes[:, None] * 20).astype(np.float32)
    return before, codes, nearest(before, 10)


@pytest.mark.parametrize("known", [True, False])
def test_a_cluster_that_moves_as_one_has_not_moved(known):
    before, codes, neighbors = two_clusters()
    after = before + np.where(codes[:, None] == 1, np.float32(9), np.float32(0))
    assert displacement(before, after, neighbors=neighbors if known else None).max() < 1e-5


@pytest.mark.parametrize("known", [True, False])
def test_a_row_that_is_torn_away_stands_out(known):
    before, _, neighbors = two_clusters()
    after = before.copy()
    unit = spread(before)
    after[8, 0] += np.float32(unit)
    moved = displacement(before, after, neighbors=neighbors if known else None)
    assert moved[8] == pytest.approx(1, rel=0.05)  # the row's own move changes the spread a little
    assert np.delete(moved, 8).max() <= 0.11  # one of ten neighbors left


@pytest.mark.parametrize("known", [True, False])
def test_a_neighborhood_torn_in_two_has_half_the_distance(known):
    before, codes, neighbors = two_clusters()
    after = before.copy()
    unit = spread(before)
    torn = (codes == 0) & (np.random.default_rng(1).random(len(codes)) < 0.5)
    after[torn, 0] -= np.float32(unit)
    moved = displacement(before, after, neighbors=neighbors if known else None) * (unit + spread(after)) / 2 / unit
    assert moved[codes == 0].mean() == pytest.approx(0.5, abs=0.06)
    assert moved[codes == 1].max() < 1e-5


def test_growing_shrinking_and_turning_around_a_row_cancel_out():
    ring = np.exp(2j * np.pi * np.arange(12) / 12)
    before = np.stack([ring.real, ring.imag], axis=1).astype(np.float32)
    before = np.concatenate([np.zeros((1, 2), np.float32), before])
    neighbors = np.full((13, 12), -1, np.int32)
    neighbors[0] = np.arange(1, 13)
    for factor in (3, 1j, 0.2 + 0.1j):
        turned = ring * factor
        after = np.concatenate([np.zeros((1, 2)), np.stack([turned.real, turned.imag], axis=1)]).astype(np.float32)
        assert displacement(before, after, neighbors=neighbors)[0] == pytest.approx(0, abs=1e-6)


def test_rows_without_neighbors_and_layouts_in_one_place():
    before, after = np.array([[0, 0], [2, 0]], np.float32), np.array([[0, 3], [2, 0]], np.float32)
    alone = displacement(before, after, neighbors=np.full((2, 1), -1, np.int32))
    unit = (1 + np.hypot(1, 1.5)) / 2
    np.testing.assert_allclose(alone, [3 / unit, 0], rtol=1e-5)
    same = np.full((6, 2), 5, np.float32)
    assert displacement(same, same).tolist() == [0] * 6
    assert displacement(same[:0], same[:0]).shape == (0,)
    assert np.isnan(displacement(same, same * np.float32(np.nan))).all()


def test_numbers_that_are_no_rows_are_passed_over():
    before, _, neighbors = two_clusters(40)
    odd = np.concatenate([np.full((40, 1), 10**6, np.int32), np.full((40, 1), -7, np.int32), neighbors], axis=1)
    after = (before + np.random.default_rng(0).normal(size=before.shape)).astype(np.float32)
    np.testing.assert_array_equal(displacement(before, after, neighbors=odd), displacement(before, after, neighbors=neighbors))


def test_layouts_or_neighbors_of_other_rows_are_refused():
    layout = np.zeros((4, 2), np.float32)
    with pytest.raises(BadParameter, match="two layouts can be compared if they are of the same rows"):
        displacement(layout, layout[:3])
    with pytest.raises(BadParameter, match="give some for each of the 4 rows"):
        displacement(layout, layout, neighbors=np.zeros((3, 2), np.int32))
