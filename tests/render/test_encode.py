"""Frames as files."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.errors import BadParameter
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


@pytest.mark.parametrize("background", ["#ffffff", "#121212", "#3080f0"])
def test_a_jpeg_is_blended_with_the_background(background):
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[:, 16:] = 200, 40, 90, 128
    data = encode_jpeg(Frame(rgba, None, 0, View(0, 1, 0, 1), 1.0), background=background, quality=95, full_color=True)
    picture = Image.open(io.BytesIO(data))
    assert picture.mode == "RGB"
    ground = np.array([int(background[i : i + 2], 16) for i in (1, 3, 5)])
    np.testing.assert_allclose(np.asarray(picture)[16, 4], ground, atol=3)
    np.testing.assert_allclose(np.asarray(picture)[16, 28], ground * (127 / 255) + np.array([200, 40, 90]) * (128 / 255), atol=3)


@pytest.mark.parametrize("background", ["white", "#fff", "#gggggg", "", "#-11111"])
def test_a_background_that_is_no_color_is_refused(background):
    with pytest.raises(BadParameter, match="#rrggbb"):
        encode_jpeg(frame(), background=background)
