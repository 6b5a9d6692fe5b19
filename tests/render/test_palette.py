"""Palettes: frozen colors, contrast, color maps, limits."""

import numpy as np
import pytest

from explorer.errors import UnknownChoice
from explorer.render.palette import COLORMAPS, DISTINCT, MISSING_COLOR, OTHER_COLOR, PALETTES, Palette, colormap, counts, limits


def luminance(colors):
    part = np.asarray(colors, float) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrasts(colors):
    """Contrast with white and with #121212, after WCAG 2."""
    of = luminance(colors) + 0.05
    return (1.05 / of).min(), (of / (luminance([[18, 18, 18]]) + 0.05)).min()


def names(n):
    return [f"category {i:06d}" for i in range(n)]


def test_a_category_keeps_its_color_whatever_the_order_of_names():
    assert Palette.of(["b", "a", "c"]).colors == Palette.of(["a", "b", "c"]).colors


def test_lut_and_colors_agree():
    palette = Palette.of(["b", "a", "c"])
    shades = ["#{:02x}{:02x}{:02x}".format(*palette.lut[slot]) for slot in palette.slots(np.array([0, 1, 2, -1]))]
    assert shades == [palette.colors["b"], palette.colors["a"], palette.colors["c"], MISSING_COLOR]


def test_colors_are_distinct_and_read_on_white_and_on_black():
    palette = Palette.of(names(DISTINCT))
    assert len(set(palette.colors.values())) == DISTINCT
    light, dark = contrasts(palette.lut)
    assert light >= 2.0
    assert dark >= 2.6


@pytest.mark.parametrize("name", PALETTES)
def test_every_palette_is_distinct_and_begins_with_its_own_colors(name):
    palette = Palette.of(names(DISTINCT), name=name)
    shades = list(palette.colors.values())
    assert len(set(shades)) == DISTINCT
    own = [f"#{shade}" for shade in PALETTES[name].split()]
    assert shades[: len(own)] == own
    assert min(contrasts(palette.lut)) >= 1.9
    assert Palette.of(names(3)).named(name).colors == Palette.of(names(3), name=name).colors


def test_names_are_put_in_order_as_python_does():
    some = ["10", "9", "ß", "z", "", "א", "😀", "Z", "\uffff"]
    palette = Palette.of(some)
    assert np.argsort(palette.category_slots[:-1]).tolist() == sorted(range(len(some)), key=lambda code: some[code])


def test_rare_categories_share_one_color_and_common_ones_keep_theirs():
    n = 100_000
    amount = np.ones(n, int)
    amount[[5, 99_999]] = 1_000
    palette = Palette.of(names(n), amount)
    assert palette.n_other == n - DISTINCT
    assert OTHER_COLOR not in {palette.colors[names(n)[code]] for code in (5, 99_999)}
    assert palette.colors[names(n)[50_000]] == OTHER_COLOR
    assert len(palette.lut) == 256
    assert palette.slots(np.array([-1])).tolist() == [255]


def test_no_category_at_all_still_has_a_color_for_missing_rows():
    palette = Palette.of([])
    assert palette.lut[palette.slots(np.array([-1]))[0]].tolist() == [0x7B, 0x7F, 0x86]


def test_counts_put_missing_rows_last():
    assert counts(np.array([0, 2, 2, -1, -1, -1]), 4).tolist() == [1, 0, 2, 0, 3]


@pytest.mark.parametrize("name", COLORMAPS)
def test_color_maps_read_on_white_and_on_black(name):
    colors = colormap(name)
    assert colors.shape == (256, 3)
    assert colors.dtype == np.uint8
    assert min(contrasts(colors)) >= 1.9


def test_an_unknown_color_map_is_refused_with_the_choices():
    with pytest.raises(UnknownChoice, match=r"bmi is not a color map\. Did you mean bmy\?"):
        colormap("bmi")


@pytest.mark.parametrize(("values", "expected"), [
    ([], (0, 1)), ([np.nan, np.inf], (0, 1)), ([5, 5, np.nan], (4.5, 5.5)), ([0] * 999 + [8], (0, 8)), (np.arange(101), (1, 99)),
])  # fmt: skip
def test_limits_are_robust(values, expected):
    assert limits(np.array(values, np.float32)) == expected
