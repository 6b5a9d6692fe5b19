"""A search in parts finds what the whole one finds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.compute import cell_search, neighbors
from explorer.compute.cell_search import block_edges, search_cells
from explorer.compute.exact_search import Points, searchable
from explorer.compute.neighbors import NeighborGraph, graph_from, neighbor_graph
from explorer.compute.progress import Stopped, ignore, never
from explorer.compute.sharded_search import Met, Plan, merge_shards, plan_search, search_homes, search_shard, share_cells, visit_cells
from tests.compute.test_cell_search import clusters


@pytest.fixture(autouse=True, scope="module")
def _small_blocks() -> Iterator[None]:
    """Have a few thousand rows make several blocks."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cell_search, "CROWD", 384)
        yield


def shards_of(vectors: NDArray[np.float32], plan: Plan, blocks: int, shards: int) -> tuple[list[Met], NDArray[np.float32]]:
    """Search in parts, as if each were elsewhere; the reach of the anchors, too."""
    edges = block_edges(len(vectors), blocks)
    visits = [visit_cells(vectors, plan, start, end) for start, end in pairwise(edges) if end > start]
    probed = np.concatenate([each.probed for each in visits])
    counts = np.bincount(probed.ravel(), minlength=len(plan.centers)) * np.bincount(probed[:, 0], minlength=len(plan.centers))
    shard = share_cells(plan.centers, counts.astype(float), shards)
    there = [np.where(shard[probed] == number, probed, -1) for number in range(shards)]
    home_rows = [np.flatnonzero(each[:, 0] >= 0) for each in there]
    homes = [search_homes(vectors, plan, rows, each[rows, 0]) for rows, each in zip(home_rows, there, strict=True)]
    limits = np.empty(len(vectors), np.float32)
    for home in homes:
        limits[home.rows] = home.gaps[:, -1]
    met = []
    for each, home in zip(there, homes, strict=True):
        rows = np.flatnonzero((each >= 0).any(axis=1))
        met.append(search_shard(vectors, plan, rows, each[rows], home, limits[rows]))
    return met, np.sort(np.concatenate([each.reach for each in visits], axis=1), axis=1)[:, plan.k - 1]


def graph_in_parts(vectors: NDArray[np.float32], k: int, metric: str, blocks: int = 3, shards: int = 3) -> NeighborGraph:
    plan = plan_search(vectors, k=k, metric=metric)
    met, reach = shards_of(vectors, plan, blocks, shards)
    return graph_from(vectors, merge_shards(len(vectors), k, met), plan.frame.scale, reach, metric=metric)


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "correlation"])
@pytest.mark.parametrize(("blocks", "shards"), [(1, 1), (3, 2), (2, 5)])
def test_the_graph_is_that_of_one_process(metric: str, blocks: int, shards: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "exact_below", lambda _: 100)
    vectors = clusters(3000, 12)
    whole = neighbor_graph(vectors, k=15, metric=metric)
    parts = graph_in_parts(vectors, 15, metric, blocks, shards)
    assert parts.recall == pytest.approx(whole.recall, abs=1e-6)
    np.testing.assert_array_equal(parts.indices, whole.indices)
    np.testing.assert_array_equal(parts.distances, whole.distances)


@settings(max_examples=15, deadline=None)
@given(n=st.integers(40, 400), d=st.integers(1, 9), shards=st.integers(1, 6), seed=st.integers(0, 5), same=st.integers(0, 60))
def test_every_pair_that_one_process_compares_is_compared(n: int, d: int, shards: int, seed: int, same: int) -> None:
    vectors = np.concatenate([clusters(n, d, seed), np.full((same, d), 0.5, np.float32)])
    points = Points.of(vectors, "euclidean")
    columns = searchable(points.exact, 7)
    _, gaps = search_cells(points, columns, 7, 0, stage="", report=ignore, should_stop=never)
    plan = plan_search(vectors, k=7, metric="euclidean")
    np.testing.assert_array_equal(np.setdiff1d(np.arange(len(vectors)), plan.left_out), columns)
    indices, apart = merge_shards(len(vectors), 7, shards_of(vectors, plan, 2, shards)[0])
    np.testing.assert_array_equal(apart, gaps)
    assert (indices != np.arange(len(vectors))[:, None]).all()
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in indices)


def test_the_reach_of_the_anchors_is_true() -> None:
    vectors = clusters(700, 6)
    plan = plan_search(vectors, k=10, metric="euclidean")
    _, reach = shards_of(vectors, plan, 4, 1)
    apart = np.linalg.norm(vectors[plan.anchors][:, None] - vectors[None].astype(np.float64), axis=2)
    apart[np.arange(len(plan.anchors)), plan.anchors] = np.inf
    np.testing.assert_allclose(reach, np.sort(apart, axis=1)[:, 9], rtol=1e-5)


def test_what_is_missing_is_found_where_the_parts_missed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clusters(2000, 8)
    plan = plan_search(vectors, k=10, metric="cosine")
    met, reach = shards_of(vectors, plan, 1, 2)
    indices, gaps = merge_shards(len(vectors), 10, met)
    indices[5, 4:], gaps[5, 4:] = -1, np.inf
    found = graph_from(vectors, (indices, gaps), 1.0, reach, metric="cosine")
    monkeypatch.setattr(neighbors, "exact_below", lambda _: 100_000)
    np.testing.assert_array_equal(found.indices[5], neighbor_graph(vectors, k=10, metric="cosine").indices[5])


def test_shards_lie_together_and_cost_about_the_same() -> None:
    centers, costs = clusters(4000, 5, spread=0.5), np.random.default_rng(0).random(4000)
    shard = share_cells(centers, costs, 7)
    shares = np.bincount(shard, weights=costs) / costs.sum()
    assert shares == pytest.approx(np.full(7, 1 / 7), abs=0.01)
    spread = sum(((centers[shard == s] - centers[shard == s].mean(axis=0)) ** 2).sum() for s in range(7))
    assert spread < 0.5 * ((centers - centers.mean(axis=0)) ** 2).sum()
    assert set(share_cells(centers[:3], costs[:3], 8)) <= set(range(8)), "more shards than cells"


def test_each_part_can_be_stopped() -> None:
    vectors = clusters(500, 5)
    plan = plan_search(vectors, k=5, metric="cosine")
    probed, every, limits = visit_cells(vectors, plan, 0, 500).probed, np.arange(500), np.full(500, np.inf, np.float32)
    home = search_homes(vectors, plan, every, probed[:, 0])
    for stopped in (
        lambda: plan_search(vectors, k=5, metric="cosine", should_stop=lambda: True),
        lambda: visit_cells(vectors, plan, 0, 500, should_stop=lambda: True),
        lambda: search_homes(vectors, plan, every, probed[:, 0], should_stop=lambda: True),
        lambda: search_shard(vectors, plan, every, probed, home, limits, should_stop=lambda: True),
    ):
        with pytest.raises(Stopped):
            stopped()
