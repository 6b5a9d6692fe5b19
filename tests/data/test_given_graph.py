from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import DataError, Unreadable

VECTORS = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [0, 0]], np.float32)
NEIGHBORS: list[list[int] | None] = [[1, 3], [0, 3], [3, 1], [2, 1], None]


def written(
    path: Path,
    neighbors: object,
    *,
    metric: str = "cosine",
    distances: object = None,
    kind: pa.DataType | None = None,
    vectors: bool = True,
) -> Path:
    table = pa.table({"word": list("abcde"), "neighbors": pa.array(neighbors, kind or pa.list_(pa.int64()))})
    noted = {"indices": "neighbors", "metric": metric}
    if distances is not None:
        table = table.append_column("d", pa.array(distances, pa.list_(pa.float32())))
        noted["distances"] = "d"
    if vectors:
        table = table.append_column("embedding", pa.array(VECTORS.tolist()))
    else:
        table = table.append_column("x", pa.array(range(5))).append_column("y", pa.array(range(5)))
    pq.write_table(table.replace_schema_metadata({b"explorer": json.dumps({"graph": noted}).encode()}), path)
    return path


def cosine(i: int, j: int) -> float:
    a, b = VECTORS[i].astype(float), VECTORS[j].astype(float)
    return float(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.list_(pa.uint16(), 2), pa.large_list(pa.int32()), pa.list_(pa.float64())])
def test_distances_are_recomputed_and_ascending(kind: pa.DataType, tmp_path: Path) -> None:
    dataset = open_dataset(written(tmp_path / "v.parquet", NEIGHBORS, kind=kind))
    graph = dataset.graph
    assert graph is not None
    assert (graph.metric, graph.indices.dtype, graph.distances.dtype) == ("cosine", np.int32, np.float32)
    assert graph.indices.tolist() == [[1, 3], [0, 3], [3, 1], [2, 1], [-1, -1]]
    expected = [[cosine(i, j) for j in row] for i, row in enumerate(graph.indices[:4])]
    np.testing.assert_allclose(graph.distances[:4], expected, atol=1e-6)
    assert np.isinf(graph.distances[4]).all()
    assert dataset.table.column_names == ["word"]


def test_neighbors_out_of_order_are_sorted_by_distance(tmp_path: Path) -> None:
    swapped = [row and row[::-1] for row in NEIGHBORS]
    graph = open_dataset(written(tmp_path / "v.parquet", swapped)).graph
    assert graph.indices[:4].tolist() == NEIGHBORS[:4]


def test_euclidean_distances_are_recomputed(tmp_path: Path) -> None:
    graph = open_dataset(written(tmp_path / "v.parquet", NEIGHBORS, metric="euclidean")).graph
    np.testing.assert_allclose(graph.distances[0], [0.1, np.hypot(0.9, 1)], rtol=1e-6)


def test_distances_in_the_file_are_believed(tmp_path: Path) -> None:
    distances = [[1, 2], [1, 2], [2, 1], [1, 2], None]
    graph = open_dataset(written(tmp_path / "v.parquet", NEIGHBORS, metric="manhattan", distances=distances)).graph
    assert graph.distances[:4].tolist() == [[1, 2]] * 4
    assert graph.indices[2].tolist() == [1, 3]


def test_a_graph_without_vectors_is_left_out(tmp_path: Path) -> None:
    dataset = open_dataset(written(tmp_path / "v.parquet", NEIGHBORS, vectors=False))
    assert dataset.graph is None
    assert dataset.table.column_names == ["word"]


def changed(row: int, value: object) -> list[object]:
    return [value if i == row else neighbors for i, neighbors in enumerate(NEIGHBORS)]


@pytest.mark.parametrize(
    ("neighbors", "options", "message"),
    [
        (changed(1, [0, 5]), {}, "row 1 lists a neighbor in column neighbors that is not one of its 5 rows"),
        (changed(1, [0, -1]), {}, "row 1 lists a neighbor in column neighbors that is not"),
        (changed(1, [0, 2**40]), {}, "row 1 lists a neighbor in column neighbors that is not"),
        (changed(1, [0, None]), {}, "row 1 lists a neighbor in column neighbors that is no"),
        (changed(2, [2, 1]), {}, "row 2 lists itself"),
        (changed(1, [3, 3]), {}, "row 1 lists a neighbor in column neighbors twice"),
        (changed(2, [4, 1]), {}, "row 2 lists a neighbor in column neighbors that has no usable vector"),
        (changed(3, [1]), {}, "row 3 has 1 values in column neighbors, other rows have 2"),
        (changed(3, None), {}, "row 3 has 0 values in column neighbors"),
        ([None] * 5, {}, "no row has neighbors"),
        (NEIGHBORS, {"metric": "hamming"}, "hamming ones, whose distances it must hold"),
        (NEIGHBORS, {"distances": [[1], [1], [1], [1], None]}, "row 0 has 1 values in column d, other rows have 2"),
        (NEIGHBORS, {"distances": [[1, np.nan]] * 5}, "row 0 has a distance in column d that is not finite"),
    ],
)
def test_a_broken_graph_is_refused_with_the_row(neighbors: object, options: dict[str, object], message: str, tmp_path: Path) -> None:
    path = written(tmp_path / "v.parquet", neighbors, **options)
    with pytest.raises(Unreadable, match=message):
        open_dataset(path)


def test_distances_over_many_blocks_equal_one_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "v.parquet", NEIGHBORS)
    whole = open_dataset(path).graph.distances
    monkeypatch.setattr("explorer.data.given_graph._BLOCK_VALUES", 1)
    np.testing.assert_array_equal(open_dataset(path).graph.distances, whole)


def test_a_column_called_neighbors_is_only_a_graph_when_the_file_says_so(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path / "v.parquet", NEIGHBORS)).replace_schema_metadata(None)
    dataset = open_dataset(table)
    assert isinstance(dataset, Dataset)
    assert dataset.graph is None
    assert dataset.row(0) == {"word": "a", "neighbors": "[1, 3]"}


def test_a_broken_graph_is_a_data_error() -> None:
    assert issubclass(Unreadable, DataError)
