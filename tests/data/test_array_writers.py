"""Results as arrays: whoever has NumPy or Zarr finds each column, and Explorer opens them again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import zarr
from numpy.typing import NDArray

from explorer.data import array_writers
from explorer.data.dataset import open_dataset
from explorer.data.export import check_target, write_results, write_table
from explorer.errors import ExtraMissing, Unwritable
from tests.data.test_export import COORDINATES, VECTORS, MadeGraph, MadeLayout

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TABLE = pa.table(
    {
        "word": ["größer", "a\0b", None, ""],
        "kind": pa.array(["a", "b", "b", None]).dictionary_encode(),
        "n": [1, 2, None, 4],
        "whole": [1, 2, 3, 2**62],
        "good": [True, False, True, True],
        "maybe": [True, None, False, True],
        "when": [WHEN, None, WHEN, WHEN],
        "picture": pa.array([b"\x89PNG", None, None, None]),
        "file": ["x", "y", "z", "w"],
    }
)


def loaded(path: Path) -> dict[str, NDArray[np.generic]]:
    if path.suffix == ".npz":
        with np.load(path) as archive:
            return dict(archive)
    return {name: np.asarray(array[:]) for name, array in zarr.open_group(path, mode="r").arrays()}


@pytest.mark.parametrize("ending", [".npz", ".zarr"])
def test_each_column_is_an_array(tmp_path: Path, ending: str):
    path = tmp_path / f"four{ending}"
    write_results(path, open_dataset(TABLE, vectors=VECTORS), layouts=[MadeLayout()], graph=MadeGraph())
    arrays = loaded(path)
    np.testing.assert_array_equal(arrays["embedding"], VECTORS)
    np.testing.assert_array_equal(np.column_stack([arrays["umap_1"], arrays["umap_2"]]), COORDINATES)
    np.testing.assert_array_equal(arrays["neighbors"], MadeGraph().indices)
    np.testing.assert_array_equal(arrays["distances"][3], [np.nan, np.nan])
    assert arrays["kind"].tolist() == ["a", "b", "b", ""]
    assert arrays["whole"].tolist() == [1, 2, 3, 2**62]
    np.testing.assert_array_equal(arrays["n"], [1, 2, np.nan, 4])
    assert arrays["good"].tolist() == [True, False, True, True]
    np.testing.assert_array_equal(arrays["maybe"].astype(float), [1, np.nan, 0, 1])
    assert str(arrays["when"][0]).startswith("2026-01-02T03:04:05")
    assert np.isnat(arrays["when"][1])
    assert arrays["file"].tolist() == ["x", "y", "z", "w"]
    assert "picture" not in arrays
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".npz", ".zarr"])
def test_what_was_written_opens_again(tmp_path: Path, ending: str):
    path = tmp_path / f"four{ending}"
    write_results(path, open_dataset(TABLE, vectors=VECTORS), layouts=[MadeLayout()])
    again = open_dataset(path)
    np.testing.assert_array_equal(again.vectors, VECTORS)
    np.testing.assert_array_equal(again.layouts[0].coordinates, COORDINATES)
    assert again.layouts[0].name == "umap"
    assert sorted(again.table.column_names) == sorted(set(TABLE.column_names) - {"picture"})


def test_texts_for_which_numpy_would_take_gigabytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(array_writers, "_MOST_TEXT", 1_000)
    with pytest.raises(Unwritable, match="column text has texts of up to 99 letters, for which NumPy would take gigabytes"):
        write_table(tmp_path / "a.npz", pa.table({"text": ["x" * 99, "", "", ""]}))
    assert not list(tmp_path.iterdir())


def test_a_group_that_fails_leaves_nothing(tmp_path: Path):
    with pytest.raises(Unwritable, match="a column has a name that no file can have"):
        write_table(tmp_path / "a.zarr", pa.table({"n": [1, 2], "..": [1, 2]}))
    assert not list(tmp_path.iterdir())


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("explorer.data.export.find_spec", lambda _: None)
    with pytest.raises(ExtraMissing, match=r"Writing \.zarr needs .*\[zarr\]"):
        check_target(tmp_path / "a.zarr")
