from __future__ import annotations

import numpy as np
import pytest

from explorer.lettering import Lettering, one_line, shortened, text_width


def drawn(text: str, *, size: float = 20, ink: str = "#1a1a1a") -> np.ndarray:
    strip = Lettering(600, 40, ink=ink)
    strip.text(5, 28, text, size=size)
    return strip.rgba


def glyph(letter: str) -> np.ndarray:
    strip = Lettering(40, 40, ink="#000000")
    strip.text(8, 28, letter, size=20)
    return strip.rgba[..., 3]


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("$x^2$", ["$", "x", "^", "2", "$"]),
        ("<b>a</b>", ["<", "b", ">", "a", "<", "/", "b", ">"]),
        (r"\alpha{}", ["\\", "a", "l", "p", "h", "a", "{", "}"]),
    ],
)
def test_markup_is_drawn_as_the_letters_it_is_written_with(text: str, apart: list[str]):
    assert text_width(text, 40) == pytest.approx(sum(text_width(letter, 40) for letter in apart), rel=0.08)
    assert drawn(text)[..., 3].any()


def test_letters_of_several_scripts_are_told_apart():
    glyphs = [glyph(letter) for letter in "aЖЮλעش"]
    assert all(picture.any() for picture in glyphs)
    assert all(not np.array_equal(one, other) for at, one in enumerate(glyphs) for other in glyphs[at + 1 :])


def test_letters_that_the_usual_font_lacks_come_from_another_one():
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    usual = [entry for entry in fontManager.ttflist if (entry.weight, entry.style, entry.stretch) == (400, "normal", "normal")]
    fonts = [FT2Font(entry.fname) for entry in usual if "Last Resort" not in entry.name and entry.name != "DejaVu Sans"]
    if not any(font.scalable and font.get_char_index(ord("中")) for font in fonts):
        assert glyph("中").any()  # the box that says "Chinese": there is no other font
        return
    assert not np.array_equal(glyph("中"), glyph("文"))


def test_the_ink_is_the_color_asked_for_and_the_ground_is_transparent():
    pixels = drawn("Words", ink="#ff0080")
    assert (pixels[pixels[..., 3] > 0][:, :3] == (0xFF, 0x00, 0x80)).all()
    assert (pixels[..., 3] == 0).mean() > 0.9


def test_a_line_too_long_is_cut_with_an_ellipsis_and_fits():
    for width in (20, 40, 99.5, 300):
        text = shortened("a label that goes on and on and on and on", width, 16)
        assert text_width(text, 16) <= width
        assert text.endswith("…")
    assert shortened("short", 200, 16) == "short"
    assert shortened("no room", 1, 16) == ""


def test_a_label_is_one_line_whatever_is_in_it():
    assert one_line("a\nb\t c\x00d\x1b[31m") == "a b c d [31m"
    assert len(one_line("long " * 100_000)) <= 300


def test_boxes_show_their_colors_from_left_to_right_also_at_the_edge():
    strip = Lettering(10, 4, ink="#000000")
    strip.box(2, 1, np.array([[255, 0, 0], [0, 0, 255]], np.uint8), width=4, height=2)
    strip.box(8, 0, np.array([[0, 255, 0]], np.uint8), width=9, height=1)
    pixels = strip.rgba
    assert pixels[1, 2:6, 0].tolist() == [255, 255, 0, 0]
    assert pixels[2, 2:6, 2].tolist() == [0, 0, 255, 255]
    assert pixels[0, 8:].tolist() == [[0, 255, 0, 255]] * 2
    assert not pixels[3, :, 3].any()


def test_an_empty_text_has_no_width_and_draws_nothing():
    assert text_width("", 16) == 0
    assert not drawn("")[..., 3].any()
