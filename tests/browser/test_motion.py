"""From one layout to another as a person sees it: rows travel, stand where they are held, and nothing is in the way."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, expect

from explorer.compute.projections import PCA, UMAP, Layout
from explorer.data.dataset import open_dataset
from explorer.data.export import write_layouts
from tests.browser.conftest import PATIENCE_MS, Watched
from tests.browser.slow_link import SlowLink
from tests.browser.test_computing import run_tsne

Open = Callable[..., Watched]

TOGGLE_BYTES = 6_000_000
MOVING_BYTES = 150_000
LAYOUTS = ["UMAP", "t-SNE"]

WATCH = """map => {
  const seen = window.seenOnMap = [];
  const ghosts = () => map.querySelectorAll(".ghost").length;
  const note = () => seen.push([performance.now(), map.dataset.picture, map.dataset.t, map.dataset.rest, ghosts()]);
  if (!window.mapObserver) window.addEventListener("explorer-traveled", ({detail}) => window.mapTravels = detail.playing);
  window.mapObserver?.disconnect();
  (window.mapObserver = new MutationObserver(note)).observe(map, {attributes: true, attributeFilter: ["data-picture"]});
}"""


STILL = "!window.mapTravels"
MOVING = "window.seenOnMap.some(seen => seen[2] > 0.02 && seen[2] < 1)"


class Seen(NamedTuple):
    """A picture that was on the canvas: when, in milliseconds, which, where on the way, whether it is the one at rest."""

    at: float
    picture: str
    t: float | None
    rest: bool
    ghosts: int


class OnTheMap:
    """The map of a page, watched."""

    def __init__(self, page: Watched) -> None:
        self.watched, self.page = page, page.page
        self.map.evaluate(WATCH)

    @property
    def map(self) -> Locator:
        """The map's element, which says what is on its canvas."""
        return self.page.locator(".map").first

    def seen(self) -> list[Seen]:
        """Read which pictures were on the canvas since the last time."""
        found = self.page.evaluate("window.seenOnMap.splice(0)")
        return [Seen(at, picture, float(t) if t else None, rest == "true", ghosts) for at, picture, t, rest, ghosts in found]

    def bar(self) -> Locator:
        """Find the names of the layouts."""
        return self.page.get_by_role("group", name="Layout on this map").first

    def go(self, title: str) -> None:
        """Choose a layout."""
        self.watched.show_layout(title)

    @property
    def slider(self) -> Locator:
        """The place on the way."""
        return self.page.get_by_label("Place on the way between two layouts").first

    @property
    def layout(self) -> str:
        """Which layout the status line names."""
        return str(re.search(r"rows[^·]*· (.*) · \d+ dimensions", self.watched.status().inner_text())[1])

    def wait_for(self, title: str) -> None:
        """Wait until the status line names a layout."""
        self.watched.status().filter(has_text=f"· {title} ·").wait_for()

    def arrive(self, title: str) -> None:
        """Wait until the map is at rest on a layout."""
        self.wait_for(title)
        picture = self.map.locator("canvas.picture:not(.ghost)")  # of whose last sharp one this speaks: the status line is ahead of it
        expect(picture).to_have_attribute("aria-label", re.compile(f"^{re.escape(title)} map of "), timeout=PATIENCE_MS)
        expect(self.map).to_have_attribute("data-rest", "true", timeout=PATIENCE_MS)
        expect(self.map).to_have_attribute("data-t", re.compile("^[01]?$"), timeout=PATIENCE_MS)
        self.watched.settle()

    def shows_the_whole(self) -> None:
        """Wait until nothing travels; the whole map, and no more, is then in view."""
        self.page.wait_for_function(STILL)
        x0, x1, y0, y1 = self.watched.view()
        self.watched.button("Show the whole map").click()
        self.watched.settle()
        assert self.watched.view() == pytest.approx((x0, x1, y0, y1), abs=0.002 * (x1 - x0)), "the whole map was in view"

    def between(self, start: str, goal: str) -> None:
        """Choose both ends of the way."""
        for label, title in (("From this layout", start), ("To this layout", goal)):
            self.page.get_by_label(label).first.select_option(title)
        expect(self.slider).to_have_attribute("aria-valuetext", f"0 % of the way from {start} to {goal}", timeout=PATIENCE_MS)
        self.arrive(start)

    def hold(self, t: float) -> None:
        """Put the slider somewhere, and wait until the map stands there."""
        self.slider.fill(str(round(1000 * t)))
        expect(self.map).to_have_attribute("data-t", f"{t:g}", timeout=PATIENCE_MS)
        expect(self.map).to_have_attribute("data-rest", "true", timeout=PATIENCE_MS)


