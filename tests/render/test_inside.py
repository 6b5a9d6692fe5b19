"""Rows in a polygon, against the textbook: every row with every edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.errors import BadParameter
from explorer.render.inside import rows_inside
from explorer.render.layout_index import LayoutIndex


def textbook(points: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    inside = np.zeros(len(points), bool)
    px, py = points.astype(float).T
    with np.errstate(all="ignore"):
        for ax, ay, bx, by in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
            crosses = ((ay > py) != (by > py)) & (px < (bx - ax) * (py - ay) / (by - ay) + ax)
            inside ^= crosses
    return inside & np.isfinite(points).all(axis=1)


# A grid, so that rows lie on corners and edges often; and anything.
places = st.one_of(st.integers(-6, 6).map(float), st.floats(-6, 6, width=32))
corners = st.lists(st.tuples(places, places), min_size=3, max_size=12)


@settings(deadline=None)  # the first one compiles
@given(arrays(np.float32, st.tuples(st.integers(0, 60), st.just(2)), elements=st.one_of(places, st.just(float("nan")))), corners)
def test_rows_are_those_of_the_even_odd_rule(points: np.ndarray, outline: list[tuple[float, float]]):
    x, y = np.array(outline).T
    assert np.array_equal(rows_inside(LayoutIndex.build(points), x, y), textbook(points, x, y))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 300))
def test_many_rows_and_a_line_that_crosses_itself(seed: int, n_corners: int):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(20_000, 2)).astype(np.float32)
    x, y = rng.normal(size=(2, n_corners))
    assert np.array_equal(rows_inside(LayoutIndex.build(points), x, y), textbook(points, x, y))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.booleans())
def test_blocks_of_rows_that_no_edge_touches_are_on_one_side(seed: int, n: int, stairs: bool):  # noqa: FBT001 - hypothesis gives it
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(60_000, 2)).astype(np.float32)
    points[::7] = points[::7].round(1)
    x, y = rng.normal(size=(2, n)).round(1)
    if stairs:  # level and upright edges, on rows
        x, y = np.repeat(x, 2), np.roll(np.repeat(y, 2), 1)
    else:
        x, y = np.append(x, 0), np.append(y, 0)
    if y.min() < y.max():
        assert np.array_equal(rows_inside(LayoutIndex.build(points), x, y), textbook(points, x, y))


def test_rows_that_are_not_shown_are_not_inside():
    points = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    shown = np.arange(500) % 3 == 0
    found = rows_inside(LayoutIndex.build(points), [-9, 9, 9, -9], [-9, -9, 9, 9], shown=shown)
    assert np.array_equal(found, shown)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        ([0, 1], [0, 1], "three corners"),
        ([], [], "three corners"),
        ([0, 1, 2], [0, 1], "three corners"),
        ([0, 1, np.nan], [0, 1, 2], "finite"),
    ],
)
def test_what_is_no_polygon_is_refused(x: Any, y: Any, says: str):
    with pytest.raises(BadParameter, match=says):
        rows_inside(LayoutIndex.build(np.zeros((3, 2), np.float32)), x, y)


def test_a_flat_outline_has_nothing_inside():
    index = LayoutIndex.build(np.zeros((3, 2), np.float32))
    assert not rows_inside(index, [-1, 0, 1], [0, 0, 0]).any()
