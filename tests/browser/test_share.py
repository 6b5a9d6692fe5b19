"""What a person shares: the address, reloaded and in another browser; what is copied; bookmarks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest

from explorer.address import decoded
from tests.browser.conftest import Watched

Open = Callable[..., Watched]


def settled_address(page: Watched) -> str:
    """Give the address once it follows no more."""
    last = ""
    while page.page.url != last:
        last = page.page.url
        page.page.wait_for_timeout(1200)
    return last


def state_in(address: str) -> dict[str, Any]:
    return decoded(parse_qs(urlparse(address).query)["state"][0])


def test_the_address_gives_the_same_picture_in_another_browser(open_page: Open, server: str):
    page = open_page(server, own_window=True)
    page.settle()
    page.choose("Color by", "n_synonyms")
    page.page.keyboard.press("2")
    page.page.locator(".map").nth(1).wait_for()
    page.zoom(4)
    page.settle()
    first = settled_address(page)
    assert parse_qs(urlparse(first).query)["dataset"]
    length = page.page.evaluate("() => history.length")
    page.zoom(2)
    page.settle()
    assert settled_address(page) != first
    assert page.page.evaluate("() => history.length") == length
    view, address = page.view(), page.page.url
    title = page.page.locator(".head").first.inner_text()
    other = open_page(address, own_window=True)
    other.wait_for_picture()
    other.wait_until(lambda: np.allclose(other.view(), view, rtol=1e-3, atol=1e-3), "the same part of the map")
    other.wait_until(lambda: other.page.locator(".head").first.inner_text() == title, "the same color")
    other.settle()
    assert other.page.locator(".map").count() == 2
    here, there = page.pixels().astype(int), other.pixels().astype(int)
    assert here.shape == there.shape
    assert np.abs(here - there).mean() < 2
    theirs, own = state_in(settled_address(other)), state_in(address)
    np.testing.assert_allclose(theirs.pop("views"), own.pop("views"), rtol=1e-4, atol=1e-4)
    assert theirs == own


def test_a_place_between_two_layouts_is_in_the_address(open_page: Open, server: str):
    page = open_page(server, own_window=True)
    page.settle()
    slider = page.page.get_by_role("slider", name="Place on the way between two layouts").first
    slider.fill("500")
    page.wait_until(lambda: (slider.get_attribute("aria-valuetext") or "").startswith("50 % "), "the map is on its way")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
    page.wait_until(lambda: (slider.get_attribute("aria-valuetext") or "").startswith("51 % "), "the map is further on its way")
    page.settle()
    assert slider.input_value() == "512", "a press of a key is a step, however soon the next one comes"
    for ticks in (0, 4):  # the whole map, and a part of it
        page.zoom(ticks)
        page.settle()
        other = open_page(settled_address(page), own_window=True)
        moved = other.page.get_by_role("slider", name="Place on the way between two layouts").first
        other.wait_until(lambda moved=moved: moved.input_value() == "512", "the same place on the way")
        other.settle()
        there = page.view()
        assert other.view() == pytest.approx(there, abs=0.01 * (there[1] - there[0]))


def test_an_address_that_is_cut_off_says_so_and_shows_the_map(open_page: Open, server: str):
    page = open_page(f"{server}?state=eJyrVkq")
    page.wait_for_picture()
    page.error().wait_for()
    assert "the link is not complete" in page.error().inner_text()


def test_link_and_python_are_copied_also_without_a_clipboard(open_page: Open, server: str):
    page = open_page(server, own_window=True)
    page.settle()
    page.page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    address = settled_address(page)
    page.button("Copy link").click()
    page.page.locator(".share .told", has_text="Copied the link").wait_for()
    assert page.page.locator(".share textarea").input_value() == address
    page.button("Copy Python").click()
    assert page.page.locator(".share textarea").input_value().startswith("import explorer\n")


def test_a_bookmark_survives_a_reload_and_is_renamed_deleted_and_brought_back(open_page: Open, server: str):
    page = open_page(server, own_window=True)
    page.settle()
    page.zoom(4)
    page.settle()
    settled_address(page)
    view = page.view()
    field = page.page.get_by_label("Name of this view")
    field.fill("near <b>")
    field.press("Enter")
    shown = page.page.get_by_role("list", name="Bookmarks")
    shown.get_by_role("button", name="near <b>", exact=True).wait_for()
    page.page.goto(server)
    page.settle()
    shown.get_by_role("button", name="near <b>", exact=True).click()
    page.wait_until(lambda: np.allclose(page.view(), view, rtol=1e-3, atol=1e-3), "the bookmark's part of the map")
    page.button("Rename near <b>").click()
    page.page.get_by_label("New name of near <b>").fill("far")
    page.page.keyboard.press("Enter")
    page.button("Delete far").click()
    shown.wait_for(state="hidden")
    page.page.locator(".share").get_by_role("button", name="Undo").click()
    shown.get_by_role("button", name="far", exact=True).wait_for()
