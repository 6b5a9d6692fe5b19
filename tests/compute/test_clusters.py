"""Clusters in layers: what must hold of any tree, the kernel against plain NumPy, and known groups that are found."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_mutual_info_score

from explorer.compute.clusters import LEAST_ROWS, ClusterTree, cluster_tree
from explorer.compute.communities import aggregated, moved, numbered
from explorer.compute.fuzzy_set import fuzzy_set
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.progress import Stopped


def blobs(n_groups: int, n_each: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n_groups, 8)) * 10
    return (np.repeat(centers, n_each, axis=0) + rng.normal(size=(n_groups * n_each, 8))).astype(np.float32), np.repeat(
        np.arange(n_groups), n_each
    )


@pytest.fixture(scope="module")
def digits() -> tuple[NeighborGraph, np.ndarray]:
    found = load_digits()
    return neighbor_graph(found.data.astype(np.float32), k=15), found.target


def check(tree: ClusterTree, n_rows: int) -> None:
    for at, (layer, parents) in enumerate(zip(tree.layers, tree.parents, strict=True)):
        assert layer.shape == (n_rows,)
        assert layer.dtype == parents.dtype == np.int32
        sizes = tree.sizes(at)
        assert len(sizes) == len(parents) == layer.max() + 1
        assert (np.diff(sizes) <= 0).all()
        assert sizes.min() >= LEAST_ROWS
        assert layer.min() >= -1
        if at == 0:
            assert (parents == -1).all()
            continue
        assert len(parents) > len(tree.parents[at - 1])
        for cluster, parent in enumerate(parents):
            above = tree.layers[at - 1][layer == cluster]
            assert (above == parent).all()  # the layers are nested


def test_groups_that_lie_apart_are_the_first_layer() -> None:
    vectors, truth = blobs(10, 60)
    tree = cluster_tree(neighbor_graph(vectors, k=15, metric="euclidean"))
    check(tree, len(vectors))
    assert adjusted_mutual_info_score(truth, tree.layers[0]) == pytest.approx(1)
    assert len(tree.layers) == 1 or len(tree.parents[1]) > 10


def test_digits_have_layers_of_useful_counts_the_first_of_which_are_digits(digits: tuple[NeighborGraph, np.ndarray]) -> None:
    graph, truth = digits
    tree = cluster_tree(graph)
    check(tree, len(truth))
    assert [6 <= len(tree.parents[0]) <= 20, 30 <= len(tree.parents[1]) <= 80] == [True, True]
    assert adjusted_mutual_info_score(truth, tree.layers[0]) > 0.85


def test_the_same_graph_gives_the_same_tree(digits: tuple[NeighborGraph, np.ndarray]) -> None:
    one, other = cluster_tree(digits[0]), cluster_tree(digits[0])
    for mine, theirs in zip(one.layers, other.layers, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_coarsest_decides_about_how_many_clusters_the_first_layer_has(digits: tuple[NeighborGraph, np.ndarray]) -> None:
    assert len(cluster_tree(digits[0], coarsest=40).parents[0]) > 2 * len(cluster_tree(digits[0], coarsest=10).parents[0])


@pytest.mark.parametrize("n", [1, 4, 6, 40])
def test_few_rows_have_few_clusters_or_none(n: int) -> None:
    vectors = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
    k = min(5, n - 1)
    graph = neighbor_graph(vectors, k=k) if k else NeighborGraph(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32), "cosine", 1.0)
    tree = cluster_tree(graph)
    check(tree, n)
    assert not tree.layers or n >= LEAST_ROWS


def test_pieces_that_no_edge_connects_are_never_one_cluster() -> None:
    vectors, truth = blobs(30, 20, seed=3)
    tree = cluster_tree(neighbor_graph(vectors, k=8, metric="euclidean"), coarsest=4)
    check(tree, len(vectors))
    for layer in tree.layers:
        assert all(len(np.unique(truth[layer == cluster])) == 1 for cluster in range(layer.max() + 1))


def test_it_stops_and_says_how_far_it_is(digits: tuple[NeighborGraph, np.ndarray]) -> None:
    told: list[float] = []
    cluster_tree(digits[0], report=lambda _, fraction: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1
    with pytest.raises(Stopped):
        cluster_tree(digits[0], should_stop=lambda: True)


# -- the kernel


def modularity(graph: csr_matrix, mass: np.ndarray, labels: np.ndarray, resolution: float) -> float:
    same = labels[:, None] == labels[None, :]
    return float((graph.toarray() * same).sum() - resolution * (np.outer(mass, mass) * same).sum() / mass.sum())


@pytest.mark.parametrize("resolution", [0.5, 1.0, 4.0])
def test_no_node_gains_from_moving_by_itself_any_more(resolution: float) -> None:
    vectors = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    found = neighbor_graph(vectors, k=6)
    graph = fuzzy_set(found.indices, found.distances).astype(np.float64)
    mass = np.asarray(graph.sum(axis=1)).ravel()
    labels = moved(graph, mass, resolution)
    np.testing.assert_array_equal(labels, numbered(labels))
    now = modularity(graph, mass, labels, resolution)
    assert now > modularity(graph, mass, np.arange(60), resolution)
    for node in range(60):
        for goal in range(labels.max() + 1):
            other = labels.copy()
            other[node] = goal
            assert modularity(graph, mass, other, resolution) <= now + 1e-6


def test_a_community_becomes_a_node_with_the_sums_of_its_edges() -> None:
    graph = csr_matrix(np.array([[0, 1, 2, 0], [1, 0, 0, 3], [2, 0, 0, 4], [0, 3, 4, 0]], np.float64))
    joined = aggregated(graph, np.array([0, 0, 1, 1], np.int32)).toarray()
    np.testing.assert_array_equal(joined, [[0, 5], [5, 0]])
