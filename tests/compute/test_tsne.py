"""t-SNE's gradient against plain NumPy and openTSNE, its rules, and its maps beside openTSNE's on the same affinities."""

from __future__ import annotations

from typing import Any

import numpy as np
import openTSNE
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from openTSNE.affinity import joint_probabilities_nn
from openTSNE.tsne import kl_divergence_bh
from scipy.sparse import csr_matrix, random_array
from sklearn.datasets import load_digits

from explorer.compute.affinities import _weigh, affinities
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.progress import Snapshot, ignore, never
from explorer.compute.projections import TSNE
from explorer.compute.tsne_descent import LOSS_EVERY, Descent, settled, sorted_groups
from explorer.compute.tsne_gradient import Attraction, Repulsion, attract, descend


def clusters(n: int, width: float, seed: int) -> NDArray[np.float32]:
    numbers = np.random.default_rng(seed)
    centers = numbers.uniform(-width, width, (5, 2))
    return np.asarray(centers[numbers.integers(5, size=n)] + numbers.normal(scale=width / 8, size=(n, 2)), np.float32)


def plain_repulsion(layout: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    apart = layout[:, None].astype(np.float64) - layout[None]
    near = 1 / (1 + (apart**2).sum(axis=-1))
    return (apart * near[..., None] ** 2).sum(axis=1), near.sum() - len(layout)


def some_weights(n: int, seed: int) -> Any:
    made = random_array((n, n), density=min(1.0, 8 / n), random_state=seed, format="csr")
    made = csr_matrix(made + made.T)
    return made / made.sum()


@settings(deadline=None)  # the first one compiles
@given(n=st.integers(2, 400), width=st.floats(1e-5, 120), seed=st.integers(0, 99))
def test_repulsion_is_that_of_all_pairs(n: int, width: float, seed: int):
    layout = clusters(n, width, seed)
    forces, total = Repulsion(1).of(layout)
    expected, of_all = plain_repulsion(layout)
    rounding = 1e-6 * (1 + width) * np.sqrt(n)  # a row pushes itself nowhere but by that
    assert np.linalg.norm(forces - expected) <= 0.02 * np.linalg.norm(expected) + rounding
    assert total == pytest.approx(of_all, rel=0.02, abs=0.005 * n)


def test_repulsion_of_rows_at_one_place_or_of_one_row_is_none():
    for layout in (np.zeros((50, 2), np.float32), np.full((1, 2), 7, np.float32)):
        forces, total = Repulsion(1).of(layout)
        assert np.abs(forces).max() < 1e-2
        assert total > 0


def test_a_grid_that_stays_keeps_its_kernel_and_another_one_has_its_own():
    made = Repulsion(1)
    small, large = clusters(300, 3, 0), clusters(300, 60, 0)
    first, _ = made.of(small)
    kernel = made._kernel
    made.of(small * np.float32(1.001))
    assert made._kernel is kernel
    made.of(large)
    assert made._kernel is not kernel
    again, _ = made.of(small)
    np.testing.assert_array_equal(again, first)


@settings(deadline=None)
@given(n=st.integers(3, 80), seed=st.integers(0, 99))
def test_attraction_and_loss_are_those_of_numpy(n: int, seed: int):
    weights, layout = some_weights(n, seed), clusters(n, 5, seed)
    made = Attraction.of(weights)
    forces, losses = np.empty_like(layout), np.empty(n, np.float32)
    attract(layout, made.starts, made.ends, made.weights, forces, losses, True)  # noqa: FBT003  # a kernel
    apart = layout[:, None].astype(np.float64) - layout[None]
    far = 1 + (apart**2).sum(axis=-1)
    dense = weights.toarray()
    np.testing.assert_allclose(forces, (apart * (dense / far)[..., None]).sum(axis=1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(losses, (dense * np.log(far)).sum(axis=1), rtol=1e-4, atol=1e-6)
    some = dense[dense > 0]
    assert made.entropy == pytest.approx((some * np.log(some)).sum())


def test_a_step_is_that_of_opentsne():
    numbers = np.random.default_rng(3)
    layout, pull, push, update = (numbers.normal(size=(200, 2)).astype(np.float32) for _ in range(4))
    gains = numbers.uniform(0.1, 2, (200, 2)).astype(np.float32)
    slope = 12 * pull - 0.5 * push
    new_gains = np.where(np.sign(update) != np.sign(slope), gains + 0.2, gains * 0.8 + 0.01)
    new_update = 0.8 * update - 3 * new_gains * slope
    length = np.linalg.norm(new_update, axis=1, keepdims=True)
    new_update = np.where(length > 5, new_update * 5 / length, new_update)
    expected = layout + new_update
    descend(layout, pull, push, *(np.float32(each) for each in (12, 0.5)), update, gains, *(np.float32(each) for each in (3, 0.8, 0.01, 5)))
    np.testing.assert_allclose(layout, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(update, new_update, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(gains, new_gains, rtol=1e-5)


def of(graph: NeighborGraph) -> Any:
    """Compute affinities as openTSNE takes them."""
    made = affinities(graph.indices, graph.distances, 10.0)
    return csr_matrix((made.data.astype(np.float64), made.indices, made.indptr), shape=made.shape)


@given(n=st.integers(4, 60), seed=st.integers(0, 99), perplexity=st.floats(1.5, 20))
@settings(deadline=None)
def test_every_row_listens_to_as_many_as_the_perplexity_says(n: int, seed: int, perplexity: float):
    k = min(20, n - 1)
    graph = neighbor_graph(np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32), k=k, metric="euclidean")
    perplexity, weights = min(perplexity, 0.9 * k), np.empty((n, k), np.float32)
    _weigh(graph.distances, np.log(perplexity), weights)
    wide = weights.astype(float)
    np.testing.assert_allclose(np.exp(-(wide * np.log(np.maximum(wide, 1e-300))).sum(axis=1)), perplexity, rtol=1e-4)
    made = affinities(graph.indices, graph.distances, perplexity).toarray()
    expected = np.zeros((n, n))
    np.put_along_axis(expected, graph.indices.astype(int), wide, axis=1)
    np.testing.assert_allclose(made, (expected + expected.T) / (2 * n), rtol=1e-4, atol=1e-9)


def test_affinities_are_those_of_opentsne(digits: NDArray[np.float32]):
    graph = neighbor_graph(digits, k=30)
    theirs = joint_probabilities_nn(np.array(graph.indices), graph.distances.astype(float), [10.0], n_jobs=1)
    apart = np.abs((of(graph) - theirs).toarray())
    assert apart.sum() < 1e-3
    assert apart.max() < 0.01 * theirs.max()


def test_affinities_of_rows_at_one_place_are_all_the_same():
    made = affinities(np.array([[1, 2], [0, 2], [0, 1]], np.int32), np.zeros((3, 2), np.float32), 1.5)
    np.testing.assert_allclose(made.toarray(), (1 - np.eye(3)) / 6, rtol=1e-6)


@pytest.fixture(scope="module")
def digits() -> NDArray[np.float32]:
    return load_digits().data.astype(np.float32)


def test_the_divergence_is_opentsnes(digits: NDArray[np.float32]):
    made = of(neighbor_graph(digits, k=30))
    layout = clusters(len(digits), 20, 1)
    descent = Descent(layout, Attraction.of(made), None, 0, ignore, never)
    theirs, _ = kl_divergence_bh(layout.astype(np.float64), made, dof=1, bh_params={"theta": 0.0}, should_eval_error=True, n_jobs=1)
    assert descent.divergence() == pytest.approx(theirs, rel=0.005)


def test_a_map_is_as_good_as_opentsnes_on_the_same_affinities(digits: NDArray[np.float32]):
    graph = neighbor_graph(digits, k=30)
    ours = TSNE().fit(digits, graph)
    made = of(graph)
    begun = TSNE().start(digits).coordinates
    theirs = openTSNE.TSNEEmbedding(begun, _Given(made), negative_gradient_method="bh", random_state=0)
    theirs = theirs.optimize(250, exaggeration=12, momentum=0.8).optimize(500, momentum=0.8)
    assert ours.stats["kl_divergence"] <= 1.01 * theirs.kl_divergence


class _Given:
    """Affinities, as openTSNE wants to be handed them."""

    def __init__(self, weights: Any) -> None:
        self.P = weights


def test_losses_are_shown_of_a_layout_a_few_steps_ago(digits: NDArray[np.float32]):
    shown: list[Snapshot] = []

    def report(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        if layout is not None:
            shown.append(layout._replace(coordinates=layout.coordinates.copy()))

    graph = neighbor_graph(digits, k=30)
    layout = TSNE(n_iter=200).fit(digits, graph, report=report)
    losses = [each.loss for each in shown if each.loss is not None]
    assert losses[-1] == layout.stats["kl_divergence"] == min(losses)
    assert shown[0].loss is None
    assert shown[-1].iterations == shown[-1].iteration == layout.stats["iterations"] <= 450


def test_groups_are_sorted_when_the_loss_falls_less_quickly_than_before():
    falling = [7.0, 6.9, 6.7, 6.2, 5.6, 5.3, 5.2]
    assert [sorted_groups(falling[:n]) for n in range(1, 8)] == [False] * 6 + [True]
    assert not sorted_groups([7.0] * 20), "nothing has happened yet"


def test_a_layout_has_settled_when_steps_do_nothing_any_more():
    still = 5.0 * (1 - 0.5e-4 * LOSS_EVERY)
    assert not settled([5.2, 5.1, 5.05, 5.0])
    assert settled([5.2, 5.1, 5.0, still])
    assert not settled([5.0, still])
    assert not settled([5.0] * 20), "it has not begun to change yet"


def test_a_slide_to_more_exaggeration_goes_on_from_the_step_below() -> None:
    vectors = load_digits().data[:600].astype(np.float32)
    graph = neighbor_graph(vectors, k=30)
    assert TSNE(exaggeration=4.0).builds_on() is None
    assert TSNE(init="tsne").builds_on() is None
    slid = TSNE(exaggeration=2.0, init="tsne", n_iter=100)
    below = slid.builds_on()
    assert below is not None
    assert (below.exaggeration, below.n_iter, below.builds_on().exaggeration) == (1.5, 100, 1.0)  # type: ignore[union-attr]
    base = below.fit(vectors, graph).coordinates
    start = slid.start(vectors, base=base)
    made = slid.fit(vectors, graph, start=start)
    np.testing.assert_array_equal(slid.fit(vectors, graph).coordinates, made.coordinates)
    near = [np.corrcoef(made.coordinates[:, axis], base[:, axis])[0, 1] for axis in (0, 1)]
    assert min(near) > 0.95, "it lies like the map it comes from"
    assert np.ptp(made.coordinates) < np.ptp(base), "and is denser"
    afresh = TSNE(exaggeration=2.0, n_iter=100).fit(vectors, graph)
    assert made.stats["kl_divergence"] <= afresh.stats["kl_divergence"] * 1.02
