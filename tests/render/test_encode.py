"""Frames as files."""

import io

import numpy as np
from PIL import Image

from explorer.render.encode import encode_jpeg, encode_lossless
from explorer.render.frame import Frame
from explorer.render.view import View


def frame(seed=0, width=37, height=21):
    rgba = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    rgba[:, :9, 3] = 0
    return Frame(rgba, None, 0, View(0, 1, 0, 1), 1.0)


def test_a_lossless_picture_comes_back_as_it_was():
    made = frame()
    again = np.asarray(Image.open(io.BytesIO(encode_lossless(made))).convert("RGBA"))
    seen = made.rgba[..., 3] > 0
    np.testing.assert_array_equal(again[..., 3], made.rgba[..., 3])
    np.testing.assert_array_equal(again[seen], made.rgba[seen])


def test_a_jpeg_shows_what_was_drawn():
    rgba = np.full((32, 32, 4), 255, np.uint8)
    rgba[:, 16:, :3] = 200, 40, 90
    picture = Image.open(io.BytesIO(encode_jpeg(Frame(rgba, None, 0, View(0, 1, 0, 1), 1.0), quality=95, full_color=True)))
    assert picture.mode == "RGB"
    np.testing.assert_allclose(np.asarray(picture)[16, 4], 255, atol=3)
    np.testing.assert_allclose(np.asarray(picture)[16, 28], (200, 40, 90), atol=3)
