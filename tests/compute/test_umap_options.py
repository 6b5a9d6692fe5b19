"""UMAP that keeps density, heeds categories and places new rows.

Figures of umap-learn are those of version 0.5.12 on the same digits, from PCA, with ``random_state=0``: compiling it takes a minute.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

from explorer.compute.fuzzy_set import curve, fuzzy_set
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.preservation import preservation
from explorer.compute.progress import Stopped
from explorer.compute.projections import UMAP
from explorer.compute.supervision import supervised
from explorer.compute.umap_density import log_radii
from explorer.compute.umap_epochs import HANDS, Hands, attract, coefficient_tables, pulls
from explorer.compute.umap_transform import transform

Digits = tuple[NDArray[np.float32], NDArray[np.int_]]


@pytest.fixture(scope="module")
def digits() -> Digits:
    data = load_digits()
    return data.data.astype(np.float32), data.target


@pytest.fixture(scope="module")
def graph(digits: Digits) -> NeighborGraph:
    return neighbor_graph(digits[0], k=30, metric="euclidean")


UMAP_LEARN = {"kept": 0.533, "silhouette": 0.669, "density": 0.966, "kept with density": 0.448, "told": 0.792, "placed": 0.509}


def kept(graph: NeighborGraph, coordinates: NDArray[Any]) -> float:
    return float(np.nanmean(preservation(graph.indices, np.ascontiguousarray(coordinates, np.float32)).kept[15]))


def unsure(labels: NDArray[np.int_]) -> NDArray[np.int32]:
    """Every seventh row without a category."""
    some = labels.astype(np.int32)
    some[::7] = -1
    return some


def test_the_map_of_digits_is_as_good_as_umap_learns(digits: Digits, graph: NeighborGraph) -> None:
    vectors, labels = digits
    ours = UMAP(metric="euclidean").fit(vectors, graph).coordinates
    assert kept(graph, ours) >= 0.99 * UMAP_LEARN["kept"]
    assert silhouette_score(ours, labels) >= UMAP_LEARN["silhouette"] - 0.05


def pulled(places: NDArray[np.float64], edges: csr_matrix, alpha: float) -> NDArray[np.float64]:
    """Move rows to their neighbors, hand by hand: what an epoch does whose edges all weigh the same, without negative samples."""
    a, b = curve(1.0, 0.1)
    for hand in range(HANDS):
        before = places.copy()
        for i in range(hand, len(places), HANDS):
            for j in sorted(edges.indices[edges.indptr[i] : edges.indptr[i + 1]], key=lambda j: (j % HANDS, j)):
                apart = places[i] - before[j]
                squared = float(apart @ apart)
                pull = 2 * alpha * 2 * a * b * squared ** (b - 1) / (a * squared**b + 1) if squared > 0 else 0.0
                places[i] -= pull / (1 + 2 * pull) * apart
    return places


@given(seed=st.integers(0, 1000), n=st.integers(HANDS, 60), k=st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_an_epoch_is_that_of_plain_numpy(seed: int, n: int, k: int) -> None:
    random = np.random.default_rng(seed)
    some = csr_matrix((np.ones(n * k), (np.repeat(np.arange(n), k), random.integers(0, n, n * k))), shape=(n, n))
    some.setdiag(0)
    edges = some.maximum(some.T).astype(np.float32).tocsr()
    edges.eliminate_zeros()
    edges.data[:] = 1
    edges.sort_indices()
    start = random.normal(scale=4, size=(n, 2)).astype(np.float32)
    hands = Hands(edges, start)
    np.testing.assert_array_equal(hands.coordinates, start)
    attraction, repulsion = coefficient_tables(*curve(1.0, 0.1))
    expected = start.astype(np.float64)
    for epoch in range(1, 3):
        hands.run(epoch, 4, seed, 0, attract, pulls(attraction, 2 * (1 - epoch / 4)), repulsion)
        expected = pulled(expected, edges, 1 - epoch / 4)
        np.testing.assert_allclose(hands.coordinates, expected, atol=0.03)


def test_a_pair_that_is_tied_to_nothing_else_stays_where_it_is() -> None:
    edges = csr_matrix(np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], np.float32))
    start = np.array([[0, 0], [0.5, 0], [5, 5], [5, 8]], np.float32)
    hands = Hands(edges, start)
    attraction, repulsion = coefficient_tables(*curve(1.0, 0.1))
    for epoch in range(200):
        hands.run(epoch, 200, 0, 0, attract, pulls(attraction, 2 * (1 - epoch / 200)), repulsion)
    pairs = hands.coordinates.reshape(2, 2, 2)
    assert (pairs.min(axis=1) >= start.reshape(2, 2, 2).min(axis=1)).all()
    assert (pairs.max(axis=1) <= start.reshape(2, 2, 2).max(axis=1)).all()


def test_density_is_kept_as_densmap_keeps_it(digits: Digits, graph: NeighborGraph) -> None:
    vectors, _ = digits
    edges = fuzzy_set(graph.indices[:, :14], graph.distances[:, :14])
    true = log_radii(edges, graph.indices[:, :14], graph.distances[:, :14])

    def shown(coordinates: NDArray[np.floating]) -> float:
        ends = np.repeat(np.arange(len(coordinates)), np.diff(edges.indptr))
        squared = ((coordinates[ends] - coordinates[edges.indices]) ** 2).sum(axis=1).astype(np.float64)
        a, b = curve(1.0, 0.1)
        near = 1 / (1 + a * squared**b)
        radii = np.log(1e-8 + np.bincount(ends, near * squared) / np.bincount(ends, near))
        return float(np.corrcoef(radii, true)[0, 1])

    plain = UMAP(metric="euclidean").fit(vectors, graph)
    dense = UMAP(metric="euclidean", dens_lambda=2.0).fit(vectors, graph)
    assert dense.stats["density_correlation"] == pytest.approx(shown(dense.coordinates), abs=1e-3)
    assert shown(dense.coordinates) >= UMAP_LEARN["density"] - 0.02
    assert shown(dense.coordinates) > shown(plain.coordinates) + 0.3
    assert "density_correlation" not in plain.stats
    assert kept(graph, dense.coordinates) >= 0.95 * UMAP_LEARN["kept with density"]


@pytest.mark.parametrize("params", [{"dens_lambda": 2.0}, {"target": "digit"}])
def test_the_number_of_threads_changes_nothing(params: dict[str, Any], digits: Digits, graph: NeighborGraph) -> None:
    vectors, labels = digits
    made = []
    for threads in (1, 2, numba.config.NUMBA_NUM_THREADS):
        before = numba.get_num_threads()
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        made.append(UMAP(metric="euclidean", n_epochs=40, **params).fit(vectors, graph, inputs={"target": labels}).coordinates)
        numba.set_num_threads(before)
    assert all((each == made[0]).all() for each in made)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("weight", [0.0, 0.5, 0.9, 1.0])
def test_categories_change_the_fuzzy_set_as_in_umap_learn(weight: float, digits: Digits, graph: NeighborGraph) -> None:
    from umap.umap_ import discrete_metric_simplicial_set_intersection

    labels = unsure(digits[1])
    edges = fuzzy_set(graph.indices[:, :14], graph.distances[:, :14])
    far = 2.5 / (1 - weight) if weight < 1 else 1e12
    theirs = discrete_metric_simplicial_set_intersection(edges.copy(), labels, far_dist=far).tocsr()
    ours = supervised(edges, labels, weight)
    assert abs(ours - theirs).max() < 1e-6
    assert abs(ours - ours.T).max() == 0
    if weight == 1:
        rows = np.repeat(np.arange(len(labels)), np.diff(ours.indptr))
        both = (labels[rows] >= 0) & (labels[ours.indices] >= 0)
        assert (labels[rows] == labels[ours.indices])[both].all()


def test_a_supervised_map_keeps_categories_together_as_umap_learns_does(digits: Digits, graph: NeighborGraph) -> None:
    vectors, labels = digits
    some = unsure(labels)
    plain = UMAP(metric="euclidean").fit(vectors, graph).coordinates
    told = UMAP(metric="euclidean", target="digit").fit(vectors, graph, inputs={"target": some}).coordinates
    assert silhouette_score(told, labels) > silhouette_score(plain, labels) + 0.05
    assert silhouette_score(told, labels) >= UMAP_LEARN["told"] - 0.05


def test_new_rows_lie_near_their_neighbors_as_in_umap_learn(digits: Digits) -> None:
    vectors, _ = digits
    new = np.arange(len(vectors)) % 5 == 0
    there, added = vectors[~new], vectors[new]
    distances, indices = NearestNeighbors(n_neighbors=15).fit(there).kneighbors(added)
    made = UMAP(metric="euclidean").fit(there, neighbor_graph(there, k=30, metric="euclidean")).coordinates
    placed = transform(made, indices.astype(np.int32), distances.astype(np.float32))
    again = transform(made, indices.astype(np.int32), distances.astype(np.float32))
    np.testing.assert_array_equal(placed, again)
    for where in (placed, UMAP(metric="euclidean").transform(added, there, made)):
        found = NearestNeighbors(n_neighbors=15).fit(made).kneighbors(where, return_distance=False)
        near = float(np.mean([len({*one} & {*other}) / 15 for one, other in zip(found, indices, strict=True)]))
        assert near >= 0.95 * UMAP_LEARN["placed"]


def test_a_row_of_the_map_placed_again_comes_back_to_it_and_stopping_stops() -> None:
    random = np.random.default_rng(0)
    made = random.uniform(-10, 10, (200, 2)).astype(np.float32)
    distances, indices = NearestNeighbors(n_neighbors=6).fit(made).kneighbors(made[:20])
    placed = transform(made, indices.astype(np.int32), distances.astype(np.float32), min_dist=0.0)
    assert np.median(np.linalg.norm(placed - made[:20], axis=1)) < 2
    with pytest.raises(Stopped):
        transform(made, indices.astype(np.int32), distances.astype(np.float32), should_stop=lambda: True)
    assert transform(made, np.empty((0, 5), np.int32), np.empty((0, 5), np.float32)).shape == (0, 2)
