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


def write_space(file: Path) -> None:
    """Write rows that have places in space."""
    places = np.random.default_rng(6).normal(size=(N, 3)) + np.eye(3)[np.arange(N) % 3] * 4
    pq.write_table(pa.table({**dict(zip("xyz", places.T, strict=True)), "group": [f"group {row % 3}" for row in range(N)]}), file)


WATCH = """map => {
  const numbers = window.numbersOnMap = [];
  const note = () => numbers.push(Number(map.dataset.picture.split(".")[0]));
  new MutationObserver(note).observe(map, {attributes: true, attributeFilter: ["data-picture"]});
  addEventListener("keydown", event => { if (event.key === "r") window.keptOnMap = [...numbers]; }, true);
}"""

DRAG = """(map, [x, y]) => {
  for (let step = 1; step <= 8; step++) {
    const at = {clientX: x + 9 * step, clientY: y, pointerId: 1, buttons: 1};
    map.dispatchEvent(new PointerEvent("pointermove", {...at, bubbles: true, composed: true}));
  }
}"""


def angle(camera: tuple[float, ...], first: tuple[float, ...]) -> float:
    """Say how far a camera has been turned since the first one, about what is upward: in radians, from 0 to 2 pi."""
    right, up, to_right = np.array(first[1:4]), np.array(first[4:7]), np.array(camera[1:4])
    return float(np.arctan2(to_right @ np.cross(right, up), to_right @ right) % (2 * np.pi))


def has_ring(page: Watched) -> bool:
    """Say whether anything is marked on the map."""
    return bool(page.pixels("marks")[..., 3].any())


def test_a_map_goes_to_three_dimensions_turns_under_the_pointer_and_answers_a_click(
    open_page: Callable[..., Watched], server: str, data_root: Path
):
    write_blobs(data_root / "blobs-in-space.parquet")
    page = open_page(f"{server}?dataset=blobs-in-space", own_window=True)
    page.wait_for_picture(timeout=2 * PATIENCE_MS)
    flat = page.button("3-D: three dimensions").first
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


def test_what_turns_by_itself_comes_in_strips_and_stops_where_it_is_seen(open_page: Callable[..., Watched], server: str, data_root: Path):
    write_space(data_root / "turning-in-space.parquet")
    page = open_page(f"{server}?dataset=turning-in-space", own_window=True)
    page.settle()
    first = page.pictures[-1].camera
    assert len(first) == 7
    shown = page.page.locator(".map").first
    shown.evaluate(WATCH)
    page.asked.clear()
    page.pictures.clear()
    page.button("Turn by itself").click()
    page.wait_until(lambda: len(page.pictures) > 24, "it turns by itself")
    page.page.keyboard.press("r")
    page.settle()

    *moving, rest = page.pictures
    assert all(picture.moving for picture in moving)
    assert not rest.moving
    came = {picture.id for picture in moving}
    assert any(len(came.intersection(asked.ids)) > 1 for asked in page.asked), "a message asks for several pictures, and they come"
    assert [picture.id for picture in moving] == sorted({picture.id for picture in moving})
    angles = np.array([angle(picture.camera, first) for picture in moving])
    backward = angles[-1] > np.pi
    steps = np.diff(2 * np.pi - angles if backward else angles)
    assert (steps > 0).all(), "each is further than the one before"

    kept, after = page.page.evaluate("[keptOnMap, numbersOnMap.slice(keptOnMap.length)]")
    assert set(after) == {rest.id}, "nothing goes on after it was stopped"
    seen = next(picture for picture in moving if picture.id == kept[-1])
    np.testing.assert_allclose(rest.camera, seen.camera, atol=1e-4)

    # By hand: where the pointer was between two messages comes along.
    page.asked.clear()
    x, y = page.center()
    page.page.mouse.move(x, y)
    page.page.mouse.down()

    def asks_together() -> bool:
        shown.evaluate(DRAG, [x, y])
        return any(len(asked.ids) > 1 for asked in page.asked)

    page.wait_until(asks_together, "several places of the pointer are asked for together")
    page.wait_until(lambda: not page.pictures[-1].moving and page.pictures[-1].id == page.asked[-1].ids[-1], "it rests under the pointer")
    page.page.mouse.up()
    page.settle()
    np.testing.assert_allclose(page.pictures[-1].camera, page.asked[-1].cameras[-1], atol=1e-4)
    turned = angle(page.pictures[-1].camera, rest.camera)
    assert 72 / 700 <= min(turned, 2 * np.pi - turned) <= 72 / 140, "by where the pointer is, whichever way it went"
