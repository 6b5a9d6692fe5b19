"""Files with more rows or columns than the settings allow: refused by what they say of themselves, with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from explorer import open_dataset
from explorer.errors import TooLarge

ROWS, DIMS = 30, 6


def table() -> pa.Table:
    vectors = np.random.default_rng(0).normal(size=(ROWS, DIMS))
    return pa.table({"word": [f"word {i}" for i in range(ROWS)], **{f"embedding_{i}": vectors[:, i] for i in range(DIMS)}})


def _npy(path: Path) -> None:
    np.save(path, np.random.default_rng(0).normal(size=(ROWS, DIMS + 1)))


def _npz(path: Path) -> None:
    np.savez(path, vectors=np.random.default_rng(0).normal(size=(ROWS, DIMS)), score=np.arange(ROWS))


def _json(path: Path) -> None:
    table().to_pandas().to_json(path, orient="records", lines=True)


def _pair(path: Path) -> None:
    np.savetxt(path, np.random.default_rng(0).normal(size=(ROWS, DIMS + 1)), delimiter="\t")
    path.with_name("metadata.tsv").write_text("\n".join(map(str, range(ROWS))))


WRITERS: dict[str, Callable[[Path], object]] = {
    "rows.parquet": lambda path: pa.parquet.write_table(table(), path),
    "rows.feather": lambda path: pa.feather.write_feather(table(), str(path)),
    "rows.csv": lambda path: pa.csv.write_csv(table(), path),
    "rows.jsonl": _json,
    "rows.npy": _npy,
    "rows.npz": _npz,
    "vectors.tsv": _pair,
}


@pytest.mark.parametrize("name", WRITERS)
def test_too_many_rows_or_columns_are_refused_and_as_many_as_allowed_are_not(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / name
    WRITERS[name](path)
    columns = DIMS + (2 if name == "vectors.tsv" else 1)
    monkeypatch.setenv("EXPLORER_MAX_ROWS", str(ROWS))
    monkeypatch.setenv("EXPLORER_MAX_COLUMNS", str(columns))
    assert open_dataset(path).n_rows == ROWS
    monkeypatch.setenv("EXPLORER_MAX_ROWS", str(ROWS - 1))
    with pytest.raises(TooLarge) as caught:
        open_dataset(path)
    assert str(caught.value) == f"{path} has 30 rows, and EXPLORER_MAX_ROWS allows 29. Open fewer rows of it, or have the limit raised."
    monkeypatch.setenv("EXPLORER_MAX_ROWS", str(ROWS))
    monkeypatch.setenv("EXPLORER_MAX_COLUMNS", str(DIMS - 1))
    with pytest.raises(TooLarge, match=r"has \d columns, and EXPLORER_MAX_COLUMNS allows 5\. Open fewer columns of it"):
        open_dataset(path)


def test_what_the_head_says_is_enough_and_the_rest_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "10")
    monkeypatch.setenv("EXPLORER_MAX_COLUMNS", "100")
    parquet = tmp_path / "rows.parquet"
    pa.parquet.write_table(table(), parquet)
    damaged = bytearray(parquet.read_bytes())
    damaged[4:400] = bytes(396)
    parquet.write_bytes(damaged)
    wide = tmp_path / "rows.csv"
    wide.write_text(",".join(f"c{i}" for i in range(101)) + "\nand a row that has too few\n")
    huge = np.lib.format.open_memmap(tmp_path / "rows.npy", mode="w+", dtype=np.float32, shape=(10**7, 100))  # a hole of 4 GB
    del huge
    for path in (parquet, wide, tmp_path / "rows.npy"):
        with pytest.raises(TooLarge):
            open_dataset(path)


def test_data_that_are_given_in_python_are_held_to_the_same_limits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "10")
    with pytest.raises(TooLarge, match="has 30 rows"):
        open_dataset(table().to_pandas())
    with pytest.raises(TooLarge, match="has 30 rows"):
        open_dataset(np.zeros((30, 4), np.float32))
