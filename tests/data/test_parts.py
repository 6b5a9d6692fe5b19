"""A folder of Parquet parts is one dataset, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.data.dataset import open_dataset
from explorer.data.parts import are_parts, part_files
from explorer.errors import BadVectors, DuplicateColumns, Unreadable


def part(folder: Path, name: str, words: list[str], **columns: object) -> Path:
    folder.mkdir(exist_ok=True)
    vectors = [[float(len(word)), 1.0, float(i)] for i, word in enumerate(words)]
    pq.write_table(pa.table({"word": words, "embedding": vectors, **columns}), folder / name)
    return folder / name


def test_parts_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "words.parquet"
    for i in (10, 2, 0):
        part(folder, f"part.{i}.parquet", [f"of {i}"] * 2)
    dataset = open_dataset(folder)
    assert dataset.name == "words"
    assert dataset.frame()["word"].tolist() == ["of 0", "of 0", "of 2", "of 2", "of 10", "of 10"]
    assert dataset.n_dims == 3


def test_marks_hidden_files_and_folders_beside_the_parts_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "spark"
    part(folder, "part-00000-1f0e2d3c-aaaa-bbbb-cccc-0123456789ab-c000.snappy.parquet", ["a", "b"])
    part(folder, "_metadata", ["never"])
    part(folder, ".part-00000.parquet", ["never"])
    (folder / "_SUCCESS").touch()
    (folder / "._SUCCESS.crc").touch()
    (folder / "old.parquet").mkdir()
    assert len(part_files(folder)) == 1
    assert open_dataset(folder).n_rows == 2


@pytest.mark.parametrize(
    "files",
    [
        ["part-0000.parquet", "part-0001.parquet"],
        ["part.0.parquet", "part.1.parquet", "part.10.parquet"],
        ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"],
        ["data_0.parquet", "data_1.parquet"],
        ["0000.parquet", "0001.parquet", "README.md"],
        ["part-00000-1f0e2d3c.c000.snappy.parquet", "_SUCCESS"],
        ["part-r-00000-1f0e.gz.parquet", "part-r-00001-1f0e.gz.parquet"],
        ["anything.parquet", "_metadata"],
    ],
)
def test_files_that_are_parts_of_one_dataset(files: list[str]) -> None:
    assert are_parts("words", files)


@pytest.mark.parametrize(
    "files",
    [
        ["words.parquet", "papers.parquet"],
        ["part-0000.parquet"],  # one file is a file
        ["train-00000-of-00001.parquet", "test-00000-of-00001.parquet"],  # a split each
        ["run1.parquet", "run2.parquet"],
        ["part-0000.parquet", "words.parquet"],
        ["part-0000.csv", "part-0001.csv"],
        ["_metadata"],
        [],
    ],
)
def test_files_that_are_a_dataset_each(files: list[str]) -> None:
    assert not are_parts("words", files)


def test_one_part_in_a_folder_that_is_called_like_a_file_is_a_dataset() -> None:
    assert are_parts("words.parquet", ["part.0.parquet"])


def test_a_column_that_is_empty_or_smaller_in_one_part_takes_the_others_type(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    part(folder, "part-0.parquet", ["a", "b"], note=pa.nulls(2), n=pa.array([1, 2], pa.int8()))
    part(folder, "part-1.parquet", ["c", "d"], note=["x", "y"], n=pa.array([3, 2**40], pa.int64()))
    frame = open_dataset(folder).frame()
    assert frame["note"].fillna("").tolist() == ["", "", "x", "y"]
    assert frame["n"].tolist() == [1, 2, 3, 2**40]


def test_columns_may_be_in_another_order_and_parts_without_rows_between(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    part(folder, "part-0.parquet", [])
    part(folder, "part-1.parquet", ["a", "b"])
    file = part(folder, "part-2.parquet", ["c", "d"])
    pq.write_table(pq.read_table(file).select(["embedding", "word"]), file)
    pq.write_table(pq.read_table(file).slice(0, 0), folder / "part-0.parquet")
    assert open_dataset(folder).frame()["word"].tolist() == ["a", "b", "c", "d"]


def test_a_part_with_other_columns_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    part(folder, "part-0.parquet", ["a", "b"])
    part(folder, "part-1.parquet", ["c"], extra=[1])
    with pytest.raises(Unreadable, match=r"odd/part-1\.parquet cannot be read: it has a column extra, unlike .*odd/part-0\.parquet"):
        open_dataset(folder)


def test_a_part_with_another_type_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    part(folder, "part-0.parquet", ["a", "b"], n=[1, 2])
    part(folder, "part-1.parquet", ["c"], n=["one"])
    with pytest.raises(Unreadable, match=r"odd/part-1\.parquet cannot be read: its column n holds string values, and that of .* int64"):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "it is empty"), (b"PAR1 and no more", "truncated"), (b"no parquet at all", "it is text")]
)
def test_a_broken_part_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    folder = tmp_path / "broken"
    part(folder, "part-0.parquet", ["a", "b"])
    (folder / "part-1.parquet").write_bytes(content)
    with pytest.raises(Unreadable, match=r"broken/part-1\.parquet cannot be read: .*") as caught:
        open_dataset(f"{folder}/")
    assert reason.rsplit(maxsplit=1)[-1] in str(caught.value)


def test_an_odd_vector_is_told_by_part_and_by_row_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    part(folder, "part-0.parquet", ["a", "b", "c"])
    pq.write_table(pa.table({"word": ["d", "e"], "embedding": [[1.0, 2.0, 3.0], [1.0, 2.0]]}), folder / "part-1.parquet")
    with pytest.raises(BadVectors, match=r"odd/part-1\.parquet, column embedding, row 1: its vector has 2 numbers"):
        open_dataset(folder)


def test_two_columns_of_one_name_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "twice"
    folder.mkdir()
    twice = pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4])], ["a", "a"])
    for i in range(2):
        pq.write_table(twice, folder / f"part-{i}.parquet")
    with pytest.raises(DuplicateColumns):
        open_dataset(folder)


def test_a_folder_that_is_no_dataset_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(Unreadable, match="Name one file in it"):
        open_dataset(tmp_path)


def test_coordinates_in_parts_need_no_vectors(tmp_path: Path) -> None:
    folder = tmp_path / "map"
    folder.mkdir()
    for i in range(2):
        pq.write_table(pa.table({"x": [0.0, 1.0], "y": [i, i], "word": ["a", "b"]}), folder / f"part-{i}.parquet")
    dataset = open_dataset(folder)
    assert dataset.vectors is None
    np.testing.assert_array_equal(dataset.layouts[0].coordinates, [[0, 0], [1, 0], [0, 1], [1, 1]])
