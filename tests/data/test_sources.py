from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import BadVectors, DuplicateColumns, NoVectors, UnknownColumn, UnknownSource

VECTORS = np.array([[0.5, 1, -2], [3, 0.25, 0], [0, 0, 1], [1, 1, 1]], np.float32)
WORDS = ["cat", "dog", "oak", "elm"]
KINDS = ["animal", "animal", "tree", "tree"]


def table(vectors: pa.Array | None = None) -> pa.Table:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(VECTORS.ravel()), 3) if vectors is None else vectors
    return pa.table({"word": WORDS, "kind": KINDS, "embedding": lists})


def parquet(folder: Path) -> Path:
    pq.write_table(table(), folder / "words.parquet")
    return folder / "words.parquet"


def feather(folder: Path) -> Path:
    pyarrow.feather.write_feather(table(), folder / "words.feather")
    return folder / "words.feather"


def arrow_stream(folder: Path) -> Path:
    with pa.OSFile(str(folder / "words.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table().schema) as writer:
        writer.write_table(table(), max_chunksize=2)
    return folder / "words.arrow"


def csv_of_lists(folder: Path) -> Path:
    frame = pd.DataFrame({"word": WORDS, "kind": KINDS, "embedding": VECTORS.tolist()})
    frame.to_csv(folder / "words.csv", index=False)
    return folder / "words.csv"


def csv_of_printed_arrays(folder: Path) -> Path:
    frame = pd.DataFrame({"word": WORDS, "kind": KINDS, "embedding": list(VECTORS)})
    frame.to_csv(folder / "words.csv", index=False)
    return folder / "words.csv"


def csv_of_columns(folder: Path) -> Path:
    frame = pd.DataFrame({"word": WORDS, "kind": KINDS, **{f"embedding_{i + 1}": VECTORS[:, i] for i in range(3)}})
    frame.to_csv(folder / "words.csv", index=False)
    return folder / "words.csv"


def semicolons(folder: Path) -> Path:
    rows = [f"{word};{kind};{';'.join(map(str, v))}" for word, kind, v in zip(WORDS, KINDS, VECTORS.tolist(), strict=True)]
    (folder / "words.csv").write_text("\n".join(["word;kind;dim0;dim1;dim2", *rows]), encoding="utf-8")
    return folder / "words.csv"


def tsv(folder: Path) -> Path:
    frame = pd.DataFrame({"word": WORDS, "kind": KINDS, **{f"e{i}": VECTORS[:, i] for i in range(3)}})
    frame.to_csv(folder / "words.tsv", index=False, sep="\t")
    return folder / "words.tsv"


def json_lines(folder: Path) -> Path:
    rows = [{"word": w, "kind": k, "embedding": v} for w, k, v in zip(WORDS, KINDS, VECTORS.tolist(), strict=True)]
    (folder / "words.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder / "words.jsonl"


def npz(folder: Path) -> Path:
    np.savez(folder / "words.npz", embeddings=VECTORS, word=np.array(WORDS), kind=np.array(KINDS))
    return folder / "words.npz"


def projector(folder: Path) -> Path:
    np.savetxt(folder / "vectors.tsv", VECTORS, delimiter="\t")
    lines = ["word\tkind", *(f"{w}\t{k}" for w, k in zip(WORDS, KINDS, strict=True))]
    (folder / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "vectors.tsv"


FILES = [parquet, feather, arrow_stream, csv_of_lists, csv_of_printed_arrays, csv_of_columns, semicolons, tsv, json_lines, npz, projector]


@pytest.mark.parametrize("write", FILES, ids=lambda write: write.__name__)
def test_every_format_gives_the_same_dataset(write: Callable[[Path], Path], tmp_path: Path) -> None:
    dataset = open_dataset(write(tmp_path))
    np.testing.assert_array_equal(dataset.vectors, VECTORS)
    assert dataset.vectors.dtype == np.float32
    assert dataset.vectors.flags.c_contiguous
    assert dataset.fingerprint == open_dataset(VECTORS).fingerprint
    assert dataset.table.column_names == ["word", "kind"]
    assert (dataset.label, dataset.color) == ("word", "kind")
    assert dataset.roles == {"word": "label", "kind": "category"}
    assert dataset.row(2) == {"word": "oak", "kind": "tree"}
    assert dataset.n_drawable == dataset.n_rows == 4
    assert dataset.n_dims == 3
    assert dataset.layouts == ()
    assert dataset.graph is None


def frames() -> dict[str, object]:
    pandas = pd.DataFrame({"word": WORDS, "kind": KINDS, "embedding": list(VECTORS)})
    polars = pl.DataFrame(
        {
            "word": WORDS,
            "kind": pl.Series(KINDS, dtype=pl.Categorical),
            "embedding": pl.Series(VECTORS.tolist(), dtype=pl.Array(pl.Float32, 3)),
        }
    )
    return {
        "pandas of arrays": pandas,
        "pandas of lists": pandas.assign(embedding=VECTORS.tolist()),
        "pandas of number columns": pandas[["word", "kind"]].join(pd.DataFrame(VECTORS)),
        "pandas categorical": pandas.assign(kind=pandas["kind"].astype("category")),
        "polars": polars,
        "polars lists": polars.with_columns(pl.col("embedding").arr.to_list()),
        "arrow": table(),
        "arrow batch": table().to_batches()[0],
        "arrow large lists": table(pa.array(VECTORS.tolist(), pa.large_list(pa.float64()))),
        "arrow list view": table(pa.array(VECTORS.tolist(), pa.list_view(pa.float32()))),
        "arrow half floats": table(pa.array(list(VECTORS.astype(np.float16)), pa.list_(pa.float16()))),
        "arrow tensor": table(pa.FixedShapeTensorArray.from_numpy_ndarray(VECTORS)),
        "records": [{"word": w, "kind": k, "embedding": v} for w, k, v in zip(WORDS, KINDS, VECTORS.tolist(), strict=True)],
    }


@pytest.mark.parametrize("name", frames())
def test_every_frame_gives_the_same_dataset(name: str) -> None:
    dataset = open_dataset(frames()[name])
    np.testing.assert_array_equal(dataset.vectors, VECTORS)
    assert dataset.table.column_names == ["word", "kind"]
    assert dataset.roles == {"word": "label", "kind": "category"}
    assert dataset.row(1) == {"word": "dog", "kind": "animal"}


@pytest.mark.parametrize(
    "array",
    [
        VECTORS,
        VECTORS.astype(np.float64),
        VECTORS.astype(np.float16),
        np.asfortranarray(VECTORS),
        VECTORS.astype(">f4"),
        VECTORS[::-1][::-1],
        VECTORS.tolist(),
        tuple(map(tuple, VECTORS.tolist())),
    ],
)
def test_every_2d_array_becomes_float32_in_c_order(array: object, tmp_path: Path) -> None:
    dataset = open_dataset(array)
    np.testing.assert_array_equal(dataset.vectors, VECTORS)
    assert (dataset.vectors.dtype, dataset.vectors.flags.c_contiguous, dataset.vectors.flags.writeable) == (
        np.dtype(np.float32),
        True,
        False,
    )
    assert dataset.table.num_columns == 0
    assert dataset.row(0) == {}
    np.save(tmp_path / "array.npy", np.asarray(array))
    np.testing.assert_array_equal(open_dataset(tmp_path / "array.npy").vectors, VECTORS)


def test_integers_become_float32() -> None:
    np.testing.assert_array_equal(open_dataset(np.array([[1, 2, 3], [4, 5, 6]], np.int8)).vectors, [[1, 2, 3], [4, 5, 6]])
    bits = pa.table({"bits": pa.array([[1, 0, 255], [7, 8, 9]], pa.list_(pa.uint8()))})
    np.testing.assert_array_equal(open_dataset(bits).vectors, [[1, 0, 255], [7, 8, 9]])


def test_a_float32_array_is_not_copied_and_stays_writable_for_its_owner() -> None:
    mine = VECTORS.copy()
    dataset = open_dataset(mine)
    assert np.shares_memory(dataset.vectors, mine)
    assert mine.flags.writeable


@pytest.mark.parametrize("wanted", [["b", "a"], ("b", "a")])
def test_named_columns_are_the_vectors_in_that_order(wanted: list[str]) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4], "word": ["x", "y"]})
    dataset = open_dataset(frame, vectors=wanted)
    np.testing.assert_array_equal(dataset.vectors, [[3, 1], [4, 2]])
    assert dataset.table.column_names == ["word"]


def test_a_star_names_columns_by_their_beginning() -> None:
    frame = pd.DataFrame({"p_a": [1, 2], "p_b": [3, 4], "q": [5, 6]})
    for wanted in ("p_*", ["p_*"]):
        np.testing.assert_array_equal(open_dataset(frame, vectors=wanted).vectors, [[1, 3], [2, 4]])


def test_an_array_beside_a_frame_holds_its_vectors() -> None:
    frame = pd.DataFrame({"word": WORDS})
    dataset = open_dataset(frame, vectors=VECTORS)
    assert dataset.n_dims == 3
    with pytest.raises(BadVectors, match="3 vectors for 4 rows"):
        open_dataset(frame, vectors=VECTORS[:3])


def test_label_color_text_and_name_are_taken_as_asked() -> None:
    frame = pd.DataFrame({"a": ["p", "q", "r", "s"], "b": ["k", "l", "m", "n"], "c": [1, 1, 2, 2], "embedding": list(VECTORS)})
    dataset = open_dataset(frame, label="b", color="c", text="a", name="Mine")
    assert (dataset.name, dataset.label, dataset.color) == ("Mine", "b", "c")
    assert dataset.roles == {"a": "text", "b": "label", "c": "number"}


@pytest.mark.parametrize("wish", ["label", "color", "text", "vectors"])
def test_a_column_that_is_not_there_is_named_with_the_closest_one(wish: str) -> None:
    with pytest.raises(UnknownColumn, match=r"The DataFrame has no column wrod\. Did you mean word\?"):
        open_dataset(pd.DataFrame({"word": WORDS, "embedding": list(VECTORS)}), **{wish: "wrod"})


def test_an_opened_dataset_is_returned_as_it_is() -> None:
    dataset = open_dataset(VECTORS)
    assert open_dataset(dataset) is dataset


def test_an_opened_dataset_can_get_another_label() -> None:
    dataset = open_dataset(table())
    again = open_dataset(dataset, label="kind", name="Kinds")
    assert (again.label, again.name, again.vectors is dataset.vectors) == ("kind", "Kinds", True)
    with pytest.raises(UnknownSource, match="vectors were chosen"):
        open_dataset(dataset, vectors="x")


def test_a_pandas_index_that_says_something_becomes_a_column() -> None:
    frame = pd.DataFrame({"embedding": list(VECTORS)}, index=pd.Index(WORDS))
    assert open_dataset(frame).table.column_names == ["index"]
    frame.index.name = "word"
    assert open_dataset(frame).row(3) == {"word": "elm"}
    assert open_dataset(frame.reset_index(drop=True)).table.column_names == []


def test_columns_that_arrow_cannot_hold_become_text() -> None:
    frame = pd.DataFrame({"odd": [1, "two", None, {3}], "embedding": list(VECTORS)})
    assert [open_dataset(frame).row(i)["odd"] for i in range(4)] == ["1", "two", None, "{3}"]


def test_coordinates_alone_are_enough_to_draw() -> None:
    frame = pd.DataFrame({"x": [0.0, 1, np.nan, 3], "y": [0.0, 1, 2, np.inf], "word": WORDS})
    dataset = open_dataset(frame)
    assert dataset.vectors is None
    assert dataset.n_dims == 0
    assert dataset.drawable.tolist() == [True, True, False, False]
    assert [layout.name for layout in dataset.layouts] == ["x, y"]
    np.testing.assert_array_equal(dataset.layouts[0].coordinates, [[0, 0], [1, 1], [np.nan, np.nan], [np.nan, np.nan]])
    assert dataset.table.column_names == ["word"]


def test_coordinates_beside_vectors_are_layouts_of_unknown_origin() -> None:
    frame = pd.DataFrame({"umap_1": [0, 1, 2, 3], "umap_2": [0, 1, 2, 3], "embedding": list(VECTORS)})
    (layout,) = open_dataset(frame).layouts
    assert (layout.name, layout.method, dict(layout.params)) == ("umap", None, {})
    assert layout.coordinates.dtype == np.float32


def test_an_array_of_pairs_is_a_map_already() -> None:
    dataset = open_dataset([[0, 1], [2, 3], [4, 5]])
    assert dataset.vectors is None
    assert dataset.layouts[0].name == "x, y"


def test_rows_without_a_usable_vector_stay_in_the_table_and_off_the_map() -> None:
    vectors = np.array([[1, 2], [np.nan, 1], [0, 0], [np.inf, 1], [3, 4], [1e-30, 0], [1e30, 1]])
    frame = pd.DataFrame({"x": range(7), "y": range(7), "embedding": list(vectors)})
    dataset = open_dataset(frame)
    assert dataset.drawable.tolist() == [True, False, False, False, True, True, True]
    assert dataset.n_rows == 7
    assert dataset.n_drawable == 4
    assert np.isnan(dataset.layouts[0].coordinates[[1, 2, 3]]).all()
    assert dataset.notes == ("3 rows are not drawn: no usable vector (missing, not finite or nothing but zeros).",)


@pytest.mark.parametrize("missing", [None, []], ids=["null", "empty list"])
def test_a_missing_vector_is_a_row_off_the_map(missing: object, tmp_path: Path) -> None:
    lists = pa.array([missing, [1.0, 2], [3.0, None], [5.0, 6], missing], pa.list_(pa.float32()))
    pq.write_table(pa.table({"embedding": lists}), tmp_path / "v.parquet")
    dataset = open_dataset(tmp_path / "v.parquet")
    assert dataset.drawable.tolist() == [False, True, False, True, False]
    assert np.isnan(dataset.vectors[[0, 4]]).all()


def test_null_rows_of_a_fixed_size_list_are_rows_off_the_map() -> None:
    lists = pa.array([None, [1.0, 2, 3], None, [4.0, 5, 6]], pa.list_(pa.float16(), 3))
    dataset = open_dataset(pa.table({"embedding": lists}).slice(1))
    assert dataset.drawable.tolist() == [True, False, True]
    np.testing.assert_array_equal(dataset.vectors[[0, 2]], [[1, 2, 3], [4, 5, 6]])


def test_a_value_too_big_for_float32_is_a_row_off_the_map() -> None:
    dataset = open_dataset(np.array([[1e300, 1.0], [1, 2], [3, 4]]), vectors=np.array([[1e300, 1.0], [1, 2], [3, 4]]))
    assert dataset.drawable.tolist() == [False, True, True]


def test_two_thousand_columns_of_numbers_are_one_matrix(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).normal(size=(20, 2_000)).astype(np.float32)
    frame = pd.DataFrame(wide, columns=[f"f{i}" for i in range(2_000)])
    frame.to_csv(tmp_path / "wide.csv", index=False)
    np.testing.assert_allclose(open_dataset(tmp_path / "wide.csv").vectors, wide, rtol=1e-6)


def test_two_thousand_columns_of_metadata_are_kept() -> None:
    frame = pd.DataFrame({f"{chr(97 + i % 26)}{i}a": range(5) for i in range(2_000)})
    frame["embedding"] = [[1.0, 2, i] for i in range(5)]
    assert open_dataset(frame).table.num_columns == 2_000


def test_html_in_metadata_stays_the_text_it_is() -> None:
    evil = "<script>alert(1)</script>"
    dataset = open_dataset(pd.DataFrame({"word": [evil, "b", "c", "d"], "embedding": list(VECTORS)}))
    assert dataset.row(0) == {"word": evil}


def test_duplicate_columns_are_refused_in_frames_and_tables() -> None:
    frame = pd.DataFrame(np.ones((3, 2)), columns=["a", "a"])
    with pytest.raises(DuplicateColumns, match="The DataFrame has more than one column named a"):
        open_dataset(frame)
    twice = pa.Table.from_arrays([pa.array([1, 2]), pa.array([1, 2])], names=["a", "a"])
    with pytest.raises(DuplicateColumns, match="column named a"):
        open_dataset(twice)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (object(), "A object cannot be explored"),
        (42, "A int cannot be explored"),
        (pl.LazyFrame({"a": [1]}), r"call its collect\(\) first"),
        (b"bytes", "A bytes cannot be explored"),
        (None, "A NoneType cannot be explored"),
    ],
)
def test_what_is_no_data_is_refused_by_its_type(source: object, message: str) -> None:
    with pytest.raises(UnknownSource, match=message):
        open_dataset(source)