@pytest.fixture
def on_map(sample_page: Watched) -> Iterator[OnTheMap]:
    """The shared page, on UMAP; afterwards it is so again."""
    made = OnTheMap(sample_page)
    made.page.locator('.map[data-tool="pan"]').first.wait_for()
    yield made
    made.page.keyboard.press("Escape")
    made.page.keyboard.press("h")
    made.go("UMAP")
    made.arrive("UMAP")
    made.watched.button("Show the whole map").click()
    made.watched.settle()


def rising(pictures: list[Seen]) -> list[float]:
    """Times of the pictures on the way, each later than the one before."""
    times = [picture.t for picture in pictures if not picture.rest and picture.t is not None and 0 < picture.t < 1]
    assert times == sorted(set(times)), times
    return times


def test_a_key_sends_every_row_on_its_way_and_the_map_comes_to_rest(on_map: OnTheMap):
    watched = on_map.watched
    before, received, n_before = watched.pixels(), watched.received, len(watched.pictures)
    on_map.seen()
    on_map.page.keyboard.press("n")
    on_map.arrive("t-SNE")
    seen = on_map.seen()
    times = rising(seen)
    assert len(times) >= 3
    assert seen[-1].rest
    assert seen[-1].t == 1
    assert np.mean(watched.pixels() != before) > 0.02
    assert watched.received - received < TOGGLE_BYTES
    moving = [picture.size for picture in watched.pictures[n_before:] if picture.moving]
    assert len(moving) >= len(times)
    assert max(moving) < MOVING_BYTES
    assert [picture.rest for picture in seen if picture.t == 1].count(True) == 1, "what is sharp stays so"
    on_map.page.keyboard.press("n")
    titles = watched.layouts()
    on_map.arrive(titles[(titles.index("t-SNE") + 1) % len(titles)])


def test_back_is_the_very_same_map(on_map: OnTheMap):
    before, view = on_map.watched.pixels(), on_map.watched.view()
    on_map.go("t-SNE")
    on_map.arrive("t-SNE")
    assert on_map.bar().get_by_role("button", name="t-SNE", pressed=True).is_visible()
    on_map.go("UMAP")
    on_map.arrive("UMAP")
    assert on_map.watched.view() == pytest.approx(view, abs=1e-3)
    assert np.mean(on_map.watched.pixels() != before) < 0.001


@pytest.mark.parametrize("pause_ms", [0, 120])
def test_of_ten_quick_presses_the_last_one_wins(on_map: OnTheMap, pause_ms: int):
    titles = on_map.watched.layouts()
    for _ in range(10):
        on_map.page.keyboard.press("n")
        on_map.page.wait_for_timeout(pause_ms)
    on_map.arrive(titles[10 % len(titles)])
    assert not on_map.watched.error().count()
    on_map.shows_the_whole()


