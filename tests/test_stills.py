from __future__ import annotations

import base64
import gc
import io
import time

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from explorer.coloring import coloring
from explorer.data.dataset import open_dataset
from explorer.scene import Run, Scene, stage
from explorer.shelf import shown
from explorer.stills import prepare_still, still


def made(places: np.ndarray) -> Scene:
    data = open_dataset(pa.table({"x": places[:, 0], "y": places[:, 1]}))
    on_map = shown(data, Run("x, y", None, {}, 0), data.layouts[0])
    return stage(data, on_map, coloring(data, None), density="log", point_size=None, mask=None)


@pytest.mark.parametrize("stretch", [(1, 1), (30, 1), (1, 5)])
def test_a_still_has_the_proportions_of_the_map_and_is_drawn_once(stretch: tuple[float, float]):
    scene = made(np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32) * np.array(stretch, np.float32))
    assert still(scene) is None
    end = time.monotonic() + 30
    while (found := still(scene)) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    for data, width, height in ((found.wide, 900, 700), (found.narrow, 420, 700)):
        picture = Image.open(io.BytesIO(base64.b64decode(data.removeprefix("data:image/webp;base64,"))))
        home = scene.shown.index.home
        assert picture.width <= width
        assert picture.height <= height
        assert picture.width / picture.height == pytest.approx(home.span[0] / home.span[1], rel=0.05)
        assert np.asarray(picture.convert("RGBA"))[..., 3].max() > 100
    assert still(scene) is found


def test_what_is_prepared_is_there_for_the_first_page():
    scene = made(np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32))
    prepare_still(scene)
    assert still(scene) is not None


def test_a_map_that_nobody_has_open_any_more_leaves_no_still():
    from explorer import stills

    gc.collect()
    before = len(stills._drawn)
    scene = made(np.zeros((3, 2), np.float32))
    still(scene)
    stills._drawer.submit(lambda: None).result(30)
    assert len(stills._drawn) == before + 1
    del scene
    gc.collect()
    stills._drawer.submit(lambda: None).result(30)
    gc.collect()
    assert len(stills._drawn) <= before
