"""Vectors of every type, order and width, rows that repeat, pieces and constant columns: a map of all rows, from opening on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.compute.agreement import agreement
from explorer.compute.graph_columns import components, near_duplicates
from explorer.compute.neighbors import neighbor_graph
from explorer.compute.preservation import preservation
from explorer.compute.projections import PCA, TSNE, UMAP, Layout, Projection
from explorer.data.dataset import open_dataset

QUICK: list[Projection] = [PCA(), UMAP(n_epochs=30), TSNE(n_iter=30)]
IDS = ["pca", "umap", "tsne"]


def whole_numbers(n: int = 90, d: int = 12) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(-90, 90, (n, d))


def fitted(made: Projection, vectors: NDArray[np.float32]) -> Layout:
    wanted = made.graph_request(len(vectors))
    return made.fit(vectors, neighbor_graph(vectors, **wanted) if wanted else None)


@pytest.mark.parametrize("made", QUICK, ids=IDS)
@pytest.mark.parametrize("as_given", [
    lambda x: x.astype(np.float16),
    lambda x: x.astype(np.float64),
    lambda x: x.astype(np.int8),
    lambda x: np.asfortranarray(x.astype(np.float32)),
    lambda x: np.repeat(x.astype(np.float32), 2, axis=1)[:, ::2],
    lambda x: x.astype(">f8"),
], ids=["float16", "float64", "int8", "fortran", "strided", "big-endian"])  # fmt: skip
def test_every_type_and_order_of_numbers_gives_the_same_map(made: Projection, as_given: Callable[..., NDArray[np.generic]]) -> None:
    plain = fitted(made, whole_numbers().astype(np.float32))
    vectors = open_dataset(as_given(whole_numbers())).vectors
    assert vectors is not None
    np.testing.assert_array_equal(fitted(made, vectors).coordinates, plain.coordinates)


@pytest.mark.parametrize("made", QUICK, ids=IDS)
@pytest.mark.parametrize("d", [1, 2, 4096])
def test_one_to_four_thousand_dimensions_make_a_map(made: Projection, d: int) -> None:
    vectors = np.random.default_rng(1).normal(size=(60, d)).astype(np.float32)
    layout = fitted(made, vectors)
    assert np.isfinite(layout.coordinates).all()
    [found] = agreement(vectors, [layout.coordinates], metric="euclidean", k=5, anchors=60)
    assert 0 <= found.trustworthiness <= 1


@pytest.mark.parametrize("made", QUICK, ids=IDS)
def test_a_row_ten_thousand_times_makes_a_map(made: Projection) -> None:
    vectors = np.concatenate([np.full((10_000, 6), 0.5), np.random.default_rng(2).normal(size=(200, 6))]).astype(np.float32)
    graph = neighbor_graph(vectors, k=30)
    layout = made.fit(vectors, graph)
    assert np.isfinite(layout.coordinates).all()
    kept = preservation(graph.indices, layout.coordinates)
    assert np.isfinite(kept.kept[15]).all()
    assert (near_duplicates(graph)[:10_000] == 1).all()


@pytest.mark.parametrize("made", QUICK, ids=IDS)
def test_pieces_that_no_edge_connects_make_a_map_and_stay_apart(made: Projection) -> None:
    random = np.random.default_rng(3)
    vectors = np.concatenate([random.normal(size=(80, 5)) + shift for shift in (0, 500, -500)]).astype(np.float32)
    graph = neighbor_graph(vectors, k=30, metric="euclidean")
    assert sorted(np.unique(components(graph))) == [1, 2, 3]
    layout = made.fit(vectors, graph)
    assert np.isfinite(layout.coordinates).all()
    piece = np.arange(240) // 80
    near = neighbor_graph(np.ascontiguousarray(layout.coordinates), k=5, metric="euclidean").indices
    assert (piece[near] == piece[:, None]).mean() > 0.99


@pytest.mark.parametrize("made", QUICK, ids=IDS)
def test_constant_columns_change_nothing_much(made: Projection) -> None:
    vectors = whole_numbers().astype(np.float32)
    wider = np.concatenate([vectors, np.zeros((90, 3), np.float32)], axis=1)
    graph = neighbor_graph(vectors, k=30)
    np.testing.assert_array_equal(neighbor_graph(wider, k=30).indices, graph.indices)
    one, other = (np.nanmean(preservation(graph.indices, fitted(made, each).coordinates).kept[15]) for each in (vectors, wider))
    assert one == pytest.approx(other, abs=0.05)
