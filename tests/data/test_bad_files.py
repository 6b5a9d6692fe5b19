from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from explorer.data.dataset import open_dataset
from explorer.data.files import ENDINGS
from explorer.errors import (
    BadVectors,
    DataError,
    DuplicateColumns,
    EmptyDataset,
    FileMissing,
    NoVectors,
    UnknownColumn,
    UnknownFormat,
    Unreadable,
)

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1"
GOOD = pa.table({"word": ["a", "b", "c"] * 50, "embedding": [[0.5, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]] * 50})


def text(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


def data(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def good(folder: Path, ending: str) -> Path:
    path = folder / f"good{ending}"
    if ending == ".parquet":
        pq.write_table(GOOD, path)
    elif ending in (".feather", ".arrow"):
        pyarrow.feather.write_feather(GOOD, path)
    elif ending == ".npy":
        np.save(path, np.ones((40, 3)))
    else:
        np.savez(path, vectors=np.ones((40, 3)))
    return path


def refused(path: Path | str, error: type[DataError], message: str, **wishes: object) -> None:
    with pytest.raises(error, match=message) as caught:
        open_dataset(path, **wishes)
    sentence = str(caught.value)
    assert Path(path).name in sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", "?", ")"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == sentence


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "nope.parquet", FileMissing, r"There is no file .*nope\.parquet")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.parquet").mkdir()
    refused(tmp_path / "folder.parquet", Unreadable, "it is a folder")


def test_an_unknown_ending_lists_those_that_are_known(tmp_path: Path) -> None:
    refused(text(tmp_path, "a.xlsx", "x"), UnknownFormat, r"\.parquet, \.feather")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_of_no_bytes_is_empty(ending: str, tmp_path: Path) -> None:
    refused(data(tmp_path, f"a{ending}", b""), Unreadable, "it is empty")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_picture_under_any_other_name_is_recognized(ending: str, tmp_path: Path) -> None:
    refused(data(tmp_path, f"a{ending}", PNG), Unreadable, "a PNG picture")


@pytest.mark.parametrize("ending", [".parquet", ".feather", ".arrow", ".npy", ".npz"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9, 0.99])
def test_a_truncated_file_is_refused(ending: str, kept: float, tmp_path: Path) -> None:
    path = good(tmp_path, ending)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(9, int(len(whole) * kept))])
    refused(path, Unreadable, "truncated|cannot be read")


@pytest.mark.parametrize("ending", [".parquet", ".feather"])
def test_damage_in_the_middle_never_escapes_as_another_error(ending: str, tmp_path: Path) -> None:
    path = good(tmp_path, ending)
    whole = path.read_bytes()
    for position in range(8, len(whole) - 8, 97):
        path.write_bytes(whole[:position] + bytes(b ^ 0xFF for b in whole[position : position + 4]) + whole[position + 4 :])
        with suppress(DataError):
            open_dataset(path)


@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_lists_of_unequal_length_name_the_first_odd_row(ending: str, tmp_path: Path) -> None:
    lists = [[1.0, 2.0, 3.0]] * 5 + [[1.0]] + [[1.0, 2.0]]
    path = tmp_path / f"v{ending}"
    if ending == ".parquet":
        pq.write_table(pa.table({"embedding": lists}), path)
    else:
        path.write_text("\n".join(json.dumps({"embedding": values}) for values in lists))
    refused(path, BadVectors, "column embedding, row 5: its vector has 1 numbers, that of row 0 has 3")


def test_ragged_lists_of_any_name_are_refused_when_there_is_nothing_else(tmp_path: Path) -> None:
    pq.write_table(pa.table({"values": [[1.0, 2.0], [1.0]], "word": ["a", "b"]}), tmp_path / "v.parquet")
    refused(tmp_path / "v.parquet", BadVectors, "column values, row 1")


def test_ragged_lists_in_text_name_the_row(tmp_path: Path) -> None:
    refused(text(tmp_path, "v.csv", 'embedding\n"[1, 2, 3]"\n"[1, 2]"\n'), BadVectors, "row 1: its vector has 2 numbers")


def test_text_among_vector_columns_names_column_and_row(tmp_path: Path) -> None:
    path = text(tmp_path, "v.csv", "word,embedding_1,embedding_2,embedding_3\na,1,2,3\nb,1,two,3\n")
    refused(path, BadVectors, r"column embedding_2, row 1: 'two' is not a number\.")
    refused(path, BadVectors, r"column word, row 0: 'a' is not a number\.", vectors=["word", "embedding_1"])


def test_text_in_a_list_names_the_row(tmp_path: Path) -> None:
    refused(text(tmp_path, "v.csv", 'embedding\n"[1, 2, 3]"\n"[1, x, 3]"\n'), BadVectors, "row 1: 'x' is not a number")


def test_a_list_that_numpy_cut_short_says_so(tmp_path: Path) -> None:
    refused(text(tmp_path, "v.csv", 'embedding\n"[1 2 3 4]"\n"[1 2 ... 4]"\n'), BadVectors, "NumPy cut the list short")


