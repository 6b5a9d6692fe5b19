"""True neighbors on a map, two steps away, and rows like others, against the plainest way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.compute.projections import Layout
from explorer.data.dataset import open_dataset
from explorer.errors import BadParameter, UnknownRow, VectorsNeeded
from explorer.jobs.runner import Runner
from explorer.neighborhood import alike, find_neighbors, map_neighbors, two_steps_away
from explorer.render.layout_index import LayoutIndex
from explorer.scene import Run, Shown


def on_map(coordinates: Any) -> Shown:
    places = np.asarray(coordinates, np.float32)
    return Shown(Run("map", None, {}, None), Layout(places, "pca", {}), LayoutIndex.build(places))


@pytest.fixture(scope="module")
def jobs() -> Any:
    made = Runner()
    yield made
    made.close()


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 80),
    k=st.integers(1, 100),
    c=st.sampled_from([2, 2, 3, 5]),
    metric=st.sampled_from(["cosine", "euclidean"]),
)
@settings(deadline=None, max_examples=80)
def test_kept_lost_and_false_are_what_sorting_all_rows_says(jobs: Runner, seed: int, n: int, k: int, c: int, metric: str):
    rng = np.random.default_rng(seed)
    data = open_dataset(rng.normal(size=(n, 4)).astype(np.float32))
    places = np.round(rng.normal(size=(n, c)) * 3).astype(np.float32)
    places[rng.random(n) < 0.1] = np.nan
    row = int(rng.integers(n))
    found = find_neighbors(data, row, k=k, metric=metric, jobs=jobs)
    assert found is not None
    made = map_neighbors(data, on_map(places), found)
    if np.isnan(places[row]).any():
        assert made is None
        return
    assert made is not None
    far = np.where(np.isnan(places[:, 0]), np.inf, ((places - places[row]).astype(np.float64) ** 2).sum(axis=1))
    far[row] = np.inf
    near = [int(i) for i in np.lexsort((np.arange(n), far)) if np.isfinite(far[i])][: len(found.rows)]
    assert made.kept.tolist() == [int(i) in near for i in found.rows]
    assert made.false.tolist() == [i for i in near if i not in found.rows]
    assert made.n_kept + made.n_lost == len(found.rows)
    for neighbor, rank in zip(found.rows.tolist(), made.ranks.tolist(), strict=True):
        if np.isfinite(far[neighbor]):
            assert rank == max(1, int((far < far[neighbor]).sum()) + 1)
    wide = data.vectors.astype(np.float64)
    if metric == "cosine":
        wide /= np.linalg.norm(wide, axis=1, keepdims=True)
        expected = 1 - wide[made.false] @ wide[row]
    else:
        expected = np.linalg.norm(wide[made.false] - wide[row], axis=1)
    np.testing.assert_allclose(made.false_distances, expected, atol=1e-5)


def test_two_steps_away_is_the_union(jobs: Runner):
    data = open_dataset(np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32))
    found = find_neighbors(data, 7, k=4, metric="cosine", jobs=jobs)
    assert found is not None
    expected = {7, *found.rows.tolist()}
    for row in found.rows.tolist():
        further = find_neighbors(data, row, k=4, metric="cosine", jobs=jobs)
        assert further is not None
        expected |= set(further.rows.tolist())
    assert two_steps_away(data, found, jobs=jobs).tolist() == sorted(expected)
    assert two_steps_away(data, found, jobs=jobs, should_stop=lambda: True).tolist() == sorted({7, *found.rows.tolist()})


@given(seed=st.integers(0, 1_000), n_liked=st.integers(0, 3), n_disliked=st.integers(0, 3), k=st.integers(1, 40))
@settings(deadline=None, max_examples=40)
def test_rows_like_some_and_unlike_others(seed: int, n_liked: int, n_disliked: int, k: int):
    rng = np.random.default_rng(seed)
    data = open_dataset(rng.normal(size=(30, 5)).astype(np.float32))
    given_rows = rng.permutation(30)[: n_liked + n_disliked].tolist()
    liked, disliked = given_rows[:n_liked], given_rows[n_liked:]
    if not given_rows:
        with pytest.raises(BadParameter, match="at least one row"):
            alike(data, liked, disliked, k=k)
        return
    unit = data.vectors / np.linalg.norm(data.vectors, axis=1, keepdims=True)
    direction = (unit[liked].mean(axis=0) if liked else 0) - (unit[disliked].mean(axis=0) if disliked else 0)
    apart = 1 - unit @ (direction / np.linalg.norm(direction))
    apart[given_rows] = np.inf
    found = alike(data, liked, disliked, k=k)
    expected = np.argsort(apart)[: min(k, 30 - len(given_rows))]
    assert found.rows.tolist() == expected.tolist()
    np.testing.assert_allclose(found.distances, apart[expected], atol=1e-5)


def test_what_cannot_be_likened_is_refused():
    vectors = np.eye(4, dtype=np.float32)
    vectors[3] = 0
    data = open_dataset(vectors)
    with pytest.raises(UnknownRow, match="no row 9"):
        alike(data, [9], [], k=3)
    with pytest.raises(BadParameter, match="no direction"):
        alike(data, [3], [], k=3)
    with pytest.raises(BadParameter, match="same direction"):
        alike(open_dataset(np.ones((4, 3), np.float32)), [0], [1], k=2)
    flat = open_dataset(np.ones((4, 2), np.float32))
    with pytest.raises(VectorsNeeded, match="needs vectors"):
        alike(flat, [0], [], k=1)
    assert not len(alike(data, [0, 1], [2], k=3).rows)
