from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from explorer import picture_file
from explorer.coloring import coloring
from explorer.compute.progress import Stopped
from explorer.compute.projections import Layout
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import BadParameter, UnknownChoice, UnknownFormat, Unwritable
from explorer.labels import wanted_labels
from explorer.picture_file import Window, save_picture, write_picture
from explorer.picture_words import Words, legend_strip
from explorer.render.frame import FrameRequest, render
from explorer.render.view import View
from explorer.scene import Run, Scene, stage
from explorer.shelf import shown
from explorer.state.appearance import Hidden

N = 300
HOSTILE = "$x^2$ <b>Köln</b> 中文 \\frac{1}{2}"


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    numbers = np.random.default_rng(0)
    kinds = [f"kind {i % 12}" for i in range(N)]
    table = pa.table({"x": numbers.normal(size=N), "y": numbers.normal(size=N), "kind": kinds, "score": np.linspace(0, 1, N)})
    return open_dataset(table, name=HOSTILE)


def scene(dataset: Dataset, *, color: str | None = "kind", **changes: Any) -> Scene:
    usual: dict[str, Any] = {"density": "log", "point_size": None, "mask": None}
    given = dataset.layouts[0]
    on_map = shown(dataset, Run("x, y", None, {}, 0), Layout(given.coordinates, "given", {}))
    return stage(dataset, on_map, coloring(dataset, color), **{**usual, **changes})


def window(scene: Scene, **changes: Any) -> Window:
    return Window(scene.shown.index.home.fitted(450, 350), 450, 350)._replace(**changes)


def picture(scene: Scene, shown: Window | None = None, **options: Any) -> Image.Image:
    file = io.BytesIO()
    write_picture(file, scene, window(scene) if shown is None else shown, **options)
    made = Image.open(file)
    made.load()
    return made


def bare(scene: Scene, shown: Window | None = None, **options: Any) -> np.ndarray:
    return np.asarray(picture(scene, shown, title="", legend=False, background="transparent", **options))


@pytest.mark.parametrize("width", [1, 10, 119, 120, 450, 900, 1801])
def test_a_picture_is_as_wide_as_asked_and_as_high_as_the_window_says(dataset: Dataset, width: int):
    assert bare(scene(dataset), width=width).shape == (max(round(width * 350 / 450), 1), width, 4)
    worded = picture(scene(dataset), width=width)
    assert worded.width == width
    assert (worded.height > round(width * 350 / 450)) == (width >= 120), "there is room for words, or there is none"


def test_by_default_it_is_twice_as_wide_as_the_map_on_screen(dataset: Dataset):
    assert bare(scene(dataset)).shape[1] == 900


def test_the_widest_picture_is_as_wide_as_asked(dataset: Dataset):
    assert picture(scene(dataset), window(scene(dataset), height=20), width=8000, title="", legend=False).size == (8000, 356)


@pytest.mark.parametrize("width", [0, -1, 8001, 2.5, True, float("nan")])
def test_a_width_that_cannot_be_is_refused_in_a_sentence(dataset: Dataset, width: Any):
    with pytest.raises(BadParameter, match="whole number of pixels from 1 to 8,000"):
        picture(scene(dataset), width=width)


def test_a_window_far_higher_than_wide_is_refused_only_where_the_picture_would_be_endless(dataset: Dataset):
    tall = window(scene(dataset), width=10.0, height=1000.0)
    assert bare(scene(dataset), tall, width=200).shape == (20_000, 200, 4)
    with pytest.raises(BadParameter, match="may be 200 pixels wide at most"):
        picture(scene(dataset), tall, width=201)


def test_no_other_background_is_known(dataset: Dataset):
    with pytest.raises(UnknownChoice, match="Did you mean white"):
        picture(scene(dataset), background="whit")  # type: ignore[arg-type]


@pytest.mark.parametrize("color", ["kind", "score", None])
@pytest.mark.parametrize("chosen", [False, True])
def test_the_map_in_it_is_what_render_draws_at_that_size(dataset: Dataset, color: str | None, *, chosen: bool):
    mask = np.arange(N) % 3 == 0 if chosen else None
    made = scene(dataset, color=color, mask=mask)
    view = window(made).view
    on_screen = FrameRequest(
        index=made.shown.index, view=view, width=450, height=350, color=made.color, normalization=made.normalization, selected=made.selected
    )
    point_px = render(on_screen).point_px
    assert point_px > 1
    request = FrameRequest(
        index=made.shown.index,
        view=view.fitted(1350, 1050),
        width=1350,
        height=1050,
        color=made.color,
        normalization=made.normalization,
        selected=made.selected,
        point_px=point_px * 3,
        pixel_ratio=3.0,
    )
    assert np.array_equal(bare(made, width=1350), render(request).rgba)