def test_a_ragged_list_of_lists_names_the_odd_row() -> None:
    with pytest.raises(BadVectors, match="row 2: its vector has 1 numbers, that of row 0 has 2"):
        open_dataset([[1, 2], [3, 4], [5]])


def test_names_of_the_catalog_open_too() -> None:
    dataset = open_dataset("digits")
    assert dataset.name == "Handwritten digits"
    assert open_dataset("digits", color="ink").color == "ink"


def test_a_folder_of_the_same_name_does_not_hide_a_dataset_of_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_dataset("digits").n_rows == 1_797


def test_no_vectors_lists_the_columns_and_says_how_to_name_them() -> None:
    with pytest.raises(NoVectors, match=r"its columns are word, kind\..*--vectors"):
        open_dataset(pd.DataFrame({"word": WORDS, "kind": KINDS}))


def test_the_fingerprint_depends_on_vectors_alone() -> None:
    first = open_dataset(table())
    assert first.fingerprint == open_dataset(table().drop_columns(["kind"])).fingerprint
    assert len(first.fingerprint) == 32
    changed = VECTORS.copy()
    changed[3, 2] += 1e-6
    assert open_dataset(changed).fingerprint != first.fingerprint
    assert open_dataset(VECTORS.reshape(3, 4)).fingerprint != first.fingerprint


def test_an_opened_file_may_be_overwritten(tmp_path: Path) -> None:
    dataset = open_dataset(feather(tmp_path))
    (tmp_path / "words.feather").write_bytes(b"")
    assert dataset.row(0) == {"word": "cat", "kind": "animal"}
    np.save(tmp_path / "a.npy", VECTORS)
    dataset = open_dataset(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(b"")
    np.testing.assert_array_equal(dataset.vectors, VECTORS)


def test_opening_gives_a_dataset() -> None:
    assert isinstance(open_dataset(VECTORS), Dataset)
    assert repr(open_dataset(table(), name="Words")) == "<Dataset 'Words': 4 rows, 3 dims, 2 columns>"
