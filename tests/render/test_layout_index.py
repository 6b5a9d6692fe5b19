"""The layout index: Z-order, blocks, first view."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.render.layout_index import BLOCK, LayoutIndex
from explorer.render.view import View


def spread(values):
    """Interleave zeros between the bits of 16-bit numbers, bit by bit."""
    return sum(((values >> bit) & 1) << (2 * bit) for bit in range(16))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1_000), n=st.integers(0, 6_000), missing=st.floats(0, 1))
def test_every_finite_row_is_in_the_index_once_with_its_coordinates(seed, n, missing):
    rng = np.random.default_rng(seed)
    xy = rng.normal(size=(n, 2)).astype(np.float32)
    xy[rng.random(n) < missing, rng.integers(0, 2)] = rng.choice([np.nan, np.inf, -np.inf])
    index = LayoutIndex.build(xy)
    finite = np.flatnonzero(np.isfinite(xy).all(axis=1))
    np.testing.assert_array_equal(np.sort(index.rows), finite)
    np.testing.assert_array_equal(index.take(xy), np.column_stack([index.x, index.y]))
    assert len(index) == len(finite)
    assert index.n_rows == n


def test_rows_follow_the_z_curve():
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 65_536, (500, 2))
    cells[0], cells[1] = (0, 0), (65_535, 65_535)
    index = LayoutIndex.build(cells.astype(np.float32))
    keys = spread(cells[:, 0]) | (spread(cells[:, 1]) << 1)
    np.testing.assert_array_equal(index.rows, np.argsort(keys, kind="stable"))


def test_a_block_box_holds_its_rows_exactly():
    index = LayoutIndex.build(np.random.default_rng(0).normal(size=(3 * BLOCK + 5, 2)).astype(np.float32))
    assert len(index.boxes) == 4
    for b, box in enumerate(index.boxes):
        x, y = index.x[b * BLOCK : (b + 1) * BLOCK], index.y[b * BLOCK : (b + 1) * BLOCK]
        assert box.tolist() == [x.min(), x.max(), y.min(), y.max()]


def test_blocks_stay_small_beside_an_enormous_outlier():
    xy = np.random.default_rng(0).random((50_000, 2)).astype(np.float32)
    plain = LayoutIndex.build(xy)
    xy[7] = 1e30, -1e30
    index = LayoutIndex.build(xy)
    widths = [np.median(of.boxes[:, 1] - of.boxes[:, 0]) for of in (plain, index)]
    assert widths[1] < 1.5 * widths[0]


def test_the_first_view_leaves_out_an_enormous_outlier_and_the_extent_does_not():
    for n in (20, 5_000):
        xy = np.random.default_rng(0).random((n, 2)).astype(np.float32)
        xy[3] = 1e12, 0
        index = LayoutIndex.build(xy)
        assert max(index.home.span) < 1.2
        assert index.extent.x1 > 1e12


def test_the_first_view_shows_all_rows_where_none_is_extreme():
    index = LayoutIndex.build(np.random.default_rng(0).normal(size=(5_000, 2)).astype(np.float32))
    assert index.home == index.extent
    assert index.home.x0 < index.x.min() < index.x.max() < index.home.x1


def test_a_far_group_that_is_not_small_stays_in_the_first_view():
    xy = np.random.default_rng(0).random((1_000, 2)).astype(np.float32)
    xy[:40] += 1_000
    assert LayoutIndex.build(xy).home.x1 > 1_000


@pytest.mark.parametrize("xy", [
    [[3, 4]], [[3, 4], [3, 4]], [[3, 4]] * 5_000, [[1e30, 1e30]] * 3, [[0, 0], [1e-38, 0]], [[-3e38, 0], [3e38, 0]], [[np.nan, 0]],
    np.empty((0, 2)),
])  # fmt: skip
def test_the_first_view_can_always_be_drawn(xy):
    index = LayoutIndex.build(np.array(xy, np.float32))
    for view in (index.home, index.extent):
        assert np.isfinite(view).all()
        assert min(view.span) > 0
        assert view.sane() == view


def test_an_index_comes_back_from_its_arrays():
    index = LayoutIndex.build(np.random.default_rng(0).normal(size=(3_000, 2)).astype(np.float32))
    again = LayoutIndex.from_arrays(index.arrays())
    for name in ("x", "y", "rows", "boxes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(index, name))
        assert not getattr(again, name).flags.writeable
    assert (again.home, again.extent, again.n_rows) == (index.home, index.extent, index.n_rows)


def test_a_fitted_view_has_equal_scale_and_keeps_its_center():
    view = View(0, 10, 0, 1).fitted(200, 100)
    assert view == View(0, 10, -2, 3)
    assert View(2, 2, 5, 5).fitted(100, 50).center == (2, 5)


@given(st.tuples(*[st.floats(width=64)] * 4), st.floats(0, 1e4), st.floats(0, 1e4))
def test_any_four_numbers_make_a_view_that_can_be_drawn(numbers, width, height):
    for view in (View(*numbers).sane(), View(*numbers).fitted(width, height)):
        assert np.isfinite(view).all()
        assert view.x1 > view.x0
        assert view.y1 > view.y0


def turned(places):
    return (places @ np.array([[0.6, 0.8], [-0.8, 0.6]], np.float32) * 3 + 7).astype(np.float32)


@pytest.mark.parametrize("n", [0, 1, 50, 2 * BLOCK + 3])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_an_index_moves_with_its_rows(n, missing):
    rng = np.random.default_rng(n)
    xy = rng.normal(size=(n, 2)).astype(np.float32)
    xy[rng.random(n) < missing] = np.nan
    built = LayoutIndex.build(xy)
    index = built.moved(turned)
    assert index.rows is built.rows
    assert index.n_rows == n
    np.testing.assert_array_equal(np.stack([index.x, index.y], axis=1), turned(np.stack([built.x, built.y], axis=1)))
    for b, box in enumerate(index.boxes):
        x, y = index.x[b * BLOCK : (b + 1) * BLOCK], index.y[b * BLOCK : (b + 1) * BLOCK]
        assert box.tolist() == [x.min(), x.max(), y.min(), y.max()]
    fresh = LayoutIndex.build(turned(xy))
    assert index.home == pytest.approx(fresh.home)
    assert index.extent == pytest.approx(fresh.extent)
    assert not any(array.flags.writeable for of in (built, index) for array in (of.x, of.y, of.rows, of.boxes)), "one kind for the kernels"


@pytest.mark.parametrize("n", [0, 1, 50, 2 * BLOCK + 3])
@pytest.mark.parametrize("missing", [0.0, 0.3, 1.0])
def test_rows_can_stay_in_their_order(n, missing):
    rng = np.random.default_rng(n)
    xy = rng.normal(size=(n, 2)).astype(np.float32)
    xy[rng.random(n) < missing, 1] = np.inf
    index, sorted_one = LayoutIndex.unsorted(xy), LayoutIndex.build(xy)
    np.testing.assert_array_equal(index.rows, np.flatnonzero(np.isfinite(xy).all(axis=1)))
    np.testing.assert_array_equal(np.stack([index.x, index.y], axis=1), xy[index.rows])
    assert (index.n_rows, index.home, index.extent) == (n, sorted_one.home, sorted_one.extent)
    assert len(index.boxes) == -(-len(index) // BLOCK)
    assert not any(array.flags.writeable for array in (index.x, index.y, index.rows, index.boxes))


def test_what_is_left_of_an_index_without_its_rows_is_what_it_spans():
    built = LayoutIndex.build(np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32))
    index = built.emptied()
    assert len(index) == len(index.x) == len(index.boxes) == 0
    assert (index.home, index.extent, index.n_rows) == (built.home, built.extent, 500)
