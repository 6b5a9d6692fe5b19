"""Peaks of groups: where each is densest, against plain NumPy; a group in pieces has a peak in each of them."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.compute.peaks import MOST_PEAKS, Peaks, peaks


def made(n: int, n_groups: int, *, spread: float = 0.5) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    centers = rng.uniform(-10, 10, (n_groups, 2))
    codes = rng.integers(0, n_groups, n).astype(np.int32)
    return (centers[codes] + rng.normal(0, spread, (n, 2))).astype(np.float32), codes, centers


def firsts(found: Peaks) -> NDArray[np.intp]:
    return np.unique(found.groups, return_index=True)[1]


@given(
    st.lists(st.tuples(st.floats(-100, 100, width=32), st.floats(-100, 100, width=32), st.integers(-2, 7)), max_size=80),
    st.integers(0, 6),
)
def test_counts_and_bounds_are_those_of_numpy_and_each_group_with_rows_has_a_peak_among_them(
    rows: list[tuple[float, float, int]], n_groups: int
):
    x, y = (np.array([row[at] for row in rows], np.float32) for at in (0, 1))
    codes = np.array([row[2] for row in rows], np.int64)
    found = peaks(x, y, codes, n_groups)
    assert found.counts.tolist() == [int((codes == group).sum()) for group in range(n_groups)]
    assert sorted(set(found.groups.tolist())) == [group for group in range(n_groups) if found.counts[group]]
    assert (np.diff(found.groups) >= 0).all()
    assert np.isfinite(found.places).all()
    for group in range(n_groups):
        inside = codes == group
        heights = found.heights[found.groups == group]
        if not inside.any():
            assert np.isnan(found.bounds[group]).all()
            assert found.spans[group] == 0
            continue
        assert found.bounds[group].tolist() == [x[inside].min(), x[inside].max(), y[inside].min(), y[inside].max()]
        assert found.spans[group] > 0
        assert heights[0] == 1
        assert (np.diff(heights) <= 0).all()
        assert 0 < len(heights) <= MOST_PEAKS


def test_a_peak_is_where_a_histogram_by_numpy_is_highest():
    places, codes, centers = made(30_000, 12)
    x, y = places.T.copy()
    found = peaks(x, y, codes, 12)
    main = found.places[firsts(found)]
    assert np.hypot(*(main - centers).T).max() < 0.5
    edges = np.linspace(-13, 13, 40)
    for group in range(12):
        tally = np.histogram2d(x[codes == group], y[codes == group], bins=(edges, edges))[0]
        column, line = np.unravel_index(tally.argmax(), tally.shape)
        middle = (edges[column] + edges[column + 1]) / 2, (edges[line] + edges[line + 1]) / 2
        assert np.hypot(*(main[group] - middle)) < 1.5


def test_a_group_in_pieces_is_named_in_each_and_never_between_them():
    rng = np.random.default_rng(1)
    pieces = np.array([[0, 0], [30, 0], [0, 40]])
    of = np.repeat([0, 1, 2], [600, 300, 200])
    places = (pieces[of] + rng.normal(0, 1, (1100, 2))).astype(np.float32)
    found = peaks(*places.T.copy(), np.zeros(1100, np.int8), 1)
    for piece in pieces:
        assert np.hypot(*(found.places - piece).T).min() < 1.0
    assert np.hypot(*(found.places[0] - pieces[0]).T) < 1.0, "the largest comes first"
    assert max(np.hypot(*(pieces - place).T).min() for place in found.places) < 3.5


def test_rows_far_out_do_not_make_the_grid_coarse():
    places, codes, centers = made(5_000, 5)
    places[:10] = 1e6
    found = peaks(*places.T.copy(), codes, 5)
    assert np.hypot(*(found.places[firsts(found)] - centers).T).max() < 0.5


def test_without_rows_there_is_nothing_and_all_in_one_place_is_a_peak():
    nothing = np.zeros(0, np.float32)
    assert not len(peaks(nothing, nothing, np.zeros(0, np.int32), 3).groups)
    same = peaks(np.full(5, 2.0, np.float32), np.full(5, -3.0, np.float32), np.zeros(5, np.int32), 1)
    assert same.places.tolist() == [[2.0, -3.0]]


def test_a_million_rows_in_a_thousand_groups_take_about_a_second():
    places, codes, centers = made(1_000_000, 1_000, spread=0.2)
    x, y = places.T.copy()
    started = time.process_time()
    found = peaks(x, y, codes, 1_000)
    assert time.process_time() - started < 2.0
    assert len(firsts(found)) == 1_000
    assert np.median(np.hypot(*(found.places[firsts(found)] - centers).T)) < 0.15
