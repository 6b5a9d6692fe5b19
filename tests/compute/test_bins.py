from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.compute.bin_texts import number_texts, range_text, time_text, value_texts
from explorer.compute.bins import (
    MOST_BINS,
    Spread,
    bin_codes,
    count_codes,
    nice_edges,
    robust_ends,
    rounded_to,
    time_edges,
    wanted_bins,
)

FINITE = st.floats(-1e12, 1e12, allow_nan=False)


def microseconds(text: str) -> float:
    return float(np.datetime64(text, "us").astype(np.int64))


@given(values=arrays(np.float64, st.integers(0, 60), elements=st.floats(-12, 12)), bins=st.integers(1, 20))
@settings(deadline=None)
def test_values_are_counted_as_numpy_counts_them(values: np.ndarray, bins: int):
    edges = np.linspace(-12, 12, bins + 1)
    codes = np.empty(len(values), np.uint8)
    bin_codes(values, edges, codes, under=False, over=False)
    np.testing.assert_array_equal(count_codes(codes, bins, None, None)[0], np.histogram(values, edges)[0])


def test_values_beyond_the_edges_and_missing_ones_have_bars_of_their_own():
    values = np.array([-math.inf, -1, 0, 0.5, 1, 2, math.inf, math.nan])
    codes = np.empty(len(values), np.uint8)
    bin_codes(values, np.array([0.0, 1.0, 2.0]), codes, under=True, over=True)
    assert codes.tolist() == [0, 0, 1, 1, 2, 3, 3, 4]


@given(
    codes=arrays(np.uint8, st.integers(0, 80), elements=st.integers(0, 6)),
    shown=st.none() | st.integers(0, 2**32 - 1),
    selected=st.none() | st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_counts_under_two_masks_are_numpys(codes: np.ndarray, shown: int | None, selected: int | None):
    masks = [None if seed is None else np.random.default_rng(seed).random(len(codes)) < 0.5 for seed in (shown, selected)]
    everything, nothing = np.ones(len(codes), bool), np.zeros(len(codes), bool)
    passing = everything if masks[0] is None else masks[0]
    chosen = passing & (nothing if masks[1] is None else masks[1])
    expected = [np.bincount(codes[passing], minlength=7), np.bincount(codes[chosen], minlength=7)]
    np.testing.assert_array_equal(count_codes(codes, 7, *masks), expected)


@given(low=st.floats(-1e12, 1e12, allow_subnormal=False), width=st.floats(1e-3, 1e12), bins=st.integers(1, MOST_BINS), whole=st.booleans())
def test_edges_are_nice_few_and_hold_everything(low: float, width: float, bins: int, *, whole: bool):
    low, high = (math.floor(low), math.floor(low) + math.ceil(width)) if whole else (low, low + width)
    edges, step = nice_edges(low, high, bins, whole=whole)
    assert edges[0] <= low + 1e-9 * abs(low)
    assert edges[-1] > high if whole else edges[-1] >= high - 1e-9 * abs(high)
    assert 2 <= len(edges) <= MOST_BINS + 1
    assert np.all(np.diff(edges) > 0)
    assert not whole or step == int(step)


def test_edges_are_written_as_people_write_them():
    edges, step = nice_edges(0.0, 1.0, 10)
    assert step == 0.1
    assert edges.tolist() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert rounded_to(0.30000000000000004, 0.1) == 0.3


def test_far_values_do_not_stretch_the_bins():
    bulk = Spread(1000, -1e9, 5.0, low=0.0, quarter=1.0, three_quarters=3.0, high=4.0)
    assert robust_ends(bulk) == (-2.0, 5.0)
    assert robust_ends(bulk._replace(least=-math.inf)) == (-2.0, 5.0)
    assert wanted_bins(bulk, -2.0, 5.0) == 17


def test_where_nearly_all_values_are_one_the_bins_reach_everything():
    assert robust_ends(Spread(1000, 0.0, 9.0, low=0.0, quarter=0.0, three_quarters=0.0, high=0.0)) == (0.0, 9.0)


@pytest.mark.parametrize(
    ("low", "high", "unit", "many", "first", "last"),
    [
        ("1990-05-01", "2009-02-01", "Y", 1, "1990-01-01", "2010-01-01"),
        ("1931-05-01", "2009-02-01", "Y", 5, "1930-01-01", "2010-01-01"),
        ("2024-01-20", "2025-01-20", "M", 1, "2024-01-01", "2025-02-01"),
        ("2024-01-20", "2024-02-10", "D", 2, "2024-01-20", "2024-02-11"),
        ("2024-01-20T00:10", "2024-01-20T10:00", "m", 30, "2024-01-20T00:00", "2024-01-20T10:30"),
    ],
)
def test_times_have_the_edges_of_a_calendar(low: str, high: str, unit: str, many: int, first: str, last: str):
    edges, got, of = time_edges(microseconds(low), microseconds(high), 20)
    assert (got, of) == (unit, many)
    assert (edges[0], edges[-1]) == (microseconds(first), microseconds(last))


def test_texts_are_as_long_as_the_step_needs():
    assert number_texts([0.0, 0.25, -0.0], 0.01) == ["0.00", "0.25", "0.00"]
    assert number_texts([1990.0, 2000.0], 1.0) == ["1990", "2000"]
    assert number_texts([0.0, 20000.0], 1000.0) == ["0", "20,000"]
    assert number_texts([1e-9, 3e-9], 1e-10) == ["1e-09", "3e-09"]
    assert range_text("-2", "3") == "-2 to 3"
    assert time_text(microseconds("2024-01-20T05:00"), "h") == "2024-01-20 05:00"


def test_single_values_are_short_and_told_apart():
    fifteenths = np.linspace(0, 1, 16, dtype=np.float32).tolist()
    assert value_texts(fifteenths, whole=False)[:4] == ["0", "0.0667", "0.133", "0.2"]
    assert value_texts([12.25, -0.5, 13.0, 1e-9, 2.5e20], whole=False) == ["12.25", "-0.5", "13", "1e-09", "2.5e+20"]
    assert value_texts([0.123456, 0.123457], whole=False) == ["0.123456", "0.123457"]


@given(st.lists(st.floats(-1e9, 1e9, width=32), min_size=1, max_size=20, unique=True))
def test_no_two_single_values_that_differ_are_written_alike(values: list[float]):
    texts, exact = value_texts(values, whole=False), [f"{value:.9g}" for value in values]
    assert len(set(texts)) == len(set(exact))
    assert all(float(text) == pytest.approx(value, rel=6e-3) for text, value in zip(texts, values, strict=True))
