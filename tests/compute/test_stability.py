"""How much of a layout is chance: exact where it can be said, and as it has to be on rows whose place is known to be chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.compute.layout_rows import middle_of
from explorer.compute.neighbors import neighbor_graph
from explorer.compute.progress import Stopped
from explorer.compute.projections import TSNE, UMAP
from explorer.compute.similarity import Similarity
from explorer.compute.stability import stability
from explorer.errors import BadParameter

COORDINATE = st.floats(-9, 9)


def disk(n: int = 500, *, seed: int = 0) -> NDArray[np.float32]:
    """Rows all over a disk of radius 1."""
    numbers = np.random.default_rng(seed)
    angle, radius = numbers.uniform(0, 2 * np.pi, n), np.sqrt(numbers.uniform(size=n))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


@given(angle=st.floats(-3, 3), scale=st.floats(0.5, 2), reflected=st.sampled_from([False, True]), shift=st.tuples(COORDINATE, COORDINATE))
@settings(deadline=None, max_examples=20)
def test_runs_that_are_only_turned_do_not_wobble(**turn: Any):
    layout = disk()
    run = Similarity.of(**turn).apply(layout)
    found = stability(layout, [layout, run])
    assert found.wobble.max() < 1e-4
    assert found.kept.mean() > 0.99
    assert found.typical < 1e-4
    assert found.control == pytest.approx(0.5 / np.sqrt(2) * np.sqrt(2 / 3), abs=0.03), "a place by chance, on a disk of width 1"


def test_a_row_that_moves_wobbles_by_the_share_of_the_width_it_moves():
    layout = disk()
    moved = layout.copy()
    moved[:5] += [0.0, 0.8]
    found = stability(layout, [layout, layout, moved])
    width = 3.25 * middle_of(layout).spread
    assert width == pytest.approx(2.0, abs=0.1), "the disk's own"
    np.testing.assert_allclose(found.wobble[:5], 0.8 * np.sqrt(3) / 4 / width, atol=1e-3)  # one of four is 0.8 from the others
    assert found.wobble[5:].max() < 1e-3
    assert (found.runs, found.wobble.dtype, found.kept.dtype) == (3, np.float32, np.float32)


def test_a_group_that_lies_elsewhere_wobbles_as_a_whole_and_keeps_its_neighbors():
    groups = np.concatenate([disk(200, seed=1), disk(200, seed=2) + np.float32([5, 0]), disk(60, seed=3) + np.float32([0, 5])])
    run = groups.copy()
    run[400:] -= np.float32([0, 10])
    found = stability(groups, [run])
    assert np.median(found.wobble[:400]) < 1e-3
    assert found.wobble[400:].min() > 0.1
    assert found.kept.min() > 0.9


def test_kept_is_the_share_of_neighbors_counted_by_hand():
    layout, run = disk(60), disk(60, seed=1)
    found = stability(layout, [run, layout])
    near = [np.argsort(np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)), axis=1)[:, 1:16] for places in (layout, run)]
    shares = [len(set(one) & set(other)) / 15 for one, other in zip(*near, strict=True)]
    np.testing.assert_allclose(found.kept, (np.array(shares) + 1) / 2, atol=1e-6)


def test_rows_that_one_run_leaves_out_have_no_figures():
    layout, run = disk(), disk()
    layout[3], run[50] = np.nan, np.nan
    found = stability(layout, [run])
    for values in (found.wobble, found.kept):
        assert np.flatnonzero(np.isnan(values)).tolist() == [3, 50]
    assert np.isfinite([found.typical, found.control]).all()


def test_what_cannot_be_compared_says_why():
    layout = disk(20)
    with pytest.raises(BadParameter, match="at least one other run"):
        stability(layout, [])
    with pytest.raises(BadParameter, match="of the same rows"):
        stability(layout, [layout[1:]])
    with pytest.raises(BadParameter, match="2 rows or more"):
        stability(layout[:1], [layout[:1]])
    with pytest.raises(Stopped):
        stability(layout, [layout], should_stop=lambda: True)
    same = stability(np.zeros((2, 2), np.float32), [np.zeros((2, 2), np.float32)])
    assert same.wobble.tolist() == [0, 0]


def test_it_says_how_far_it_is():
    said: list[float] = []
    stability(disk(), [disk(), disk()], report=lambda _, fraction: said.append(fraction))
    assert said == sorted(said)
    assert (said[0], said[-1]) == (0.0, 1.0)


def between() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Four groups far apart, and a few rows halfway between two of them, which a map puts to the one or to the other."""
    numbers = np.random.default_rng(0)
    centers = numbers.normal(scale=8, size=(4, 10))
    pairs = np.array([(0, 1), (1, 2), (2, 3), (3, 0)])
    places = np.concatenate([np.repeat(centers, 120, axis=0), centers[np.repeat(pairs, 10, axis=0)].mean(axis=1)])
    return (places + numbers.normal(size=places.shape)).astype(np.float32), np.arange(len(places)) >= 480


def test_rows_between_groups_wobble_more_than_rows_in_them():
    vectors, halfway = between()
    graph = neighbor_graph(vectors, k=30, metric="euclidean")
    layout, *others = (UMAP(metric="euclidean", n_epochs=100, seed=seed).fit(vectors, graph).coordinates for seed in range(5))
    found = stability(layout, others)
    assert found.typical < 0.3 * found.control
    assert np.median(found.wobble[halfway]) > 2 * np.median(found.wobble[~halfway])


def test_another_run_of_tsne_starts_elsewhere_and_from_umap_by_the_seed():
    vectors = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    one, other = TSNE(seed=1), TSNE(seed=2)
    start = one.start(vectors)
    shaken = [kind.another_start(start).coordinates for kind in (one, one, other)]
    np.testing.assert_array_equal(shaken[0], shaken[1])
    assert np.abs(shaken[0] - shaken[2]).max() > 0.1 * start.coordinates.std()
    assert np.corrcoef(shaken[0][:, 0], start.coordinates[:, 0])[0, 1] > 0.4, "it is still the plane of PCA"
    for chosen in (TSNE(init="umap"), UMAP()):
        assert chosen.another_start(start) is start
