"""PCA, UMAP and t-SNE on real digits and on very little data."""

from __future__ import annotations

import numba
import numpy as np
import param
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA as PlainPCA

from explorer.compute import principal_components as pca_module
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.principal_components import principal_components
from explorer.compute.progress import Snapshot, Stopped
from explorer.compute.projections import PCA, PROJECTIONS, TSNE, UMAP, Layout, projection
from explorer.errors import BadParameter, UnknownChoice

ALONE = ["pca", "umap", "tsne"]  # the methods that need no more than vectors


@pytest.fixture(scope="module")
def digits() -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    data = load_digits()
    return data.data[:900].astype(np.float32), data.target[:900]


@pytest.fixture(scope="module")
def graph(digits: tuple[NDArray[np.float32], NDArray[np.int_]]) -> NeighborGraph:
    return neighbor_graph(digits[0], k=30)


def fitted(method: str, vectors: NDArray[np.float32], **params: object) -> Layout:
    made = projection(method, **params)
    wanted = made.graph_request(len(vectors))
    return made.fit(vectors, neighbor_graph(vectors, **wanted) if wanted else None)


def kept(coordinates: NDArray[np.float32], graph: NeighborGraph, k: int = 15) -> float:
    """The share of the k nearest rows that are among the k nearest on the map."""
    near = cKDTree(coordinates).query(coordinates, k + 1)[1]
    return float(
        np.mean(
            [
                len(set(found) - {i} & set(true)) / k
                for i, (found, true) in enumerate(zip(near.tolist(), graph.indices[:, :k].tolist(), strict=True))
            ]
        )
    )


def accuracy(coordinates: NDArray[np.float32], labels: NDArray[np.int_]) -> float:
    """How often most of ten neighbors on the map have the row's label."""
    near = labels[cKDTree(coordinates).query(coordinates, 11)[1][:, 1:]]
    return float(np.mean([np.bincount(row).argmax() == label for row, label in zip(near, labels, strict=True)]))


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_a_map_of_digits_separates_them_and_keeps_neighbors(
    method: str, digits: tuple[NDArray[np.float32], NDArray[np.int_]], graph: NeighborGraph
) -> None:
    vectors, labels = digits
    frames: list[tuple[float, bool]] = []
    layout = projection(method).fit(vectors, graph, report=lambda _, fraction, layout=None: frames.append((fraction, layout is not None)))
    assert layout.coordinates.shape == (900, 2)
    assert layout.coordinates.dtype == np.float32
    assert np.isfinite(layout.coordinates).all()
    assert accuracy(layout.coordinates, labels) > 0.9
    assert kept(layout.coordinates, graph) > 0.35
    assert kept(np.random.default_rng(0).normal(size=(900, 2)).astype(np.float32), graph) < 0.05
    assert [fraction for fraction, _ in frames] == sorted(fraction for fraction, _ in frames)
    assert frames[-1] == (1.0, True)
    assert layout.params == projection(method).settings()


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_a_fit_uses_the_start_it_is_given_and_does_not_change_it(
    method: str, digits: tuple[NDArray[np.float32], NDArray[np.int_]], graph: NeighborGraph
) -> None:
    made = UMAP(n_epochs=20) if method == "umap" else TSNE(n_iter=20)
    start = made.start(digits[0])
    assert start is not None
    before = start.coordinates.copy()
    assert (start.coordinates.shape, start.iteration, start.iterations) == ((900, 2), 0, 20 if method == "umap" else 270)
    given, alone = (made.fit(digits[0], graph, start=begun).coordinates for begun in (start, None))
    assert given.tobytes() == alone.tobytes()
    np.testing.assert_array_equal(start.coordinates, before)
    turned = start._replace(coordinates=start.coordinates[:, ::-1])
    assert np.abs(made.fit(digits[0], graph, start=turned).coordinates - alone).max() > 0.1


def test_pca_starts_nowhere(digits: tuple[NDArray[np.float32], NDArray[np.int_]]) -> None:
    assert PCA().start(digits[0]) is None


