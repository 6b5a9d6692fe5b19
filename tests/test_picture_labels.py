"""Labels of a picture file: readable, in view, never one over another, and the same however the picture is cut into bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.labels import Label
from explorer.picture_labels import label_stamps, press
from explorer.render.color import rgb
from explorer.render.contrast import readable
from explorer.render.view import View

VIEW = View(0.0, 9.0, 0.0, 7.0)
LABELS = [Label(1 + at % 5 * 1.7, 1 + at // 5 * 1.3, f"name {at}", "#3b7dd8", 13.0, group=at) for at in range(20)]


def contrast(one: str, other: str) -> float:
    shares = np.array([rgb(one), rgb(other)]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (high + 0.05) / (low + 0.05)


@given(st.integers(0, 0xFFFFFF), st.sampled_from(["#ffffff", "#f4f4f4", "#121212", "#000000"]))
def test_every_color_can_be_read(color: int, ground: str):
    assert contrast(readable(f"#{color:06x}", ground, contrast=7), ground) >= 7


def test_what_can_be_read_stays_as_it_is():
    assert readable("#0b5d1e", "#ffffff", contrast=7) == "#0b5d1e"


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 4.5])
def test_no_label_lies_over_another_and_all_are_in_the_picture(scale: float):
    width, height = round(900 * scale), round(700 * scale)
    stamps = label_stamps(LABELS, VIEW, width=width, height=height, scale=scale, ground="#ffffff")
    assert len(stamps) >= 10
    letters = np.zeros((height, width), int)
    for stamp in stamps:
        alone = press(np.zeros((height, width, 4), np.uint8), 0, [stamp])
        is_ink = (alone[..., 3] > 128) & (alone[..., :3].sum(axis=-1) < 600)
        assert is_ink.any()
        letters += is_ink
    assert letters.max() == 1


def test_bands_have_the_same_labels_as_the_whole_and_a_band_is_not_changed():
    stamps = label_stamps(LABELS, VIEW, width=900, height=700, scale=1.0, ground="#121212")
    ground = np.random.default_rng(0).integers(0, 256, (700, 900, 4), np.uint8)
    before = ground.copy()
    whole = press(ground, 0, stamps)
    assert (ground == before).all()
    assert (whole != ground).any()
    bands = [press(ground[top : top + 63], top, stamps) for top in range(0, 700, 63)]
    np.testing.assert_array_equal(np.concatenate(bands), whole)


def test_levels_are_shown_at_their_scale():
    coarse, fine = Label(4, 4, "coarse", "#3b7dd8", 15.0, goes=0.005), Label(4, 4, "fine", "#3b7dd8", 12.0, 1, comes=0.005)
    for times, expected in ((1, "coarse"), (4, "fine")):
        view = View(4 - 4.5 / times, 4 + 4.5 / times, 4 - 3.5 / times, 4 + 3.5 / times)
        stamps = label_stamps([coarse, fine], view, width=900, height=700, scale=1.0, ground="#ffffff")
        assert [stamp.text for stamp in stamps] == [expected]
