"""A Dask DataFrame is opened partition by partition, by column, and its vectors stream."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from explorer.data.dataset import open_dataset
from explorer.errors import BadVectors, EmptyDataset, NoVectors, Unreadable

N, SIZES = 230, (0, 110, 40, 80)


@pytest.fixture(autouse=True)
def _lists_stay_lists() -> Any:
    with dask.config.set({"dataframe.convert-string": False}):
        yield


def frame(n: int = N) -> pd.DataFrame:
    vectors = np.random.default_rng(0).standard_normal((n, 5)).astype(np.float32)
    kinds = pd.Categorical([f"kind {i % 3}" for i in range(n)])
    return pd.DataFrame({"word": [f"w{i}" for i in range(n)], "kind": kinds, "n": np.arange(n), "embedding": list(vectors)})


def in_partitions(whole: pd.DataFrame, sizes: tuple[int, ...] = SIZES) -> list[pd.DataFrame]:
    return [whole.iloc[start:end] for start, end in pairwise(np.cumsum([0, *sizes]))]


def dask_frame(whole: pd.DataFrame, sizes: tuple[int, ...] = SIZES) -> Any:
    parts = in_partitions(whole, sizes)
    return dd.from_map(lambda i: parts[i], range(len(sizes)), meta=whole.iloc[:0])


@pytest.mark.parametrize("stream_mb", ["0", "256"])
def test_it_is_the_same_as_the_frame_in_memory(monkeypatch: pytest.MonkeyPatch, stream_mb: str) -> None:
    monkeypatch.setenv("EXPLORER_STREAM_MB", stream_mb)
    whole = open_dataset(frame())
    dataset = open_dataset(dask_frame(frame()))
    np.testing.assert_array_equal(dataset.vectors, whole.vectors)
    assert (dataset.fingerprint, dataset.roles, dataset.label, dataset.color) == (whole.fingerprint, whole.roles, whole.label, whole.color)
    assert dataset.table.to_pylist() == whole.table.to_pylist()
    assert dataset.name == "DataFrame"


def test_lists_that_dask_made_text_of_are_read_all_the_same() -> None:
    whole = frame().assign(embedding=[[1.0, 0.5, i] for i in range(N)])
    with dask.config.set({"dataframe.convert-string": True}):
        dataset = open_dataset(dd.from_pandas(whole, npartitions=3))
    np.testing.assert_array_equal(dataset.vectors, np.array(whole["embedding"].tolist(), np.float32))


def test_number_columns_and_a_named_index_are_read() -> None:
    whole = pd.DataFrame({f"e_{i}": np.arange(20.0) + i for i in range(8)}, index=pd.Index([f"r{i}" for i in range(20)], name="id"))
    dataset = open_dataset(dd.from_pandas(whole, npartitions=3, sort=False), label="id")
    np.testing.assert_array_equal(dataset.vectors, whole.to_numpy())
    assert dataset.frame()["id"].tolist() == list(whole.index)


def test_a_column_without_values_at_first_is_read_where_it_has_them() -> None:
    whole = frame().assign(note=[None] * 150 + ["late"] * 80)
    assert open_dataset(dask_frame(whole)).frame()["note"].tolist()[-1] == "late"


def test_vectors_can_be_named() -> None:
    dataset = open_dataset(dask_frame(frame().assign(other=[[1, 2, i] for i in range(N)])), vectors="other", name="Mine")
    assert (dataset.name, dataset.n_dims) == ("Mine", 3)


def test_an_odd_vector_is_told_by_partition_and_by_row_in_it() -> None:
    whole = frame()
    whole.at[115, "embedding"] = np.ones(4, np.float32)
    with pytest.raises(BadVectors, match="The Dask DataFrame, partition 2, column embedding, row 5: its vector has 4 numbers"):
        open_dataset(dask_frame(whole))


def test_a_partition_that_cannot_be_computed_is_named() -> None:
    parts = in_partitions(frame())

    def part(i: int) -> pd.DataFrame:
        if i == 3:
            message = "the file of this one is gone"
            raise ValueError(message)
        return parts[i]

    with pytest.raises(Unreadable, match=r"The Dask DataFrame.* cannot be read: the file of this one is gone"):
        open_dataset(dd.from_map(part, range(4), meta=parts[0]))


def test_a_partition_that_changes_while_it_is_read_is_told() -> None:
    parts = in_partitions(frame())
    asked = []

    def part(i: int) -> pd.DataFrame:
        asked.append(i)
        return parts[i].iloc[: 40 - len(asked)] if i == 2 else parts[i]

    with pytest.raises(Unreadable, match=r"partition 2 cannot be read: it has \d+ rows, and had \d+"):
        open_dataset(dd.from_map(part, range(4), meta=parts[0]))


def test_nothing_to_explore_is_told() -> None:
    with pytest.raises(EmptyDataset):
        open_dataset(dask_frame(frame(), (0, 0)))
    with pytest.raises(NoVectors):
        open_dataset(dd.from_pandas(frame()[["word"]], npartitions=2))


def test_opening_other_things_does_not_load_dask(python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    script = "import sys, numpy, explorer; explorer.open_dataset(numpy.eye(4)); print('dask' in sys.modules, 'zarr' in sys.modules)"
    assert python("-c", script).stdout.split() == ["False", "False"]
