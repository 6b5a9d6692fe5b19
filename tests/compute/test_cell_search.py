from __future__ import annotations

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.compute import cell_search, neighbors
from explorer.compute.cell_search import search_cells
from explorer.compute.exact_search import Points, searchable
from explorer.compute.neighbors import neighbor_graph
from explorer.compute.progress import Stopped, ignore, never


def clusters(n: int, d: int, seed: int = 0, spread: float = 0.3) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(20, d))[rng.integers(0, 20, n)] + spread * rng.normal(size=(n, d))).astype(np.float32)


def searched(vectors: NDArray[np.float32], k: int, seed: int = 0) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    points = Points.of(vectors, "euclidean")
    indices, gaps = search_cells(points, searchable(points.exact, k), k, seed, stage="", report=ignore, should_stop=never)
    return indices, gaps / np.float32(points.scale**2)


def plain(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    squared = np.square(wide[:, None] - wide).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    return squared


def share_found(vectors: NDArray[np.float32], gaps: NDArray[np.float32]) -> float:
    k = gaps.shape[1]
    return float((gaps <= np.sort(plain(vectors), axis=1)[:, k - 1 : k] * (1 + 1e-4) + 1e-9).mean())


@pytest.mark.parametrize(("n", "d", "k"), [(60, 2, 3), (500, 1, 10), (1500, 40, 20), (2000, 3, 30)])
def test_gaps_are_those_of_plain_numpy_and_nearly_all_neighbors_are_met(n: int, d: int, k: int) -> None:
    vectors = clusters(n, d)
    indices, gaps = searched(vectors, k)
    assert indices.dtype == np.int32
    assert indices.shape == gaps.shape == (n, k)
    assert (indices != np.arange(n)[:, None]).all()
    assert all(len(set(row)) == k for row in indices.tolist())
    assert (np.diff(gaps, axis=1) >= 0).all()
    np.testing.assert_allclose(gaps, np.take_along_axis(plain(vectors), indices.astype(np.intp), axis=1), rtol=1e-4, atol=1e-6)
    assert share_found(vectors, gaps) > 0.95


def test_one_cell_a_row_meets_fewer_and_every_cell_meets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clusters(1500, 30, spread=1.0)
    monkeypatch.setattr(cell_search, "PROBES", 0)
    monkeypatch.setattr(cell_search, "CELLS", 1.5)
    own = share_found(vectors, searched(vectors, 10)[1])
    monkeypatch.setattr(cell_search, "PROBES", 10_000)
    monkeypatch.setattr(cell_search, "CELLS", 0.01)
    assert own < 0.9
    assert share_found(vectors, searched(vectors, 10)[1]) == 1.0


def test_threads_and_the_size_of_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clusters(1200, 17)
    indices, gaps = searched(vectors, 12)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone = searched(vectors, 12)
    finally:
        numba.set_num_threads(threads)
    monkeypatch.setattr(cell_search, "BLOCK", 5_000)
    monkeypatch.setattr(cell_search, "PRODUCTS", 20_000)
    batches = searched(vectors, 12)
    for rows, apart in (alone, batches):
        np.testing.assert_array_equal(rows, indices)
        np.testing.assert_array_equal(apart, gaps)


def test_rows_that_centers_cannot_tell_apart_meet_some_of_their_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_search, "CROWD", 50)
    monkeypatch.setattr(cell_search, "CELLS", 0.01)
    rng = np.random.default_rng(0)
    vectors = np.concatenate([np.full((3000, 4), 7), [[-7, 0, 0, 0]]]).astype(np.float32)
    vectors += rng.normal(size=vectors.shape).astype(np.float32) * np.float32(1e-6)
    indices, gaps = searched(vectors, 10)
    assert (indices[:3000] >= 0).all()
    assert (gaps[:3000] < 1e-8).all()


def test_rows_that_are_many_times_the_same_find_each_other() -> None:
    vectors = np.concatenate([np.zeros((5000, 6)), clusters(300, 6)]).astype(np.float32)
    indices, gaps = searched(vectors, 15)
    assert (indices >= 0).all()
    assert (gaps[:5000] == 0).all()
    assert share_found(vectors[5000:], gaps[5000:]) > 0.95


def test_cancel_is_asked_for_every_batch() -> None:
    points = Points.of(clusters(500, 5), "euclidean")
    asked = iter([False, False, False, True])
    with pytest.raises(Stopped):
        search_cells(points, np.arange(500), 5, 0, stage="", report=ignore, should_stop=lambda: next(asked))
    assert next(asked, None) is None


@pytest.mark.timeout(900)  # compiles pynndescent where that was never done before
def test_descent_goes_on_where_the_cells_missed_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clusters(1500, 30, spread=1.0)
    monkeypatch.setattr(neighbors, "exact_below", lambda _: 100)
    monkeypatch.setattr(cell_search, "PROBES", 1)
    monkeypatch.setattr(cell_search, "CELLS", 0.8)
    fractions: list[float] = []
    graph = neighbor_graph(vectors, k=20, metric="euclidean", report=lambda _, fraction, layout=None: fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert graph.recall >= neighbors.ENOUGH
    assert share_found(vectors, np.square(graph.distances)) == pytest.approx(graph.recall, abs=0.02)
    assert (graph.indices >= 0).all()
    assert (graph.indices != np.arange(1500)[:, None]).all()