def watched(made: UMAP | TSNE, vectors: NDArray[np.float32], graph: NeighborGraph) -> tuple[Layout, list[Snapshot]]:
    """Fit, and keep every layout that was shown."""
    shown: list[Snapshot] = []

    def report(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        if layout is not None:
            shown.append(layout._replace(coordinates=layout.coordinates.copy()))

    return made.fit(vectors, graph, report=report), shown


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_layouts_are_shown_in_order_up_to_the_last(
    method: str, digits: tuple[NDArray[np.float32], NDArray[np.int_]], graph: NeighborGraph
) -> None:
    made = projection(method)
    layout, shown = watched(made, digits[0], graph)  # type: ignore[arg-type]
    iterations = [each.iteration for each in shown]
    assert len(shown) > 2
    assert iterations == sorted(iterations)
    assert iterations[-1] == shown[-1].iterations
    assert shown[0].iterations == (500 if method == "umap" else 750)
    assert iterations[-1] == 500 if method == "umap" else layout.stats["iterations"] <= 750
    assert all(each.coordinates.shape == (900, 2) and np.isfinite(each.coordinates).all() for each in shown)
    np.testing.assert_array_equal(shown[-1].coordinates, layout.coordinates)
    assert shown[-1].loss == (None if method == "umap" else layout.stats["kl_divergence"])


@pytest.mark.parametrize("method", ALONE)
def test_a_seeded_layout_is_the_same_bit_for_bit(method: str, digits: tuple[NDArray[np.float32], NDArray[np.int_]]) -> None:
    vectors = digits[0][:200]
    assert fitted(method, vectors).coordinates.tobytes() == fitted(method, vectors).coordinates.tobytes()


@pytest.mark.parametrize("made", [UMAP(n_epochs=50), TSNE(n_iter=50)], ids=["umap", "tsne"])
def test_the_number_of_threads_changes_nothing(
    made: UMAP | TSNE, digits: tuple[NDArray[np.float32], NDArray[np.int_]], graph: NeighborGraph
) -> None:
    before = numba.get_num_threads()
    found = []
    try:
        for threads in range(1, before + 1):
            numba.set_num_threads(threads)
            found.append(made.fit(digits[0], graph).coordinates.tobytes())
    finally:
        numba.set_num_threads(before)
    assert len(set(found)) == 1


def test_tsne_starts_from_umap(digits: tuple[NDArray[np.float32], NDArray[np.int_]], graph: NeighborGraph) -> None:
    umap = UMAP().fit(digits[0], graph).coordinates
    begun = TSNE(init="umap", n_iter=0).fit(digits[0], graph)
    assert begun.stats["iterations"] == 0
    np.testing.assert_allclose(begun.coordinates, (umap - umap.mean(axis=0)) * (3 / (umap - umap.mean(axis=0)).std()), atol=1e-4)
    both = [TSNE(init=init).fit(digits[0], graph) for init in ("pca", "umap")]
    assert both[1].stats["kl_divergence"] < 1.05 * both[0].stats["kl_divergence"]
    assert both[1].stats["iterations"] <= 500


def test_another_seed_gives_another_map(digits: tuple[NDArray[np.float32], NDArray[np.int_]], graph: NeighborGraph) -> None:
    first, second = (UMAP(seed=seed, n_epochs=20).fit(digits[0], graph).coordinates for seed in (0, 1))
    assert np.abs(first - second).max() > 0.1


@pytest.mark.parametrize("method", ALONE)
@pytest.mark.parametrize("after", [0, 3])
def test_cancel_stops_a_projection(
    method: str, after: int, digits: tuple[NDArray[np.float32], NDArray[np.int_]], graph: NeighborGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pca_module, "BLOCK_BYTES", 64 * 8 * 100)
    asked: list[bool] = []

    def should_stop() -> bool:
        asked.append(len(asked) >= after)
        return asked[-1]

    with pytest.raises(Stopped):
        projection(method).fit(digits[0], graph, should_stop=should_stop)
    assert sum(asked) == 1


@pytest.mark.parametrize("n", [2, 3, 4, 5, 10, 31])
@pytest.mark.parametrize("method", ALONE)
def test_few_rows_still_make_a_map(method: str, n: int, digits: tuple[NDArray[np.float32], NDArray[np.int_]]) -> None:
    if method == "tsne" and n < 4:
        with pytest.raises(BadParameter, match=f"rows={n} is not allowed: t-SNE needs at least 4"):
            fitted(method, digits[0][:n])
        return
    coordinates = fitted(method, digits[0][:n]).coordinates
    assert np.isfinite(coordinates).all()
    assert len(np.unique(coordinates.round(3), axis=0)) == n


@pytest.mark.parametrize("method", ALONE)
def test_identical_rows_and_one_dimension_make_a_map(method: str) -> None:
    for vectors in (np.ones((50, 3), dtype=np.float32), np.arange(1, 51, dtype=np.float32)[:, None]):
        assert np.isfinite(fitted(method, vectors).coordinates).all()


def test_one_row_is_refused_in_a_sentence() -> None:
    for kind in PROJECTIONS.values():
        with pytest.raises(BadParameter, match="rows=1 is not allowed: a map needs at least 2"):
            kind().check(1, 5)


@pytest.mark.parametrize("shape", [(300, 20), (20, 300), (150, 150)])
@pytest.mark.parametrize("dense_below", [2048, 10])
def test_pca_equals_scikit_learn(shape: tuple[int, int], dense_below: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pca_module, "DENSE_BELOW", dense_below)
    monkeypatch.setattr(pca_module, "BLOCK_BYTES", 8 * 300 * 7)
    rng = np.random.default_rng(0)
    vectors = (
        rng.normal(size=shape)
        + 5 * rng.normal(size=(shape[0], 1)) * rng.normal(size=shape[1])
        + 2 * rng.normal(size=(shape[0], 1)) * rng.normal(size=shape[1])
        + 30
    ).astype(np.float32)
    layout = PCA().fit(vectors)
    plain = PlainPCA(2, svd_solver="full").fit(vectors.astype(np.float64))
    expected = plain.transform(vectors.astype(np.float64))
    expected *= np.sign((expected * layout.coordinates).sum(axis=0))
    np.testing.assert_allclose(layout.coordinates, expected, atol=1e-3 * np.abs(expected).max())
    np.testing.assert_allclose(list(layout.stats.values()), plain.explained_variance_ratio_, rtol=1e-4)


def test_some_rows_decide_on_nearly_the_same_components_as_all():
    random = np.random.default_rng(3)
    vectors = (random.normal(size=(2_000, 12)) * [9, 6, *np.ones(10)] + 5).astype(np.float32)
    every, some = principal_components(vectors), principal_components(vectors, sample=500)
    assert some.coordinates.shape == (2_000, 2)
    for axis in range(2):
        assert abs(np.corrcoef(every.coordinates[:, axis], some.coordinates[:, axis])[0, 1]) > 0.99
    np.testing.assert_allclose(some.explained, every.explained, rtol=0.15)
    np.testing.assert_array_equal(
        principal_components(vectors[:700], sample=500).coordinates, principal_components(vectors[:700]).coordinates
    )


def test_all_methods_share_one_graph_by_default() -> None:
    assert UMAP().graph_request(1000) == TSNE().graph_request(1000) == {"k": 30, "metric": "cosine"}
    assert PCA().graph_request(1000) is None
    assert UMAP(n_neighbors=50).graph_request(1000)["k"] == 49
    assert TSNE(perplexity=30).graph_request(1000)["k"] == 90
    assert UMAP().graph_request(8)["k"] == 7


def test_a_graph_that_is_too_small_is_refused(digits: tuple[NDArray[np.float32], NDArray[np.int_]], graph: NeighborGraph) -> None:
    with pytest.raises(BadParameter, match="n_neighbors=50 is not allowed: the neighbor graph that was given has 30"):
        UMAP(n_neighbors=50).fit(digits[0], graph)
    with pytest.raises(BadParameter, match="perplexity=30 is not allowed: it needs a neighbor graph with 90"):
        TSNE(perplexity=30).fit(digits[0], None)


def test_projections_are_made_from_plain_values() -> None:
    made = projection("umap", n_neighbors=30, min_dist=0.5)
    usual = {"metric": "cosine", "n_epochs": None, "seed": 0, "spread": 1.0, "dens_lambda": 0.0, "target": "", "target_weight": 0.5}
    assert made.settings() == {**usual, "min_dist": 0.5, "n_neighbors": 30}


@pytest.mark.parametrize(("method", "params", "error", "sentence"), [
    ("umpa", {}, UnknownChoice, "umpa is not a projection. Did you mean umap"),
    ("umap", {"n_neighbours": 5}, UnknownChoice, "Did you mean n_neighbors"),
    ("umap", {"n_neighbors": 1}, BadParameter, "n_neighbors=1 is not allowed: give a whole number from 2 to 200"),
    ("umap", {"n_neighbors": 2.5}, BadParameter, "give a whole number from 2 to 200"),
    ("umap", {"n_epochs": 0}, BadParameter, "or nothing for automatic"),
    ("umap", {"metric": "dots"}, BadParameter, "choose cosine, euclidean, correlation, dot, manhattan, hamming or jaccard"),
    ("tsne", {"init": "random"}, BadParameter, "choose pca, umap or tsne"),
    ("umap", {"target": 7}, BadParameter, "give the name of a column of categories, or nothing"),
    ("tsne", {"perplexity": "many"}, BadParameter, "give a number from 2 to 100"),
])  # fmt: skip
def test_what_makes_no_projection_is_refused(method: str, params: dict[str, object], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        projection(method, **params)


def test_min_dist_above_spread_is_refused() -> None:
    with pytest.raises(BadParameter, match=r"min_dist=0\.9 is not allowed: it may be at most spread, which is 0\.5"):
        projection("umap", min_dist=0.9, spread=0.5).check(100, 5)


def test_every_parameter_is_documented_and_bounded() -> None:
    for kind in PROJECTIONS.values():
        for name in kind().settings():
            parameter = kind.param[name]
            assert parameter.doc
            assert isinstance(parameter, param.Selector | param.String) or parameter.bounds is not None
