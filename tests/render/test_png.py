from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from explorer.render.png import write_png


def written(pixels: np.ndarray, cuts: list[int], **texts: str) -> Image.Image:
    file = io.BytesIO()
    height, width, channels = pixels.shape
    write_png(file, np.split(pixels, cuts), width=width, height=height, channels=channels, texts=texts)
    picture = Image.open(file)
    picture.load()
    return picture


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("cuts", [[], [1], [7, 8, 20]])
def test_what_is_written_in_bands_is_read_as_one_picture(channels: int, cuts: list[int]):
    pixels = np.random.default_rng(0).integers(0, 256, (23, 17, channels), np.uint8)
    picture = written(pixels, cuts)
    assert picture.mode == {3: "RGB", 4: "RGBA"}[channels]
    assert np.array_equal(np.asarray(picture), pixels)


def test_the_file_says_what_it_is_in_any_script():
    assert written(np.zeros((1, 1, 3), np.uint8), [], Title="Köln 中文", Software="Explorer").info == {
        "Title": "Köln 中文",
        "Software": "Explorer",
    }


def test_a_band_may_be_a_part_of_a_wider_array():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4), np.uint8)
    assert np.array_equal(np.asarray(written(pixels[..., :3], [2])), pixels[..., :3])
