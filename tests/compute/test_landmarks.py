"""Landmarks of any graph, UMAP's epochs in parts, and layouts from landmarks beside those of all rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.compute import umap_parts
from explorer.compute.fuzzy_set import curve, fuzzy_set, memberships
from explorer.compute.landmark_layout import from_landmarks, landmark_layout
from explorer.compute.landmarks import choose_landmarks, landmark_neighbors, place_others
from explorer.compute.neighbors import NeighborGraph, neighbor_graph
from explorer.compute.part_sizes import part_count
from explorer.compute.preservation import preservation
from explorer.compute.progress import Snapshot, Stopped
from explorer.compute.projections import TSNE, UMAP
from explorer.compute.umap_epochs import coefficient_tables
from explorer.compute.umap_parts import Parts, scales_of

K = 14


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    random = np.random.default_rng(0)
    centers = random.normal(scale=2, size=(20, 16))
    return (centers[random.integers(20, size=2_500)] + random.normal(size=(2_500, 16))).astype(np.float32)


@pytest.fixture(scope="module")
def graph(vectors: NDArray[np.float32]) -> NeighborGraph:
    return neighbor_graph(vectors, k=30)


@pytest.fixture
def threads() -> Iterator[None]:
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


def some_graph(n: int, k: int, *, seed: int, pieces: int = 1, alike: bool = False) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Neighbors within pieces that know nothing of each other, fewer than k where a piece has not so many; all alike at distance 0."""
    random = np.random.default_rng(seed)
    near, far = np.full((n, k), -1, np.int32), np.full((n, k), np.inf, np.float32)
    for i in range(n):
        others = np.array([j for j in range(i % pieces, n, pieces) if j != i], np.int32)
        chosen = random.permutation(others)[:k]
        near[i, : len(chosen)] = chosen
        far[i, : len(chosen)] = 0.0 if alike else np.sort(random.random(len(chosen)))
    return near, far


graphs = st.builds(
    some_graph, st.integers(1, 40), st.integers(1, 12), seed=st.integers(0, 99), pieces=st.integers(1, 40), alike=st.booleans()
)


def kept(graph: NeighborGraph, coordinates: NDArray[np.float32]) -> float:
    return float(preservation(graph.indices, coordinates).kept[15].mean())


@given(some=graphs)
@settings(deadline=None, max_examples=60)
def test_every_row_is_a_landmark_or_has_one_among_its_neighbors_and_is_placed(some: tuple[NDArray[np.int32], NDArray[np.float32]]) -> None:
    near, far = some
    chosen = choose_landmarks(near, far)
    assert all(chosen[i] or chosen[near[i][near[i] >= 0]].any() for i in range(len(near)))
    rows = np.flatnonzero(chosen).astype(np.int32)
    numbers = np.full(len(near), -1, np.int32)
    numbers[rows] = np.arange(len(rows))
    among, ways = landmark_neighbors(near, far, rows, numbers, k=3)
    for own, (found, lengths) in enumerate(zip(among, ways, strict=True)):
        there = found[found >= 0]
        assert own not in there
        assert len(set(there)) == len(there)
        assert (found >= 0).tolist() == sorted((found >= 0).tolist(), reverse=True)
        assert (np.diff(lengths[: len(there)]) >= 0).all()
    places = np.random.default_rng(0).normal(size=(len(rows), 2)).astype(np.float32)
    every = place_others(near, far, scales_of(near, far), numbers, places)
    np.testing.assert_array_equal(every[rows], places)
    assert (every >= places.min(axis=0) - 1e-4).all()
    assert (every <= places.max(axis=0) + 1e-4).all()


@given(some=graphs)
@settings(deadline=None, max_examples=40)
def test_ways_between_landmarks_are_the_shortest_of_two_steps(some: tuple[NDArray[np.int32], NDArray[np.float32]]) -> None:
    near, far = some
    rows = np.arange(0, len(near), 2, dtype=np.int32)
    numbers = np.full(len(near), -1, np.int32)
    numbers[rows] = np.arange(len(rows))
    _, ways = landmark_neighbors(near, far, rows, numbers, k=4)
    for own, row in enumerate(rows):
        shortest: dict[int, float] = {}
        steps = [(int(row), np.float32(0)), *((int(j), way) for j, way in zip(near[row], far[row], strict=True) if j >= 0)]
        for over, way in steps:
            for j, second in zip(near[over], far[over], strict=True):
                if j >= 0 and numbers[j] >= 0 and j != row:
                    shortest[int(j)] = min(shortest.get(int(j), np.inf), float(way + second))
        expected = sorted(shortest.values())[:4]
        np.testing.assert_allclose(ways[own], expected + [np.inf] * (4 - len(expected)), rtol=1e-6)


def test_rows_are_as_sure_of_their_neighbors_as_in_the_fuzzy_set(graph: NeighborGraph) -> None:
    far = graph.distances[:, :K]
    scales = scales_of(graph.indices[:, :K], far)
    found = np.exp(-np.maximum(far - scales.nearest[:, None], 0) / scales.bandwidth[:, None])
    np.testing.assert_allclose(found, memberships(far), atol=1e-5)


