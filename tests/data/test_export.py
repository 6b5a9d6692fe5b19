from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from explorer.data.dataset import Dataset, open_dataset
from explorer.data.export import check_target, write_layouts, write_neighbors, write_results
from explorer.data.writers import WRITERS, Writer
from explorer.errors import UnknownFormat, Unwritable

VECTORS = np.array([[1, 0, 0.5], [1, 0.1, 0], [0, 1, 0], [0, 0, 0]], np.float32)
COORDINATES = np.array([[0, 1], [2, 3], [4, 5], [np.nan, np.nan]], np.float32)


@dataclass(frozen=True)
class MadeLayout:
    """What a projection returns."""

    method: str = "umap"
    coordinates: NDArray[np.float32] = field(default_factory=COORDINATES.copy)
    params: Mapping[str, object] = field(default_factory=lambda: {"n_neighbors": 2, "n_epochs": None})


@dataclass(frozen=True)
class MadeGraph:
    """What the neighbor search returns."""

    indices: NDArray[np.int32] = field(default_factory=lambda: np.array([[1, 2], [0, 2], [1, 0], [-1, -1]], np.int32))
    distances: NDArray[np.float32] = field(default_factory=lambda: np.array([[0.1, 1], [0.1, 0.9], [0.9, 1], [np.inf, np.inf]], np.float32))
    metric: str = "cosine"


@pytest.fixture
def dataset() -> Dataset:
    table = pa.table(
        {
            "word": ["=1+1", "plain", None, '@x, "y"'],
            "kind": pa.array(["+a", "b", "b", None]).dictionary_encode(),
            "n": [-1, 2, None, 4],
            "f": [-0.5, float("nan"), 1.5, None],
            "picture": pa.array([b"\x89PNG", None, None, None]),
        }
    )
    return open_dataset(table, vectors=VECTORS, name="Four")


