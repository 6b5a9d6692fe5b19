"""What a browser gets when a person exports: the files, opened as that person would."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import explorer
from tests.browser.conftest import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Download

Open = Callable[..., Watched]


def export(page: Watched, name: str) -> Download:
    """Press a button of the panel and wait for the file."""
    with page.page.expect_download() as waiting:
        page.button(name).click()
    return waiting.value


def set_width(page: Watched, width: str) -> None:
    field = page.page.get_by_label("Width (px)")
    field.fill(width)
    field.press("Enter")
    page.page.wait_for_timeout(300)


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


@pytest.fixture
def page(sample_page: Watched) -> Watched:
    set_width(sample_page, "")
    return sample_page


def test_the_picture_is_what_is_on_screen_twice_as_large(page: Watched, tmp_path: Path):
    page.zoom(4)
    page.settle()
    page.page.get_by_label("Title and legend").uncheck()
    page.choose("Background", "transparent")
    page.choose("Labels on the map", "none")  # on screen they are no part of the picture
    got = export(page, "Picture (PNG)")
    page.choose("Labels on the map", "automatic")
    page.page.get_by_label("Title and legend").check()
    page.choose("Background", "as the page")
    assert got.suggested_filename == "WordNet-10000-senses-UMAP.png"
    got.save_as(tmp_path / "map.png")
    picture = opened(tmp_path / "map.png")
    box = page.box()
    assert picture.size == (round(2 * box["width"]), round(2 * round(box["width"]) * box["height"] / box["width"]))
    assert picture.info == {"Title": "WordNet, 10,000 senses", "Software": "Explorer"}
    on_screen = page.pixels()[..., 3].astype(float)
    smaller = np.asarray(picture.getchannel("A").resize(on_screen.shape[::-1], Image.Resampling.BOX), float)
    assert np.corrcoef(on_screen.ravel(), smaller.ravel())[0, 1] > 0.97
    assert smaller.mean() == pytest.approx(on_screen.mean(), rel=0.1)


def test_a_wide_picture_comes_in_pieces_and_whole(page: Watched, tmp_path: Path):
    set_width(page, "6000")
    export(page, "Picture (PNG)").save_as(tmp_path / "map.png")
    picture = opened(tmp_path / "map.png")
    assert picture.width == 6000
    assert (tmp_path / "map.png").stat().st_size > 2 * 512 * 1024
    picture.load()
    assert page.page.locator(".download .file").count() == 0


def test_a_width_that_cannot_be_is_told_at_the_field(page: Watched):
    set_width(page, "8001")
    page.page.get_by_text("a number from 1 to 8,000, or empty").wait_for()


@pytest.mark.parametrize(("name", "read"), [("CSV", partial(pd.read_csv, keep_default_na=False)), ("Parquet", pd.read_parquet)])
def test_the_table_has_the_rows_in_view(page: Watched, name: str, read: Callable[[Path], pd.DataFrame], tmp_path: Path):
    page.zoom(4)
    page.settle()
    x0, x1, y0, y1 = page.view()
    got = export(page, f"Rows in view ({name})")
    assert got.suggested_filename == f"WordNet-10000-senses-UMAP-rows.{name.lower()}"
    got.save_as(tmp_path / "rows")
    frame = read(tmp_path / "rows")
    sample = explorer.catalog().find("wordnet-10k").open()
    x, y = sample.layouts[0].coordinates.astype(float).T
    inside = np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))
    assert 0 < len(inside) < sample.n_rows
    assert frame["row"].tolist() == inside.tolist()
    assert frame["word"].astype(str).tolist() == sample.frame(inside)["word"].astype(str).tolist()
    assert np.allclose(frame["x"], x[inside])


def test_in_the_dark_the_picture_is_dark(server: str, open_page: Open, tmp_path: Path):
    page = open_page(server, dark=True)
    page.wait_for_picture()
    page.settle()
    page.page.wait_for_timeout(1000)  # the map looks twice a second whether the theme changed
    page.settle()
    export(page, "Picture (PNG)").save_as(tmp_path / "map.png")
    assert max(opened(tmp_path / "map.png").convert("RGB").getpixel((1, 1))) < 0x30


def test_keys_export_too(page: Watched, tmp_path: Path):
    set_width(page, "200")
    with page.page.expect_download() as waiting:
        page.button("Picture (PNG)").focus()
        page.page.keyboard.press("Enter")
    waiting.value.save_as(tmp_path / "map.png")
    assert opened(tmp_path / "map.png").width == 200
