"""The first minute: somebody who has never been here is told what is on the screen, tries three things, and is not told again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import PATIENCE_MS, Watched


@pytest.fixture
def stranger(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that does not know the page."""
    made = browser.new_context(viewport={"width": 1400, "height": 900})
    made.set_default_timeout(PATIENCE_MS)
    yield made
    made.close()


def test_a_first_visit_explains_itself_once_and_again_when_asked(stranger: BrowserContext, server: str):
    watched = Watched(stranger.new_page())
    page = watched.page
    page.goto(server)
    card = page.get_by_role("region", name="Welcome")
    card.wait_for()
    expect(card).to_contain_text("each point is one of 10,000 rows of 384 numbers each, colored by category")
    before = watched.settle()

    card.get_by_role("button", name="Show me: Zoom and move").click()
    watched.wait_for_new_picture(before)
    card.get_by_role("listitem", name="Zoom and move: tried").wait_for()
    watched.settle()
    card.get_by_role("button", name="Show me: Click a point").click()
    card.get_by_role("listitem", name="Click a point: tried").wait_for()
    page.locator(".inspector").get_by_text("Nearest in the original").wait_for()
    marks = watched.pixels("marks")
    assert marks[:, : marks.shape[1] // 2, 3].any(), "what is ringed is not under the card"
    n_pictures = len(watched.pictures)
    card.get_by_role("button", name="Show me: Watch rows travel").click()
    card.get_by_role("listitem", name="Watch rows travel: tried").wait_for()
    watched.status().filter(has_text="t-SNE").wait_for()
    watched.settle()
    assert any(picture.t for picture in watched.pictures[n_pictures:]), "pictures between the two layouts"

    card.get_by_role("button", name="Got it").click()
    card.wait_for(state="hidden")
    page.reload()
    watched.settle()
    expect(card).to_be_hidden()
    page.keyboard.press("?")
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("dialog", name="Keys").wait_for(state="hidden")
    page.keyboard.press("?")
    page.get_by_role("button", name="What you see, and what to try").click()
    card.wait_for()
    page.keyboard.press("Escape")
    card.wait_for(state="hidden")
    assert watched.errors == []


def test_on_a_telephone_the_card_leaves_the_map_in_sight(stranger: BrowserContext, server: str):
    watched = Watched(stranger.new_page())
    watched.page.set_viewport_size({"width": 360, "height": 740})
    watched.page.goto(server)
    card = watched.page.get_by_role("region", name="Welcome")
    card.wait_for()
    watched.settle()
    box, over = watched.box(), card.bounding_box()
    assert over
    assert over["width"] * over["height"] < 0.45 * box["width"] * box["height"]
    for button in card.get_by_role("button").all():
        assert button.is_visible()
    assert watched.errors == []
