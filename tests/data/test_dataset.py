from __future__ import annotations

import dataclasses
import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import BadParameter, UnknownColumn


@pytest.fixture
def dataset() -> Dataset:
    return open_dataset(
        pa.table(
            {
                "word": ["b", None, "a", "b"],
                "kind": pa.array(["z", "y", None, "z"]).dictionary_encode(),
                "n": pa.array([10, 9, None, 10]),
                "f": [0.5, np.nan, None, 2.0],
                "flag": [True, None, False, True],
                "when": [dt.datetime(1970, 1, 2), None, dt.datetime(1970, 1, 1), dt.datetime(1970, 1, 1)],
                "day": [dt.date(1970, 1, 2), None, None, None],
                "embedding": [[1.0, 2], [3, 4], [5, 6], [7, 8]],
            }
        ),
        name="Four rows",
    )


def test_a_dataset_cannot_be_changed(dataset: Dataset) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "other"  # type: ignore[misc]
    for array in (dataset.vectors, dataset.drawable):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_it_gains_a_column_and_what_somebody_holds_stays_as_it_is(dataset: Dataset) -> None:
    table, roles = dataset.table, dataset.roles
    values = np.array([1, np.nan, -2.5, 0], np.float32)
    assert dataset.add_column("far", values) == "far"
    assert (table.num_columns, len(roles)) == (7, 7)
    assert dataset.table.column_names == list(dataset.roles) == [*table.column_names, "far"]
    assert dataset.roles["far"] == "number"
    assert dataset.row(1)["far"] is None
    np.testing.assert_array_equal(dataset.numbers("far"), values)
    assert dataset.add_column("far", values) == "far (2)"
    assert dataset.add_column("n", values) == "n (2)"
    assert dataset.row(0)["n"] == 10


def test_rows_without_metadata_gain_a_column_too() -> None:
    dataset = open_dataset(np.eye(3, 4, dtype=np.float32))
    dataset.add_column("far", np.arange(3, dtype=np.float32))
    assert dataset.frame()["far"].tolist() == [0, 1, 2]


def test_a_column_of_other_rows_is_refused(dataset: Dataset) -> None:
    with pytest.raises(BadParameter, match="one value for each of the 4 rows"):
        dataset.add_column("far", np.zeros(3, np.float32))
    assert "far" not in dataset.roles


def test_columns_from_many_threads_are_all_there_and_no_reader_misses_one(dataset: Dataset) -> None:
    with ThreadPoolExecutor(8) as threads:
        added = [threads.submit(dataset.add_column, "far", np.zeros(4, np.float32)) for _ in range(100)]
        while not all(done.done() for done in added):
            assert set(dataset.roles) <= set(dataset.table.column_names)
    assert len({done.result() for done in added}) == 100
    assert dataset.table.num_columns == len(dataset.roles) == 107


def test_a_row_is_plain_values_and_nothing_is_none(dataset: Dataset) -> None:
    assert dataset.row(0) == {
        "word": "b",
        "kind": "z",
        "n": 10,
        "f": 0.5,
        "flag": True,
        "when": dt.datetime(1970, 1, 2),
        "day": dt.date(1970, 1, 2),
    }
    assert set(dataset.row(1).values()) == {None, "y", 9}
    assert dataset.row(np.int32(2))["word"] == "a"


@pytest.mark.parametrize("i", [-1, 4])
def test_a_row_that_is_not_there_is_an_index_error(dataset: Dataset, i: int) -> None:
    with pytest.raises(IndexError, match=f"row {i} of 4"):
        dataset.row(i)


@pytest.mark.parametrize(
    ("column", "codes", "names"),
    [
        ("word", [1, -1, 0, 1], ["a", "b"]),
        ("kind", [1, 0, -1, 1], ["y", "z"]),
        ("n", [1, 0, -1, 1], ["9", "10"]),
        ("f", [0, -1, -1, 1], ["0.5", "2"]),
        ("flag", [1, -1, 0, 1], ["False", "True"]),
    ],
)
def test_codes_number_the_sorted_values(dataset: Dataset, column: str, codes: list[int], names: list[str]) -> None:
    found, found_names = dataset.codes(column)
    assert (found.tolist(), found_names) == (codes, names)
    assert found.dtype == np.int32


def test_codes_of_chunks_with_different_dictionaries_agree() -> None:
    chunks = pa.chunked_array([pa.array(["b", "a"]).dictionary_encode(), pa.array(["a", "c"]).dictionary_encode()])
    dataset = open_dataset(pa.table({"kind": chunks, "embedding": [[1.0, 2]] * 4}))
    codes, names = dataset.codes("kind")
    assert (codes.tolist(), names) == ([1, 0, 0, 2], ["a", "b", "c"])


def test_a_column_without_a_value_has_no_codes() -> None:
    dataset = open_dataset(pa.table({"kind": pa.array([None, None], pa.string()), "embedding": [[1.0, 2]] * 2}))
    codes, names = dataset.codes("kind")
    assert (codes.tolist(), names) == ([-1, -1], [])


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        ("n", [10, 9, np.nan, 10]),
        ("f", [0.5, np.nan, np.nan, 2]),
        ("flag", [1, np.nan, 0, 1]),
        ("when", [86_400, np.nan, 0, 0]),
        ("day", [86_400, np.nan, np.nan, np.nan]),
        ("word", [np.nan] * 4),
    ],
)
def test_numbers_are_float32_and_nan_where_missing(dataset: Dataset, column: str, numbers: list[float]) -> None:
    found = dataset.numbers(column)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, numbers)


def test_a_column_that_is_not_there_is_named(dataset: Dataset) -> None:
    for ask in (dataset.codes, dataset.numbers):
        with pytest.raises(UnknownColumn, match=r"Four rows has no column wrd\. Did you mean word\?"):
            ask("wrd")


def test_a_frame_has_the_rows_asked_for_in_that_order(dataset: Dataset) -> None:
    frame = dataset.frame([2, 0])
    assert frame.index.tolist() == [2, 0]
    assert frame["kind"].isna().tolist() == [True, False]
    assert dataset.frame(np.array([], np.int64)).empty
    assert dataset.frame().shape == (4, 7)
    assert isinstance(dataset.frame(), pd.DataFrame)


def test_a_frame_without_metadata_still_has_its_rows() -> None:
    assert open_dataset([[1, 2, 3], [4, 5, 6]]).frame([1]).index.tolist() == [1]