@pytest.fixture
def uneven(server: str, data_root: Path, open_page: Open) -> OnTheMap:
    """Open a file with two layouts, of which one has a tenth of the rows far outside, so that it is many times as large."""
    numbers = np.random.default_rng(0)
    dataset = open_dataset(pd.DataFrame({"embedding": list(numbers.normal(size=(400, 3)).astype(np.float32))}))
    near = numbers.normal(size=(400, 2)).astype(np.float32)
    far = np.where(np.arange(400)[:, None] % 10, near, 6 * near)
    made = [Layout(places, method.method, method().settings()) for method, places in ((PCA, near), (UMAP, far))]
    write_layouts(data_root / "uneven.parquet", dataset, made)
    watched = open_page(f"{server}?dataset=uneven")
    watched.settle()
    return OnTheMap(watched)


def turn(on_map: OnTheMap, times: int) -> None:
    """Go to the next layout so often that rows never arrive before."""
    layouts = on_map.watched.layouts()
    now = layouts.index(on_map.layout)
    for _ in range(times):
        on_map.page.keyboard.press("n")
        on_map.page.wait_for_timeout(300)
    on_map.arrive(layouts[(now + times) % len(layouts)])
    on_map.page.wait_for_function(STILL)


def test_the_view_of_who_looks_at_the_whole_map_is_that_of_each_layout(uneven: OnTheMap):
    watched, page = uneven.watched, uneven.page
    for times in (7, 1, 4):
        turn(uneven, times)
        uneven.shows_the_whole()
    watched.zoom(-3)
    watched.settle()
    beyond = watched.view()
    for times in (6, 1, 1):
        turn(uneven, times)
    assert watched.view() == pytest.approx(beyond, abs=0.002 * (beyond[1] - beyond[0])), "as far beyond the whole map as before"
    watched.zoom(9)
    watched.settle()
    uneven.seen()
    page.keyboard.press("n")
    page.wait_for_function(MOVING)
    page.keyboard.press("0")
    page.wait_for_function(STILL)
    watched.settle()
    uneven.shows_the_whole()


def test_a_held_place_is_a_map_as_any_other(on_map: OnTheMap):
    watched, page = on_map.watched, on_map.page
    on_map.between("UMAP", "t-SNE")
    on_map.hold(0.45)
    on_map.wait_for("UMAP → t-SNE, 45%")
    page.mouse.move(*watched.place_of_some_row())
    page.locator(".card:visible .title").first.wait_for()
    page.mouse.click(*watched.place_of_some_row())
    page.locator(".inspector .head").first.wait_for()
    page.keyboard.press("v")
    page.locator('.map[data-tool="lasso"]').first.wait_for()
    x, y = watched.center()
    page.mouse.move(x + 150, y)
    page.mouse.down()
    for step in range(1, 25):
        page.mouse.move(x + 150 * math.cos(step / 12 * math.pi), y + 150 * math.sin(step / 12 * math.pi))
    page.mouse.up()
    watched.status().filter(has_text=re.compile(r"10,000 of 10,000 rows, [\d,]+ selected · UMAP → t-SNE, 45% ·")).wait_for()
    page.keyboard.press("h")
    before, view = watched.settle(), watched.view()
    watched.zoom(4)
    watched.wait_for_new_picture(before)
    assert watched.view()[1] - watched.view()[0] < 0.8 * (view[1] - view[0])
    assert on_map.map.get_attribute("data-t") == "0.45"
    on_map.hold(0.0)
    on_map.wait_for("UMAP")
    on_map.hold(1.0)
    on_map.wait_for("t-SNE")
    corner = watched.box()
    page.mouse.click(corner["x"] + 4, corner["y"] + 4)


