from __future__ import annotations

import datetime as dt
import decimal
import uuid

import numpy as np
import pyarrow as pa
import pytest

from explorer.data.metadata import showable

U = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([["a", "b"], None]), ["a, b", None]),
        (pa.array([[1, 2], []]), ["[1, 2]", "[]"]),
        (pa.array([{"a": 1, "b": "ü"}, None]), ['{"a": 1, "b": "ü"}', None]),
        (pa.array([{"a": b"xy"}, None]), ['{"a": "2 bytes"}', None]),
        (pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())), ['[["k", 1]]', None]),
        (pa.array([b"plain", None]), ["plain", None]),
        (pa.array([b"\x89PNG..", None]), [b"\x89PNG..", None]),
        (pa.array([b"\x89PNG", b"\x89PNG"], pa.binary(4)), [b"\x89PNG", b"\x89PNG"]),
        (pa.array([{"bytes": b"\x89PNG", "path": "a.png"}, {"bytes": None, "path": None}]), [b"\x89PNG", None]),
        (pa.array([{"bytes": None, "path": "a.png"}] * 2, pa.struct({"bytes": pa.binary(), "path": pa.string()})), ["a.png", "a.png"]),
        (pa.array(["a", None], pa.string_view()), ["a", None]),
        (pa.array([decimal.Decimal("1.5"), None]), [1.5, None]),
        (pa.array([1.5, None], pa.float16()), [1.5, None]),
        (pa.array([1, None], pa.timestamp("ns")), [dt.datetime(1970, 1, 1), None]),
        (pa.array([1, 2], pa.time32("s")), ["00:00:01", "00:00:02"]),
        (pa.array([1, 2], pa.duration("s")), ["1", "2"]),
        (pa.array([1, 1, 2]).dictionary_encode(), [1, 1, 2]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", "b"], pa.string_view())), ["a", "b"]),
        (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"]), ["a", "a", "b"]),
        (pa.array([U.bytes, None], pa.uuid()), [str(U), None]),
        (pa.array([True, None]), [True, None]),
    ],
)
def test_every_type_becomes_one_that_can_be_shown(values: pa.Array, expected: list[object]) -> None:
    shown = showable(pa.table({"c": values}))
    assert shown.notes == ()
    assert shown.table.column("c").to_pylist() == expected


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (pa.array([b"\xff\xfe", None]), "bytes that are neither pictures nor text"),
        (pa.nulls(2), "it is empty"),
        (pa.array([[0.5] * 20] * 2), "long lists of numbers; name it with vectors="),
        (pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"\xff\xff")), "cannot be read"),
    ],
    ids=["bytes", "nulls", "lists", "broken text"],
)
def test_what_cannot_be_shown_is_left_out_with_a_sentence(values: pa.Array, reason: str) -> None:
    shown = showable(pa.table({"c": values, "kept": [1, 2]}))
    assert shown.table.column_names == ["kept"]
    assert len(shown.notes) == 1
    assert shown.notes[0].startswith("Column c is left out: ")
    assert reason in shown.notes[0]


def test_many_nested_rows_are_left_out_rather_than_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.data.metadata._MOST_NESTED_ROWS", 1)
    assert showable(pa.table({"c": [{"a": 1}] * 2})).notes == ("Column c is left out: nested values are shown for at most 1 rows.",)


def test_columns_that_pandas_left_without_a_name_are_called_index() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["", "index", "__index_level_0__"])
    assert showable(table).table.column_names == ["index_2", "index", "index_3"]


def test_a_table_without_columns_keeps_its_rows() -> None:
    assert showable(pa.table({"a": [1, 2]}).select([])).table.num_rows == 2
