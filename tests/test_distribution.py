from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.coloring import coloring
from explorer.crossfilter import Question, cross_counts, key_of
from explorer.data.dataset import Dataset, open_dataset
from explorer.distribution import distribution, span_mask
from explorer.errors import UnknownColumn
from explorer.render.palette import MISSING_COLOR, OTHER_COLOR
from explorer.state.appearance import Hidden

ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)


def rows(**columns: Any) -> Dataset:
    """Rows with a place and these columns."""
    n = len(next(iter(columns.values())))
    places = {"x": np.arange(n, dtype=np.float32), "y": np.zeros(n, np.float32)}
    return open_dataset(pa.table({**places, **columns}), name="rows")


def counted(dataset: Dataset, column: str) -> dict[str, int]:
    made = distribution(dataset, column)
    return dict(zip(made.labels, np.bincount(made.codes, minlength=len(made.labels)).tolist(), strict=True))


@given(values=st.lists(ANY, min_size=2, max_size=120))
@settings(deadline=None, max_examples=80)
def test_bars_hold_every_row_whatever_the_numbers_are(values: list[float]):
    dataset = rows(v=pa.array(values, pa.float64()), w=pa.array(values, pa.float32()))
    for column in ("v", "w"):
        made = distribution(dataset, column)
        assert len(made.codes) == len(values)
        assert made.codes.max() < len(made.labels) <= 63
        assert np.array_equal(made.codes == made.n_main, np.isnan(values)) if made.missing else not np.isnan(values).any()
        assert np.all(np.diff(made.edges) >= 0)


@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=40, max_size=120, unique=True),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@settings(deadline=None, max_examples=80)
def test_a_brush_takes_the_rows_that_numpy_finds(values: list[float], ends: tuple[float, float]):
    dataset = rows(v=pa.array(values, pa.float64()))
    made = distribution(dataset, "v")
    if made.kind != "range":
        return
    span = made.span(ends[0] * made.n_main, ends[1] * made.n_main)
    assert 0 <= span.start < span.end <= made.n_main
    found = span_mask(dataset, made, span)
    column = np.array(values)
    is_last = span.high == made.edges[-1] and not made.over
    np.testing.assert_array_equal(found, (column >= span.low) & ((column <= span.high) if is_last else (column < span.high)))


@given(values=st.lists(st.none() | st.sampled_from("abcdefghijklmnopqrs"), min_size=2, max_size=80))
@settings(deadline=None, max_examples=50)
def test_categories_are_counted_as_pandas_counts_them(values: list[str | None]):
    dataset = rows(k=pa.array([*values, "a", "a", "b", "b"]).dictionary_encode())
    expected = pd.Series([*values, "a", "a", "b", "b"]).value_counts(dropna=False)
    bars = counted(dataset, "k")
    assert sum(bars.values()) == len(values) + 4
    assert bars.pop("no value", 0) == sum(value is None for value in values)
    other = sum(bars.pop(label) for label in list(bars) if label.endswith(" other"))
    assert other == sum(expected.get(name, 0) for name in set("abcdefghijklmnopqrs") - set(bars))
    assert bars == {name: expected[name] for name in bars}


def test_a_brush_on_the_borders_of_bins_takes_the_rows_of_those_bins():
    values = np.random.default_rng(0).normal(size=500).astype(np.float32).round(1)
    values = np.append(values, np.linspace(-4, 4, 400, dtype=np.float32))
    dataset = rows(v=values)
    made = distribution(dataset, "v")
    for first, last in ((0, 3), (5, 20), (10, made.n_main)):
        np.testing.assert_array_equal(span_mask(dataset, made, made.span(first, last)), made.mask_of(range(first, last)))


def test_whole_numbers_with_few_values_have_a_bar_for_each_also_where_nobody_is():
    assert counted(rows(v=[1990, 1991, 1991, 1993, 1993]), "v") == {"1990": 1, "1991": 2, "1992": 0, "1993": 2}
    assert counted(rows(v=[1, 500, 500, None]), "v") == {"1": 1, "500": 2, "no value": 1}