@pytest.mark.parametrize("changes", [{}, {"point_size": 1.0}, {"color": "score"}])
def test_bands_leave_no_seam(dataset: Dataset, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    made = scene(dataset, **changes)
    whole = bare(made, width=600)
    monkeypatch.setattr(picture_file, "_BAND_PIXELS", 600 * 13)
    cut = bare(made, width=600)
    assert whole.shape == cut.shape
    assert np.abs(whole.astype(int) - cut.astype(int)).max() <= 2, "centers of discs are rounded in float32"
    assert np.mean(whole != cut) < 0.01


def test_seen_from_afar_it_is_as_dark_as_the_screen():
    numbers = np.random.default_rng(0)
    places = numbers.normal(size=(400_000, 2)).astype(np.float32)
    data = open_dataset(pa.table({"x": places[:, 0], "y": places[:, 1]}), name="many")
    made = scene(data, color=None)
    view = made.shown.index.home.fitted(450, 350)
    request = FrameRequest(index=made.shown.index, view=view, width=450, height=350, color=made.color, normalization=made.normalization)
    frame = render(request)
    assert frame.point_px == 1
    large = bare(made, Window(view, 450, 350), width=1800)[..., 3].reshape(350, 4, 450, 4).mean(axis=(1, 3))
    assert large.mean() == pytest.approx(frame.rgba[..., 3].mean(), rel=0.1)


def test_backgrounds_are_the_page_s_white_and_none(dataset: Dataset):
    made = scene(dataset)
    dark = window(made, background="#121212")
    for background, corner in (("page", (0x12,) * 3), ("white", (255,) * 3), ("transparent", (0,))):
        pixel = picture(made, dark, background=background).getpixel((2, 2))
        assert pixel[-len(corner) :] == corner


def test_words_are_light_on_a_dark_page_and_dark_on_a_light_one(dataset: Dataset):
    made = scene(dataset)
    for page, background, light in (("#121212", "page", True), ("#121212", "white", False), ("#ffffff", "page", False)):
        top = np.asarray(picture(made, window(made, background=page), background=background).convert("L"))[:30].astype(int)
        ground = top[0, 0]
        assert (top.max() > ground + 90) == light
        assert (top.min() < ground - 90) == (not light)


def test_hidden_categories_are_neither_drawn_nor_explained(dataset: Dataset):
    every, some = scene(dataset), scene(dataset, hidden=Hidden.but(["kind 3"]))
    assert (bare(some)[..., 3] > 0).sum() < (bare(every)[..., 3] > 0).sum() / 4
    words = Words(900, 2.0, "#000000")
    shorter, longer = (legend_strip(words, made, most_height=300) for made in (some, every))
    assert shorter is not None
    assert longer is not None
    assert len(np.unique(shorter[..., :3].reshape(-1, 3), axis=0)) < len(np.unique(longer[..., :3].reshape(-1, 3), axis=0))


def test_a_legend_takes_no_more_than_its_height_whatever_it_explains():
    numbers = np.random.default_rng(0)
    kinds = [f"{HOSTILE} {i % 700}" for i in range(2000)]
    data = open_dataset(
        pa.table({"x": numbers.normal(size=2000), "y": numbers.normal(size=2000), "kind": kinds}), name="many", color="kind"
    )
    made = scene(data)
    for width in (120, 300, 2000):
        strip = legend_strip(Words(width, 1.0, "#000000"), made, most_height=100)
        assert strip is not None
        assert strip.shape[1] == width
        assert len(strip) < 100 + 6 * 19


def test_a_color_bar_shows_the_whole_color_map(dataset: Dataset):
    made = scene(dataset, color="score")
    strip = legend_strip(Words(900, 2.0, "#000000"), made, most_height=300)
    assert strip is not None
    colors = {tuple(color) for color in strip[..., :3].reshape(-1, 3).tolist()}
    assert {tuple(color) for color in made.coloring.lut.tolist()} <= colors


def test_one_color_needs_no_legend(dataset: Dataset):
    assert legend_strip(Words(900, 2.0, "#000000"), scene(dataset, color=None), most_height=300) is None


def test_an_empty_view_is_an_empty_map_with_its_title(dataset: Dataset):
    made = scene(dataset)
    nowhere = window(made, view=View(1e6, 1e6 + 9, 0, 7))
    assert not bare(made, nowhere)[..., 3].any()
    assert picture(made, nowhere).height > 700


@pytest.mark.parametrize("view", [View(0, 0, 0, 0), View(np.nan, np.inf, 1, -1), View(1.0, 1.0 + 1e-12, 1.0, 1.0 + 1e-12)])
def test_any_view_makes_a_picture(dataset: Dataset, view: View, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(picture_file, "_BAND_PIXELS", 1000)
    assert bare(scene(dataset), window(scene(dataset), view=view), width=200).shape == (156, 200, 4)


def test_the_file_says_its_title_and_what_made_it(dataset: Dataset):
    assert picture(scene(dataset)).info == {"Title": HOSTILE, "Software": "Explorer"}
    assert picture(scene(dataset), title="Mine").info["Title"] == "Mine"


def test_it_can_be_stopped_and_tells_how_far_it_is(dataset: Dataset, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(picture_file, "_BAND_PIXELS", 30_000)
    told: list[float] = []
    picture(scene(dataset), report=lambda _, fraction, layout=None: told.append(fraction))
    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == 1
    with pytest.raises(Stopped):
        picture(scene(dataset), should_stop=lambda: True)


def test_a_file_that_cannot_be_written_is_a_sentence_and_leaves_nothing(dataset: Dataset, tmp_path: Path):
    made = scene(dataset)
    with pytest.raises(UnknownFormat, match=r"\.png"):
        save_picture(tmp_path / "map.jpg", made, window(made))
    with pytest.raises(Unwritable, match="there is no folder"):
        save_picture(tmp_path / "nowhere" / "map.png", made, window(made))
    with pytest.raises(BadParameter, match="width=0"):
        save_picture(tmp_path / "map.png", made, window(made), width=0)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(Unwritable, match=r"folder\.png"):
        save_picture(tmp_path / "folder.png", made, window(made))
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_categories_are_named_on_the_map_where_that_is_asked_for(dataset: Dataset):
    made = scene(dataset)
    without, named = bare(made), bare(made, labels=wanted_labels(made, "categories"))
    assert without.shape == named.shape
    assert (without != named).any(axis=-1).sum() > 500
    np.testing.assert_array_equal(bare(made, labels=list), without)
