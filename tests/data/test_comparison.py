"""Other vectors of the same rows: where they may come from, how rows are matched, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explorer.data.comparison import with_rival
from explorer.data.dataset import open_dataset
from explorer.errors import ExplorerError, NotTheSameRows, UnknownChoice, UnknownColumn, VectorsNeeded

N = 12
ONE = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)
OTHER = np.random.default_rng(1).normal(size=(N, 4)).astype(np.float32)
FRAME = pd.DataFrame({"word": [f"word {i}" for i in range(N)], "id": [f"w{i}" for i in range(N)], "a": list(ONE), "b": list(OTHER)})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "words.parquet"
    FRAME.to_parquet(path)
    return path


def test_a_column_of_the_same_file(file: Path):
    dataset = open_dataset(file, vectors="a", compare="b")
    other = dataset.other
    assert other is not None
    np.testing.assert_array_equal(dataset.vectors, ONE)
    np.testing.assert_array_equal(other.vectors, OTHER)
    assert (dataset.vectors_name, other.vectors_name, other.n_dims) == ("a", "b", 4)
    assert other.fingerprint == open_dataset(file, vectors="b").fingerprint, "so what is computed of it is the same"
    assert other.table is dataset.table
    assert list(dataset.roles) == ["word", "id"], "vectors are no column of the table"
    assert dataset.with_vectors("b") is other
    assert dataset.with_vectors("") is dataset.with_vectors("gone") is dataset
    assert open_dataset(file, vectors="a").other is None


def test_what_is_compared_is_not_told_as_left_out(tmp_path: Path):
    path, rng = tmp_path / "wide.parquet", np.random.default_rng(0)
    wide = {name: list(rng.normal(size=(N, 40)).astype(np.float32)) for name in ("a", "b", "c")}
    pd.DataFrame({"word": FRAME["word"], **wide}).to_parquet(path)
    assert [note.split()[1] for note in open_dataset(path, vectors="a").notes] == ["b", "c"]
    assert [note.split()[1] for note in open_dataset(path, vectors="a", compare="b").notes] == ["c"]


def test_a_frame_an_array_and_a_file_of_its_own(file: Path, tmp_path: Path):
    array = tmp_path / "epoch-2.npy"
    np.save(array, OTHER)
    opened = [
        open_dataset(FRAME, vectors="a", compare="b"),
        open_dataset(FRAME, vectors="a", compare=OTHER),
        open_dataset(file, vectors="a", compare=array),
        open_dataset(str(file), vectors="a", compare=str(array)),
        open_dataset(file, vectors="a", compare=open_dataset(array)),
    ]
    for dataset in opened:
        assert dataset.other is not None
        np.testing.assert_array_equal(dataset.other.vectors, OTHER)
        assert dataset.other.n_rows == N
    assert [opened[2].vectors_name, opened[2].other.vectors_name] == ["words", "epoch-2"]


def test_rows_are_matched_by_ids_and_one_that_is_not_there_has_no_vector(file: Path, tmp_path: Path):
    shuffled = FRAME.sample(frac=1, random_state=3)[["id", "b"]]
    less = pd.concat([shuffled[shuffled["id"] != "w5"], pd.DataFrame({"id": ["elsewhere"], "b": [OTHER[0]]})])
    path = tmp_path / "later.parquet"
    less.to_parquet(path)
    other = open_dataset(file, vectors="a", compare=path).other
    assert other is not None
    there = np.arange(N) != 5
    np.testing.assert_array_equal(other.vectors[there], OTHER[there])
    np.testing.assert_array_equal(other.drawable, there)


def test_other_columns_of_vectors_are_known_and_can_be_taken(file: Path):
    alone = open_dataset(file, vectors="a")
    assert list(alone.rivals) == ["b"]
    compared = with_rival(alone, "b")
    assert compared.other is not None
    np.testing.assert_array_equal(compared.other.vectors, OTHER)
    assert (compared.vectors_name, compared.other.vectors_name) == ("a", "b")
    assert with_rival(compared, "").other is None
    with pytest.raises(UnknownChoice):
        with_rival(alone, "word")
    assert open_dataset(ONE).rivals == {}


def test_the_same_name_twice_is_told_apart(tmp_path: Path):
    for folder, vectors in (("one", ONE), ("other", OTHER)):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "vectors.npy", vectors)
    dataset = open_dataset(tmp_path / "one" / "vectors.npy", compare=tmp_path / "other" / "vectors.npy")
    assert dataset.other is not None
    assert dataset.vectors_name != dataset.other.vectors_name


def test_what_cannot_be_compared_is_refused_with_a_sentence(file: Path):
    def refused(compare: object, kind: type[ExplorerError]) -> str:
        with pytest.raises(kind) as caught:
            open_dataset(file, vectors="a", compare=compare)
        return str(caught.value)

    assert "the same vectors" in refused("a", NotTheSameRows)
    assert "the same vectors" in refused(ONE.copy(), NotTheSameRows)
    assert "4 rows instead of 12" in refused(OTHER[:4], NotTheSameRows)
    assert "vectors_b" in refused("vectors_b", UnknownColumn)
    strangers = pd.DataFrame({"id": [f"x{i}" for i in range(N)], "b": list(OTHER)})
    assert "column id" in refused(strangers, NotTheSameRows)
    assert "twice" in refused(pd.concat([strangers, strangers]), NotTheSameRows)
    with pytest.raises(VectorsNeeded):
        open_dataset(pd.DataFrame({"umap_1": ONE[:, 0], "umap_2": ONE[:, 1]}), compare=OTHER)
