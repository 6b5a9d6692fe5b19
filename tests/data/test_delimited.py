from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer.data.dataset import open_dataset
from explorer.errors import Unreadable

ROWS = "wörd,e1,e2,e3\nCafé,1,2,3\nnaïve “x”,4,5,6\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_recognized(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_bytes(ROWS.encode(encoding))
    dataset = open_dataset(tmp_path / "v.csv")
    assert dataset.table.column("wörd").to_pylist() == ["Café", "naïve “x”"]
    np.testing.assert_array_equal(dataset.vectors, [[1, 2, 3], [4, 5, 6]])


def test_latin_1_is_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_bytes("word,e1,e2,e3\né\x81,1,2,3\nb,4,5,6\n".encode("latin-1"))
    assert open_dataset(tmp_path / "v.csv").row(0) == {"word": "é\x81"}


@pytest.mark.parametrize("name", ["v.csv", "v.tsv"])
def test_nothing_but_numbers_has_no_header(name: str, tmp_path: Path) -> None:
    np.savetxt(tmp_path / name, np.arange(12.0).reshape(3, 4) + 0.5, delimiter="," if name.endswith("csv") else "\t")
    dataset = open_dataset(tmp_path / name)
    np.testing.assert_array_equal(dataset.vectors, np.arange(12.0).reshape(3, 4) + 0.5)


def test_the_numbered_header_that_pandas_writes_is_no_row(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.arange(12.0).reshape(3, 4) + 0.5)
    frame.to_csv(tmp_path / "v.csv", index=False)
    assert open_dataset(tmp_path / "v.csv").n_rows == 3
    frame.to_csv(tmp_path / "w.csv")
    dataset = open_dataset(tmp_path / "w.csv")
    assert (dataset.n_rows, dataset.n_dims) == (3, 4)
    assert dataset.roles == {"index": "id"}


def test_two_columns_of_numbers_are_a_map(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("0.5,1.5\n2.5,3.5\n", encoding="utf-8")
    dataset = open_dataset(tmp_path / "v.csv")
    assert dataset.vectors is None
    np.testing.assert_array_equal(dataset.layouts[0].coordinates, [[0.5, 1.5], [2.5, 3.5]])


def test_cells_may_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = 'word,e1,e2,e3\n"a, ""b""\nc",1,2,3\nd,4,5,6\n'
    (tmp_path / "v.csv").write_text(text, encoding="utf-8")
    assert open_dataset(tmp_path / "v.csv").row(0) == {"word": 'a, "b"\nc'}


def test_missing_cells_are_none_and_the_word_null_is_a_word(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("word,n,e1,e2,e3\nnull,NA,1,2,3\n,7,4,,6\ncat,8,7,8,9\n", encoding="utf-8")
    dataset = open_dataset(tmp_path / "v.csv")
    assert dataset.table.column("word").to_pylist() == ["null", None, "cat"]
    assert dataset.table.column("n").to_pylist() == [None, 7, 8]
    assert dataset.drawable.tolist() == [True, False, True]


def pair(folder: Path, metadata: str, names: tuple[str, str] = ("vectors.tsv", "metadata.tsv")) -> Path:
    (folder / names[0]).write_text("1\t2\t3\n4\t5\t6\n", encoding="utf-8")
    (folder / names[1]).write_text(metadata, encoding="utf-8")
    return folder / names[0]


@pytest.mark.parametrize(
    ("metadata", "rows"),
    [
        ("cat\ndog\n", [{"label": "cat"}, {"label": "dog"}]),
        ("cat\ndog", [{"label": "cat"}, {"label": "dog"}]),
        ('"cat\n\n', [{"label": '"cat'}, {"label": ""}]),
        ("word\ncat\ndog\n", [{"word": "cat"}, {"word": "dog"}]),
        ("word\tn\ncat\t1\ndog\t2\n", [{"word": "cat", "n": 1}, {"word": "dog", "n": 2}]),
        ("cat\t1\ndog\t2\n", [{"column_1": "cat", "column_2": 1}, {"column_1": "dog", "column_2": 2}]),
    ],
)
def test_the_projectors_pair_has_a_header_when_it_has_one_line_more(metadata: str, rows: list[object], tmp_path: Path) -> None:
    dataset = open_dataset(pair(tmp_path, metadata))
    assert [dataset.row(0), dataset.row(1)] == rows
    np.testing.assert_array_equal(dataset.vectors, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("names", [("vectors.tsv", "metadata.tsv"), ("vecs.tsv", "meta.tsv"), ("w2v_tensors.tsv", "w2v_metadata.tsv")])
def test_either_file_of_the_pair_opens_it(names: tuple[str, str], tmp_path: Path) -> None:
    pair(tmp_path, "cat\ndog\n", names)
    assert open_dataset(tmp_path / names[0]).row(0) == open_dataset(tmp_path / names[1]).row(0) == {"label": "cat"}


def test_a_text_among_the_projectors_vectors_is_refused(tmp_path: Path) -> None:
    path = pair(tmp_path, "cat\ndog\n")
    path.write_text("1\t2\t3\n4\tfive\t6\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"row 1: 'five' is not a number"):
        open_dataset(path)


def test_an_empty_first_line_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("\nword,e1,e2,e3\na,1,2,3\nb,4,5,6\n", encoding="utf-8")
    assert open_dataset(tmp_path / "v.csv").n_dims == 3


def test_blank_lines_alone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("\n\n\n", encoding="utf-8")
    with pytest.raises(Unreadable, match="cannot be read"):
        open_dataset(tmp_path / "v.csv")
