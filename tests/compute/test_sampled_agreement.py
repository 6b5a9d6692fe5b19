"""Agreement by a sample of rows, against all rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.compute.agreement import agreement
from explorer.compute.nearer import count_nearer
from explorer.compute.neighbors import neighbor_graph
from explorer.compute.principal_components import principal_components
from explorer.compute.progress import Stopped
from explorer.compute.quality import quality
from explorer.compute.sampled_agreement import SAMPLED_FROM, sampled_agreement
from explorer.errors import BadParameter


def clusters(n: int, d: int = 12) -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.normal(scale=3, size=(15, d))[random.integers(15, size=n)] + random.normal(size=(n, d))).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "correlation"])
def test_where_all_rows_are_anchors_and_references_it_is_exact(metric: str):
    vectors = clusters(900)
    plane = principal_components(vectors).coordinates
    layouts = [plane, np.random.default_rng(1).permutation(plane)]
    graph = neighbor_graph(vectors, k=30, metric=metric)
    every = agreement(vectors, layouts, metric=metric, anchors=900)
    here = sampled_agreement(vectors, graph.indices, layouts, metric=metric, anchors=900, references=900)
    for one, other in zip(here, every, strict=True):
        assert one.trustworthiness == pytest.approx(other.trustworthiness, abs=2e-4)
        assert one.continuity == pytest.approx(other.continuity, abs=2e-4)
        assert one.triplets == pytest.approx(other.triplets, abs=0.02)
        assert one.correlation == pytest.approx(other.correlation, abs=0.03)


def test_a_sample_comes_near():
    vectors = clusters(4_000)
    plane = principal_components(vectors).coordinates
    graph = neighbor_graph(vectors, k=30)
    [every] = agreement(vectors, [plane], anchors=4_000)
    for seed in range(3):
        [some] = sampled_agreement(vectors, graph.indices, [plane], anchors=2_000, references=500, seed=seed)
        for name in ("trustworthiness", "continuity", "triplets"):
            assert getattr(some, name) == pytest.approx(getattr(every, name), abs=0.01)
        assert some.distances[:, 0].max() <= 2


def test_quality_of_many_rows_samples():
    vectors = clusters(SAMPLED_FROM, 4)
    plane = principal_components(vectors).coordinates
    graph = neighbor_graph(vectors, k=30)
    found = quality(vectors, graph, plane)
    [exact] = agreement(vectors, [plane], anchors=3_000)
    assert found.agreement is not None
    assert found.control is not None
    assert found.agreement.trustworthiness == pytest.approx(exact.trustworthiness, abs=0.01)
    assert found.control.trustworthiness == pytest.approx(0.5, abs=0.02)
    assert found.control.triplets == pytest.approx(0.5, abs=0.02)


@given(seed=st.integers(0, 999), b=st.integers(1, 6), m=st.integers(1, 40), k=st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_counting_equals_numpy(seed: int, b: int, m: int, k: int):
    random = np.random.default_rng(seed)
    distances = np.round(random.random((b, m)), 1).astype(np.float32)
    limits = np.round(random.random((b, k)), 1).astype(np.float32)
    own = random.integers(-1, m, b)
    counts = np.empty((b, k), np.int64)
    count_nearer(distances, limits, own, counts)
    others = np.arange(m)[None] != own[:, None]
    np.testing.assert_array_equal(counts, ((distances[:, None, :] < limits[:, :, None]) & others[:, None, :]).sum(axis=2))


def test_what_cannot_be_compared_is_refused():
    vectors = clusters(60)
    graph = neighbor_graph(vectors, k=10)
    with pytest.raises(BadParameter, match="10 neighbors"):
        sampled_agreement(vectors, graph.indices, [vectors[:, :2]])
    with pytest.raises(BadParameter, match="rows"):
        sampled_agreement(vectors, graph.indices, [vectors[1:, :2]], k=5)
    with pytest.raises(Stopped):
        sampled_agreement(vectors, graph.indices, [vectors[:, :2]], k=5, should_stop=lambda: True)
