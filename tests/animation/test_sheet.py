from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from explorer.animation.film import Film

MakeFilm = Callable[..., Film]


@pytest.mark.parametrize(("width", "height", "beside"), [(640, 360, True), (800, 800, True), (320, 180, False), (360, 640, False)])
def test_the_legend_is_beside_the_map_where_there_is_room_and_else_below(film: MakeFilm, *, width: int, height: int, beside: bool):
    sheet = film(width=width, height=height).sheet
    assert sheet.legend is not None
    assert (sheet.map.width < width) == beside
    assert (sheet.map.top + sheet.map.height < height) == (not beside)


def test_without_colors_the_map_is_as_wide_as_the_picture(film: MakeFilm):
    sheet = film(color=None).sheet
    assert sheet.legend is None
    assert (sheet.map.width, sheet.map.top + sheet.map.height) == (320, 180)


@pytest.mark.parametrize("size", [(160, 160), (160, 3840), (3840, 160), (161, 1001)])
@pytest.mark.parametrize("color", ["kind", "size", None])
@pytest.mark.parametrize("title", ["", "a title that is much longer than any picture is wide, and then some more " * 4, "$x^2$ <b>中"])
def test_every_size_has_room_for_a_map(film: MakeFilm, size: tuple[int, int], color: str | None, title: str):
    made = film(width=size[0], height=size[1], color=color, title=title)
    assert made.sheet.map.width >= 40
    assert made.sheet.map.height >= 40
    assert made.sheet.at(0.5).shape == (size[1], size[0], 3)


def test_the_line_under_the_names_grows(film: MakeFilm):
    sheet = film(width=640, height=360).sheet
    dark = [int((sheet.at(t)[: sheet.map.top] < 128).all(axis=-1).sum()) for t in (0, 0.25, 0.5, 0.75, 1)]
    longest = [int((sheet.at(t)[: sheet.map.top] < 140).all(axis=-1).sum(axis=1).max()) for t in (0.25, 0.5, 0.75, 1)]
    assert longest == sorted(longest)
    assert dark[0] != dark[2]


def test_a_picture_of_words_is_a_new_one_each_time(film: MakeFilm):
    sheet = film().sheet
    sheet.at(0)[:] = 0
    assert (sheet.at(0) == 255).any()
    assert (sheet.at(0)[sheet.map.inside] == 255).all()
    assert np.array_equal(sheet.at(0.3), sheet.at(0.3))