def cells(path: Path) -> list[dict[str, str]]:
    """Read a CSV or TSV as anybody would: a dict a line."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="," if path.suffix == ".csv" else "\t"))


@pytest.mark.parametrize("ending", [".parquet", ".feather", ".arrow", ".ipc"])
def test_results_open_again_as_they_were(ending: str, dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / f"out{ending}"
    write_results(path, dataset, layouts=[MadeLayout(), MadeLayout("tsne", params={})], graph=MadeGraph())
    again = open_dataset(path)
    assert (again.name, again.fingerprint) == ("Four", dataset.fingerprint)
    np.testing.assert_array_equal(again.vectors, VECTORS)
    assert [(layout.name, layout.method, layout.params) for layout in again.layouts] == [
        ("umap", "umap", {"n_neighbors": 2, "n_epochs": None}),
        ("tsne", "tsne", {}),
    ]
    np.testing.assert_array_equal(again.layouts[0].coordinates, COORDINATES)
    graph = again.graph
    assert graph is not None
    np.testing.assert_array_equal(graph.indices, MadeGraph().indices)
    np.testing.assert_array_equal(graph.distances, MadeGraph().distances)
    assert again.table.column_names == dataset.table.column_names
    assert [again.row(i) for i in range(4)] == [dataset.row(i) for i in range(4)]
    assert dict(again.roles) == dict(dataset.roles)


def test_results_written_twice_keep_the_first_and_replace_the_same_method(dataset: Dataset, tmp_path: Path) -> None:
    write_layouts(tmp_path / "a.parquet", dataset, [MadeLayout(), MadeLayout("pca", params={})])
    moved = MadeLayout(coordinates=COORDINATES + 1)
    write_layouts(tmp_path / "b.parquet", open_dataset(tmp_path / "a.parquet"), [moved])
    again = open_dataset(tmp_path / "b.parquet")
    assert [layout.name for layout in again.layouts] == ["pca", "umap"]
    np.testing.assert_array_equal(again.layouts[1].coordinates, COORDINATES + 1)
    write_neighbors(tmp_path / "c.parquet", again, MadeGraph())
    last = open_dataset(tmp_path / "c.parquet")
    assert len(last.layouts) == 2
    assert last.graph is not None


def test_coordinates_of_unknown_origin_come_along(tmp_path: Path) -> None:
    dataset = open_dataset(pa.table({"x": [0.0, 1], "y": [2.0, 3], "word": ["a", "b"]}))
    write_results(tmp_path / "a.parquet", dataset)
    (layout,) = open_dataset(tmp_path / "a.parquet").layouts
    assert layout.method is None
    np.testing.assert_array_equal(layout.coordinates, [[0, 2], [1, 3]])
    write_results(tmp_path / "a.csv", dataset)
    assert len(open_dataset(tmp_path / "a.csv").layouts) == 1


def test_names_that_are_taken_get_a_number(tmp_path: Path) -> None:
    dataset = open_dataset(pa.table({"embedding": ["a", "b"], "neighbors": ["c", "d"], "vec": [[1.0, 2], [3, 4]]}))
    graph = MadeGraph(np.array([[1], [0]], np.int32), np.ones((2, 1), np.float32))
    write_neighbors(tmp_path / "a.parquet", dataset, graph)
    names = ["embedding", "neighbors", "neighbors (2)", "distances", "embedding (2)"]
    assert pq.read_schema(tmp_path / "a.parquet").names == names
    again = open_dataset(tmp_path / "a.parquet")
    assert again.table.column_names == ["embedding", "neighbors"]
    assert again.graph is not None


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_formulas_in_text_cells_are_made_harmless_and_numbers_left_alone(ending: str, dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / f"out{ending}"
    write_results(path, dataset, layouts=[MadeLayout()])
    rows = cells(path)
    assert [row["word"] for row in rows] == ["'=1+1", "plain", "", '\'@x, "y"']
    assert [row["kind"] for row in rows] == ["'+a", "b", "b", ""]
    assert [row["n"] for row in rows] == ["-1", "2", "", "4"]
    assert rows[0]["f"] == "-0.5"
    assert rows[0]["picture"].startswith("data:image/png;base64,")
    assert [row["umap_2"] for row in rows] == ["1", "3", "5", ""]
    assert "embedding" not in rows[0]


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_neighbors_take_a_line_each_where_there_are_no_lists(ending: str, dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / f"out{ending}"
    write_neighbors(path, dataset, MadeGraph())
    rows = cells(path)
    assert list(rows[0]) == ["row", "rank", "neighbor", "distance", "word", "neighbor_word"]
    assert [(row["row"], row["rank"], row["neighbor"], row["distance"]) for row in rows] == [
        ("0", "1", "1", "0.1"),
        ("0", "2", "2", "1"),
        ("1", "1", "0", "0.1"),
        ("1", "2", "2", "0.9"),
        ("2", "1", "1", "0.9"),
        ("2", "2", "0", "1"),
    ]
    assert [row["word"] for row in rows[::2]] == ["'=1+1", "plain", ""]
    assert [row["neighbor_word"] for row in rows[:2]] == ["plain", ""]


def test_a_line_a_neighbor_survives_a_label_of_the_same_name_or_none(tmp_path: Path) -> None:
    graph = MadeGraph(np.array([[1], [0]], np.int32), np.ones((2, 1), np.float32))
    write_neighbors(tmp_path / "a.csv", open_dataset(pa.table({"rank": ["a", "b"], "vec": [[1.0, 2], [3, 4]]}), label="rank"), graph)
    assert cells(tmp_path / "a.csv")[0] == {
        "row": "0",
        "rank": "1",
        "neighbor": "1",
        "distance": "1",
        "rank (2)": "a",
        "neighbor_rank": "b",
    }
    write_neighbors(tmp_path / "b.csv", open_dataset(VECTORS[:2]), graph)
    assert cells(tmp_path / "b.csv")[1] == {"row": "1", "rank": "1", "neighbor": "0", "distance": "1"}


def test_a_graph_that_came_along_is_left_out_where_there_are_no_lists(dataset: Dataset, tmp_path: Path) -> None:
    write_neighbors(tmp_path / "a.parquet", dataset, MadeGraph())
    write_layouts(tmp_path / "b.csv", open_dataset(tmp_path / "a.parquet"), [MadeLayout()])
    assert list(cells(tmp_path / "b.csv")[0]) == [*dataset.table.column_names, "umap_1", "umap_2"]


def test_json_lines_hold_plain_values(dataset: Dataset, tmp_path: Path) -> None:
    write_results(tmp_path / "out.jsonl", dataset, layouts=[MadeLayout()], graph=MadeGraph())
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[0]["word"] == "=1+1"
    assert rows[0]["neighbors"] == [1, 2]
    assert rows[3]["umap_1"] is None
    assert rows[1]["f"] is None


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_writes_a_dataset_without_metadata(ending: str, tmp_path: Path) -> None:
    write_layouts(tmp_path / f"out{ending}", open_dataset(VECTORS), [MadeLayout()])
    np.testing.assert_array_equal(open_dataset(tmp_path / f"out{ending}").layouts[0].coordinates, COORDINATES)


def test_targets_that_cannot_be_written_are_refused_before_computing(tmp_path: Path) -> None:
    check_target(tmp_path / "fine.parquet")
    with pytest.raises(UnknownFormat, match=r"\.parquet, \.feather"):
        check_target(tmp_path / "out.xlsx")
    with pytest.raises(Unwritable, match="there is no folder"):
        check_target(tmp_path / "gone" / "out.parquet")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(Unwritable, match="it is a folder"):
        check_target(tmp_path / "folder.csv")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old", encoding="utf-8")

    def fail(_: pa.Table, file: Path) -> None:
        file.write_text("half of it", encoding="utf-8")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(WRITERS, ".jsonl", Writer(fail, keeps_vectors=False, keeps_lists=True))
    with pytest.raises(Unwritable, match="No space left on device"):
        write_results(path, dataset)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ["parquet", "csv", "npz"])
def test_a_layout_in_space_is_three_columns_and_one_layout_again(dataset: Dataset, tmp_path: Path, ending: str) -> None:
    places = np.column_stack([COORDINATES, COORDINATES[:, 0] * 2])
    write_layouts(tmp_path / f"out.{ending}", dataset, [MadeLayout(), MadeLayout("tsne", places), MadeLayout("pca", np.tile(places, 2))])
    if ending == "npz":
        assert {"tsne_1", "tsne_2", "tsne_3", "pca_6"} <= set(np.load(tmp_path / "out.npz").files)
        return
    again = {layout.name: layout.coordinates for layout in open_dataset(tmp_path / f"out.{ending}").layouts}
    np.testing.assert_array_equal(again["tsne"], places)
    np.testing.assert_array_equal(again["umap"], COORDINATES)
    if ending == "parquet":  # which knows what its columns are
        np.testing.assert_array_equal(again["pca"], np.tile(places, 2))


def test_a_map_of_other_dimensions_does_not_replace_the_one_that_came_along(dataset: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "out.parquet"
    write_layouts(file, dataset, [MadeLayout()])
    places = np.column_stack([COORDINATES, COORDINATES[:, 0]])
    write_layouts(file, open_dataset(file), [MadeLayout("umap", places)])
    assert [layout.coordinates.shape[1] for layout in open_dataset(file).layouts] == [2, 3]
    write_layouts(tmp_path / "out.csv", open_dataset(file), [])
    assert {"umap_1", "umap_2", "umap_3d_1", "umap_3d_3"} <= set(cells(tmp_path / "out.csv")[0])
    again = open_dataset(tmp_path / "out.csv").layouts
    assert [layout.coordinates.shape[1] for layout in again] == [2, 3]
    write_layouts(file, dataset, [MadeLayout(), MadeLayout(), MadeLayout("umap", places), MadeLayout("umap", places)])
    assert [layout.name for layout in open_dataset(file).layouts] == ["umap", "umap 2", "umap_3d", "umap 4"]
