"""Rows of layouts: fair samples, robust middles and the Z-curve, against plain NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.compute.layout_rows import Middle, middle_of, plain, shared_rows, some_of, z_order


@given(n=st.integers(0, 500), most=st.integers(1, 60))
def test_a_sample_has_one_row_of_each_piece(n, most):
    rows = np.arange(n, dtype=np.int32) * 2
    some = some_of(rows, most)
    assert len(some) == min(n, most)
    if n > most:
        edges = np.arange(most + 1) * n // most
        places = some // 2
        assert (edges[:-1] <= places).all()
        assert (places < edges[1:]).all()


@pytest.mark.parametrize("period", [2, 3, 10, 50])
def test_a_period_in_the_rows_does_not_show_in_a_sample(period):
    some = some_of(np.arange(1_000_000, dtype=np.int32), 20_000)
    counts = np.bincount(some % period, minlength=period)
    assert counts.max() < 1.05 * counts.min()


@given(seed=st.integers(0, 1_000), n=st.integers(100, 400), far=st.sampled_from([1.0, 10.0, 1e30]))
@settings(deadline=None, max_examples=50)
def test_a_middle_bears_a_tenth_of_the_rows_anywhere(seed, n, far):
    rng = np.random.default_rng(seed)
    layout = rng.normal(size=(n, 2)).astype(np.float32)
    clean = middle_of(layout)
    layout[: n // 10] = rng.uniform(-1, 1, (n // 10, 2)) * far
    found = middle_of(layout)
    assert np.hypot(found.x - clean.x, found.y - clean.y) < 0.5
    assert 0.75 < found.spread / clean.spread < 1.35


def test_a_middle_of_little():
    assert middle_of(np.empty((0, 2), np.float32)) == Middle(0, 0, 0)
    assert middle_of(np.full((9, 2), 1e9, np.float32)) == Middle(1e9, 1e9, 0)
    assert middle_of(np.array([[0, 0], [4, 0]], np.float32)) == Middle(2, 0, 2)
    heap = np.zeros((100, 2), np.float32)
    heap[0, 0] = 50
    assert middle_of(heap) == Middle(0, 0, 0.5)  # nearly all in one place: the mean of all
    most = float(np.finfo(np.float32).max)
    assert middle_of(np.array([[most, 0], [-most, 0]], np.float32)).spread == pytest.approx(most)


def test_shared_rows_are_finite_in_both():
    one = np.array([[0, 0], [np.nan, 0], [0, np.inf], [1, 1], [2, 2]], np.float32)
    other = np.array([[0, 0], [0, 0], [0, 0], [0, -np.inf], [3, 3]], np.float32)
    assert shared_rows(plain(one), plain(other)).tolist() == [0, 4]


@given(seed=st.integers(0, 1_000), n=st.integers(0, 60))
@settings(deadline=None)
def test_the_z_curve_interleaves_the_cells(seed, n):
    rng = np.random.default_rng(seed)
    layout = (rng.normal(size=(n, 2)) * rng.choice([0.5, 1, 30], (n, 1))).astype(np.float32)
    cells = np.clip((layout.astype(np.float64) + 8) * 65_535 / 16, 0, 65_535).astype(np.int64)
    keys = [sum(((x >> bit & 1) << 2 * bit) | ((y >> bit & 1) << 2 * bit + 1) for bit in range(16)) for x, y in cells.tolist()]
    order = z_order(layout, Middle(0.0, 0.0, 2.0))
    assert order.dtype == np.int32
    assert order.tolist() == sorted(range(n), key=lambda i: (keys[i], i))
    assert z_order(layout, Middle(0.0, 0.0, 0.0)).tolist() == list(range(n))