def test_the_way_is_played_paused_and_looped(on_map: OnTheMap):
    page = on_map.page
    on_map.between("UMAP", "t-SNE")
    on_map.seen()
    page.get_by_label("Speed").first.select_option(value="0.25")
    page.get_by_label("Play the way between the two layouts").first.click()
    page.wait_for_function(MOVING)
    page.get_by_label("Pause").first.click()
    expect(on_map.map).to_have_attribute("data-rest", "true", timeout=PATIENCE_MS)
    expect(on_map.map).to_have_attribute("data-t", re.compile(r"^0\.\d+$"), timeout=PATIENCE_MS)
    paused = float(str(on_map.map.get_attribute("data-t")))
    on_map.wait_for(f"UMAP → t-SNE, {100 * paused:.0f}%")
    assert float(on_map.slider.input_value()) == pytest.approx(1000 * paused, abs=1)
    page.get_by_label("Speed").first.select_option(value="1")
    page.keyboard.press("p")
    on_map.arrive("t-SNE")
    seen = on_map.seen()
    paused_at = next(at for at, picture in enumerate(seen) if picture.t == pytest.approx(paused, abs=1e-6))
    rising(seen[: paused_at + 1])
    rising([picture for picture in seen[paused_at:] if picture.t != seen[paused_at].t])  # of the place itself there may be several
    loop = page.get_by_label("Back and forth, again and again").first
    loop.click()
    page.get_by_label("Play the way between the two layouts").first.click()
    turns: list[float] = []
    on_map.watched.wait_until(
        lambda: turns.extend(picture.t for picture in on_map.seen() if picture.t in (0, 1)) or {0, 1} <= set(turns), "there and back"
    )
    page.get_by_label("Pause").first.click()
    loop.click()
    expect(on_map.map).to_have_attribute("data-rest", "true", timeout=PATIENCE_MS)


def test_who_wants_no_motion_sees_one_picture_fade_into_the_other(on_map: OnTheMap):
    watched, page = on_map.watched, on_map.page
    page.emulate_media(reduced_motion="reduce")
    try:
        n_before = len(watched.pictures)
        on_map.seen()
        page.keyboard.press("n")
        on_map.arrive("t-SNE")
        seen = on_map.seen()
        assert not [picture for picture in seen if picture.t is not None and 0 < picture.t < 1]
        assert not [picture for picture in watched.pictures[n_before:] if picture.t is not None and picture.t < 1]
        assert max(picture.ghosts for picture in seen) == 1
        page.locator(".ghost").wait_for(state="detached")
        assert watched.pixels()[..., 3].any()
        titles = watched.layouts()
        for _ in range(5):
            page.keyboard.press("n")
        on_map.arrive(titles[(titles.index("t-SNE") + 5) % len(titles)])
        expect(page.locator(".ghost")).to_have_count(0, timeout=PATIENCE_MS)
    finally:
        page.emulate_media(reduced_motion="no-preference")


def test_the_wheel_during_the_motion_zooms_and_is_not_taken_back(on_map: OnTheMap):
    watched, page = on_map.watched, on_map.page
    whole = watched.view()
    on_map.seen()
    page.mouse.move(*watched.center())
    page.keyboard.press("n")
    page.wait_for_function(MOVING)
    for _ in range(6):
        page.mouse.wheel(0, -120)
    on_map.arrive("t-SNE")
    assert watched.view()[1] - watched.view()[0] < 0.8 * (whole[1] - whole[0])
    rising(on_map.seen())


def test_another_color_in_the_middle_is_taken_along(on_map: OnTheMap):
    watched, page = on_map.watched, on_map.page
    on_map.between("UMAP", "t-SNE")
    on_map.hold(0.5)
    before = watched.settle()
    watched.choose("Color by", "n_synonyms")
    page.locator(".legend .strip").wait_for()
    watched.wait_for_new_picture(before)
    assert on_map.layout == "UMAP → t-SNE, 50%"
    page.keyboard.press("n")
    on_map.watched.settle()
    watched.choose("Color by", "category" if "category" in watched.options("Color by") else watched.options("Color by")[1])


