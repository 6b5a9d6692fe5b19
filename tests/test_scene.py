from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from explorer.coloring import Coloring, coloring, recolored
from explorer.compute.projections import Layout
from explorer.data.dataset import Dataset, open_dataset
from explorer.picture import Picture, PictureRequest, draw
from explorer.render.color import ByCategory
from explorer.render.view import View
from explorer.scene import Run, Scene, Shown, stage
from explorer.shelf import shown
from explorer.state.appearance import Hidden

PLACES = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [0.5, 0.5], [np.nan, np.nan]], np.float32)
REQUEST = PictureRequest("browser", 7, View(-0.1, 1.1, -0.1, 1.1), 200, 100, 1.0, moving=False, background="#ffffff")


@pytest.fixture
def dataset() -> Dataset:
    table = pa.table({"x": PLACES[:, 0], "y": PLACES[:, 1], "kind": ["a", "b", "a", "b", "a", "b"]})
    return open_dataset(table, name="Köln & <b>Bonn</b>")


@pytest.fixture
def on_map(dataset: Dataset) -> Shown:
    return shown(dataset, Run("x, y", None, {}, 0), Layout(PLACES, "given", {}))


def scene(dataset: Dataset, on_map: Shown, **changes: Any) -> Scene:
    usual: dict[str, Any] = {"density": "log", "point_size": None, "mask": None}
    color = coloring(dataset, changes.pop("color", "kind"))
    return stage(dataset, on_map, changes.pop("coloring", color), **{**usual, **changes})


def pixels(picture: Picture) -> np.ndarray:
    (data,) = picture.pieces
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def test_a_message_is_a_header_that_says_what_it_shows_and_an_image(dataset: Dataset, on_map: Shown):
    picture = draw(scene(dataset, on_map), REQUEST)
    message = picture.message(push=3, seconds=0.012)
    length = int.from_bytes(message[:2], "big")
    head = json.loads(message[2 : 2 + length])
    assert [message[2 + length :]] == picture.pieces
    view = picture.view
    assert head == {
        "client": "browser",
        "id": 7,
        "push": 3,
        "moving": False,
        "type": "image/webp",
        "x0": view.x0,
        "x1": view.x1,
        "y0": view.y0,
        "y1": view.y1,
        "width": 200,
        "height": 100,
        "piece": 0,
        "pieces": 1,
        "top": 0,
        "ms": 12.0,
        "journey": 0,
        "t": 0.0,
        "live": False,
        "visible": 5,
        "alt": "x, y map of Köln & <b>Bonn</b>: 5 rows in view",
    }


def test_a_header_fits_into_its_two_bytes_whatever_the_names_are():
    long = "😀" * 50_000
    data = open_dataset(PLACES[:5], name=long)
    on_map = shown(data, Run(long, None, {}, 0), Layout(PLACES[:5], "given", {}))
    message = draw(scene(data, on_map, color=None), REQUEST).message(1)
    json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")])


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0, 3.0])
def test_the_row_at_a_place_is_the_one_drawn_there(dataset: Dataset, on_map: Shown, ratio: float):
    picture = draw(scene(dataset, on_map), REQUEST._replace(ratio=ratio))
    for row, (x, y) in enumerate(PLACES[:5].tolist()):
        assert picture.row_at(x, y) == row
        assert picture.row_at(x + 0.01, y - 0.01) == row
    assert picture.row_at(0.25, 0.25) is None
    for nowhere in (float("nan"), float("inf"), 1e300, -5.0):
        assert picture.row_at(nowhere, 0.0) is None


def test_at_rest_a_picture_is_lossless_transparent_and_knows_its_rows(dataset: Dataset, on_map: Shown):
    picture = draw(scene(dataset, on_map), REQUEST._replace(ratio=2.0))
    assert picture.mime == "image/webp"
    assert picture.pieces[0][8:16] == b"WEBPVP8L"
    assert picture.row_ids.shape == (200, 400)
    assert set(np.unique(picture.row_ids)) == {-1, 0, 1, 2, 3, 4}
    drawn = pixels(picture)
    assert drawn.shape == (200, 400, 4)
    assert drawn[0, 200, 3] == 0
    made = coloring(dataset, "kind")
    y, x = np.argwhere(picture.row_ids == 4)[0]
    assert "#{:02x}{:02x}{:02x}".format(*drawn[y, x, :3]) == made.color_of(4)


def test_while_something_moves_a_picture_is_a_jpeg_on_the_background_without_rows(dataset: Dataset, on_map: Shown):
    picture = draw(scene(dataset, on_map), REQUEST._replace(moving=True, ratio=2.0, background="#204060"))
    assert picture.mime == "image/jpeg"
    assert picture.pieces[0][:2] == b"\xff\xd8"
    assert picture.row_ids is None
    assert picture.row_at(0, 0) is None
    drawn = pixels(picture)
    assert drawn.shape == (100, 200, 4)  # device pixels can wait
    assert np.abs(drawn[2, 100, :3].astype(int) - (0x20, 0x40, 0x60)).max() <= 4


