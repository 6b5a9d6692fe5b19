from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.data.dataset import open_dataset

XY = [0.5, 1.5, 2.5]


def test_several_pairs_are_several_layouts() -> None:
    names = ["umap_1", "umap_2", "tsne_x", "tsne_y", "PC1", "PC2", "x", "y"]
    dataset = open_dataset(pa.table(dict.fromkeys(names, XY)))
    assert [layout.name for layout in dataset.layouts] == ["umap", "tsne", "pca", "x, y"]
    assert dataset.table.num_columns == 0


def test_two_layouts_of_one_name_are_told_apart_by_their_columns() -> None:
    dataset = open_dataset(pa.table(dict.fromkeys(["umap_1", "umap_2", "UMAP1", "UMAP2", "X_umap_1", "X_umap_2"], XY)))
    names = [layout.name for layout in dataset.layouts]
    assert names[0] == "umap"
    assert len(set(names)) == len(names)


def test_principal_components_are_vectors_whose_first_two_are_a_layout() -> None:
    dataset = open_dataset(pa.table({f"PC{i}": XY for i in range(1, 6)}))
    assert dataset.n_dims == 5
    assert [layout.name for layout in dataset.layouts] == ["pca"]
    beside = open_dataset(pa.table({**{f"PC{i}": XY for i in range(1, 6)}, "embedding": [[1.0, 2, 3]] * 3}))
    assert beside.n_dims == 3
    assert beside.table.column_names == ["PC3", "PC4", "PC5"]


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float32(), 2)])
def test_a_column_of_pairs_named_like_a_projection_is_a_layout(kind: pa.DataType) -> None:
    dataset = open_dataset(pa.table({"X_umap": pa.array([[1, 2], None, [3, 4]], kind), "word": list("abc")}))
    assert dataset.layouts[0].name == "umap"
    assert dataset.drawable.tolist() == [True, False, True]
    assert dataset.vectors is None


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float32(), 3)])
def test_a_column_of_three_numbers_each_or_three_columns_are_one_layout_in_space(kind: pa.DataType) -> None:
    lists = open_dataset(pa.table({"X_umap": pa.array([[1, 2, 3], None, [4, 5, 6]], kind), "word": list("abc")}))
    columns = open_dataset(pa.table({"x": [1.0, None, 4], "y": [2.0, None, 5], "z": [3.0, None, 6], "word": list("abc")}))
    for dataset, name in ((lists, "umap"), (columns, "x, y, z")):
        (layout,) = dataset.layouts
        assert layout.name == name
        np.testing.assert_array_equal(layout.coordinates, [[1, 2, 3], [np.nan] * 3, [4, 5, 6]])
        assert dataset.table.column_names == ["word"]
        assert dataset.drawable.tolist() == [True, False, True]


def test_text_in_x_and_y_is_no_layout() -> None:
    dataset = open_dataset(pa.table({"x": list("abc"), "y": list("abc"), "embedding": [[1.0, 2, 3]] * 3}))
    assert dataset.layouts == ()
    assert dataset.table.column_names == ["x", "y"]


def test_an_archive_holds_layouts_beside_vectors_and_metadata(tmp_path: Path) -> None:
    pairs = np.array([[0, 1], [2, 3], [4, 5]])
    np.savez(
        tmp_path / "v.npz", vectors=np.eye(3), X_umap=pairs, year=np.array([1, 2, 3]), word=np.array([b"a", b"b", b"c"]), other=np.ones(7)
    )
    dataset = open_dataset(tmp_path / "v.npz")
    assert dataset.n_dims == 3
    assert [layout.name for layout in dataset.layouts] == ["umap"]
    np.testing.assert_array_equal(dataset.layouts[0].coordinates, pairs)
    assert dataset.row(1) == {"year": 2, "word": "b"}


def test_an_archive_holds_a_layout_in_space_but_three_principal_components_are_vectors(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", vectors=np.eye(4), X_umap=np.ones((4, 3)))
    assert [layout.coordinates.shape for layout in open_dataset(tmp_path / "v.npz").layouts] == [(4, 3)]
    np.savez(tmp_path / "p.npz", pca=np.eye(3))
    assert open_dataset(tmp_path / "p.npz").n_dims == 3


def test_an_archive_of_coordinates_alone_is_a_map(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", tsne=np.array([[0, 1], [2, 3]]), when=np.array(["2020-01-01", "2021-01-01"], "M8[D]"))
    dataset = open_dataset(tmp_path / "v.npz")
    assert dataset.vectors is None
    assert dataset.layouts[0].name == "tsne"
    assert dataset.roles == {"when": "time"}


def test_the_files_own_metadata_says_how_a_layout_was_made(tmp_path: Path) -> None:
    noted = {
        "title": "Three",
        "description": "Of three",
        "layouts": {
            "first": {"columns": ["a", "b"], "method": "umap", "params": {"n_neighbors": 5, "seed": None}},
            "second": {"columns": ["b", "a"], "method": "a method of tomorrow", "params": {"q": 1}},
        },
    }
    table = pa.table({"a": XY, "b": XY[::-1], "embedding": [[1.0, 2, 3]] * 3})
    pq.write_table(table.replace_schema_metadata({b"explorer": json.dumps(noted).encode()}), tmp_path / "v.parquet")
    dataset = open_dataset(tmp_path / "v.parquet")
    assert (dataset.name, dataset.description) == ("Three", "Of three")
    first, second = dataset.layouts
    assert (first.name, first.method, first.params) == ("first", "umap", {"n_neighbors": 5, "seed": None})
    assert (second.name, second.method) == ("second", None)
    np.testing.assert_array_equal(first.coordinates[:, 0], XY)
    assert dataset.table.num_columns == 0
