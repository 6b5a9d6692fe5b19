"""Maps in three dimensions and more: the kernels against plain NumPy, what they keep, and that flat maps stay what they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, random_array
from sklearn.datasets import load_digits

from explorer.compute.fitting import layout_fits
from explorer.compute.forecast import forecast_layout
from explorer.compute.landmark_layout import from_landmarks, landmark_layout
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.placement import place
from explorer.compute.preservation import preservation
from explorer.compute.projections import PCA, TSNE, UMAP, Projection, completed, projection
from explorer.compute.quality import quality
from explorer.compute.stability import stability
from explorer.compute.tsne_gradient import Attraction
from explorer.compute.tsne_gradient_3d import OPENING, Repulsion, attract
from explorer.errors import BadParameter
from explorer.jobs.artifacts import layout_key
from explorer.store.store import Store


def ball(n: int, d: int = 8, seed: int = 0) -> NDArray[np.float32]:
    """Rows that fill a ball of three dimensions, which lies in more of them."""
    numbers = np.random.default_rng(seed)
    inside = numbers.normal(size=(n, 3))
    inside *= (numbers.uniform(size=(n, 1)) ** (1 / 3)) / np.linalg.norm(inside, axis=1, keepdims=True)
    turned = np.linalg.qr(numbers.normal(size=(d, 3)))[0]
    return np.asarray(inside @ turned.T, np.float32)


def plain_repulsion(layout: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    apart = layout[:, None].astype(np.float64) - layout[None]
    near = 1 / (1 + (apart**2).sum(axis=-1) / 2)
    return (apart * near[..., None] ** 2.5).sum(axis=1), (near**1.5).sum() - len(layout)


def kept(graph: NeighborGraph, coordinates: NDArray[np.float32]) -> float:
    return float(np.nanmean(preservation(graph.indices, coordinates).kept[15]))


@pytest.fixture(scope="module")
def digits() -> tuple[NDArray[np.float32], NeighborGraph]:
    vectors = load_digits().data[:600].astype(np.float32)
    return vectors, neighbor_graph(vectors, k=30, metric="euclidean")


# -- flat maps stay what they were


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("pca", "f05239e119ef26f713aa811e706e5e76"),
        ("umap", "58675a653830786c629976bc8e99f541"),
        ("tsne", "a0224564659c93468b6eb728fdbb1c4b"),
    ],
)
def test_a_flat_map_has_the_key_that_it_had_before_there_was_a_third_dimension(tmp_path: Path, method: str, key: str):
    store = Store(tmp_path)
    flat, said = projection(method), projection(method, n_components=2)
    assert layout_key(store, "f" * 32, method, flat.settings(), flat.version) == key
    assert said.settings() == flat.settings()
    spatial = projection(method, n_components=3)
    assert layout_key(store, "f" * 32, method, spatial.settings(), spatial.version) != key


@pytest.mark.parametrize("method", ["pca", "umap", "tsne"])
def test_a_file_that_names_no_dimensions_or_two_holds_a_flat_map(method: str):
    flat, spatial = projection(method).settings(), projection(method, n_components=3).settings()
    assert completed(method, flat) == completed(method, {**flat, "n_components": 2}) == flat
    assert completed(method, spatial) == spatial
    assert completed("axes", {**projection("axes").settings(), "n_components": 3}) is None


def test_two_dimensions_that_are_asked_for_are_the_same_bits(digits: tuple[NDArray[np.float32], NeighborGraph]):
    vectors, graph = digits
    pairs: list[tuple[Projection, Projection]] = [
        (PCA(), PCA(n_components=2)),
        (UMAP(metric="euclidean", n_epochs=20), UMAP(metric="euclidean", n_epochs=20, n_components=2)),
        (TSNE(metric="euclidean", n_iter=20), TSNE(metric="euclidean", n_iter=20, n_components=2)),
    ]
    for one, other in pairs:
        np.testing.assert_array_equal(one.fit(vectors, graph).coordinates, other.fit(vectors, graph).coordinates)


# -- the gradient of t-SNE


@settings(deadline=None, max_examples=30)  # the first one compiles
@given(n=st.integers(1, 300), width=st.floats(1e-5, 60), seed=st.integers(0, 99))
def test_repulsion_is_that_of_all_pairs(n: int, width: float, seed: int):
    numbers = np.random.default_rng(seed)
    centers = numbers.uniform(-width, width, (5, 3))
    layout = np.asarray(centers[numbers.integers(5, size=n)] + numbers.normal(scale=width / 8, size=(n, 3)), np.float32)
    expected, of_all = plain_repulsion(layout)
    rounding = 1e-6 * (1 + width) * np.sqrt(n)
    for opening, off, of_total in ((0.0, 1e-5, 1e-5), (OPENING, 0.05, 0.005)):
        forces, total = Repulsion(opening=opening).of(layout)
        assert np.linalg.norm(forces - expected) <= off * np.linalg.norm(expected) + rounding
        assert total == pytest.approx(of_all, rel=of_total, abs=1e-6 * n)


def test_rows_at_one_place_repel_each_other_nowhere():
    forces, total = Repulsion().of(np.full((500, 3), 7, np.float32))
    assert np.abs(forces).max() == 0
    assert total == pytest.approx(500 * 499)


def test_repulsion_is_the_same_bits_whatever_the_number_of_threads():
    import numba

    layout, found = ball(2_000, 3) * np.float32(20), []
    threads = numba.get_num_threads()
    for count in (1, threads):
        numba.set_num_threads(count)
        found.append(Repulsion().of(layout))
    numba.set_num_threads(threads)
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


@settings(deadline=None, max_examples=20)
@given(n=st.integers(3, 80), seed=st.integers(0, 99))
def test_attraction_and_loss_are_those_of_numpy(n: int, seed: int):
    made = random_array((n, n), density=min(1.0, 8 / n), random_state=seed, format="csr")
    weights = csr_matrix(made + made.T)
    weights /= weights.sum()
    layout = ball(n, 3, seed) * np.float32(5)
    of = Attraction.of(weights)
    forces, losses = np.empty_like(layout), np.empty(n, np.float32)
    attract(layout, of.starts, of.ends, of.weights, forces, losses, True)  # noqa: FBT003 - a numba kernel
    apart = layout[:, None].astype(np.float64) - layout[None]
    beyond = 1 + (apart**2).sum(axis=-1) / 2
    dense = weights.toarray()
    np.testing.assert_allclose(forces, ((dense / beyond)[..., None] * apart).sum(axis=1), atol=1e-5)
    assert losses.sum() == pytest.approx(1.5 * (dense * np.log(beyond)).sum(), rel=1e-4)


def test_the_tree_costs_tsne_less_than_a_hundredth_of_its_loss(
    digits: tuple[NDArray[np.float32], NeighborGraph], monkeypatch: pytest.MonkeyPatch
):
    vectors, graph = digits
    chosen = TSNE(metric="euclidean", n_components=3)
    by_tree = chosen.fit(vectors, graph)
    monkeypatch.setattr(Repulsion.__init__, "__defaults__", (1, 0.0))
    exact = chosen.fit(vectors, graph)
    assert by_tree.coordinates.shape == (600, 3)
    assert by_tree.stats["kl_divergence"] == pytest.approx(exact.stats["kl_divergence"], rel=0.01)


# -- what maps in space keep


@pytest.mark.parametrize(("chosen", "more"), [(PCA, 0.2), (UMAP, 0.02), (TSNE, 0.05)])
def test_a_third_dimension_keeps_more_of_what_has_three(chosen: type[PCA | UMAP | TSNE], more: float):
    vectors = ball(500)
    graph = neighbor_graph(vectors, k=30, metric="euclidean")
    given_metric = {} if chosen is PCA else {"metric": "euclidean"}
    flat, spatial = (chosen(n_components=c, **given_metric).fit(vectors, graph).coordinates for c in (2, 3))
    assert spatial.shape == (500, 3)
    assert kept(graph, spatial) > kept(graph, flat) + more


def test_umap_keeps_density_takes_a_target_and_starts_tsne_in_space(digits: tuple[NDArray[np.float32], NeighborGraph]):
    vectors, graph = digits
    target = load_digits().target[:600].astype(np.int32)
    dense = UMAP(metric="euclidean", n_components=3, dens_lambda=2.0, n_epochs=200).fit(vectors, graph)
    assert dense.stats["density_correlation"] > 0.5
    led = UMAP(metric="euclidean", n_components=3, n_epochs=100, target="digit", target_weight=1.0).fit(
        vectors, graph, inputs={"target": target}
    )
    nearest = preservation(graph.indices, led.coordinates).kept[15]
    assert np.isfinite(nearest).all()
    assert led.coordinates.shape == (600, 3)
    slid = TSNE(metric="euclidean", n_components=3, init="umap", n_iter=50).fit(vectors, graph)
    assert kept(graph, slid.coordinates) > 0.4
    again = UMAP(metric="euclidean", n_components=3, dens_lambda=2.0, n_epochs=200).fit(vectors, graph)
    np.testing.assert_array_equal(dense.coordinates, again.coordinates)


def test_many_components_of_pca_are_each_by_itself_as_before():
    vectors = ball(200) + np.float32(0.1) * np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32)
    many = PCA(n_components=5).fit(vectors)
    assert many.coordinates.shape == (200, 5)
    np.testing.assert_allclose(many.coordinates[:, 2:4], PCA(x=3, y=4).fit(vectors).coordinates, atol=1e-5)
    assert [name for name in many.stats if name.startswith("explained")] == [f"explained_variance_{at}" for at in range(1, 6)]
    with pytest.raises(BadParameter, match="components"):
        PCA(n_components=9).check(200, 8)
    with pytest.raises(BadParameter, match="leave x at 1"):
        PCA(n_components=3, x=2).check(200, 8)


def test_the_quality_of_a_map_in_space_is_measured_in_space():
    vectors = ball(300)
    graph = neighbor_graph(vectors, k=30, metric="euclidean")
    spatial = PCA(n_components=3).fit(vectors).coordinates
    whole, flat = quality(vectors, graph, spatial), quality(vectors, graph, spatial[:, :2])
    assert float(whole.preservation.kept[15].mean()) == pytest.approx(1, abs=0.01)
    assert float(flat.preservation.kept[15].mean()) < 0.7
    assert whole.agreement is not None
    assert whole.control is not None
    assert whole.agreement.trustworthiness > 0.99
    assert whole.control.trustworthiness == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "chosen", [PCA(n_components=3), UMAP(metric="euclidean", n_components=3), TSNE(metric="euclidean", n_components=3)]
)
def test_new_rows_find_their_place_in_space(chosen: Projection):
    vectors = ball(400)
    graph = neighbor_graph(vectors, k=30, metric="euclidean")
    layout = chosen.fit(vectors, graph)
    placed = place(vectors, layout, vectors[:5] + np.float32(1e-3), metric="euclidean")
    assert placed.coordinates.shape == (5, 3)
    width = float(np.ptp(layout.coordinates, axis=0).max())
    assert np.linalg.norm(placed.coordinates - layout.coordinates[:5], axis=1).max() < 0.2 * width
    assert placed.kept.mean() > 0.5


# -- what is refused, and what is foreseen


def test_landmarks_are_flat_only(tmp_path: Path):
    vectors, spatial = ball(60), UMAP(metric="euclidean", n_components=3)
    graph = neighbor_graph(vectors, k=15, metric="euclidean")
    assert not from_landmarks(spatial)
    with pytest.raises(BadParameter, match="from landmarks has 2 dimensions"):
        landmark_layout(spatial, vectors, graph, folder=tmp_path)


def test_a_map_in_space_that_was_only_turned_is_stable_and_one_without_places_is_not():
    numbers = np.random.default_rng(0)
    places = (ball(500, 3) * np.float32(10)).astype(np.float32)
    turned = np.linalg.qr(numbers.normal(size=(3, 3)))[0]
    again = (places @ turned.T * 1.5 + 4).astype(np.float32)
    found = stability(places, [again])
    assert found.typical < 1e-3
    assert found.control == pytest.approx(0.3, abs=0.1)  # of a ball's width, where a row may be anywhere in it
    np.testing.assert_allclose(found.kept, 1, atol=1e-3)
    with pytest.raises(BadParameter, match="the layout is one of shape"):
        stability(places, [places[:, :2]])


@pytest.mark.parametrize("chosen", [PCA, UMAP, TSNE])
def test_a_map_in_space_takes_more_than_a_flat_one_and_two_dimensions_are_said_to_fit(chosen: type[PCA | UMAP | TSNE]):
    flat, spatial = (forecast_layout(1_000_000, 50, chosen(n_components=c), with_graph=False) for c in (2, 3))
    assert spatial.memory >= flat.memory if chosen is not TSNE else spatial.memory > 0
    if chosen is UMAP:
        fits = layout_fits(1_000_000, 50, UMAP(n_components=3), flat.memory, needs_graph=lambda _: False)
        assert "n_components=2" in fits
