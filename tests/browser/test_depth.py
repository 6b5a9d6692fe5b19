"""A map of three dimensions as a person turns it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Watched

N = 3000
DRAGS = 24


def write_blobs(file: Path) -> None:
    """Write rows in eight groups, in eight dimensions."""
    numbers = np.random.default_rng(5)
    groups = np.arange(N) % 8
    vectors = (numbers.normal(size=(8, 8))[groups] * 4 + numbers.normal(size=(N, 8))).astype(np.float32)
    columns = {"embedding": pa.FixedSizeListArray.from_arrays(vectors.ravel(), 8), "group": [f"group {group}" for group in groups]}
    pq.write_table(pa.table({**columns, "title": [f"row {row}" for row in range(N)]}), file)


def has_ring(page: Watched) -> bool:
    """Say whether anything is marked on the map."""
    return bool(page.pixels("marks")[..., 3].any())


def test_a_map_goes_to_three_dimensions_turns_under_the_pointer_and_answers_a_click(
    open_page: Callable[..., Watched], server: str, data_root: Path
):
    write_blobs(data_root / "blobs-in-space.parquet")
    page = open_page(f"{server}?dataset=blobs-in-space", own_window=True)
    page.wait_for_picture(timeout=2 * PATIENCE_MS)
    flat = page.button("Three dimensions").first
    expect(flat).to_have_attribute("aria-pressed", "false")
    assert not page.pictures[-1].camera
    flat.click()  # which computes it
    expect(flat).to_have_attribute("aria-pressed", "true", timeout=2 * PATIENCE_MS)
    expect(page.page.get_by_role("group", name="Layout on this map").first).to_contain_text("PCA, 3-D")
    page.settle()
    before = page.pictures[-1].camera
    assert len(before) == 7

    page.pictures.clear()
    x, y = page.center()
    view = page.view()
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    for step in range(1, DRAGS + 1):
        page.page.mouse.move(x + 6 * step, y - 2 * step)
        page.page.wait_for_timeout(30)
    page.page.mouse.up()
    page.settle()
    moving = [picture for picture in page.pictures if picture.moving]
    assert len({picture.camera for picture in moving}) >= DRAGS / 4, "it turns while it is dragged"
    last = page.pictures[-1]
    assert not last.moving
    assert last.camera != before
    assert page.view() == view, "it turns where it is"

    page.page.mouse.click(*page.place_of_some_row())
    expect(page.page.locator(".inspector")).to_contain_text(re.compile(r"row \d+"))
    page.wait_until(lambda: has_ring(page), "the row that was clicked has a ring")
    page.page.keyboard.press("ArrowLeft")
    page.wait_until(lambda: page.pictures[-1].camera != last.camera and not page.pictures[-1].moving, "an arrow turns it")
    assert has_ring(page), "its ring goes along"

    page.button("Turn by itself").click()
    page.wait_until(lambda: len({picture.camera for picture in page.pictures[-12:] if picture.moving}) > 8, "it turns by itself")
    page.page.keyboard.press("r")
    page.settle()
    page.page.keyboard.press("d")
    expect(flat).to_have_attribute("aria-pressed", "false")
    page.wait_until(lambda: not page.pictures[-1].camera and not page.pictures[-1].moving, "it is flat again")
    assert any(picture.t is not None and 0 < picture.t < 1 for picture in page.pictures), "its rows travel"
