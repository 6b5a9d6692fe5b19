"""Layouts against the original space, by anchors: equal to scikit-learn's figures where all rows are anchors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness

from explorer.compute.agreement import agreement
from explorer.compute.principal_components import principal_components
from explorer.compute.progress import Stopped
from explorer.errors import BadParameter, NotEnoughRows

N = 700


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    pixels = load_digits().data[:N]
    return (pixels + np.random.default_rng(0).normal(scale=0.1, size=pixels.shape)).astype(np.float32)  # no two distances are equal


@pytest.fixture(scope="module")
def plane(digits: np.ndarray) -> np.ndarray:
    return principal_components(digits).coordinates


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [5, 15])
def test_of_all_rows_it_is_what_scikit_learn_says(digits: np.ndarray, plane: np.ndarray, metric: str, k: int):
    [found] = agreement(digits, [plane], k=k, metric=metric, anchors=N)
    assert found.trustworthiness == pytest.approx(
        trustworthiness(digits.astype(float), plane.astype(float), n_neighbors=k, metric=metric), abs=1e-9
    )
    if metric == "euclidean":  # the same with the two exchanged
        assert found.continuity == pytest.approx(trustworthiness(plane.astype(float), digits.astype(float), n_neighbors=k), abs=1e-9)


def test_a_few_hundred_anchors_come_near(digits: np.ndarray, plane: np.ndarray):
    [every] = agreement(digits, [plane], metric="euclidean", anchors=N)
    [some] = agreement(digits, [plane], metric="euclidean", anchors=300, seed=3)
    for name in ("trustworthiness", "continuity", "triplets"):
        assert getattr(some, name) == pytest.approx(getattr(every, name), abs=0.02)


def test_distances_are_those_of_the_metric(digits: np.ndarray, plane: np.ndarray):
    [found] = agreement(digits, [plane], metric="euclidean", anchors=50)
    true = cdist(digits, digits)
    seen = cdist(plane, plane)
    for apart, near in found.distances[:40]:
        assert np.isclose(seen[np.isclose(true, apart, rtol=1e-6)], near, rtol=1e-4).any()
    assert found.correlation == pytest.approx(spearmanr(found.distances[:, 0], found.distances[:, 1]).statistic)
    [cosine] = agreement(digits, [plane], metric="cosine", anchors=50)
    assert cosine.distances[:, 0].max() <= cdist(digits, digits, "cosine").max() * (1 + 1e-6)


def test_a_perfect_layout_has_full_marks_and_a_random_one_those_of_chance():
    random = np.random.default_rng(0)
    vectors = random.normal(size=(400, 3)).astype(np.float32)
    perfect, shuffled = agreement(vectors, [vectors * 3 + 5, random.permutation(vectors)], metric="euclidean", anchors=400)
    assert (perfect.trustworthiness, perfect.continuity, perfect.triplets) == (1.0, 1.0, 1.0)
    assert perfect.correlation == pytest.approx(1.0, abs=1e-4)
    assert shuffled.trustworthiness == pytest.approx(0.5, abs=0.03)
    assert shuffled.triplets == pytest.approx(0.5, abs=0.03)
    assert abs(shuffled.correlation) < 0.05


def test_many_rows_in_single_precision_agree_with_a_double_computation():
    random = np.random.default_rng(1)
    vectors = (random.normal(size=(6_000, 8)) + 1000).astype(np.float32)
    layout = vectors[:, :2] + random.normal(scale=0.3, size=(6_000, 2)).astype(np.float32)
    [found] = agreement(vectors, [layout], metric="euclidean", anchors=200, seed=1)
    chosen = np.sort(np.random.default_rng(1).choice(6_000, 200, replace=False))
    true, seen = cdist(vectors[chosen], vectors), cdist(layout[chosen], layout)
    for space in (true, seen):
        space[np.arange(200), chosen] = np.inf
    near = np.argsort(seen, axis=1)[:, :15]
    ranks = np.argsort(np.argsort(true, axis=1), axis=1) + 1
    penalty = np.maximum(np.take_along_axis(ranks, near, axis=1) - 15, 0).sum()
    assert found.trustworthiness == pytest.approx(1 - penalty * 2 / (200 * 15 * (2 * 6_000 - 3 * 15 - 1)), abs=1e-5)


def test_rows_that_are_all_the_same_are_no_error():
    vectors = np.ones((50, 4), np.float32)
    [found] = agreement(vectors, [np.zeros((50, 2), np.float32)], metric="euclidean", anchors=50)
    assert found.correlation == 0.0
    assert np.isfinite([found.trustworthiness, found.continuity, found.triplets]).all()


def test_what_cannot_be_compared_is_refused(digits: np.ndarray, plane: np.ndarray):
    with pytest.raises(NotEnoughRows):
        agreement(digits[:20], [plane[:20]], k=15)
    with pytest.raises(BadParameter, match="rows"):
        agreement(digits, [plane[:-1]])
    with pytest.raises(Stopped):
        agreement(digits, [plane], should_stop=lambda: True)