def test_the_edges_in_the_file_are_those_of_the_fuzzy_set(graph: NeighborGraph, tmp_path: Path) -> None:
    near, far, epochs = graph.indices[:, :K], graph.distances[:, :K], 50
    n, count = len(near), part_count(len(near), K)
    parts = Parts(near, far, np.zeros((n, 2)), epochs=epochs, folder=tmp_path)
    assert not list(tmp_path.iterdir())  # the file has no name
    order = np.concatenate([np.arange(part, n, count) for part in range(count)])
    found = {}
    for part, (starts, ends, every) in enumerate(parts._edges):
        for row in range(len(starts) - 1):
            own = slice(starts[row], starts[row + 1])
            assert (np.diff(every[own]) <= 0).all()  # the weakest first
            found.update({(row * count + part, int(order[j])): 1 / float(often) for j, often in zip(ends[own], every[own], strict=True)})
    edges = fuzzy_set(near, far).tocoo()
    expected = {(int(i), int(j)): float(w) for i, j, w in zip(edges.row, edges.col, edges.data, strict=True)}
    sure = {pair: weight for pair, weight in expected.items() if weight * epochs >= 1.001}
    assert sure.keys() <= found.keys()
    assert all(expected[pair] * epochs >= 0.999 for pair in found)
    assert max(abs(found[pair] - weight) for pair, weight in sure.items()) < 1e-4


def test_epochs_in_parts_keep_what_epochs_at_once_keep(vectors: NDArray[np.float32], graph: NeighborGraph, tmp_path: Path) -> None:
    chosen = UMAP(n_epochs=200)
    start = chosen.start(vectors)
    at_once = chosen.fit(vectors, graph, start=start).coordinates
    parts = Parts(graph.indices[:, :K], graph.distances[:, :K], start.coordinates, epochs=200, folder=tmp_path)
    for epoch in range(200):
        parts.run(epoch, 0, 5, *coefficient_tables(*curve(1.0, 0.1)))
    assert kept(graph, parts.coordinates) == pytest.approx(kept(graph, at_once), rel=0.03)


def test_a_layout_from_landmarks_keeps_nearly_as_much_and_says_what_it_lost(
    vectors: NDArray[np.float32], graph: NeighborGraph, tmp_path: Path
) -> None:
    chosen = UMAP(n_epochs=200)
    at_once = chosen.fit(vectors, graph)
    assert at_once.remark == ""
    layout = landmark_layout(chosen, vectors, graph, folder=tmp_path)
    assert np.isfinite(layout.coordinates).all()
    assert kept(graph, layout.coordinates) >= 0.9 * kept(graph, at_once.coordinates)
    assert 1 / 12 < layout.stats["landmarks"] / len(vectors) < 1 / 3
    # there are fewer rows than a sample has: it is all of them, the same way
    assert layout.stats["sample_rows"] == len(vectors)
    assert layout.stats["sample_kept"] == pytest.approx(kept(graph, layout.coordinates), abs=1e-6)
    assert layout.stats["sample_kept_at_once"] == pytest.approx(kept(graph, at_once.coordinates), abs=1e-6)
    assert f"{layout.stats['sample_kept']:.1%}" in layout.remark
    assert layout.remark.startswith("Laid out from ")


def test_one_seed_gives_one_layout_whatever_the_threads(
    vectors: NDArray[np.float32], graph: NeighborGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: None
) -> None:
    monkeypatch.setattr(umap_parts, "BLOCK", 700)  # rows that are read at once: several blocks, and no result depends on them
    made = []
    for count in (1, 2):
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
        made.append(landmark_layout(UMAP(n_epochs=20), vectors, graph, folder=tmp_path).coordinates)
    np.testing.assert_array_equal(made[0], made[1])
    other = landmark_layout(UMAP(n_epochs=20, seed=1), vectors, graph, folder=tmp_path)
    assert not np.array_equal(other.coordinates, made[0])


@pytest.mark.parametrize("n", [2, 3, 17])
def test_few_rows_and_rows_that_are_all_alike_are_laid_out(n: int, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for rows in (random.normal(size=(n, 4)), np.ones((n, 4))):
        some = rows.astype(np.float32)
        layout = landmark_layout(UMAP(n_epochs=5), some, neighbor_graph(some, k=n - 1), folder=tmp_path)
        assert np.isfinite(layout.coordinates).all()


def test_it_is_watched_and_stopped(vectors: NDArray[np.float32], graph: NeighborGraph, tmp_path: Path) -> None:
    fractions: list[float] = []
    shown: list[Snapshot] = []

    def report(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        fractions.append(fraction)
        if layout is not None:
            shown.append(layout._replace(coordinates=layout.coordinates.copy()))

    landmark_layout(UMAP(n_epochs=60), vectors, graph, folder=tmp_path, report=report)
    assert fractions == sorted(fractions)
    assert (min(fractions), fractions[-1]) == (0.0, 1.0)
    assert all(len(each.coordinates) == len(vectors) and np.isfinite(each.coordinates).all() for each in shown)
    assert [each.iteration for each in shown] == sorted(each.iteration for each in shown)
    assert {each.iterations for each in shown} == {105}
    for after in (0, 3, 40, 90):
        asked = iter(range(after + 1))
        with pytest.raises(Stopped):
            landmark_layout(UMAP(n_epochs=60), vectors, graph, folder=tmp_path, should_stop=lambda asked=asked: next(asked, None) is None)


def test_only_plain_umap_is_made_from_landmarks() -> None:
    assert from_landmarks(UMAP(n_neighbors=50))
    assert not from_landmarks(UMAP(dens_lambda=2.0))
    assert not from_landmarks(UMAP(target="kind"))
    assert not from_landmarks(TSNE())


def test_parts_are_many_where_rows_are() -> None:
    assert [part_count(n, 14) for n in (100, 100_000, 1_000_000, 10**9)] == [4, 4, 16, 32]
