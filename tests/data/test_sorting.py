"""Orders against what pandas makes of the same columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.data import sorting
from explorer.data.sorting import pick, sort_keys, sorted_rows

VALUES: dict[str, tuple[st.SearchStrategy[Any], pa.DataType]] = {
    "narrow integers": (st.integers(-3, 3), pa.int8()),
    "wide integers": (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    "unsigned": (st.integers(0, 2**64 - 1), pa.uint64()),
    "floats": (st.floats() | st.sampled_from([0.0, -0.0, 1.5]), pa.float64()),
    "halves": (st.floats(width=32), pa.float32()),
    "truth": (st.booleans(), pa.bool_()),
    "texts": (st.text(max_size=3), pa.string()),
    "few texts": (st.sampled_from(["", "a", "A", "é", "\U0001f600", "\uffff"]), pa.large_string()),
    "categories": (st.sampled_from(["b", "a", "c"]), pa.dictionary(pa.int32(), pa.string())),
    "days": (st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)), pa.date32()),
    "moments": (st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)), pa.timestamp("us")),
}


@st.composite
def columns(draw: st.DrawFn, n: int) -> tuple[pa.ChunkedArray, pd.Series]:
    values, kind = VALUES[draw(st.sampled_from(sorted(VALUES)))]
    some = draw(st.lists(values | st.none(), min_size=n, max_size=n))
    cut = draw(st.integers(0, n))
    parts = [pa.array(part, kind) for part in (some[:cut], some[cut:])]
    return pa.chunked_array(parts, kind), pd.Series(some, dtype=object)


def by_pandas(frame: pd.DataFrame, by: list[str], ascending: list[bool]) -> list[int]:
    """Sort objects from the least significant column on: pandas has no stable sort of several columns in one call."""
    for name, up in zip(reversed(by), reversed(ascending), strict=True):
        frame = frame.sort_values(name, kind="stable", na_position="last", ascending=up)
    return frame.index.tolist()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_rows_come_in_the_order_of_pandas(data: st.DataObject):
    n = data.draw(st.integers(0, 12))
    made = [data.draw(columns(n)) for _ in range(data.draw(st.integers(1, 3)))]
    descending = [data.draw(st.booleans()) for _ in made]
    got = sorted_rows([(sort_keys(column), down) for (column, _), down in zip(made, descending, strict=True)], n)
    frame = pd.DataFrame({str(i): series for i, (_, series) in enumerate(made)}, index=range(n))
    assert got.dtype == np.int32
    assert got.tolist() == by_pandas(frame, list(frame), [not down for down in descending])


def test_no_column_leaves_the_rows_as_they_are():
    assert sorted_rows([], 4).tolist() == [0, 1, 2, 3]


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.randoms())
def test_picking_keeps_the_order(mask: list[bool], random: Any):
    order = np.array(random.sample(range(len(mask)), len(mask)), np.int32)
    kept = np.array(mask, bool)
    assert pick(order, kept).tolist() == order[kept[order]].tolist()


LONG = ["same beginning, " * 3 + end for end in ("", "a", "\0", "b", "aa", "\0\0", "a\0", "a" * 7, "a" * 8, "a" * 14)]


@pytest.mark.parametrize("rounds", [0, 1, 2, 100])
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*LONG, None, "", "same"]), max_size=20))
def test_long_texts_are_told_apart_however_far_they_are_read(monkeypatch: pytest.MonkeyPatch, rounds: int, some: list[str | None]):
    monkeypatch.setattr(sorting, "_ROUNDS", rounds)
    monkeypatch.setattr(sorting, "_REPEATING", -1)
    column = pa.chunked_array([pa.array(some, pa.string())])
    order = sorted_rows([(sort_keys(column[1:]), False)], len(some[1:]))
    assert order.tolist() == by_pandas(pd.DataFrame({"text": pd.Series(some[1:], dtype=object)}), ["text"], [True])
