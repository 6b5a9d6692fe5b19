"""Opacity by count."""

import numpy as np
import pytest

from explorer.errors import BadParameter, UnknownChoice
from explorer.render.color import ByCategory, RowMask
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import FLOOR, NORMALIZATIONS, Normalization


def index(n=20_000):
    return LayoutIndex.build(np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32))


@pytest.mark.parametrize("how", NORMALIZATIONS)
@pytest.mark.parametrize("n", [0, 1, 500, 20_000])
def test_opacity_rises_from_a_visible_floor_to_one(how, n):
    table = Normalization.of(index(n), how, width=60, height=40).table
    assert table[0] == 0
    assert table[1] == pytest.approx(FLOOR)
    assert table[-1] == pytest.approx(1)
    assert (np.diff(table) >= 0).all()


def test_the_densest_pixels_alone_are_opaque():
    table = Normalization.of(index(), "log", width=60, height=40).table
    assert 20 < len(table) < 200


def test_hidden_rows_do_not_count():
    rows = index()
    few = RowMask.of(rows, np.arange(20_000) < 2_000)
    assert len(Normalization.of(rows, width=60, height=40, shown=few).table) < len(Normalization.of(rows, width=60, height=40).table) / 3


def test_equalized_opacity_spreads_the_pixels_evenly():
    made = Normalization.of(index(), "equalized", width=60, height=40)
    log = Normalization.of(index(), "log", width=60, height=40)
    assert made.table[3] > log.table[3] or made.table[8] > log.table[8]


def test_all_rows_in_one_spot_have_a_small_table():
    rows = LayoutIndex.build(np.zeros((100_000, 2), np.float32))
    assert len(Normalization.of(rows).table) <= 65_536


def test_an_unknown_normalization_is_refused_with_the_choices():
    with pytest.raises(UnknownChoice, match=r"logg is not a normalization\. Did you mean log\?"):
        Normalization.of(index(10), "logg")


def test_slots_without_a_color_are_refused():
    rows = index(3)
    with pytest.raises(BadParameter, match="0 to 1"):
        ByCategory.of(rows, np.array([0, 1, 2]), np.zeros((2, 3), np.uint8))
    with pytest.raises(BadParameter, match="1 to 256"):
        ByCategory.of(rows, np.array([0, 1, 2]), np.zeros((300, 3), np.uint8))
