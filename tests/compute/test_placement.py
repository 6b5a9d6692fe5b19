"""New rows among those of a dataset: places on layouts, nearest rows and confidence, against plain NumPy and openTSNE."""

from __future__ import annotations

import numpy as np
import openTSNE
import pytest
from numpy.typing import NDArray
from openTSNE.affinity import PerplexityBasedNN
from sklearn.datasets import load_digits

from explorer.compute import tsne_transform
from explorer.compute.neighbors import neighbor_graph
from explorer.compute.placement import NEIGHBORS, check_new, familiarity, nearest, own_reach, place
from explorer.compute.progress import Stopped
from explorer.compute.projections import PCA, TSNE, UMAP, Axes, Layout
from explorer.errors import BadParameter


def some(n: int, d: int = 6, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize(("n", "d"), [(200, 6), (12, 40), (3, 2)])
def test_rows_of_the_data_land_on_their_own_places_of_a_linear_layout(n: int, d: int):
    vectors = some(n, d)
    for layout in (
        PCA().fit(vectors, None),
        Axes(x_to="a").fit(vectors, inputs={"x_to": np.array([0, 1])}),
    ):
        placed = place(vectors, layout, vectors[:3])
        assert placed.how == "linear"
        np.testing.assert_allclose(placed.coordinates, layout.coordinates[:3], atol=1e-4)


@pytest.mark.parametrize("m", [1, 40])
@pytest.mark.parametrize("metric", ["cosine", "euclidean", "dot", "manhattan"])
def test_nearest_rows_are_those_of_all_distances(m: int, metric: str):
    vectors, new = some(60), some(m, seed=1)
    rows, _ = nearest(vectors, new, k=5, metric=metric)
    wide, theirs = vectors.astype(float), new.astype(float)
    apart = {
        "cosine": lambda: -(theirs @ wide.T) / np.linalg.norm(wide, axis=1),
        "euclidean": lambda: np.linalg.norm(theirs[:, None] - wide, axis=2),
        "dot": lambda: -(theirs @ wide.T),
        "manhattan": lambda: np.abs(theirs[:, None] - wide).sum(axis=2),
    }[metric]()
    np.testing.assert_array_equal(rows, np.argsort(apart, axis=1)[:, :5])


def test_confidence_is_the_share_of_rows_that_are_as_far_from_theirs():
    vectors = some(300)
    new = np.concatenate([vectors[:40] + 0.01, np.full((1, 6), 50, np.float32)])
    _, distances = nearest(vectors, new, k=NEIGHBORS, metric="euclidean")
    reach = own_reach(vectors, k=NEIGHBORS, metric="euclidean")
    found = familiarity(vectors, new, distances, reach, metric="euclidean")
    apart = np.sort(np.linalg.norm(vectors[:, None] - vectors, axis=2), axis=1)[:, NEIGHBORS]
    expected = [(apart >= each * (1 - 1e-6)).mean() for each in distances[:, -1]]
    np.testing.assert_allclose(found.confidence, expected, atol=1e-6)
    assert found.words[-1] == "outside"
    assert found.words.count("inside") >= 35


def test_places_of_an_unknown_layout_are_among_the_nearest_rows_and_rows_without_a_place_do_not_count():
    vectors = some(50)
    coordinates = some(50, 2, seed=2)
    coordinates[7] = np.nan
    placed = place(vectors, Layout(coordinates, "given", {}), vectors[7:9])
    assert placed.how == "neighbors"
    assert np.isfinite(placed.coordinates).all()
    pca_by_name_only = place(vectors, Layout(some(50, 2, seed=3), "pca", {}), vectors[:1])
    assert pca_by_name_only.how == "neighbors"


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("method", ["umap", "tsne", "given"])
def test_a_row_finds_a_place_among_few(n: int, method: str):
    placed = place(some(n), Layout(some(n, 2), method, {}), some(1, seed=5))
    assert placed.coordinates.shape == (1, 2)
    assert np.isfinite(placed.coordinates).all()
    assert placed.kept.tolist() == [1.0]


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (np.ones((2, 5)), "6 numbers"),
        (np.empty((0, 6)), "at least one"),
        (np.full((1, 6), np.nan), "missing"),
        (np.zeros(6), "cosine distance cannot compare"),
    ],
)
def test_vectors_that_cannot_be_placed_are_refused_in_a_sentence(new: NDArray[np.float64], why: str):
    with pytest.raises(BadParameter, match=why):
        check_new(new, 6, "cosine")


def test_placing_can_be_stopped():
    with pytest.raises(Stopped):
        place(some(20), Layout(some(20, 2), "tsne", {}), some(2, seed=1), should_stop=lambda: True)


def kept_share(coordinates: NDArray[np.float32], placed: NDArray[np.floating], rows: NDArray[np.int32]) -> float:
    squared = np.square(placed[:, None] - coordinates[None]).sum(axis=2)
    near = np.argsort(squared, axis=1)[:, : rows.shape[1]]
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(rows, near, strict=True)]))


def test_tsne_places_held_out_digits_as_opentsne_does():
    data = load_digits().data.astype(np.float32)[:1000]
    known, new = data[:900], data[900:]
    layout = TSNE(metric="euclidean", n_iter=250).fit(known, neighbor_graph(known, k=30, metric="euclidean"))
    ours = place(known, layout, new)
    affinities = PerplexityBasedNN(known, perplexity=30, metric="euclidean", method="exact", random_state=0)
    theirs = openTSNE.TSNEEmbedding(layout.coordinates.astype(np.float64), affinities, negative_gradient_method="bh")
    there = np.asarray(theirs.transform(new))
    there = there + layout.coordinates.mean(axis=0) - np.asarray(theirs).mean(axis=0)  # it moves its own map as a whole
    rows, _ = nearest(known, new, k=15, metric="euclidean")
    assert ours.kept.mean() == pytest.approx(kept_share(layout.coordinates, ours.coordinates, rows), abs=1e-6)
    assert ours.kept.mean() >= kept_share(layout.coordinates, there, rows) - 0.03
    off = np.linalg.norm(ours.coordinates - there, axis=1)
    assert np.median(off) < 0.001 * np.ptp(layout.coordinates)


def test_what_comes_of_a_row_does_not_depend_on_the_others(monkeypatch: pytest.MonkeyPatch):
    vectors, new = some(100), some(9, seed=1)
    layout = Layout(some(100, 2, seed=2) * 10, "tsne", {})
    together = place(vectors, layout, new).coordinates
    monkeypatch.setattr(tsne_transform, "_PAIRS", 1)
    np.testing.assert_array_equal(place(vectors, layout, new).coordinates, together)
    np.testing.assert_array_equal(place(vectors, layout, new[3]).coordinates[0], together[3])


def test_umap_places_rows_of_the_data_near_themselves():
    vectors = np.concatenate([some(60) + 8 * np.eye(6, dtype=np.float32)[at] for at in range(3)])
    layout = UMAP(n_epochs=50).fit(vectors, neighbor_graph(vectors, k=30))
    placed = place(vectors, layout, vectors[::10])
    assert placed.how == "umap"
    off = np.linalg.norm(placed.coordinates - layout.coordinates[::10], axis=1)
    assert np.median(off) < 0.1 * np.ptp(layout.coordinates)