@pytest.mark.alone
def test_on_a_slow_way_the_map_arrives_in_time_and_the_page_answers(server: str, open_page: Open):
    link = SlowLink(int(urlsplit(server).port or 0), bytes_a_second=250_000, seconds=0.08)
    try:
        watched = open_page(f"http://localhost:{link.port}/explorer", width=1510, height=820)
        watched.settle()
        on_map = OnTheMap(watched)
        link.slow = True
        n_before = len(watched.pictures)
        on_map.page.keyboard.press("n")
        on_map.page.wait_for_timeout(300)
        on_map.page.keyboard.press("v")  # the page answers
        on_map.page.locator('.map[data-tool="lasso"]').first.wait_for(timeout=3000)
        seconds = watched.wait_until(
            lambda: on_map.map.get_attribute("data-t") == "1" and on_map.map.get_attribute("data-rest") == "true", "arrived"
        )
        assert seconds < 15
        assert len(rising(on_map.seen())) >= 2
        assert sum(picture.size for picture in watched.pictures[n_before:] if picture.moving) < 250_000 * 3
        assert on_map.layout == "t-SNE"
    finally:
        link.close()


def test_a_page_in_the_background_is_where_it_should_be(on_map: OnTheMap):
    page = on_map.page
    page.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    try:
        on_map.seen()
        page.keyboard.press("n")
        on_map.arrive("t-SNE")
        assert not rising(on_map.seen())
    finally:
        page.evaluate("delete document.hidden")
    page.keyboard.press("n")
    on_map.watched.settle()


def test_a_page_behind_another_one_arrives_and_one_that_is_left_in_the_middle_is_no_error(open_page: Open, server: str):
    behind = open_page(server)
    behind.settle()
    on_map = OnTheMap(behind)
    on_map.page.keyboard.press("n")
    front = open_page(server)
    front.settle()
    on_map.wait_for("t-SNE")
    behind.wait_until(lambda: on_map.map.get_attribute("data-rest") == "true" and on_map.map.get_attribute("data-t") == "1", "arrived")
    for leave in (lambda: front.page.reload(wait_until="commit"), front.page.close):
        front.page.keyboard.press("n")
        front.page.wait_for_timeout(400)
        leave()  # what the server logs fails the test
        if not front.page.is_closed():
            front.settle()
    behind.page.bring_to_front()
    on_map.go("UMAP")
    on_map.arrive("UMAP")  # nobody else is harmed


def test_a_layout_is_seen_as_it_forms_and_gone_when_it_is_canceled(open_page: Open, server: str):
    watched = open_page(server, own_window=True)
    watched.settle()
    on_map = OnTheMap(watched)
    before, n_before = watched.pixels(), len(watched.pictures)
    run_tsne(watched, seed=202)
    watched.wait_until(lambda: any(picture.live for picture in watched.pictures[n_before:]), "a live picture")
    watched.button("Cancel").click()
    watched.button("Run").wait_for()
    watched.settle()
    assert np.array_equal(watched.pixels(), before), "the map of before"
    assert on_map.layout == "UMAP"


def test_a_layout_that_forms_is_kept_as_it_is(open_page: Open, server: str):
    watched = open_page(server, own_window=True)
    watched.settle()
    on_map = OnTheMap(watched)
    n_before = len(watched.pictures)
    run_tsne(watched, seed=201)
    watched.wait_until(lambda: sum(picture.live for picture in watched.pictures[n_before:]) > 3, "live pictures", seconds=90)
    assert not [picture for picture in watched.pictures[n_before:] if picture.live and picture.size > MOVING_BYTES]
    watched.progress().filter(has_text=re.compile(r"t-SNE.* · iteration [\d,]+ of [\d,]+, loss \d")).wait_for()
    keep = watched.button("Stop, keep it as it is now")
    keep.click()
    watched.status().filter(has_text=re.compile(r"· t-SNE, .*stopped at [\d,]+ ·")).wait_for()
    watched.settle()
    title = on_map.layout
    assert title in watched.layouts()
    assert not watched.pictures[-1].live
    assert watched.button("Run").is_visible()
    assert not keep.is_visible()
    on_map.page.mouse.click(*watched.place_of_some_row())
    watched.wait_until(lambda: len(watched.neighbors()) == 10, "neighbors")
