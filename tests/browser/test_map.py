"""The served map of the sample: it opens, moves, keeps its scale, and fits every window and theme."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.browser.conftest import Watched

Open = Callable[..., Watched]

MOVING_BYTES = 150_000
REST_BYTES = 600_000


def test_the_sample_is_on_the_map_as_soon_as_the_page_is_open(server: str, open_page: Open):
    page = open_page(server)
    page.wait_for_picture()
    assert page.status().inner_text() == "10,000 of 10,000 rows · UMAP · 384 dimensions"
    assert page.n_colored() > 10_000
    assert not page.error().count()
    assert page.button("Run").is_visible(), "nothing is being computed"


@pytest.mark.parametrize("width", [1510, 420])
def test_a_page_comes_with_a_picture_of_its_map_which_does_not_jump(server: str, open_page: Open, width: int):
    page = open_page(server, width=width, height=820)
    page.settle()
    assert page.page.locator("#explorer-still").count() == 0
    box, pixels = page.box(), page.pixels()[..., 3] > 100

    page.page.route("**/*.js*", lambda route: route.abort())  # what is seen before any script has come
    page.page.reload(wait_until="commit")
    still = page.page.locator("#explorer-still img")
    still.wait_for()
    assert still.bounding_box() == box
    page.page.wait_for_function("document.querySelector('#explorer-still img').complete")
    drawn = page.page.evaluate(
        """() => {
          const image = document.querySelector("#explorer-still img"), canvas = document.createElement("canvas");
          const {width, height} = image.getBoundingClientRect(), scale = Math.min(width / image.naturalWidth, height / image.naturalHeight);
          [canvas.width, canvas.height] = [width, height];
          const [w, h] = [image.naturalWidth * scale, image.naturalHeight * scale];
          canvas.getContext("2d").drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
          return [...canvas.getContext("2d").getImageData(0, 0, width, height).data].filter((_, i) => i % 4 === 3)
            .map(alpha => Number(alpha > 100));
        }"""
    )
    same = np.array(drawn, bool).reshape(pixels.shape)
    assert np.mean(same[pixels]) > 0.7, "the same rows at the same places"
    page.errors.clear()  # of the scripts that did not come


def test_the_first_picture_comes_once(server: str, open_page: Open):
    page = open_page(server, width=1510, height=820)
    page.settle()
    assert page.box()["width"] == pytest.approx(856, abs=30)
    assert [picture.moving for picture in page.pictures] == [False]


def test_pictures_are_small_on_the_wire(sample_page: Watched):
    page = sample_page
    before, n_before = page.wait_for_picture(), len(page.pictures)
    page.zoom(6)
    before = page.wait_for_new_picture(before)
    page.zoom(-12)
    page.wait_for_new_picture(before)
    came = page.pictures[n_before:]
    moving = [picture.size for picture in came if picture.moving]
    rest = [picture.size for picture in came if not picture.moving]
    assert moving
    assert max(moving) <= MOVING_BYTES
    assert max(rest) <= REST_BYTES


def test_the_wheel_zooms_in_and_home_shows_the_whole_map_again(sample_page: Watched):
    page = sample_page
    before = page.wait_for_picture()
    whole, pixels = page.view(), page.pixels()

    page.zoom(5)
    before = page.wait_for_new_picture(before)
    x0, x1, y0, y1 = page.view()
    assert x1 - x0 < 0.7 * (whole[1] - whole[0])
    assert y1 - y0 < 0.7 * (whole[3] - whole[2])
    assert np.mean(page.pixels() != pixels) > 0.02

    page.button("Show the whole map").click()
    page.wait_for_new_picture(before)
    page.wait_until(lambda: page.view() == pytest.approx(whole) and np.array_equal(page.pixels(), pixels), "the picture of before")


def test_a_part_of_the_map_without_rows_says_so(sample_page: Watched):
    page, note = sample_page, sample_page.page.locator(".note:visible").filter(has_text="No rows are in view")
    assert note.count() == 0
    box = page.box()
    page.zoom(25, at=(box["x"] + 0.75 * box["width"], box["y"] + 30))
    note.wait_for()
    page.button("Show the whole map").click()
    note.wait_for(state="hidden")
    page.settle()


def test_the_wheel_keeps_the_place_under_the_pointer(sample_page: Watched):
    page = sample_page
    before = page.wait_for_picture()
    x0, x1, y0, y1 = page.view()
    box = page.box()
    pointer = round(box["x"] + 0.8 * box["width"]), round(box["y"] + 0.7 * box["height"])  # whole pixels: the wheel says no others
    place = x0 + (pointer[0] - box["x"]) / box["width"] * (x1 - x0), y1 - (pointer[1] - box["y"]) / box["height"] * (y1 - y0)
    page.zoom(6, at=pointer)
    page.wait_for_new_picture(before)
    assert page.place_of(*place) == pytest.approx(pointer, abs=2)


def test_pictures_come_while_the_map_is_dragged(sample_page: Watched):
    page = sample_page
    before = page.settle()
    whole = page.view()
    x, y = page.center()
    n_before = len(page.pictures)
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    for step in range(1, 31):
        page.page.mouse.move(x + 5 * step, y + 2 * step)
        page.page.wait_for_timeout(30)
    came = page.pictures[n_before:]
    page.page.mouse.up()
    assert len(came) >= 2
    assert any(picture.moving for picture in came)

    page.wait_for_new_picture(before)
    x0, x1, y0, y1 = page.view()
    across, up = page.units_per_pixel()
    assert x0 - whole[0] == pytest.approx(-150 * across, rel=0.05)
    assert y0 - whole[2] == pytest.approx(60 * up, rel=0.05)
    assert (x1 - x0, y1 - y0) == pytest.approx((whole[1] - whole[0], whole[3] - whole[2]))


def test_the_scale_is_equal_in_every_window(server: str, open_page: Open):
    page = open_page(server)
    before = page.wait_for_picture()
    across, up = page.units_per_pixel()
    assert across == pytest.approx(up, rel=1e-3)

    page.page.set_viewport_size({"width": 1500, "height": 620})
    before = page.wait_for_new_picture(before)
    across, up = page.units_per_pixel()
    assert across == pytest.approx(up, rel=1e-3)
    width, height = page.box()["width"], page.box()["height"]
    assert page.pixels().shape[:2] == (round(height), round(width))

    page.zoom(4)
    page.wait_for_new_picture(before)
    across, up = page.units_per_pixel()
    assert across == pytest.approx(up, rel=1e-3)


def test_a_dark_browser_gets_a_dark_page_with_the_same_map(server: str, open_page: Open):
    page = open_page(server, dark=True)
    page.wait_for_picture()
    page.page.locator(".page.mui-dark").wait_for()
    page.settle()
    background = page.page.locator("main").evaluate("main => getComputedStyle(main).backgroundColor")
    red, green, blue = (int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(","))
    assert max(red, green, blue) < 60
    assert page.n_colored() > 10_000


def test_the_theme_button_turns_the_page_dark(server: str, open_page: Open):
    page = open_page(server)
    page.wait_for_picture()
    page.button("Toggle theme").click()
    page.page.locator(".page.mui-dark").wait_for()
    page.settle()
    assert page.n_colored() > 10_000


def test_a_phone_shows_the_map_and_opens_the_panels_as_drawers(server: str, open_page: Open):
    page = open_page(server, width=390, height=844)
    page.settle()
    page.page.locator(".sidebar").wait_for(state="hidden")
    page.page.locator(".contextbar").wait_for(state="hidden")
    assert page.box()["width"] >= 300
    assert page.n_colored() > 2_000
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390

    page.button("Open drawer").click()
    page.button("Run").wait_for()
    page.page.keyboard.press("Escape")
    page.page.locator(".sidebar").wait_for(state="hidden")
    page.button("Open contextbar").click()
    page.page.locator(".legend li").first.wait_for()


def test_a_tablet_leaves_most_of_the_window_to_the_map(server: str, open_page: Open):
    page = open_page(server, width=768, height=1024)
    page.settle()
    page.page.locator(".sidebar").wait_for(state="hidden")
    assert page.box()["width"] >= 700
