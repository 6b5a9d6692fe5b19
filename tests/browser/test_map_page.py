"""A map as one file, opened from a disk without a network: zoom, cards, search, legend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.animation.ends import staged_layout
from explorer.data.dataset import open_dataset
from explorer.labels import wanted_labels
from explorer.map_page.page import save_map_page

INK = """sheet => {
  const {data} = sheet.getContext("2d").getImageData(0, 0, sheet.width, sheet.height);
  let light = 0, n = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) { light += data[i + 1]; n++; }
  return light / n;
}"""  # how light the letters are; their halos let something through
WORDS = ["left <b>one</b>", "right two", "middle three"]


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    places = np.array([[-1, 0], [1, 0], [0, 0.2]], np.float32)
    frame = pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "word": WORDS, "kind": ["<b>a</b>", "b", "<b>a</b>"]})
    frame["said"] = ["not right", "", ""]
    dataset = open_dataset(frame, name="Three & <i>", label="word", color="kind")
    scene = staged_layout(dataset, dataset.layouts[0].name)
    save_map_page(tmp_path / "map.html", scene, notes=["Made by hand."], labels=wanted_labels(scene, "categories"))
    window = browser.new_context(offline=True, viewport={"width": 1200, "height": 800})
    made, errors = window.new_page(), []
    made.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    made.on("request", lambda request: errors.append(request.url) if not request.url.startswith(("data:", "file:")) else None)
    made.goto((tmp_path / "map.html").as_uri())
    made.locator("canvas[data-rows='3']").wait_for()
    yield made
    window.close()
    assert not errors


def inked(page: Page) -> int:
    """Count the pixels of the map that show something."""
    code = """canvas => {
      const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let n = 0;
      for (let i = 3; i < data.length; i += 4) n += data[i] > 60;
      return n;
    }"""
    return int(page.locator("#map").evaluate(code))


def test_the_map_is_drawn_and_its_texts_are_no_markup(page: Page):
    page.wait_for_function("() => document.querySelector('#map').dataset.level !== undefined")
    page.wait_for_timeout(300)
    assert inked(page) > 10
    expect(page.locator("h1")).to_have_text("Three & <i>")
    expect(page.locator("#notes")).to_have_text("Made by hand.")
    assert page.locator("#legend button").all_inner_texts() == ["<b>a</b>\n2", "b\n1"]


def test_a_search_flies_to_its_hit_and_tells_of_it(page: Page):
    page.keyboard.press("/")
    page.keyboard.type("ONE")
    expect(page.locator("#found")).to_have_text("1 of 3 rows")
    page.keyboard.press("Enter")
    expect(page.locator("#card strong")).to_have_text("left <b>one</b>")
    expect(page.locator("#card dd").first).to_have_text("<b>a</b>")


def test_what_is_called_so_is_found_before_what_only_mentions_it(page: Page):
    page.get_by_label("Search the rows").fill("right")
    expect(page.locator("#found")).to_have_text("2 of 3 rows")
    assert page.locator("#hits button").all_inner_texts() == ["right two", "left <b>one</b>"]


def test_the_row_under_the_pointer_is_told(page: Page):
    page.get_by_label("Search the rows").fill("two")
    page.locator("#hits button").click()  # brings the row to the middle
    page.mouse.move(5, 200)
    expect(page.locator("#card")).to_be_hidden()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2)
    expect(page.locator("#card strong")).to_have_text("right two")


def test_wheel_drag_and_keys_move_the_map_and_home_brings_it_back(page: Page):
    page.wait_for_timeout(300)
    before = page.locator("#map").evaluate("canvas => canvas.toDataURL()")
    page.mouse.move(400, 400)
    page.mouse.wheel(0, -600)
    page.mouse.down()
    page.mouse.move(450, 420)
    page.mouse.up()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(300)
    assert page.locator("#map").evaluate("canvas => canvas.toDataURL()") != before
    page.mouse.move(1100, 760)
    page.keyboard.press("0")
    page.wait_for_function("before => document.querySelector('#map').toDataURL() === before", arg=before)


def test_a_category_stands_out_while_its_entry_is_pressed(page: Page):
    entry = page.locator("#legend button").first
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("() => document.querySelector('#map').dataset.discs === '2'")
    page.keyboard.press("Escape")
    expect(entry).to_have_attribute("aria-pressed", "false")


def written(page: Page) -> list[list[Any]]:
    """Give the names on the map: text, left, top, width, height."""
    return list(json.loads(page.locator("canvas.labels").get_attribute("data-labels") or "[]"))


def test_names_are_where_their_rows_are_move_with_the_map_and_go_when_another_category_stands_out(page: Page):
    page.wait_for_function("() => JSON.parse(document.querySelector('canvas.labels').dataset.labels || '[]').length >= 2")
    first = written(page)
    middles = {text: left + width / 2 for text, left, _, width, _ in first}
    assert middles["b"] == max(middles.values()), "it is at the right"
    assert "<b>a</b>" in middles
    assert "<b>a</b>" in (page.locator("canvas.labels").get_attribute("aria-label") or "")
    shades = []
    for _ in "light", "dark":
        page.wait_for_timeout(400)
        shades.append(page.locator("canvas.labels").evaluate(INK))
        page.get_by_label("Light or dark").click()
    assert shades[0] < 140 < shades[1], shades  # dark names on a light ground, light names on a dark one
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    moved = {text: left + width / 2 for text, left, _, width, _ in written(page)}
    assert moved["b"] < middles["b"] - 50
    page.locator("#legend button").nth(1).click()
    page.wait_for_function("() => !document.querySelector('canvas.labels').dataset.labels.includes('<b>a</b>')")
    assert [text for text, *_ in written(page)] == ["b"]
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('canvas.labels').dataset.labels.includes('<b>a</b>')")