def test_many_whole_numbers_have_bins_of_whole_numbers():
    made = distribution(rows(v=list(range(0, 2000, 2))), "v")
    assert made.kind == "range"
    assert made.labels[0].startswith("0 \N{EN DASH} ")
    assert made.span(0, 1).label == f"v {made.labels[0]}"
    assert made.ends == ("0", "1999")


def test_one_value_is_one_bar_and_none_at_all_is_a_sentence():
    assert counted(rows(v=[2.5, 2.5]), "v") == {"2.5": 2}
    made = distribution(rows(v=[math.nan, math.nan], w=[1.5, 2.5]), "v")
    assert (made.labels, made.note) == (("no value",), "No row has a value.")
    when = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert list(counted(rows(v=[when, when]), "v")) == ["2024-01-02 03:04:05"]


def test_far_values_share_a_bar_that_says_so():
    values = np.append(np.random.default_rng(0).normal(size=1000), [1e6, -1e6, np.inf])
    made = distribution(rows(v=values), "v")
    assert made.labels[0].startswith("< -")
    assert made.labels[-1].startswith("≥ ")
    assert np.flatnonzero(made.mask_of([0, made.n_main - 1]))[-3:].tolist() == [1000, 1001, 1002]
    span = made.span(0.2, 1.0)
    assert span.low == -math.inf
    assert (span.start, span.end) == (0.0, 1.0)


def test_times_have_bins_of_a_calendar_and_ranges_to_the_month():
    days = np.datetime64("1990-01-01") + np.arange(0, 365 * 30, 7)
    dataset = rows(day=pa.array(days))
    made = distribution(dataset, "day")
    assert made.labels[:2] == ("1990", "1991")
    assert made.ends == ("1990", made.labels[-1])
    span = made.span(0.5, 10)
    assert span.label == "day 1990-07 \N{EN DASH} 2000-01"
    assert made.span(0, 10).label == "day 1990 \N{EN DASH} 2000"
    expected = (days >= np.datetime64("1990-07-01")) & (days < np.datetime64("2000-01-01"))
    np.testing.assert_array_equal(span_mask(dataset, made, span), expected)


def test_category_bars_have_the_colors_of_the_map():
    names = [f"k{i:02d}" for i in range(20) for _ in range(30 - i)]
    dataset = rows(k=[*names, None])
    made, colors = distribution(dataset, "k"), coloring(dataset, "k")
    assert made.labels[-2:] == ("8 other", "no value")
    assert made.colors()[:12] == [colors.category_color(code) for code in range(12)]
    assert made.colors("Tableau")[0] == coloring(dataset, "k", palette="Tableau").category_color(0)
    assert made.colors()[-2:] == [OTHER_COLOR, MISSING_COLOR]


def test_booleans_have_bars():
    assert counted(rows(b=[True, False, True, None]), "b") == {"True": 2, "False": 1, "no value": 1}


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(UnknownColumn, match="nothing"):
        distribution(rows(v=[1.5, 2.5]), "nothing")


def test_each_histogram_is_under_the_filters_of_the_others_and_under_what_is_hidden():
    dataset = rows(a=["p", "p", "q", "q", "r", "r"], b=[0, 1, 0, 1, 0, 1])
    spreads = [distribution(dataset, "a"), distribution(dataset, "b")]
    only_p, only_one = np.array([1, 1, 0, 0, 0, 0], bool), np.array([0, 1, 0, 1, 0, 1], bool)
    filters = {key_of("a"): only_p, key_of("b"): only_one}
    a, b = cross_counts(Question(spreads, filters))
    assert a[0].tolist() == [1, 1, 1]
    assert b[0].tolist() == [1, 1]
    hidden = Hidden(frozenset({"r"}))
    selected = np.array([0, 1, 0, 0, 0, 1], bool)
    a, b = cross_counts(Question(spreads, {**filters, "query": np.ones(6, bool)}, coloring(dataset, "a"), hidden, selected))
    assert a.tolist() == [[1, 1, 0], [1, 0, 0]]
    assert b.tolist() == [[1, 1], [0, 1]]
