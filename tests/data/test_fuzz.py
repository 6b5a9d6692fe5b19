"""Files that somebody, or something, has damaged: whatever is in them, opening them ends in a dataset or in a sentence."""

from __future__ import annotations

import io
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import ExplorerError

ROWS = 12


def table() -> pa.Table:
    numbers = np.random.default_rng(0)
    vectors = numbers.normal(size=(ROWS, 4)).astype(np.float32)
    return pa.table({
        "embedding": pa.FixedSizeListArray.from_arrays(vectors.ravel(), 4),
        "name": [f"row {i}, \"{'é' * i}\"" for i in range(ROWS)],
        "score": numbers.normal(size=ROWS),
    })  # fmt: skip


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def lines(separator: str) -> bytes:
    rows = [["d0", "d1", "d2", "name"], *([f"{i / 3}", f"{-i}", f"{i * i}", f"row {i}"] for i in range(ROWS))]
    return "\n".join(separator.join(row) for row in rows).encode()


def json_lines() -> bytes:
    return "\n".join(f'{{"embedding": [{i}.5, {i * i}, {-i}], "name": "row {i}", "tags": ["a", null]}}' for i in range(ROWS)).encode()


def sqlite() -> bytes:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute("CREATE TABLE words (name TEXT, score REAL, embedding BLOB, kind DEFAULT 'x')")
        rows = [(f"row {i}", i / 3, np.eye(ROWS, dtype=np.float32)[i].tobytes()) for i in range(ROWS)]
        opened.executemany("INSERT INTO words (name, score, embedding) VALUES (?, ?, ?)", rows)
        opened.commit()
        return opened.serialize()


SOUND = {
    ".parquet": written(lambda file: pq.write_table(table(), file)),
    ".arrow": written(lambda file: feather.write_feather(table(), file, compression="uncompressed")),
    ".feather": written(lambda file: feather.write_feather(table(), file)),
    ".npy": written(lambda file: np.save(file, np.random.default_rng(0).normal(size=(ROWS, 5)))),
    ".npz": written(lambda file: np.savez(file, vectors=np.eye(ROWS, dtype=np.float32), labels=np.array([f"r{i}" for i in range(ROWS)]))),
    ".safetensors": safetensors.numpy.save({"vectors": np.eye(ROWS, dtype=np.float32), "score": np.arange(ROWS)}),
    ".sqlite": sqlite(),
    ".csv": lines(","),
    ".tsv": lines("\t"),
    ".jsonl": json_lines(),
}
places = st.floats(0, 1, exclude_max=True)
edits = st.lists(
    st.one_of(
        st.tuples(st.just("set"), places, st.integers(0, 255)),
        st.tuples(st.just("cut"), places, st.integers(1, 64)),
        st.tuples(st.just("put"), places, st.binary(min_size=1, max_size=16)),
        st.tuples(st.just("end"), places, st.just(0)),
        st.tuples(st.just("again"), places, st.integers(1, 200)),
    ),
    min_size=1,
    max_size=6,
)


def damaged(sound: bytes, changes: list[tuple[str, float, int | bytes]]) -> bytes:
    found = bytearray(sound)
    for kind, share, what in changes:
        at = int(share * len(found))
        if isinstance(what, bytes):
            found[at:at] = what
        elif kind == "set" and found:
            found[at] = what
        elif kind == "cut":
            del found[at : at + what]
        elif kind == "end":
            del found[at:]
        elif kind == "again":
            found[at:at] = found[at : at + what]
    return bytes(found)


def opened_or_refused(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a reader remarks about a file that it then refuses
        try:
            found: Dataset | ExplorerError = open_dataset(str(path))
        except ExplorerError as error:
            found = error
    if isinstance(found, ExplorerError):
        assert 0 < len(str(found)) < 2_000
    else:
        assert found.n_rows > 0


@pytest.mark.parametrize("ending", SOUND)
def test_the_sound_files_open(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"sound{ending}"
    path.write_bytes(SOUND[ending])
    assert open_dataset(str(path)).n_rows == ROWS


@pytest.mark.parametrize("ending", SOUND)
@given(changes=edits)
@example(changes=[("end", 0.5, 0)])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_opens_or_is_refused_with_a_sentence(
    ending: str, tmp_path: Path, changes: list[tuple[str, float, int | bytes]]
) -> None:
    path = tmp_path / f"damaged{ending}"
    path.write_bytes(damaged(SOUND[ending], changes))
    opened_or_refused(path)


@pytest.mark.parametrize("ending", SOUND)
@given(content=st.binary(min_size=1, max_size=300))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_refused_with_a_sentence(ending: str, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / f"noise{ending}"
    path.write_bytes(content)
    opened_or_refused(path)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"null", 1),
        (b' null]}\n{"g": [', 1),
        (b'{"v": [1, 2]}\n{"v": [2, 3]}\n\n  null\n', 4),
        (b'{"v": [1, 2]} null', 1),
        (b"\xef\xbb\xbfnull", 1),
    ],
)
def test_a_null_in_the_place_of_an_object_is_refused(content: bytes, line: int, tmp_path: Path) -> None:
    """Arrow's reader would end the process: found by tests/fuzz/fuzz.py."""
    path = tmp_path / "noise.jsonl"
    path.write_bytes(content)
    with pytest.raises(ExplorerError, match=f"line {line} is not one JSON object: there is a null outside of any"):
        open_dataset(str(path))


def test_a_null_inside_of_an_object_is_a_missing_value(tmp_path: Path) -> None:
    path = tmp_path / "sound.jsonl"
    path.write_text(
        '{"v": [1.5, 2.5, 0.5], "a": "} null"}\n{"v": [2.5, 3.5, 0.5], "a": null}\n{"v": [2.5, 4.5, 1.5], "a": "x"}\n', encoding="utf-8"
    )
    assert open_dataset(str(path)).table["a"].to_pylist() == ["} null", None, "x"]
