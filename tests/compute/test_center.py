"""The middle of vectors against all pairs of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances

from explorer.compute.center import center


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60), d=st.integers(1, 8), offset=st.sampled_from([0, 3]))
@settings(deadline=None, max_examples=60)
def test_the_middle_is_that_of_all_pairs(metric, seed, n, d, offset):
    vectors = (np.random.default_rng(seed).normal(size=(n, d)) + offset).astype(np.float32)
    apart = pairwise_distances(vectors.astype(np.float64), metric=metric)
    power = 1 if metric == "cosine" else 2
    means = ((apart**power).sum(axis=1) / (n - 1)) ** (1 / power)
    found = center(vectors, metric=metric, n_medoids=5)
    np.testing.assert_allclose(found.distances, np.sort(means)[:5], atol=1e-5)
    np.testing.assert_allclose(means[found.medoids], found.distances, atol=1e-5)
    assert found.mean_distance == pytest.approx(((apart**power).sum() / (n * (n - 1))) ** (1 / power), abs=1e-5)


def test_one_vector_and_none():
    one = center(np.ones((1, 3), np.float32), metric="cosine", n_medoids=3)
    assert one.medoids.tolist() == [0]
    assert np.isnan(one.mean_distance)
    assert not len(center(np.ones((0, 3), np.float32), metric="euclidean", n_medoids=3).medoids)
