"""What a neighbor graph says of each row, against plain loops and known shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.compute.graph_columns import components, in_degree, kth_distance, label_disagreement, local_dimension, near_duplicates
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.errors import BadParameter


def graph_of(vectors: np.ndarray, k: int = 10, metric: str = "euclidean") -> NeighborGraph:
    return neighbor_graph(vectors.astype(np.float32), k=k, metric=metric)


def with_a_row_left_out(graph: NeighborGraph) -> NeighborGraph:
    """The graph of one row more, which is on no map."""
    nothing = np.full((1, graph.k), -1, np.int32), np.full((1, graph.k), np.inf, np.float32)
    return NeighborGraph(np.vstack([graph.indices, nothing[0]]), np.vstack([graph.distances, nothing[1]]), graph.metric, graph.recall)


@settings(max_examples=25, deadline=None)
@given(st.integers(12, 60), st.integers(0, 10_000), st.sampled_from(["cosine", "euclidean"]))
def test_counts_are_those_of_loops(n: int, seed: int, metric: str):
    random = np.random.default_rng(seed)
    graph = graph_of(random.normal(size=(n, 4)), k=7, metric=metric)
    codes = random.integers(-1, 3, n)
    degree, disagreement = in_degree(graph), label_disagreement(graph, codes)
    for row in range(n):
        assert degree[row] == sum(row in neighbors for neighbors in graph.indices)
        of = [codes[other] for other in graph.indices[row] if codes[other] >= 0]
        if codes[row] < 0 or not of:
            assert np.isnan(disagreement[row])
        else:
            assert disagreement[row] == pytest.approx(np.mean([code != codes[row] for code in of]))
    np.testing.assert_array_equal(kth_distance(graph), graph.distances[:, -1])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("true", [1, 2, 5])
def test_the_local_dimension_is_that_of_the_data(true: int, metric: str):
    random = np.random.default_rng(true)
    flat = random.uniform(size=(4_000, true))
    vectors = flat @ random.normal(size=(true, 20))
    if metric == "cosine":  # a patch of the sphere
        vectors = 30 * random.normal(size=20) + vectors @ np.eye(20)
    found = local_dimension(graph_of(vectors, k=30, metric=metric))
    assert np.nanmedian(found) == pytest.approx(true, rel=0.2)


def test_copies_are_near_duplicates_and_others_are_not():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(200, 8))
    vectors[10:13] = vectors[10]
    vectors[50] = vectors[51] + 1e-4
    for metric in ("euclidean", "cosine"):
        groups = near_duplicates(graph_of(vectors, metric=metric))
        assert groups[10:13].tolist() == [1, 1, 1]
        assert groups[50:52].tolist() == [2, 2]
        assert np.isnan(np.delete(groups, [10, 11, 12, 50, 51])).all()
    assert np.nanmax(near_duplicates(graph_of(vectors), within=100)) == 1


def test_ten_thousand_copies_of_a_row_are_one_group():
    vectors = np.random.default_rng(0).normal(size=(300, 4))
    vectors[:200] = vectors[0]
    graph = graph_of(vectors)
    groups = near_duplicates(graph)
    assert np.isfinite(groups[:200]).all()
    assert np.isnan(local_dimension(graph)[20])


def test_pieces_are_numbered_by_their_size():
    random = np.random.default_rng(0)
    vectors = np.concatenate([random.normal(size=(20, 3)), random.normal(size=(40, 3)) + 100])
    graph = with_a_row_left_out(graph_of(vectors, k=5))
    found = components(graph)
    assert found[:20].tolist() == [2] * 20
    assert found[20:60].tolist() == [1] * 40
    assert np.isnan(found[60])


def test_a_row_that_is_on_no_map_has_no_figure():
    graph = with_a_row_left_out(graph_of(np.random.default_rng(0).normal(size=(30, 3))))
    for values in (
        kth_distance(graph),
        in_degree(graph),
        local_dimension(graph),
        components(graph),
        label_disagreement(graph, np.zeros(31, int)),
    ):
        assert values.dtype == np.float32
        assert np.flatnonzero(np.isnan(values)).tolist() == [30]
    with pytest.raises(BadParameter):
        label_disagreement(graph, np.zeros(30, int))
