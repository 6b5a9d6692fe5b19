"""The fuzzy set and the curve against umap-learn's own."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.compute.fuzzy_set import curve, fuzzy_set
from explorer.compute.neighbors import neighbor_graph

pytestmark = [
    pytest.mark.timeout(900),  # importing umap-learn compiles pynndescent where that was never done before
    pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning"),
]


@pytest.mark.parametrize("duplicates", [0, 40])
def test_the_fuzzy_set_is_umap_learns(duplicates: int) -> None:
    from umap.umap_ import fuzzy_simplicial_set

    vectors = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    vectors[:duplicates] = vectors[0]
    graph = neighbor_graph(vectors, k=14, metric="euclidean")
    rows = np.arange(200, dtype=np.int32)[:, None]
    theirs = fuzzy_simplicial_set(
        vectors, 15, np.random.RandomState(0), "euclidean",
        knn_indices=np.hstack([rows, graph.indices]), knn_dists=np.hstack([np.zeros((200, 1), np.float32), graph.distances]),
    )[0]  # fmt: skip
    ours = fuzzy_set(graph.indices, graph.distances)
    assert ours.dtype == np.float32
    assert abs(ours - ours.T).max() == 0
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=2e-5)


def test_the_graph_that_was_given_is_not_changed() -> None:
    graph = neighbor_graph(np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32), k=9)
    before = graph.indices.copy()
    graph.indices.setflags(write=False)  # as from the store
    graph.distances.setflags(write=False)
    fuzzy_set(graph.indices, graph.distances)
    assert np.array_equal(graph.indices, before)


@pytest.mark.parametrize(("spread", "min_dist"), [(1.0, 0.1), (1.0, 0.0), (0.5, 0.5), (3.0, 1.0)])
def test_the_curve_is_umap_learns(spread: float, min_dist: float) -> None:
    from umap.umap_ import find_ab_params

    assert curve(spread, min_dist) == pytest.approx(find_ab_params(spread, min_dist))
