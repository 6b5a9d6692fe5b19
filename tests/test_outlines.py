"""Which groups of a map have contours: the largest that are shown, in the colors that the map has for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer.coloring import coloring
from explorer.compute.clusters import ClusterTree
from explorer.compute.projections import Layout
from explorer.data.dataset import Dataset, open_dataset
from explorer.labels import Clusters
from explorer.outlines import MOST, category_outlines, wanted_outlines
from explorer.scene import Run, Scene, stage
from explorer.shelf import shown
from explorer.state.appearance import Hidden

CENTERS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 20.0], [10.0, 20.0]])
NAMES = ["one", "two", "three", None]


def made(names: list[str | None] = NAMES, n: int = 400) -> Dataset:
    """Give rows around four centers; of the first center there are the most."""
    of = np.repeat(np.arange(4), [n // 2, n // 4, n // 8, n // 8])
    places = CENTERS[of] + np.random.default_rng(0).normal(0, 0.5, (n, 2))
    return open_dataset(pa.table({"x": places[:, 0], "y": places[:, 1], "kind": [names[each] for each in of], "score": places[:, 0]}))


def scene(data: Dataset, color: str | None = "kind", **changes: Any) -> Scene:
    usual: dict[str, Any] = {"density": "log", "point_size": None, "mask": None}
    on_map = shown(data, Run("x, y", None, {}, 0), Layout(data.layouts[0].coordinates, "given", {}))
    return stage(data, on_map, coloring(data, color), **{**usual, **changes})


def test_categories_have_contours_where_they_are_in_their_color_and_rows_without_a_value_have_none():
    seen = scene(made())
    found = category_outlines(seen)
    assert [(outline.name, outline.share) for outline in found] == [(name, share) for name in NAMES[:3] for share in (0.5, 0.9)]
    for outline in found:
        center = CENTERS[NAMES.index(outline.name)]
        for line in outline.lines:
            assert np.hypot(*(line - center).T).max() < 3
        assert outline.color == seen.coloring.category_color(seen.coloring.places[outline.name])
        assert "#{:02x}{:02x}{:02x}".format(*seen.coloring.lut[outline.slot]) == outline.color


def test_hidden_categories_have_none_and_filters_leave_those_of_what_passes():
    data = made(["one", "two", "one", "two"])
    assert {outline.name for outline in category_outlines(scene(data, hidden=Hidden(frozenset({"two"}))))} == {"one"}
    passing = np.zeros(data.n_rows, bool)
    passing[300:] = True
    for outline in category_outlines(scene(data, passing=passing)):
        assert all(line[:, 1].min() > 15 for line in outline.lines)
    assert category_outlines(scene(data, passing=np.zeros(data.n_rows, bool))) == []


def test_the_largest_ones_have_contours_where_there_are_many():
    of = np.concatenate([np.full(10 + number, number) for number in range(40)])
    places = np.random.default_rng(1).normal(size=(len(of), 2))
    found = category_outlines(scene(open_dataset(pa.table({"x": places[:, 0], "y": places[:, 1], "kind": [f"k{each}" for each in of]}))))
    assert [outline.name for outline in found[::2]] == [f"k{number}" for number in range(39, 39 - MOST, -1)]


def test_they_are_found_once_until_what_is_shown_changes():
    data = made()
    on_map = scene(data)
    first = category_outlines(on_map)
    selected = stage(data, on_map.shown, on_map.coloring, density="log", point_size=None, mask=np.arange(data.n_rows) < 9, before=on_map)
    assert all(one.lines is other.lines for one, other in zip(first, category_outlines(selected), strict=True))
    other = stage(data, on_map.shown, on_map.coloring, density="log", point_size=None, mask=None, hidden=Hidden(frozenset({"one"})))
    assert {outline.name for outline in category_outlines(other)} == {"two", "three"}
    assert all(one.lines is again.lines for one, again in zip(first, category_outlines(on_map), strict=True))


def test_clusters_are_those_of_the_finest_layer_that_is_not_too_fine_in_black():
    fine = np.repeat([0, 1, 2, 3], [200, 100, 50, 50]).astype(np.int32)
    coarse = np.array([0, 0, 1, 1], np.int32)[fine]
    finest = np.arange(400, dtype=np.int32) // 10
    tree = ClusterTree((coarse, fine, finest), (np.full(2, -1, np.int32), np.array([0, 0, 1, 1], np.int32), np.repeat(fine[::10], 1)))
    clusters = Clusters(tree, (("left", "right"), ("a", "b", "c", "d"), tuple(f"f{at}" for at in range(40))))
    for color in ("kind", "score", None):
        find = wanted_outlines(scene(made(), color), "clusters", clusters)
        assert find is not None
        assert [(outline.name, outline.color, outline.slot) for outline in find()[::2]] == [(name, "", -1) for name in "abcd"]


@pytest.mark.parametrize(("color", "choice"), [("kind", "none"), ("kind", "clusters"), ("score", "categories"), (None, "categories")])
def test_where_nothing_can_have_contours_there_are_none(color: str | None, choice: Any):
    assert wanted_outlines(scene(made(), color), choice) is None
    if color != "kind":
        assert category_outlines(scene(made(), color)) == []
