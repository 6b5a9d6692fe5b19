from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from explorer.coloring import coloring
from explorer.compute.projections import Layout
from explorer.data.dataset import open_dataset
from explorer.picture import COARSEST, Picture, PictureRequest, draw
from explorer.render.view import View
from explorer.scene import Run, Scene, stage
from explorer.shelf import shown

ASKED = PictureRequest("browser", 1, View(-3, 3, -2.3, 2.3), 900, 700, 1.0, moving=True, background="#ffffff")


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Rows in which no compression finds much to save."""
    numbers = np.random.default_rng(0)
    places = numbers.normal(size=(60_000, 2)).astype(np.float32)
    table = pa.table({"x": places[:, 0], "y": places[:, 1], "kind": numbers.choice(list("abcdefghij"), 60_000)})
    data = open_dataset(table, name="noise")
    on_map = shown(data, Run("x, y", None, {}, 0), Layout(places, "given", {}))
    return stage(data, on_map, coloring(data, "kind"), density="log", point_size=None, mask=None)


def weight(picture: Picture) -> int:
    return max(map(len, picture.pieces))


def test_in_motion_a_picture_weighs_at_most_150_kb(scene: Scene):
    assert 60_000 < weight(draw(scene, ASKED)) <= 150_000


@pytest.mark.parametrize("budget", [100_000, 40_000, 12_000])
def test_on_a_slow_way_a_picture_gets_coarser_before_it_gets_late(scene: Scene, budget: int):
    picture = draw(scene, ASKED._replace(budget=budget))
    assert weight(picture) <= budget
    assert picture.view == draw(scene, ASKED).view
    assert picture.coarseness > 0


def test_the_next_picture_begins_where_the_last_one_fitted_and_gets_finer_when_it_may(scene: Scene):
    slow = draw(scene, ASKED._replace(budget=12_000))
    again = draw(scene, ASKED._replace(budget=12_000), coarseness=slow.coarseness)
    assert (again.size, again.coarseness) == (slow.size, slow.coarseness)
    level = slow.coarseness
    for _ in range(COARSEST):
        picture = draw(scene, ASKED, coarseness=level)
        assert picture.coarseness <= level
        level = picture.coarseness
    assert draw(scene, ASKED, coarseness=level).size == draw(scene, ASKED).size


@pytest.mark.parametrize("budget", [-5, 0, 1])
def test_whatever_little_a_way_carries_there_is_a_picture(scene: Scene, budget: int):
    picture = draw(scene, ASKED._replace(budget=budget))
    assert picture.coarseness >= COARSEST - 2
    assert weight(picture) < 4_000


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_at_rest_the_pieces_make_the_lossless_picture(scene: Scene, ratio: float):
    rest = ASKED._replace(moving=False, ratio=ratio)
    picture, whole = (draw(scene, rest._replace(width=width, budget=budget)) for width, budget in ((900, 20_000), (900, 10_000_000)))
    assert len(picture.pieces) > 1
    assert weight(picture) < 2 * 2 * 20_000  # the middle of the map weighs more than its edge
    assert picture.tops[0] == 0
    strips = [np.asarray(opened(piece)) for piece in picture.pieces]
    assert np.cumsum([0, *map(len, strips)])[:-1].tolist() == list(picture.tops)
    together = np.concatenate(strips)
    assert together.shape == (round(700 * ratio), round(900 * ratio), 4)
    expected = np.concatenate([np.asarray(opened(piece)) for piece in whole.pieces])
    assert np.array_equal(together[..., 3], expected[..., 3])
    assert np.array_equal(together[together[..., 3] > 0], expected[expected[..., 3] > 0])


def test_a_setting_limits_how_fine_a_picture_at_rest_is(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    rest = ASKED._replace(moving=False, ratio=4.0, width=90, height=70)
    assert draw(scene, rest).size == (180, 140)
    monkeypatch.setenv("EXPLORER_PIXEL_RATIO", "3")
    assert draw(scene, rest).size == (270, 210)


@pytest.mark.parametrize("n", [60_000, 600_000])
def test_brightness_does_not_depend_on_how_fine_a_picture_is(n: int):
    places = np.random.default_rng(1).normal(size=(n, 2)).astype(np.float32)
    data = open_dataset(places, name="noise")
    on_map = shown(data, Run("x, y", None, {}, 0), Layout(places, "given", {}))
    made = stage(data, on_map, coloring(data, None), density="log", point_size=None, mask=None)
    means = []
    for changes in ({"moving": False}, {"moving": False, "ratio": 2.0}, {"budget": 20_000}):
        pieces = draw(made, ASKED._replace(**changes)).pieces
        pixels = np.concatenate([on_white(opened(piece)) for piece in pieces])
        height, width = pixels.shape[:2]
        center = pixels[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3, :3]
        means.append(float(center.mean()))
    assert np.ptp(means) < 5, means


def on_white(picture: Image.Image) -> np.ndarray:
    return np.asarray(Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture))


def opened(piece: bytes) -> Image.Image:
    return Image.open(io.BytesIO(piece)).convert("RGBA")
