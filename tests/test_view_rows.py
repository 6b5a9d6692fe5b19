from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer.coloring import coloring
from explorer.compute.projections import Layout
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.export import rows_table
from explorer.render.view import View
from explorer.scene import Run, Scene, stage
from explorer.shelf import shown
from explorer.state.appearance import Hidden
from explorer.state.history import PackedMask
from explorer.view_rows import rows_in_view, view_table

PLACES = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.5], [np.nan, np.nan]], np.float32)
EVERYTHING = View(-1, 2, -1, 2)


@pytest.fixture
def dataset() -> Dataset:
    columns = {"row": list("uvwxyz"), "kind": ["a", "b", "a", "b", "a", "b"], "selected": [1, 2, 3, 4, 5, 6]}
    return open_dataset(pa.table({"embedding": [[float(i), 1.0] for i in range(6)], **columns}), name="six")


def scene(dataset: Dataset, **changes: Any) -> Scene:
    usual: dict[str, Any] = {"density": "log", "point_size": None, "mask": None}
    on_map = shown(dataset, Run("UMAP", None, {}, 0), Layout(PLACES, "umap", {}))
    return stage(dataset, on_map, coloring(dataset, "kind"), **{**usual, **changes})


def test_rows_in_view_are_those_inside_it_and_on_its_edge_ascending(dataset: Dataset):
    made = scene(dataset)
    assert rows_in_view(made, EVERYTHING).tolist() == [0, 1, 2, 3, 4]
    assert rows_in_view(made, View(0.4, 1, 0, 1)).tolist() == [1, 3, 4]
    assert rows_in_view(made, View(5, 6, 5, 6)).tolist() == []
    assert rows_in_view(made, View(1, 0.4, 1, 0)).tolist() == [1, 3, 4], "an inverted view is the same view"


def test_rows_of_hidden_categories_are_not_in_view(dataset: Dataset):
    assert rows_in_view(scene(dataset, hidden=Hidden(frozenset({"a"}))), EVERYTHING).tolist() == [1, 3]


@pytest.mark.parametrize("seed", range(3))
def test_rows_in_view_agree_with_numpy(seed: int):
    numbers = np.random.default_rng(seed)
    places = numbers.normal(size=(9000, 2)).astype(np.float32)
    data = open_dataset(pa.table({"x": places[:, 0], "y": places[:, 1]}), name="many")
    on_map = shown(data, Run("x, y", None, {}, 0), Layout(places, "given", {}))
    made = stage(data, on_map, coloring(data, None), density="log", point_size=None, mask=None)
    x0, x1, y0, y1 = np.sort(numbers.normal(size=(2, 2)), axis=1).ravel()
    inside = (places[:, 0] >= x0) & (places[:, 0] <= x1) & (places[:, 1] >= y0) & (places[:, 1] <= y1)
    assert rows_in_view(made, View(x0, x1, y0, y1)).tolist() == np.flatnonzero(inside).tolist()


def test_the_table_has_places_then_the_metadata_whatever_its_names(dataset: Dataset):
    table = view_table(scene(dataset), View(0.4, 1, 0, 1))
    assert table.column_names == ["row", "x", "y", "row (2)", "kind", "selected"]
    assert table["row"].to_pylist() == [1, 3, 4]
    assert table["x"].to_pylist() == [1, 1, 0.5]
    assert table["row (2)"].to_pylist() == ["v", "x", "y"]
    assert table["kind"].to_pylist() == ["b", "b", "a"]


def test_where_rows_are_selected_the_table_says_which(dataset: Dataset):
    table = view_table(scene(dataset, mask=np.array([1, 0, 0, 1, 0, 1], bool)), EVERYTHING)
    assert table.column_names == ["row", "x", "y", "selected", "row (2)", "kind", "selected (2)"]
    assert table["selected"].to_pylist() == [True, False, False, True, False]


def test_selections_that_are_kept_are_columns_before_the_metadata():
    columns = {"selection: a": list("uvwxyz"), "kind": ["a", "b", "a", "b", "a", "b"]}
    data = open_dataset(pa.table({"embedding": [[float(i), 1.0] for i in range(6)], **columns}), name="six")
    kept = {"a": PackedMask.of(np.arange(6) > 2), "<b>": PackedMask.of(np.arange(6) == 1)}
    table = view_table(scene(data, mask=np.arange(6) == 4), View(0.4, 1, 0, 1), kept=kept)
    assert table.column_names == ["row", "x", "y", "selected", "selection: a", "selection: <b>", "selection: a (2)", "kind"]
    assert table["row"].to_pylist() == [1, 3, 4]
    assert table["selection: a"].to_pylist() == [False, True, True]
    assert table["selection: <b>"].to_pylist() == [True, False, False]
    assert table["selection: a (2)"].to_pylist() == ["v", "x", "y"]
    everything = rows_table(data, None, ["kind"], kept=kept)
    assert everything.column_names == ["row", "selection: a", "selection: <b>", "kind"]
    assert everything["selection: a"].to_pylist() == [False, False, False, True, True, True]
    assert rows_table(data, np.array([5, 1]), [], kept=kept).to_pydict() == {
        "row": [5, 1],
        "selection: a": [True, False],
        "selection: <b>": [False, True],
    }


def test_an_empty_view_is_an_empty_table_with_every_column(dataset: Dataset):
    table = view_table(scene(dataset), View(5, 6, 5, 6))
    assert table.num_rows == 0
    assert table.column_names == ["row", "x", "y", "row (2)", "kind", "selected"]