@pytest.mark.parametrize("column", ["flag", "word"])
def test_a_column_of_single_values_is_no_vectors(column: str, tmp_path: Path) -> None:
    pq.write_table(pa.table({"flag": [1, 2], "word": ["a", "b"]}), tmp_path / "v.parquet")
    refused(tmp_path / "v.parquet", BadVectors, f"column {column}", vectors=column)


def test_no_vectors_at_all(tmp_path: Path) -> None:
    refused(text(tmp_path, "v.csv", "word,price\na,1\nb,2\n"), NoVectors, "its columns are word, price")
    np.savez(tmp_path / "v.npz", a=np.ones(3), b=np.ones((2, 2, 2)))
    refused(tmp_path / "v.npz", NoVectors, r"b \(2, 2, 2\)")


@pytest.mark.parametrize("values", [[np.nan, 1.0], [0.0, 0.0], [np.inf, 1.0]], ids=["nan", "zero", "inf"])
def test_a_file_without_a_usable_row_is_refused(values: list[float], tmp_path: Path) -> None:
    pq.write_table(pa.table({"embedding": [values] * 3}), tmp_path / "v.parquet")
    refused(tmp_path / "v.parquet", BadVectors, "no row is left to draw")


def test_one_usable_row_is_not_enough(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([[1, 2, 3], [0, 0, 0], [0, 0, 0]]))
    refused(tmp_path / "v.npy", BadVectors, "only one row is left to draw")


def test_lists_that_are_all_missing_or_empty(tmp_path: Path) -> None:
    pq.write_table(pa.table({"embedding": pa.array([None, []], pa.list_(pa.float32()))}), tmp_path / "v.parquet")
    refused(tmp_path / "v.parquet", BadVectors, "every list is missing or empty")


def test_no_row_and_one_row_are_too_few(tmp_path: Path) -> None:
    pq.write_table(GOOD.slice(0, 0), tmp_path / "none.parquet")
    refused(tmp_path / "none.parquet", EmptyDataset, "has no row; a map needs at least two")
    pq.write_table(GOOD.slice(0, 1), tmp_path / "one.parquet")
    refused(tmp_path / "one.parquet", EmptyDataset, "has one row")
    pyarrow.feather.write_feather(GOOD.slice(0, 0), tmp_path / "none.feather")
    refused(tmp_path / "none.feather", EmptyDataset, "has no row")
    refused(text(tmp_path, "header.csv", "word,embedding_1,embedding_2,embedding_3\n"), EmptyDataset, "has no row")
    np.save(tmp_path / "none.npy", np.ones((0, 3)))
    refused(tmp_path / "none.npy", EmptyDataset, "has no row")
    np.save(tmp_path / "one.npy", np.ones((1, 3)))
    refused(tmp_path / "one.npy", EmptyDataset, "has one row")


@pytest.mark.parametrize("write", [pq.write_table, pyarrow.feather.write_feather])
def test_duplicate_columns_are_refused(write: Callable[[pa.Table, Path], None], tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    path = tmp_path / ("v.parquet" if write is pq.write_table else "v.feather")
    if write is pq.write_table:
        pq.write_table(twice, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, twice.schema) as writer:
            writer.write_table(twice)
    refused(path, DuplicateColumns, "more than one column named a")


def test_duplicate_columns_of_a_csv_are_refused(tmp_path: Path) -> None:
    refused(text(tmp_path, "v.csv", "a,a,b\n1,2,3\n4,5,6\n"), DuplicateColumns, "column named a")


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("exploded"),))


def test_a_pickled_npy_is_refused_and_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "v.npy", np.array([Bomb(), Bomb()], dtype=object), allow_pickle=True)
    refused(tmp_path / "v.npy", Unreadable, "never unpickles")
    np.savez(tmp_path / "v.npz", vectors=np.ones((2, 3)), labels=np.array([Bomb(), Bomb()], dtype=object))
    refused(tmp_path / "v.npz", Unreadable, "array labels holds pickled Python objects")
    data(tmp_path, "p.npy", pickle.dumps([1, 2, 3]))
    refused(tmp_path / "p.npy", Unreadable, "a Python pickle")
    assert not (tmp_path / "exploded").exists()


def npy_header(shape: str, descr: str = "'<f4'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize("shape", ["(1000000000, 1000000)", "(3, 3)"])
def test_an_npy_that_claims_more_than_it_holds_is_refused(shape: str, tmp_path: Path) -> None:
    refused(data(tmp_path, "v.npy", npy_header(shape) + b"\0" * 16), Unreadable, "more than the file holds")
    with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive:
        archive.writestr("vectors.npy", npy_header(shape) + b"\0" * 16)
    refused(tmp_path / "v.npz", Unreadable, "array vectors claims the shape")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x93NUMPY", "truncated|makes no sense|cannot be read"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "truncated"),
        (npy_header("'x'"), "makes no sense"),
        (npy_header("(-1, 3)"), "cannot be read"),
        (npy_header("(2,)") + b"\0" * 8, r"an array of shape \(2,\)"),
        (npy_header("(2, 2, 2)") + b"\0" * 32, "vectors have two dimensions"),
        (npy_header("(2, 2)", "'<c8'") + b"\0" * 32, "complex64 values, not numbers"),
        (npy_header("(2, 2)", "'<U1'") + b"\0" * 16, "<U1 values, not numbers"),
        (npy_header("(2, 1)") + b"\0\0\x80\x3f" * 2, "fewer than two numbers"),
    ],
)
def test_an_npy_that_holds_no_vectors_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    refused(data(tmp_path, "v.npy", content), DataError, message)


