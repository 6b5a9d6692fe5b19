"""Between two layouts: what is drawn there, with which colors, and where each row is."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer.coloring import coloring
from explorer.compute.alignment import Similarity
from explorer.compute.projections import Layout
from explorer.data.dataset import Dataset, open_dataset
from explorer.journey import Journey, OnTheWay
from explorer.render.frame import render
from explorer.render.normalization import Normalization
from explorer.scene import Placed, Run, Scene, Shown, stage
from explorer.shelf import shown
from explorer.state.appearance import Hidden

N = 3000
TURNED = Similarity.of(angle=2.0, scale=0.7, reflected=True, shift=(1.0, -2.0))
TIMES = (0.0, 0.3, 0.5, 0.8, 1.0)


def places(seed: int, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)


def opened(*layouts: np.ndarray, **columns: Any) -> Dataset:
    """Open rows with up to four layouts."""
    names = [["umap_1", "umap_2"], ["tsne_1", "tsne_2"], ["pca_1", "pca_2"], ["x", "y"]]
    pairs = {name: side for pair, places in zip(names, layouts, strict=False) for name, side in zip(pair, places.T, strict=True)}
    return open_dataset(pd.DataFrame(pairs | columns), color=next(iter(columns), None))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    one, other, third = (places(seed) for seed in range(3))
    one[:10], other[5:20] = np.nan, np.nan
    return opened(one, other, third, kind=np.array(["a", "b", "c"])[np.arange(N) % 3], score=np.linspace(0, 1, N))


@pytest.fixture(scope="module")
def start(dataset: Dataset) -> Shown:
    return on_map(dataset, 0)


@pytest.fixture(scope="module")
def goal(dataset: Dataset) -> Placed:
    return Placed(Run("B", None, {}, 1), layout(dataset, 1), frame=TURNED)


def layout(dataset: Dataset, at: int) -> Layout:
    return Layout(dataset.layouts[at].coordinates, "given", {})


def on_map(dataset: Dataset, at: int) -> Shown:
    return shown(dataset, Run("ABCD"[at], None, {}, at), layout(dataset, at))


def scene_of(dataset: Dataset, on_map: Shown, color: str = "kind", **changes: Any) -> Scene:
    usual: dict[str, Any] = {"density": "log", "point_size": None, "mask": None}
    return stage(dataset, on_map, coloring(dataset, color), **{**usual, **changes})


def journey(start: Shown, goal: Placed, **options: Any) -> Journey:
    return Journey(start, goal, Normalization.of(start.index), **options)


def test_rows_that_are_in_both_layouts_travel_from_where_they_are_to_where_they_will_be(start: Shown, goal: Placed):
    made = journey(start, goal)
    assert made.title == "A → B"
    rows = np.arange(N)
    for t in TIMES:
        on_the_way = made.standing(t)
        assert on_the_way.run.title == f"A → B, {100 * t:.0f}%"
        assert on_the_way.t == t
        assert len(on_the_way.index) == N - 20
        there = on_the_way.places(rows)
        assert there.dtype == np.float32
        np.testing.assert_array_equal(np.isfinite(there).all(axis=1), rows >= 20)
        index = on_the_way.index
        np.testing.assert_allclose(there[index.rows], np.stack([index.x, index.y], axis=1), atol=1e-5)
        assert on_the_way.place(3) is None
        assert on_the_way.place(100) == pytest.approx(there[100])
    np.testing.assert_allclose(made.standing(0).places(rows)[20:], start.places(rows)[20:], atol=1e-6)
    np.testing.assert_allclose(made.standing(1).places(rows)[20:], goal.places(rows)[20:], atol=1e-5)


def test_each_journey_has_a_number_of_its_own(start: Shown, goal: Placed):
    numbers = [journey(start, goal).number for _ in range(3)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0


@pytest.mark.parametrize("color", ["kind", "score"])
def test_what_is_drawn_has_the_colors_the_selection_and_the_filters_of_the_map(dataset: Dataset, start: Shown, goal: Placed, color: str):
    chosen, passing = np.arange(N) % 5 == 0, np.arange(N) % 2 == 0
    hidden = Hidden(frozenset({"b"} if color == "kind" else ()))
    like = scene_of(dataset, start, color, mask=chosen, passing=passing, hidden=hidden, point_size=3.0)
    made = journey(start, goal, most=500)
    for t in TIMES:
        scene = made.scene_at(t, like)
        index, rows = scene.shown.index, scene.shown.index.rows
        assert len(index) <= 500
        assert isinstance(scene.shown, OnTheWay)
        assert (scene.coloring, scene.point_size, scene.hidden, scene.passing) == (like.coloring, 3.0, hidden, passing)
        assert scene.stands_for == 6
        np.testing.assert_array_equal(scene.selected.flags, chosen[rows])
        np.testing.assert_array_equal(scene.shown_rows.flags, like.shown_mask[rows])
        assert len(index.x) == len(rows) == len(scene.color.slots if color == "kind" else scene.color.values)
        if color == "kind":
            np.testing.assert_array_equal(scene.color.slots, like.coloring.slots[rows])
        else:
            np.testing.assert_array_equal(scene.color.values, like.coloring.values[rows])


def test_what_changes_on_the_map_changes_in_the_next_picture(dataset: Dataset, start: Shown, goal: Placed):
    made, first = journey(start, goal), scene_of(dataset, start)
    before = made.scene_at(0.2, first)
    assert made.scene_at(0.4, first).color is before.color, "nothing is prepared twice"
    other = stage(dataset, start, coloring(dataset, "score"), density="log", point_size=None, mask=np.arange(N) < 30, before=first)
    after = made.scene_at(0.5, other)
    assert after.coloring is other.coloring
    assert after.selected.flags.sum() == 10, "of the 30, the first 20 are not in both layouts"
    assert made.scene_at(0.6, first).selected is None


def test_a_sample_is_as_dark_as_all_rows(dataset: Dataset):
    many = np.random.default_rng(0).random((200_000, 2), np.float32)
    data = opened(many, many + np.float32(0.1))
    begin = on_map(data, 0)
    made = Journey(begin, Placed(Run("B", None, {}, 1), layout(data, 1)), Normalization.of(begin.index), most=20_000)
    like = stage(data, begin, coloring(data, None), density="log", point_size=None, mask=None)
    scene = made.scene_at(0.0, like)
    assert scene.stands_for == 10
    view = begin.index.home
    few, every = (render(each.request(view, 60, 40, background="#ffffff")).rgba[..., :3].astype(float) for each in (scene, like))
    assert 255 - few.mean() == pytest.approx(255 - every.mean(), rel=0.1)


def test_all_rows_stand_where_the_sample_of_them_moved(dataset: Dataset, start: Shown, goal: Placed):
    made, like = journey(start, goal, most=300), scene_of(dataset, start)
    few, every = made.scene_at(0.4, like).shown, made.standing(0.4)
    assert len(few.index) < 300
    assert len(every.index) == N - 20
    at = dict(zip(every.index.rows.tolist(), zip(every.index.x.tolist(), every.index.y.tolist(), strict=True), strict=True))
    for row, x, y in zip(few.index.rows.tolist(), few.index.x.tolist(), few.index.y.tolist(), strict=True):
        assert at[row] == (x, y)
    assert every.index.home == few.index.home


def test_from_the_middle_of_one_journey_another_one_begins(dataset: Dataset, start: Shown, goal: Placed):
    like = scene_of(dataset, start)
    first = journey(start, goal, most=1000)
    between = first.scene_at(0.5, like)
    third = Placed(Run("C", None, {}, 2), layout(dataset, 2))
    second = Journey(between.shown, third, between.normalization, stands_for=between.stands_for, most=400)
    assert second.title == "… → C"
    scene = second.scene_at(0, like)
    assert scene.stands_for == 9, "every third of every third"
    rows = scene.shown.index.rows
    np.testing.assert_array_equal(np.stack([scene.shown.index.x, scene.shown.index.y], axis=1), first_places(between.shown, rows))
    for t in TIMES:
        moving = second.scene_at(t, like).shown
        np.testing.assert_allclose(moving.places(moving.index.rows), np.stack([moving.index.x, moving.index.y], axis=1), atol=1e-4)
        every = second.standing(t)
        assert len(every.index) == N - 20, "at rest there are all rows"
        assert every.index.home == moving.index.home
        np.testing.assert_array_equal(first_places(every, moving.index.rows), first_places(moving, moving.index.rows))
    np.testing.assert_allclose(second.standing(1).places(rows), third.places(rows), atol=1e-4)


def first_places(on_the_way: OnTheWay, rows: np.ndarray) -> np.ndarray:
    index = on_the_way.index
    at = np.argsort(index.rows)[np.searchsorted(np.sort(index.rows), rows)]
    return np.stack([index.x[at], index.y[at]], axis=1)


def test_how_dark_rows_are_goes_from_one_layout_to_the_other(dataset: Dataset, start: Shown, goal: Placed):
    made, like = journey(start, goal), scene_of(dataset, start)
    first = made.scene_at(0.5, like).normalization
    np.testing.assert_array_equal(first.table, Normalization.of(start.index).table)
    made.goal_normalization = Normalization("log", np.linspace(0, 1, 200).astype(np.float32))
    tables = [made.scene_at(t, like).normalization.table for t in TIMES]
    assert {len(table) for table in tables} == {200}
    np.testing.assert_allclose(tables[0][: len(first.table)], first.table, atol=1e-6)
    np.testing.assert_allclose(tables[-1], np.linspace(0, 1, 200), atol=1e-6)
    for table in tables:
        assert ((table >= 0) & (table <= 1)).all()
    made.goal_normalization = Normalization("linear", first.table)
    assert made.scene_at(0.5, like).normalization is first, "two kinds cannot be mixed"


def test_layouts_in_one_spot_and_layouts_that_share_no_row_are_traveled(dataset: Dataset):
    n = 40
    spot, rest = np.ones((n, 2), np.float32), places(3, n)
    half = rest.copy()
    half[: n // 2] = np.nan
    other_half = rest.copy()
    other_half[n // 2 :] = np.nan
    data = opened(spot, rest, half, other_half)
    for one, other, n_there in [(0, 1, n), (1, 0, n), (0, 0, n), (1, 2, n // 2), (2, 3, 0), (2, 0, n // 2)]:
        begin = on_map(data, one)
        made = journey(begin, Placed(Run("to", None, {}, other), layout(data, other)))
        like = stage(data, begin, coloring(data, None), density="log", point_size=None, mask=np.arange(n) < 5)
        for t in TIMES:
            scene = made.scene_at(t, like)
            assert len(scene.shown.index) == len(made.standing(t).index) == n_there
            assert render(scene.request(scene.shown.index.home, 30, 20, row_ids=True)).rgba.shape == (20, 30, 4)


def test_who_turns_around_again_and_again_keeps_no_journey_alive(dataset: Dataset, start: Shown, goal: Placed):
    like, third = scene_of(dataset, start), Placed(Run("C", None, {}, 2), layout(dataset, 2))
    made, arrays = journey(start, goal), []
    for turn in range(30):
        scene = made.scene_at(0.4, like)
        arrays += [weakref.ref(made.course.lead_x), weakref.ref(scene.shown.index.x), weakref.ref(made)]
        made = Journey(scene.shown, (start, goal, third)[turn % 3], scene.normalization, stands_for=scene.stands_for)
    assert len(made.title) < 20
    del scene
    gc.collect()
    assert len([array for array in arrays if array() is not None]) <= 1, "where the last one begins"
    rows = np.arange(N)
    now = made.standing(0.5)
    assert len(now.index) == N - 20
    np.testing.assert_allclose(now.places(rows)[now.index.rows], np.stack([now.index.x, now.index.y], axis=1), atol=1e-3)
