"""What a layout keeps of each row's neighborhood, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.preservation import layout_neighbors, preservation
from explorer.compute.progress import Stopped
from explorer.errors import BadParameter


def nearest(rows: np.ndarray, k: int) -> np.ndarray:
    """Each row's k nearest, the textbook way."""
    apart = cdist(rows, rows)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1, kind="stable")[:, :k]


@settings(max_examples=25, deadline=None)
@given(st.integers(35, 90), st.integers(0, 10_000), st.integers(1, 4))
def test_shares_are_those_of_sets(n: int, seed: int, threads: int):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n, 5)).astype(np.float32)
    layout = vectors[:, :2] + random.normal(scale=0.2, size=(n, 2)).astype(np.float32)
    graph = neighbor_graph(vectors, k=30, metric="euclidean")
    found = preservation(graph.indices, layout, threads=threads)
    near = nearest(layout, 30)
    assert list(found.kept) == [5, 15, 30]
    for row in range(n):
        true = graph.indices[row]
        for k, kept in found.kept.items():
            assert kept[row] == pytest.approx(len({*true[:k]} & {*near[row, :k]}) / k)
        assert found.false[row] == pytest.approx(1 - len({*near[row, :15]} & {*true[:30]}) / 15)
        assert found.missing[row] == pytest.approx(1 - len({*true[:15]} & {*near[row, :30]}) / 15)


def test_rows_that_are_on_no_map_have_no_figure():
    random = np.random.default_rng(0)
    layout = random.normal(size=(60, 2)).astype(np.float32)
    indices = np.full((60, 30), -1, np.int32)
    inside = np.setdiff1d(np.arange(60), [7, 20])
    indices[inside] = inside[nearest(layout[inside], 30)]
    layout[[7, 20]] = np.nan
    found = preservation(indices, layout)
    for values in (*found.kept.values(), found.false, found.missing):
        assert np.flatnonzero(np.isnan(values)).tolist() == [7, 20]
    assert np.nanmin(found.kept[15]) == 1
    assert np.nanmax(found.false) == np.nanmax(found.missing) == 0


def test_few_rows_have_as_many_neighbors_as_there_are():
    layout = np.array([[0, 0], [1, 0], [5, 0], [7, 0]], np.float32)
    found = preservation(nearest(layout, 3).astype(np.int32), layout)
    assert list(found.kept) == [3]
    assert found.kept[3].tolist() == [1, 1, 1, 1]
    alone = preservation(np.empty((1, 0), np.int32), np.zeros((1, 2), np.float32))
    assert np.isnan(alone.false).all()


def test_ten_thousand_rows_at_one_place_take_no_longer_and_have_what_chance_gives():
    n = 10_000
    layout = np.zeros((n, 2), np.float32)
    layout[0] = 1
    near = layout_neighbors(layout, 30, threads=2)
    assert (near != np.arange(n)[:, None]).all()
    assert (np.diff(np.sort(near, axis=1), axis=1) > 0).all()
    true = np.random.default_rng(0).permuted(np.tile(np.arange(1, 31, dtype=np.int32), (n, 1)), axis=1)
    found = preservation(true, layout, threads=2)
    assert np.nanmean(found.kept[15]) < 0.02


def test_a_layout_of_other_rows_is_refused_and_it_can_be_stopped():
    layout = np.zeros((40, 2), np.float32)
    with pytest.raises(BadParameter, match="40"):
        preservation(np.zeros((30, 5), np.int32), layout)
    with pytest.raises(Stopped):
        preservation(nearest(np.random.default_rng(0).normal(size=(40, 2)), 5).astype(np.int32), layout, should_stop=lambda: True)
