"""Contours of a picture file: where the map has them, visible on every ground, and the same however the picture is cut into bands."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.outlines import Outline
from explorer.picture_outlines import strokes, trace
from explorer.render.view import View

VIEW = View(0.0, 9.0, 0.0, 7.0)
TURN = np.linspace(0, 2 * np.pi, 120)


def circle(x: float, y: float, radius: float) -> np.ndarray:
    line = np.stack([x + radius * np.cos(TURN), y + radius * np.sin(TURN)], axis=1).astype(np.float32)
    line[-1] = line[0]
    return line


OUTLINES = [
    Outline("one", "#3b7dd8", 3, 0.5, (circle(3, 3, 1), circle(6, 5, 0.5))),
    Outline("one", "#3b7dd8", 3, 0.9, (circle(3, 3, 2),)),
    Outline("other", "", -1, 0.9, (circle(8, 6, 4),)),
]


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_lines_are_where_the_map_has_them_and_as_wide_as_on_screen(scale: float):
    width, height = round(900 * scale), round(700 * scale)
    placed = strokes(OUTLINES[:1], VIEW, width=width, height=height, scale=scale, ground="#ffffff")
    drawn = trace(np.zeros((height, width, 4), np.uint8), 0, placed)
    lines, columns = np.nonzero((drawn[..., 3] > 250) & (drawn[..., 0] < 150))
    x, y = (columns + 0.5) / 100 / scale, 7 - (lines + 0.5) / 100 / scale
    away = np.minimum(np.abs(np.hypot(x - 3, y - 3) - 1), np.abs(np.hypot(x - 6, y - 5) - 0.5))
    assert away.max() < 0.02
    inked = drawn[..., 3].sum() / 255 / (2 * np.pi * 150 * scale) / scale
    assert inked == pytest.approx(2.25 + 0.6 * 2.5, rel=0.05), "the line, and its halo"


@pytest.mark.parametrize(("ground", "end"), [("#ffffff", "#000000"), ("#121212", "#ffffff")])
def test_a_group_without_a_color_is_black_or_white(ground: str, end: str):
    placed = strokes(OUTLINES, VIEW, width=900, height=700, scale=1.0, ground=ground)
    assert [stroke.color for stroke in placed[:3]] == [ground] * 3
    assert placed[-1].color == end


def test_bands_have_the_same_lines_as_the_whole_and_a_band_is_not_changed():
    placed = strokes(OUTLINES, VIEW, width=900, height=700, scale=1.0, ground="#121212")
    ground = np.random.default_rng(0).integers(0, 256, (700, 900, 4), np.uint8)
    before = ground.copy()
    whole = trace(ground, 0, placed)
    assert (ground == before).all()
    assert 1_000 < (whole != ground).any(axis=-1).sum() < 50_000
    bands = np.concatenate([trace(ground[top : top + 63], top, placed) for top in range(0, 700, 63)])
    apart = np.abs(bands.astype(int) - whole.astype(int))
    assert (apart > 2).mean() < 1e-4, "but for rounding"


def test_what_is_not_in_view_is_not_drawn():
    near = View(0.0, 1.8, 0.0, 1.4)
    assert strokes(OUTLINES[:2], near, width=900, height=700, scale=1.0, ground="#ffffff") != []  # the large circle's corner is in view
    assert strokes(OUTLINES[:1], near, width=900, height=700, scale=1.0, ground="#ffffff") == []
    band = np.zeros((10, 900, 4), np.uint8)
    assert trace(band, 0, []) is band
