"""Regions that hold most of a group's rows: as many as they say, one inside the other, wherever and however large the map is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.compute.contours import SHARES, Region, contours


def inside(region: Region, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Count how often a ray from each place crosses the lines: odd is inside."""
    found = np.zeros(len(x), bool)
    for line in region.lines:
        for (ax, ay), (bx, by) in zip(line[:-1].astype(float), line[1:].astype(float), strict=True):
            if ay != by:
                crosses = (ay > y) != (by > y)
                found ^= crosses & (x < ax + (y - ay) / (by - ay) * (bx - ax))
    return found


def pieces(seed: int, n: int, n_pieces: int, strays: float) -> NDArray[np.float32]:
    """Place rows in bells of all sizes, and some of them anywhere."""
    numbers = np.random.default_rng(seed)
    middles, sizes = numbers.uniform(-10, 10, (n_pieces, 2)), numbers.uniform(0.1, 3, n_pieces)
    of = numbers.integers(n_pieces, size=n)
    places = middles[of] + numbers.normal(size=(n, 2)) * sizes[of, None]
    stray = numbers.random(n) < strays
    places[stray] = numbers.uniform(-15, 15, (int(stray.sum()), 2))
    return places.astype(np.float32)


def regions_of(places: NDArray[np.float32], **how: object) -> list[Region]:
    return contours(places[:, 0], places[:, 1], np.zeros(len(places), int), [0], **how)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(200, 2_000), st.integers(1, 6), st.sampled_from([0.0, 0.02, 0.2]))
def test_a_region_holds_the_share_of_rows_that_it_says_and_smaller_ones_are_in_larger_ones(seed: int, n: int, n_pieces: int, strays: float):
    places = pieces(seed, n, n_pieces, strays)
    held = [inside(region, *places.T) for region in regions_of(places, shares=(0.25, 0.5, 0.9))]
    for share, which in zip((0.25, 0.5, 0.9), held, strict=True):
        assert which.mean() == pytest.approx(share, abs=0.03)
    for smaller, larger in pairwise(held):
        assert (smaller & ~larger).mean() <= 0.005, "but for rows on a line"


def test_of_a_bell_they_are_the_circles_that_are_known():
    places = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
    for region in regions_of(places):
        (line,) = (line for line in region.lines if len(line) > 50)
        radius = np.sqrt(-2 * np.log(1 - region.share))
        assert np.median(np.hypot(*line.T)) == pytest.approx(radius, rel=0.06)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_000), st.floats(0.01, 1_000), st.floats(-100, 100))
def test_they_move_and_grow_with_the_map(seed: int, factor: float, shift: float):
    places = pieces(seed, 300, 3, 0.0).astype(np.float64)
    moved = ((places + shift) * factor).astype(np.float32)
    before, after = regions_of(places.astype(np.float32)), regions_of(moved)
    for one, other in zip(before, after, strict=True):
        back = [line / factor - shift for line in other.lines]
        areas = [sum(abs(area(line)) for line in lines) for lines in (one.lines, back)]
        assert areas[0] == pytest.approx(areas[1], rel=0.05)


def area(line: NDArray[np.floating]) -> float:
    (x, y), (to_x, to_y) = line[:-1].T.astype(float), line[1:].T.astype(float)
    return float(np.sum(x * to_y - to_x * y)) / 2


def check_lines(regions: list[Region]) -> None:
    for region in regions:
        assert region.lines
        for line in region.lines:
            assert line.dtype == np.float32
            assert len(line) >= 4
            assert np.isfinite(line).all()
            np.testing.assert_array_equal(line[0], line[-1])
            assert area(line) != 0


@pytest.mark.parametrize(
    "places",
    [
        np.full((50, 2), 3.0),
        np.stack([np.linspace(0, 9, 40), np.full(40, 2.0)], axis=1),
        np.stack([np.full(40, 2.0), np.linspace(0, 9, 40)], axis=1),
        np.repeat([[0.0, 0.0], [5.0, 1.0]], 20, axis=0),
        np.arange(10.0).reshape(5, 2),
        np.vstack([np.random.default_rng(0).normal(size=(500, 2)), [[1e6, -1e6]]]),
    ],
    ids=["one place", "a line across", "a line upwards", "two places", "five rows", "one far out"],
)
def test_odd_groups_have_closed_lines_as_well(places: NDArray[np.floating]):
    regions = regions_of(places.astype(np.float32))
    assert [region.share for region in regions] == list(SHARES)
    check_lines(regions)
    x, y = places.T
    assert inside(regions[-1], x, y).mean() >= 0.6, "rows that lie alike cannot be told apart"


def test_a_row_far_out_does_not_make_lines_coarse():
    places = np.random.default_rng(0).normal(size=(1_000, 2)).astype(np.float32)
    with_one = np.vstack([places, [[5_000, 5_000]]]).astype(np.float32)
    for alone, other in zip(regions_of(places), regions_of(with_one), strict=True):
        assert sum(map(area, other.lines)) == pytest.approx(sum(map(area, alone.lines)), rel=0.1)


def test_each_group_has_its_own_in_the_order_asked_for_and_few_rows_have_none():
    places = pieces(3, 600, 2, 0.0)
    codes = np.repeat([4, -1, 0, 2], [300, 100, 196, 4])
    regions = contours(places[:, 0], places[:, 1], codes, [0, 2, 4, 7])
    assert [(region.group, region.share) for region in regions] == [(0, 0.5), (0, 0.9), (4, 0.5), (4, 0.9)]
    check_lines(regions)
    alone = contours(places[:300, 0], places[:300, 1], np.full(300, 4), [4])
    for one, other in zip(regions[2:], alone, strict=True):
        assert inside(one, *places[:300].T).mean() == pytest.approx(inside(other, *places[:300].T).mean(), abs=0.01)
    nothing = np.zeros(0, np.float32)
    assert contours(nothing, nothing, np.zeros(0, int), [0]) == []
