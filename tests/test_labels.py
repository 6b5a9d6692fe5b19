"""Names on a map: of the categories that color it, where these are, and in levels of which the finer ones come when one looks nearer."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.coloring import coloring
from explorer.compute.clusters import ClusterTree
from explorer.compute.peaks import peaks
from explorer.compute.projections import Layout
from explorer.data.dataset import Dataset, open_dataset
from explorer.labels import Clusters, Label, Level, category_labels, cluster_labels, label_levels, nested_levels, told_labels, wanted_labels
from explorer.scene import Run, Scene, stage
from explorer.shelf import shown
from explorer.state.appearance import Hidden

CENTERS = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0], [20.0, 20.0]])
LONG = "<b>a name</b>\nthat is much too long for a map"


def made(names: list[str | None], n: int = 400) -> Dataset:
    """Give rows around four centers; of the first center there are the most."""
    of = np.repeat(np.arange(4), [n // 2, n // 4, n // 8, n // 8])
    places = CENTERS[of] + np.random.default_rng(0).normal(0, 0.5, (n, 2))
    return open_dataset(pa.table({"x": places[:, 0], "y": places[:, 1], "kind": [names[each] for each in of], "score": places[:, 0]}))


def scene(data: Dataset, color: str | None = "kind", **changes: Any) -> Scene:
    usual: dict[str, Any] = {"density": "log", "point_size": None, "mask": None}
    on_map = shown(data, Run("x, y", None, {}, 0), Layout(data.layouts[0].coordinates, "given", {}))
    return stage(data, on_map, coloring(data, color), **{**usual, **changes})


def test_each_category_is_named_where_it_is_the_largest_first_in_its_color():
    seen = scene(made(["one", "two", LONG, None]))
    labels = category_labels(seen)
    firsts = {label.text: label for label in reversed(labels)}
    assert [label.text for label in labels][:3] == ["one", "two", "<b>a name</b> that is much too…"]
    for text, center in zip(["one", "two"], CENTERS, strict=False):
        assert math.hypot(firsts[text].x - center[0], firsts[text].y - center[1]) < 0.7
        assert firsts[text].color == seen.coloring.category_color(seen.coloring.places[text])
    assert firsts["one"].size > firsts["two"].size >= 12
    assert "no value" not in firsts
    assert max(len(label.text) for label in labels) <= 32 < len(LONG)


def test_hidden_categories_have_no_name_and_filters_move_it_to_what_they_leave():
    data = made(["one", "two", "one", "two"])
    hidden = category_labels(scene(data, hidden=Hidden(frozenset({"two"}))))
    assert {label.text for label in hidden} == {"one"}
    passing = np.zeros(data.n_rows, bool)
    passing[320:] = True  # one category's second piece, and the other's
    label = category_labels(scene(data, passing=passing))[0]
    assert label.text in ("one", "two")
    assert label.y > 15
    assert category_labels(scene(data, passing=np.zeros(data.n_rows, bool))) == []


def test_more_categories_than_colors_are_named_the_most_common_first():
    names = [f"name {at % 400}" for at in range(1000)] + ["often"] * 50
    places = np.random.default_rng(1).normal(size=(1050, 2))
    labels = category_labels(scene(open_dataset(pa.table({"x": places[:, 0], "y": places[:, 1], "kind": names}))))
    assert labels[0].text == "often"
    assert len({label.text for label in labels}) == 401


@pytest.mark.parametrize(("n", "usual"), [(1, False), (2, True), (60, True), (61, False)])
def test_where_nobody_has_chosen_there_are_labels_for_neither_too_few_nor_too_many(n: int, usual: bool):  # noqa: FBT001
    places = np.random.default_rng(1).normal(size=(122, 2))
    data = open_dataset(
        pa.table({"x": places[:, 0], "y": places[:, 1], "kind": [f"{at % n} kind" for at in range(122)], "score": places[:, 0]})
    )
    wanted = [wanted_labels(scene(data, "kind"), choice) for choice in ("automatic", "categories", "none", "clusters")]
    assert [labels is not None for labels in wanted] == [usual, True, False, False]
    for column in (None, "score"):
        assert wanted_labels(scene(data, column), "categories") is None
        assert category_labels(scene(data, column)) == []


def test_a_coarse_name_gives_way_where_those_within_it_come():
    data = made(["a", "b", "c", "d"])
    x, y = data.layouts[0].coordinates.T.copy()
    fine = coloring(data, "kind").slots.astype(int)
    levels = [
        Level(peaks(x, y, fine // 2, 2), None, ["left", "right"], ["#112233", "#445566"]),
        Level(peaks(x, y, fine, 4), np.array([0, 0, 1, -1]), ["a", "b", "", "d"], ["#000000"] * 4),
    ]
    labels = label_levels(levels)
    assert [label.level for label in labels] == sorted(label.level for label in labels)
    coarse, finer = (next(label for label in labels if label.text == text) for text in ("left", "a"))
    assert coarse.comes == math.inf
    assert 0 < coarse.goes < finer.comes < math.inf
    assert finer.goes == 0
    assert coarse.size > finer.size
    assert next(label for label in labels if label.text == "d").comes == math.inf, "it is within no other"
    assert "" not in {label.text for label in labels}


@given(
    st.lists(
        st.builds(
            Label,
            st.floats(-9, 9, width=32),
            st.floats(-9, 9, width=32),
            st.just(""),
            st.sampled_from(["", "#000000", "#0a1b2c", "#ffffff"]),
            st.floats(8, 30, width=32),
            st.integers(0, 2),
            st.integers(0, 3),
            st.sampled_from([math.inf, 0.5, 0.0]),
            st.sampled_from([0.0, 0.25]),
        ),
        max_size=30,
    )
)
def test_a_browser_reads_from_two_texts_what_was_written(labels: list[Label]):
    labels = [label._replace(text=f"{label.level} and {label.group}") for label in labels]  # one name for a group
    told = told_labels(labels)
    json.dumps(told, allow_nan=False)
    if not labels:
        assert told == {}
        return
    numbers = base64.b64decode(told["numbers"])
    n, names = len(numbers) // 28, told["names"].split("\n")
    floats, codes = np.frombuffer(numbers[: 20 * n], "<f4").reshape(5, n), np.frombuffer(numbers[20 * n :], "<u4").reshape(2, n)
    assert floats.T.tolist() == [[label.x, label.y, label.size, label.comes, label.goes] for label in labels]
    assert [names[line] for line in codes[0]] == [label.text for label in labels]
    assert len(names) == len({(label.level, label.group) for label in labels})
    assert ["" if code > 0xFFFFFF else f"#{code:06x}" for code in codes[1]] == [label.color for label in labels]


def test_layers_of_groups_are_nested_and_rows_in_none_count_nowhere():
    seen = scene(made(["a", "b", "c", "d"]))
    fine = np.repeat([0, 1, 2, 3], [200, 100, 50, 50])
    fine[:20] = -1
    coarse = np.array([0, 0, 1, 1])[fine]
    coarse[fine < 0] = -1
    (_, none), (where, parents) = nested_levels(seen.shown.index, [coarse, fine])
    assert none is None
    assert parents is not None
    assert parents.tolist() == [0, 0, 1, 1]
    assert where.counts.tolist() == [180, 100, 50, 50]

    tree = ClusterTree((coarse.astype(np.int32), fine.astype(np.int32)), (np.array([-1, -1], np.int32), np.array([0, 0, 1, 1], np.int32)))
    clusters = Clusters(tree, (("left", "right"), ("a", "b", "c", "d")))
    for choice, color in (("automatic", "kind"), ("clusters", "kind"), ("automatic", None)):
        make = wanted_labels(scene(made(["a", "b", "c", "d"]), color), choice, clusters)
        assert make is not None
        assert {label.text for label in make()} == {"left", "right", "a", "b", "c", "d"}
    data = made(["a", "b", "c", "d"])
    by_layer = Clusters(tree, (("left", "right"), ("1", "2", "3", "4")), (None, "kind"))
    colored = scene(data, hidden=Hidden(frozenset({"b"})))
    assert {label.text for label in cluster_labels(colored, by_layer)} == {"1", "2", "3", "4"}, "the layer that colors the map is the first"
    own = Clusters(tree, (("a", "b"), ("1", "2", "3", "4")), ("kind", None))
    labels = cluster_labels(colored, own)
    assert {label.text for label in labels} == {"a", "1", "2", "3", "4"}, "what is hidden in the legend has no name"
    colors = {label.text: label.color for label in labels}
    assert [colors[text] for text in "1234"] == [colored.coloring.category_color(code) for code in range(4)]
    renamed = cluster_labels(seen, Clusters(tree, (("here", "right"), ("a", "b", "c", "d"))))
    assert "here" in {label.text for label in renamed}
    passing = fine >= 2
    assert {label.text for label in cluster_labels(scene(made(["a", "b", "c", "d"]), passing=passing), clusters)} == {"right", "c", "d"}
