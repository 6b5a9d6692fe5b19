"""Neighbor graphs against plain NumPy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from explorer.compute import exact_search, neighbors
from explorer.compute.neighbors import NeighborGraph, distances_to, nearest_among, nearest_rows, neighbor_graph
from explorer.compute.progress import Stopped
from explorer.compute.space import METRICS
from explorer.errors import BadParameter, NotEnoughRows, UnknownChoice


def plain_distances(vectors: NDArray[np.float32], metric: str) -> NDArray[np.float64]:
    """All distances (n, n), the plainest way."""
    wide = vectors.astype(np.float64)
    if metric == "correlation":
        wide -= wide.mean(axis=1, keepdims=True)
    if metric in ("cosine", "correlation"):
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    gaps = wide[:, None, :] - wide[None, :, :]
    distances = {
        "cosine": lambda: (gaps**2).sum(axis=2) / 2,
        "correlation": lambda: (gaps**2).sum(axis=2) / 2,
        "euclidean": lambda: np.sqrt((gaps**2).sum(axis=2)),
        "manhattan": lambda: np.abs(gaps).sum(axis=2),
        "hamming": lambda: (gaps != 0).mean(axis=2),
        "jaccard": lambda: (gaps != 0).sum(axis=2) / np.maximum(1, ((wide[:, None, :] + wide[None, :, :]) > 0).sum(axis=2)),
        "dot": lambda: (wide**2).sum(axis=1).max() - wide @ wide.T,
    }[metric]()
    np.fill_diagonal(distances, np.inf)
    return distances


def check_against_plain(vectors: NDArray[np.float32], graph: NeighborGraph) -> None:
    """Every distance is true, and none of those left out is smaller."""
    plain = plain_distances(vectors, graph.metric)
    rows = np.arange(len(vectors))[:, None]
    assert (graph.indices != rows).all()
    assert all(len(set(row)) == graph.k for row in graph.indices.tolist())
    assert (np.diff(graph.distances, axis=1) >= 0).all()
    size = float(np.abs(vectors).max())
    np.testing.assert_allclose(graph.distances, plain[rows, graph.indices], rtol=1e-5, atol=1e-6 * size)
    np.testing.assert_allclose(graph.distances, np.sort(plain, axis=1)[:, : graph.k], rtol=1e-5, atol=1e-6 * size)


BINARY = ("hamming", "jaccard")
REAL = tuple(metric for metric in METRICS if metric not in BINARY)


def fitting(metric: str, n: int, d: int) -> NDArray[np.float32]:
    """Vectors that the metric compares; zeros and ones differ at the fewest places that keep some apart."""
    vectors = clusters(n, d)
    return (vectors > 0).astype(np.float32) if metric in BINARY else vectors


def clusters(n: int, d: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(20, d))[rng.integers(0, 20, n)] + 0.3 * rng.normal(size=(n, d))).astype(np.float32)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "d", "k"), [(2, 1, 1), (12, 3, 5), (300, 40, 15), (1500, 6, 30)])
def test_the_exact_graph_equals_plain_numpy(metric: str, n: int, d: int, k: int) -> None:
    vectors = fitting(metric, n, d + 2)
    graph = neighbor_graph(vectors, k=k, metric=metric)
    assert graph.recall == 1.0
    assert graph.indices.dtype == np.int32
    assert graph.distances.dtype == np.float32
    assert graph.indices.shape == graph.distances.shape == (n, k)
    check_against_plain(vectors, graph)


@given(
    vectors=arrays(
        np.float32, st.tuples(st.integers(4, 30), st.integers(1, 4)), elements=st.floats(-100, 100, width=32, allow_subnormal=False)
    ),
    metric=st.sampled_from(METRICS),
    k=st.integers(1, 3),
)
@settings(deadline=None, max_examples=300)
def test_any_small_array_gives_the_true_neighbors(vectors: NDArray[np.float32], metric: str, k: int) -> None:
    if metric in BINARY:
        vectors = (vectors > 0).astype(np.float32)
    if metric == "correlation":
        vectors = vectors[np.ptp(vectors.astype(np.float64), axis=1) > 1e-3 * np.abs(vectors).max(axis=1)]
    if metric != "euclidean":
        vectors = vectors[np.linalg.norm(vectors.astype(np.float64), axis=1) > 0]
    if len(vectors) > k:
        check_against_plain(vectors, neighbor_graph(vectors, k=k, metric=metric))


@given(
    vectors=arrays(np.float32, (40, 2), elements=st.integers(0, 3)),
    k=st.integers(1, 39),
    metric=st.sampled_from(["euclidean", "manhattan", "dot", *BINARY]),
)
@settings(deadline=None, max_examples=200)
def test_ties_go_by_row_number(vectors: NDArray[np.float32], k: int, metric: str) -> None:
    if metric in BINARY:
        vectors = np.minimum(vectors, 1)
    plain = plain_distances(vectors, metric)
    expected = np.argsort(plain.astype(np.float32), axis=1, kind="stable")[:, :k]
    assert (neighbor_graph(vectors, k=k, metric=metric).indices == expected).all()


@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric not in {"dot", "correlation"}])
def test_thousands_of_duplicates_are_at_distance_zero_and_go_by_row_number(metric: str) -> None:
    value = 1 if metric in BINARY else 0.3
    vectors = np.concatenate([np.full((3000, 8), value, dtype=np.float32), fitting(metric, 200, 8)])
    graph = neighbor_graph(vectors, k=4, metric=metric)
    assert (graph.distances[:3000] == 0).all()
    assert graph.indices[0].tolist() == [1, 2, 3, 4]
    assert graph.indices[2999].tolist() == [0, 1, 2, 3]
    assert (graph.indices[3000:] >= 0).all()


@pytest.mark.parametrize(("metric", "vectors", "sentence"), [
    ("hamming", clusters(9, 3), "it compares zeros and ones, and a vector holds"),
    ("jaccard", clusters(9, 3), "it compares zeros and ones, and a vector holds"),
    ("correlation", np.ones((9, 3), np.float32), "9 vectors have the same number throughout"),
])  # fmt: skip
def test_vectors_that_a_metric_cannot_compare_are_refused(metric: str, vectors: NDArray[np.float32], sentence: str) -> None:
    with pytest.raises(BadParameter, match=sentence):
        neighbor_graph(vectors, k=3, metric=metric)
    with pytest.raises(BadParameter, match=sentence):
        nearest_rows(vectors, 0, k=3, metric=metric)


def test_vectors_far_from_the_origin_keep_their_neighbors() -> None:
    vectors = clusters(200, 5) + np.float32(1000)
    check_against_plain(vectors, neighbor_graph(vectors, k=10, metric="euclidean"))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "correlation", "manhattan"])
def test_the_scale_of_the_vectors_changes_no_neighbor(scale: float, metric: str) -> None:
    vectors = clusters(100, 5)
    scaled = (vectors.astype(np.float64) * scale).astype(np.float32)
    assert (neighbor_graph(scaled, k=5, metric=metric).indices == neighbor_graph(vectors, k=5, metric=metric).indices).all()


def test_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clusters(400, 7)
    whole = neighbor_graph(vectors, k=9)
    monkeypatch.setattr(exact_search, "SCRATCH_BYTES", 16 * 400 * 37)
    monkeypatch.setattr(exact_search, "MEASURE_BYTES", 10_000)
    monkeypatch.setattr(exact_search, "STREAM_BYTES", 3_000)
    parts = neighbor_graph(vectors, k=9)
    assert (whole.indices == parts.indices).all()
    assert (whole.distances == parts.distances).all()


@pytest.mark.parametrize("metric", METRICS)
def test_views_that_are_not_contiguous_are_searched_as_well(metric: str) -> None:
    wide = fitting(metric, 60, 20)
    view = wide[:, ::2]
    assert (neighbor_graph(view, k=5, metric=metric).indices == neighbor_graph(view.copy(), k=5, metric=metric).indices).all()


@pytest.mark.parametrize("metric", METRICS)
def test_one_row_finds_what_the_graph_says(metric: str) -> None:
    vectors = np.concatenate([fitting(metric, 300, 12), fitting(metric, 40, 12)])  # the last 40 rows repeat the first
    graph = neighbor_graph(vectors, k=12, metric=metric)
    for row in range(0, 340, 17):
        rows, distances = nearest_rows(vectors, row, k=12, metric=metric)
        assert rows.tolist() == graph.indices[row].tolist()
        np.testing.assert_array_equal(distances, graph.distances[row])
        np.testing.assert_array_equal(distances_to(vectors, row, rows, metric=metric), distances)


@given(
    seed=st.integers(0, 10_000),
    d=st.integers(1, 40),
    kind=st.sampled_from(["plain", "grid", "cone", "1e-25", "1e25", "mixed"]),
    metric=st.sampled_from(["cosine", "euclidean"]),
    k=st.integers(1, 100),
)
@settings(deadline=None, max_examples=80)
def test_the_compiled_pass_finds_the_true_rows(seed: int, d: int, kind: str, metric: str, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = clusters(400, d, seed)
    if kind == "grid":
        vectors = np.round(vectors)
    elif kind == "cone":
        vectors = np.float32(100) + vectors * np.float32(0.01)
    elif kind == "mixed":
        vectors *= (10.0 ** rng.integers(-25, 15, (400, 1))).astype(np.float32)
    elif kind != "plain":
        vectors *= np.float32(kind)
    drawable = rng.random(400) < 0.9
    drawable[7] = True
    vectors[7] = np.where(vectors[7] == 0, np.abs(vectors).min() + np.float32(1), vectors[7])
    if metric == "cosine":
        drawable &= (vectors != 0).any(axis=1)
    vectors[~drawable] = rng.choice(np.array([0, np.nan, np.inf], np.float32))
    k = min(k, int(drawable.sum()) - 1)
    plain = nearest_rows(vectors, 7, k=k, metric=metric, drawable=drawable)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_search, "COMPILED_FROM", 0)
        compiled = nearest_rows(vectors, 7, k=k, metric=metric, drawable=drawable)
    with np.errstate(invalid="ignore"):
        true = plain_distances(vectors, metric)[7]
    true[~drawable] = np.inf
    tolerance = 1e-6 * (1.0 if metric == "cosine" else float(np.abs(vectors[drawable]).max()))
    for rows, distances in (plain, compiled):
        assert drawable[rows].all()
        np.testing.assert_allclose(distances, np.sort(true)[:k], rtol=1e-5, atol=tolerance)
    np.testing.assert_array_equal(plain[0], compiled[0])
    np.testing.assert_array_equal(plain[1], compiled[1])


@pytest.mark.parametrize("metric", METRICS)
def test_one_row_skips_rows_that_are_not_drawable(metric: str) -> None:
    vectors = fitting(metric, 50, 4)
    if metric in BINARY:
        vectors[:, 0] = 1  # none is all zero
    drawable = np.ones(50, dtype=np.bool_)
    drawable[[3, 7, 20]] = False
    vectors[3], vectors[7], vectors[20] = np.nan, 0, np.inf
    rows, distances = nearest_rows(vectors, 0, k=46, metric=metric, drawable=drawable)
    assert sorted(rows.tolist()) == [i for i in range(1, 50) if i not in {3, 7, 20}]
    assert np.isfinite(distances).all()
    with pytest.raises(BadParameter, match="row=7 is not allowed"):
        nearest_rows(vectors, 7, k=3, metric=metric, drawable=drawable)
    with pytest.raises(NotEnoughRows, match="k=47 needs more than 47 rows"):
        nearest_rows(vectors, 0, k=47, metric=metric, drawable=drawable)


@pytest.mark.parametrize("metric", METRICS)
def test_many_vectors_find_what_each_finds_alone(metric: str) -> None:
    vectors = fitting(metric, 300, 12)
    vectors[7] = vectors[19]  # a tie
    targets = vectors[5:25].copy()
    targets[0] = targets[0][::-1]
    rows, distances = nearest_among(vectors, targets, k=9, metric=metric)
    for target, found, apart in zip(targets, rows, distances, strict=True):
        alone, gaps = nearest_rows(vectors, target, k=9, metric=metric)
        assert alone.tolist() == found.tolist()
        np.testing.assert_allclose(gaps, apart, rtol=1e-6, atol=1e-6)
    everything, _ = nearest_among(vectors[:9], targets, k=9, metric=metric)
    assert (np.sort(everything, axis=1) == np.arange(9)).all()
    with pytest.raises(BadParameter, match="they need 12 dimensions"):
        nearest_among(vectors, targets[:, 1:], k=9, metric=metric)
    assert nearest_among(vectors, targets[:0], k=9, metric=metric)[0].shape == (0, 9)


def test_a_vector_finds_its_own_row() -> None:
    vectors = clusters(50, 4)
    rows, distances = nearest_rows(vectors, vectors[9].copy(), k=50, metric="euclidean")
    assert rows[0] == 9
    assert distances[0] == 0
    assert sorted(rows.tolist()) == list(range(50))


@pytest.mark.parametrize(("k", "metric", "error", "sentence"), [
    (5, "cosine", NotEnoughRows, "k=5 needs more than 5 rows; this dataset has 5 to draw"),
    (0, "cosine", BadParameter, "k=0 is not allowed: give 1 or more"),
    (2, "cosin", UnknownChoice, "Did you mean cosine"),
])  # fmt: skip
def test_what_cannot_be_computed_is_refused(k: int, metric: str, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        neighbor_graph(clusters(5, 3), k=k, metric=metric)


def approximate_from(rows: int, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(neighbors, "exact_below", lambda _: rows)


@pytest.mark.timeout(900)  # compiles pynndescent where that was never done before
@pytest.mark.parametrize("metric", METRICS)
def test_pynndescent_finds_nearly_all_neighbors_and_repairs_the_rest(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    approximate_from(100, monkeypatch)
    vectors = fitting(metric, 1500, 40 if metric in BINARY else 10)
    if metric not in {"correlation", "dot"}:
        vectors = np.concatenate([np.full((150, vectors.shape[1]), 1.0 if metric in BINARY else 0.5, dtype=np.float32), vectors])
    n = len(vectors)
    fractions: list[float] = []
    graph = neighbor_graph(vectors, k=20, metric=metric, report=lambda _, fraction, layout=None: fractions.append(fraction))
    again = neighbor_graph(vectors, k=20, metric=metric)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert (graph.indices >= 0).all()
    assert (graph.indices != np.arange(n)[:, None]).all()
    assert all(len(set(row)) == 20 for row in graph.indices.tolist())
    assert (np.diff(graph.distances, axis=1) >= 0).all()
    if n > 1500:
        assert (graph.distances[:150] == 0).all()
    true = np.sort(plain_distances(vectors, metric), axis=1)[:, 19:20]
    share = (graph.distances <= true * (1 + 1e-5) + 1e-7).mean()
    assert share >= 0.95
    assert graph.recall == pytest.approx(share, abs=0.02)
    assert (graph.indices == again.indices).all()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("exact_below", [100, 25_000])
def test_cancel_stops_the_search(exact_below: int, monkeypatch: pytest.MonkeyPatch) -> None:
    approximate_from(exact_below, monkeypatch)
    monkeypatch.setattr(exact_search, "SCRATCH_BYTES", 16 * 500 * 100)
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        neighbor_graph(clusters(500, 5), k=5, should_stop=lambda: next(asked))
    assert next(asked, None) is None


def test_the_server_process_never_imports_what_compiles() -> None:
    program = (
        "import sys, numpy as np\n"
        "from explorer.compute.neighbors import nearest_rows, neighbor_graph\n"
        "from explorer.compute.projections import projection\n"
        "x = np.eye(8, dtype=np.float32)\n"
        "nearest_rows(x, 0, k=3); neighbor_graph(x, k=3); projection('umap').check(8, 8)\n"
        "print(sorted({'numba', 'umap', 'pynndescent', 'sklearn', 'openTSNE', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
