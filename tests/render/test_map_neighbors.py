"""Nearest rows on a map, against sorting all of them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.render.layout_index import LayoutIndex
from explorer.render.map_neighbors import map_ranks, nearest_on_map


def layout(seed, n, missing, grid):
    """Rows in clusters, or on a grid, where ties abound; some rows are left out."""
    rng = np.random.default_rng(seed)
    xy = rng.normal(size=(n, 2)) + 8 * rng.integers(0, 4, (n, 1))
    xy = (np.round(xy * 2) if grid else xy).astype(np.float32)
    xy[rng.random(n) < missing, rng.integers(0, 2)] = rng.choice([np.nan, np.inf])
    return xy


def squares_to(xy, place):
    return ((xy.astype(np.float64) - place.astype(np.float64)) ** 2).sum(axis=1)


cases = given(
    seed=st.integers(0, 1_000), n=st.integers(1, 7_000), missing=st.sampled_from([0, 0.3, 0.99]), grid=st.booleans(), k=st.integers(0, 120)
)


@settings(max_examples=60, deadline=None)
@cases
def test_the_nearest_rows_are_those_that_sorting_finds(seed, n, missing, grid, k):
    xy = layout(seed, n, missing, grid)
    index = LayoutIndex.build(xy)
    finite = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if not len(finite):
        assert not len(nearest_on_map(index, np.zeros(2, np.float32), k=k))
        return
    row = finite[seed % len(finite)]
    others = finite[finite != row]
    expected = others[np.lexsort((others, squares_to(xy[others], xy[row])))][:k]
    found = nearest_on_map(index, xy[row], k=k, but=int(row))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=40, deadline=None)
@cases
def test_ranks_count_the_rows_that_are_nearer(seed, n, missing, grid, k):
    xy = layout(seed, n, missing, grid)
    index = LayoutIndex.build(xy)
    place = xy[seed % n]
    if not np.isfinite(place).all():
        return
    others = xy[np.random.default_rng(seed).integers(0, n, k)]
    squares, finite = squares_to(xy, place), np.isfinite(xy).all(axis=1)
    expected = [int((squares[finite] < squares_to(other[None], place)[0]).sum()) if np.isfinite(other).all() else -1 for other in others]
    assert map_ranks(index, place, others).tolist() == expected


def test_a_place_beside_every_row_has_neighbors_too():
    xy = np.array([[0, 0], [1, 0], [5, 5]], np.float32)
    assert nearest_on_map(LayoutIndex.build(xy), np.array([9, 9], np.float32), k=5).tolist() == [2, 1, 0]
    assert map_ranks(LayoutIndex.build(xy), xy[0], xy[[0, 1, 2]]).tolist() == [0, 1, 2]