def test_rows_with_too_few_cells_are_named_by_line(tmp_path: Path) -> None:
    refused(text(tmp_path, "v.csv", "a,e1,e2,e3\nx,1,2,3\ny,1,2\n"), Unreadable, "line 3 has 3 cells where 4 are expected")


def test_broken_json_is_named_by_row(tmp_path: Path) -> None:
    refused(text(tmp_path, "v.jsonl", '{"e": [1, 2, 3]}\n{"e": [1, 2,\n'), Unreadable, "JSON")
    refused(text(tmp_path, "v.json", '[{"e": [1, 2, 3]}]'), Unreadable, "one JSON array")
    refused(text(tmp_path, "w.jsonl", '{"e": [1, 2, 3]}\n{"e": "text"}\n'), Unreadable, "row 1")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (b"{", "explorer metadata cannot be understood"),
        (b"[]", "explorer metadata cannot be understood"),
        (b"\xff", "explorer metadata cannot be understood"),
        (b'{"layouts": {"umap": {"columns": ["a"]}}}', "has 1 columns"),
        (b'{"layouts": {"umap": {"columns": ["a", "b"], "params": 3}}}', "no mapping"),
        (b'{"layouts": {"umap": {"columns": ["word", "a"]}}}', "column word, which is no column of numbers"),
        (b'{"layouts": {"umap": {"columns": ["gone", "a"]}}}', "column gone"),
        (b'{"title": 3}', "3 is no text"),
        (b'{"graph": {"indices": "gone", "metric": "cosine"}}', "column gone"),
        (b'{"graph": {"indices": "word", "metric": "cosine"}}', "column word"),
        (b'{"graph": {"metric": "cosine"}}', "indices"),
    ],
)
def test_broken_explorer_metadata_is_refused(metadata: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    pq.write_table(GOOD.append_column("a", pa.array(range(150))).replace_schema_metadata({b"explorer": metadata}), path)
    refused(path, Unreadable, message)


def test_a_projector_pair_of_unequal_lengths_is_refused(tmp_path: Path) -> None:
    text(tmp_path, "metadata.tsv", "word\tkind\na\tb\n")
    refused(
        text(tmp_path, "vectors.tsv", "1\t2\t3\n4\t5\t6\n7\t8\t9\n"), Unreadable, "it has 3 rows, but metadata.tsv beside it describes 1"
    )


def test_an_unknown_vectors_column_suggests_the_closest(tmp_path: Path) -> None:
    refused(good(tmp_path, ".parquet"), UnknownColumn, "Did you mean embedding", vectors="embeding")


def test_a_path_that_no_system_allows_is_a_missing_file() -> None:
    with pytest.raises(DataError, match=r"There is no file|cannot be read"):
        open_dataset("a\0b.parquet")
    with pytest.raises(DataError, match=r"There is no file|cannot be read"):
        open_dataset("x" * 5_000 + ".parquet")


@pytest.mark.parametrize("ending", [".parquet", ".npz", ".npy"])
def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = good(tmp_path, ending)
    monkeypatch.setattr("explorer.data.memory._free_bytes", lambda: 400)
    refused(path, Unreadable, r"its numbers need 0\.0 GB of memory, and 0\.0 GB are free")


def test_an_archive_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    np.savez_compressed(path, vectors=np.zeros((1000, 3)))
    content, size = path.read_bytes(), (24128).to_bytes(4, "little")
    assert content.count(size) in (1, 2, 3)  # it depends on the version of Python
    path.write_bytes(content.replace(size, (2**32 - 2).to_bytes(4, "little")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.data.memory._free_bytes", lambda: 10**9)
        refused(path, Unreadable, r"need 4\.3 GB of memory, and 1\.0 GB are free")


def test_where_the_system_does_not_say_how_much_memory_is_free_everything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (None, "", "MemTotal: 1 kB\n"):
        if content is not None:
            text(tmp_path, "meminfo", content)
        monkeypatch.setattr("explorer.data.memory._MEMINFO", tmp_path / "meminfo")
        assert open_dataset(good(tmp_path, ".npz")).n_rows == 40
    text(tmp_path, "meminfo", "MemAvailable:  1 kB\nSwapFree:   0 kB\nHugePages_Total:       0\n")
    refused(good(tmp_path, ".npz"), Unreadable, "GB are free")