def test_a_mask_fades_what_is_not_selected(dataset: Dataset, on_map: Shown):
    mask = np.array([True, False, False, False, False, False])
    plain, masked = (
        draw(scene(dataset, on_map, mask=mask, point_size=4.0) if faded else scene(dataset, on_map, point_size=4.0), REQUEST)
        for faded in (False, True)
    )

    def at(picture: Picture, row: int) -> np.ndarray:
        y, x = np.argwhere(picture.row_ids == row)[0]
        return pixels(picture)[y, x]

    assert np.array_equal(at(masked, 0), at(plain, 0))
    for row in (1, 2, 3, 4):
        assert at(masked, row)[3] < at(plain, row)[3] / 2


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0.0, "height": 0.0},
        {"width": -5.0},
        {"width": 1e9, "height": 3.0},
        {"ratio": 1e9},
        {"ratio": -1.0},
        {"view": View(1, -1, 1, -1)},
        {"view": View(0, 0, 0, 0)},
        {"view": View(1e300, -1e300, 5, 5)},
        {"view": View(1e-300, 2e-300, 0, 1e-300)},
    ],
    ids=str,
)
@pytest.mark.parametrize("moving", [False, True])
def test_whatever_a_browser_asks_for_there_is_a_picture(dataset: Dataset, on_map: Shown, changes: dict[str, Any], moving: bool):  # noqa: FBT001
    picture = draw(scene(dataset, on_map), REQUEST._replace(moving=moving, **changes))
    height, width = pixels(picture).shape[:2]
    assert 1 <= height <= 4096
    assert 1 <= width <= 4096
    assert picture.row_at(0, 0) in {None, 0, 1, 2, 3, 4}
    assert len(picture.message(1)) > len(picture.pieces[0])


def test_what_an_earlier_scene_prepared_is_used_again(dataset: Dataset, on_map: Shown):
    first = scene(dataset, on_map, mask=np.ones(6, bool))
    again = stage(dataset, on_map, first.coloring, density="log", point_size=3.0, mask=first.selection_mask, before=first)
    assert (again.color, again.normalization, again.selected) == (first.color, first.normalization, first.selected)
    other = stage(dataset, on_map, coloring(dataset, None), density="linear", point_size=3.0, mask=np.zeros(6, bool), before=first)
    assert other.color is not first.color
    assert other.normalization.how == "linear"
    assert other.selected is not first.selected


def test_nothing_of_a_scene_with_another_layout_is_used(dataset: Dataset, on_map: Shown):
    first = scene(dataset, on_map, mask=np.ones(6, bool))
    elsewhere = shown(dataset, Run("x, y", None, {}, 0), Layout(PLACES[::-1].copy(), "given", {}))
    second = stage(dataset, elsewhere, first.coloring, density="log", point_size=None, mask=first.selection_mask, before=first)
    assert second.color is not first.color
    assert second.selected is not first.selected
    picture = draw(second, REQUEST)
    assert picture.row_at(*PLACES[0].tolist()) == 5


def test_rows_in_hidden_categories_are_not_drawn_and_cannot_be_pointed_at(dataset: Dataset, on_map: Shown):
    whole, part = scene(dataset, on_map), scene(dataset, on_map, hidden=Hidden(frozenset(["b"])))
    picture = draw(part, REQUEST)
    assert (whole.n_shown, part.n_shown, picture.n_visible) == (5, 3, 3)
    assert set(np.unique(picture.row_ids)) == {-1, 0, 2, 4}
    assert picture.row_at(*PLACES[1].tolist()) is None
    y, x = np.argwhere(picture.row_ids == 4)[0]
    assert pixels(picture)[y, x].tolist() == pixels(draw(whole, REQUEST))[y, x].tolist()
    nothing = scene(dataset, on_map, hidden=Hidden.but([]))
    assert nothing.n_shown == 0
    assert not pixels(draw(nothing, REQUEST)).any()


def test_what_is_hidden_and_what_is_selected_are_two_things(dataset: Dataset, on_map: Shown):
    mask = np.array([True, True, False, False, False, False])
    made = scene(dataset, on_map, mask=mask, hidden=Hidden(frozenset(["b"])))
    assert set(np.unique(draw(made, REQUEST).row_ids)) == {-1, 0, 2, 4}
    assert made.selection_mask is mask


def test_a_filter_mask_is_made_once_for_as_long_as_it_holds(dataset: Dataset, on_map: Shown):
    first = scene(dataset, on_map, hidden=Hidden(frozenset(["b"])))

    def again(shown: Shown = on_map, *, color: Coloring = first.coloring, hidden: Hidden = Hidden(frozenset("b"))) -> Scene:  # noqa: B008
        return stage(dataset, shown, color, density="linear", point_size=3.0, mask=None, hidden=hidden, before=first)

    assert again().shown_mask is first.shown_mask
    assert again().shown_rows is first.shown_rows
    elsewhere = shown(dataset, Run("x, y", None, {}, 0), Layout(PLACES[::-1].copy(), "given", {}))
    assert again(elsewhere).shown_mask is first.shown_mask
    assert again(elsewhere).shown_rows is not first.shown_rows
    assert again(hidden=Hidden(frozenset("a"))).n_shown == 2
    assert again(color=coloring(dataset, None)).shown_mask is None


def test_another_palette_needs_no_more_than_its_colors(dataset: Dataset, on_map: Shown):
    first = scene(dataset, on_map)
    made = recolored(first.coloring, palette="Tableau")
    second = stage(dataset, on_map, made, density="log", point_size=None, mask=None, before=first)
    assert isinstance(first.color, ByCategory)
    assert isinstance(second.color, ByCategory)
    assert second.color.slots is first.color.slots
    picture = draw(second, REQUEST)
    y, x = np.argwhere(picture.row_ids == 4)[0]
    assert "#{:02x}{:02x}{:02x}".format(*pixels(picture)[y, x, :3]) == made.color_of(4) == "#4e79a7"
