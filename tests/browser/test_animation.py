"""The page that ``explorer animate -o out.html`` writes, opened from the disk as a person would."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

import explorer

HOSTILE = """<script>document.title = "hacked"</script>"><img src=x onerror='document.title = "hacked"'> {{script}} & Köln"""
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def strip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven pictures of a way that takes 0.6 seconds; a hostile file's names are in it."""
    places = np.random.default_rng(0).normal(size=(200, 4)) * (5, 5, 30, 30)
    table = pd.DataFrame(places, columns=["umap_1", "umap_2", "tsne_1", "tsne_2"])
    table["<b>kind</b>"] = ["<i>one</i>", "two"] * 100
    path = tmp_path_factory.mktemp("strip") / "out.html"
    dataset = explorer.open_dataset(table, name=HOSTILE, color="<b>kind</b>")
    explorer.animate(dataset, path, width=640, seconds=0.6, fps=10)
    return path


@pytest.fixture
def open_strip(browser: Browser, strip: Path) -> Iterator[Open]:
    """Open the page; what is fetched beside it, and every error in the console, fails the test at its end."""
    contexts, wrong = [], []

    def open_(*, motion: Literal["reduce", "no-preference"] = "no-preference", width: int = 900) -> Page:
        context = browser.new_context(reduced_motion=motion, viewport={"width": width, "height": 700})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(("data:", strip.as_uri())) else wrong.append(asked.url))
        page.goto(strip.as_uri())
        page.locator("#map[data-frame]").wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def frame(page: Page) -> int:
    return int(page.locator("#map").get_attribute("data-frame") or -1)


def pixels(page: Page) -> np.ndarray:
    data = page.locator("#map").evaluate("canvas => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB")).astype(int)


def strip_picture(page: Page, place: int) -> np.ndarray:
    data = page.locator("#frames img").nth(place).get_attribute("src") or ""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB")).astype(int)


def test_it_plays_there_and_back_until_somebody_stops_it(open_strip: Open):
    page = open_strip()
    page.locator('#map[data-frame="6"]').wait_for()
    page.locator('#map[data-frame="0"]').wait_for()
    page.get_by_role("button", name="Pause").click()
    stopped = frame(page)
    page.wait_for_timeout(400)
    assert frame(page) == stopped
    page.get_by_role("button", name="Play").click()
    page.locator(f'#map:not([data-frame="{stopped}"])').wait_for()


def test_the_slider_and_the_names_hold_the_map_anywhere(open_strip: Open):
    page = open_strip()
    page.get_by_role("button", name="tsne").click()
    assert np.abs(pixels(page) - strip_picture(page, 6)).max() <= 2
    page.get_by_role("slider").fill("3")
    assert frame(page) == 3
    assert np.abs(pixels(page) - strip_picture(page, 3)).max() <= 2
    assert page.get_by_role("slider").get_attribute("aria-valuetext") == "50 % of the way"
    page.get_by_role("button", name="umap").click()
    assert frame(page) == 0
    assert page.locator("#map").get_attribute("data-playing") == "false"


def test_it_is_worked_by_keys(open_strip: Open):
    page = open_strip()
    page.keyboard.press("Space")
    assert page.locator("#map").get_attribute("data-playing") == "false"
    seen = []
    for key in ("End", "ArrowLeft", "ArrowLeft", "ArrowRight", "Home", "ArrowLeft"):
        page.keyboard.press(key)
        seen.append(frame(page))
    assert seen == [6, 5, 4, 5, 0, 0]
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert frame(page) == 1
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Space")
    assert page.locator("#map").get_attribute("data-playing") == "true"


def test_with_reduced_motion_one_layout_fades_into_the_other(open_strip: Open):
    page = open_strip(motion="reduce")
    page.wait_for_timeout(300)
    assert (frame(page), page.locator("#map").get_attribute("data-playing")) == (0, None)
    page.evaluate("""window.seen = new Set();
        new MutationObserver(() => seen.add(document.getElementById('map').dataset.frame))
        .observe(document.getElementById('map'), {attributes: true})""")
    page.get_by_role("button", name="Play").click()
    page.locator('#map[data-frame="6"]').wait_for()
    page.get_by_role("button", name="Play").wait_for()
    assert page.evaluate("[...seen].sort()") == ["0", "6"], "nothing moves"


def test_names_are_text_and_run_nothing(open_strip: Open):
    page = open_strip()
    assert page.get_by_role("heading").text_content() == HOSTILE
    assert page.title() == f"{HOSTILE}: umap → tsne"
    assert page.locator("p").first.text_content() == "colored by <b>kind</b> · 200 rows"
    assert page.locator("main img").count() == 1
    assert page.locator("main img").get_attribute("alt") == "The colors of <b>kind</b>"
    assert page.locator("script").count() == 1


def test_a_script_that_is_not_its_own_does_not_run(browser: Browser, strip: Path, tmp_path: Path):
    """Should a name ever get through, the page's policy stops it."""
    changed = tmp_path / "changed.html"
    changed.write_text(strip.read_text("utf-8").replace("<main", "<script>window.hacked = 1</script><main"), "utf-8")
    page = browser.new_page()
    page.goto(changed.as_uri())
    page.locator("#map[data-frame]").wait_for()
    assert page.evaluate("window.hacked === undefined")
    page.close()


@pytest.mark.parametrize("width", [360, 900])
def test_it_fits_a_screen(open_strip: Open, width: int):
    page = open_strip(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    canvas, controls = page.locator("#map").bounding_box(), page.locator(".controls").bounding_box()
    legend = page.locator(".legend").bounding_box()
    assert canvas
    assert controls
    assert legend
    assert controls["y"] >= canvas["y"] + canvas["height"]
    assert (legend["x"] >= canvas["x"] + canvas["width"] - 1) == (width == 900), "beside the map where there is room"
