"""Maps side by side: one selection, one filter, one row under the pointer, one zoom; keys, undo, and an arrangement that stays."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import expect

import explorer
from tests.browser.conftest import PATIENCE_MS, Server, Watched

Open = Callable[..., Watched]


@pytest.fixture
def page(sample_page: Watched) -> Iterator[Watched]:
    """The page with two maps; afterwards it is as it was."""
    page = sample_page
    page.page.keyboard.press("2")
    expect(page.page.locator(".map")).to_have_count(2)
    page.page.locator('.map[data-rest="true"]').nth(1).wait_for()
    yield page
    for chip in page.page.get_by_role("button", name=re.compile("^Remove the filter")).all():
        chip.click()
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("h")
    page.page.keyboard.press("1")
    expect(page.page.locator(".map")).to_have_count(1)


def box_of(page: Watched, at: int) -> dict[str, float]:
    box = page.page.locator(".map").nth(at).bounding_box()
    assert box
    return {**box}


def views(page: Watched) -> list[list[float]]:
    """Read x0, x1, y0, y1 of each map."""
    figures = "[...Bokeh.documents[0]._all_models.values()].filter(m => m.type === 'Figure' && Bokeh.index.find_one(m)?.el?.isConnected)"
    found: list[list[float]] = page.page.evaluate(f"{figures}.map(f => [f.x_range.start, f.x_range.end, f.y_range.start, f.y_range.end])")
    return found


def lasso(page: Watched, at: int, *, keys: str = "", share: float = 0.25) -> None:
    """Draw a circle around the middle of a map."""
    box, mouse = box_of(page, at), page.page.mouse
    x, y, radius = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, share * min(box["width"], box["height"])
    if keys:
        page.page.keyboard.down(keys)
    mouse.move(x + radius, y)
    mouse.down()
    for step in range(1, 33):
        mouse.move(x + radius * math.cos(step / 16 * math.pi), y + radius * math.sin(step / 16 * math.pi))
    mouse.up()
    if keys:
        page.page.keyboard.up(keys)


def take_tool(page: Watched, key: str, tool: str) -> None:
    page.page.keyboard.press(key)
    page.page.locator(f'.map[data-tool="{tool}"]').nth(1).wait_for()


def selected(page: Watched) -> int:
    found = re.search(r"([\d,]+) selected", page.status().inner_text())
    return int(found[1].replace(",", "")) if found else 0


def wait_for_selected(page: Watched, true: Callable[[int], bool]) -> int:
    page.wait_until(lambda: true(selected(page)), "another selection")
    return selected(page)


def test_a_lasso_on_one_map_selects_on_both_and_is_undone(page: Watched):
    take_tool(page, "v", "lasso")
    before = [page.page.locator(".map").nth(at).get_attribute("data-picture") for at in (0, 1)]
    lasso(page, 1, share=0.2)
    first = wait_for_selected(page, bool)
    sample = explorer.catalog().find("wordnet-10k").open()
    assert 0 < first < sample.n_rows
    for at in (0, 1):
        page.page.locator(f'.map[data-rest="true"]:not([data-picture="{before[at]}"])').nth(0).wait_for()
    lasso(page, 1, keys="Shift", share=0.35)
    more = wait_for_selected(page, lambda n: n > first)
    lasso(page, 1, keys="Alt", share=0.2)
    wait_for_selected(page, lambda n: n == more - first)
    page.page.keyboard.press("Control+z")
    wait_for_selected(page, lambda n: n == more)
    page.page.keyboard.press("Control+z")
    wait_for_selected(page, lambda n: n == first)
    page.page.keyboard.press("Control+Shift+z")
    wait_for_selected(page, lambda n: n == more)
    page.page.keyboard.press("i")
    wait_for_selected(page, lambda n: n == sample.n_rows - more)
    page.page.keyboard.press("Escape")
    wait_for_selected(page, lambda n: n == 0)
    page.page.keyboard.press("Control+z")
    wait_for_selected(page, lambda n: n == sample.n_rows - more)


def test_where_one_looks_which_layout_is_shown_and_the_way_between_two_are_undone(own_server: Server, open_page: Open):
    page = open_page(own_server.url)
    page.wait_for_picture()
    keys, bar = page.page.keyboard, page.page.get_by_role("toolbar", name="Tools of the maps")
    undo, slider = bar.get_by_role("button", name="Undo"), page.page.get_by_label("Place on the way between two layouts")
    first, other = page.layouts()[:2]
    whole = page.view()

    def until_view(view: tuple[float, ...], what: str) -> None:
        page.wait_until(lambda: page.view() == pytest.approx(view, abs=1e-3 * (whole[1] - whole[0])), what)

    page.zoom(4)
    expect(undo).to_have_attribute("title", "Undo: zoom (Ctrl + Z)")
    near = page.view()
    page.page.wait_for_timeout(1_100)
    keys.press("ArrowRight")
    expect(undo).to_have_attribute("title", "Undo: move the map (Ctrl + Z)")
    beside = page.view()
    page.show_layout(other)
    expect(undo).to_have_attribute("title", f"Undo: show {other} (Ctrl + Z)")
    page.wait_until(lambda: page.page.locator(".map").get_attribute("data-t") == "1", "the other layout")
    page.settle()
    keys.press("Control+z")
    until_view(beside, "the part of the first layout that was in view")
    expect(page.page.get_by_role("button", name=first, exact=True).first).to_have_attribute("aria-pressed", "true")
    keys.press("Control+z")
    until_view(near, "the view before")
    keys.press("Control+z")
    until_view(whole, "the whole map")
    expect(undo).to_be_disabled()

    expect(slider).to_have_value("1000")  # of the way back
    slider.focus()
    slider.fill("500")
    expect(undo).to_have_attribute("title", re.compile("^Undo: between "))
    page.page.wait_for_timeout(1_100)
    slider.fill("800")
    page.wait_until(lambda: page.page.locator(".map").get_attribute("data-t") == "0.8", "the place that was chosen")
    page.settle()
    keys.press("Control+z")
    page.wait_until(lambda: page.page.locator(".map").get_attribute("data-t") == "0.5", "the place before")
    expect(slider).to_have_value("500")
    page.settle()
    keys.press("Control+z")
    page.wait_until(lambda: page.page.locator(".map").get_attribute("data-t") == "1", "the end where it was")
    expect(slider).to_have_value("1000")
    expect(page.page.get_by_role("button", name=first, exact=True).first).to_have_attribute("aria-pressed", "true")
    expect(undo).to_be_disabled()


def test_shift_and_the_hand_draw_a_lasso_and_a_tap_still_inspects(page: Watched):
    view = views(page)
    lasso(page, 0, keys="Shift")
    wait_for_selected(page, bool)
    assert views(page) == view, "the map was not dragged"
    page.page.keyboard.press("Escape")
    wait_for_selected(page, lambda n: n == 0)
    page.page.keyboard.press("v")
    lasso(page, 0)  # before the server can have heard of it
    wait_for_selected(page, bool)
    take_tool(page, "b", "box")
    page.page.mouse.click(*page.place_of_some_row())
    page.page.locator(".inspector .head").first.wait_for()


def test_a_selection_filters_and_a_chip_takes_it_back(page: Watched):
    take_tool(page, "v", "lasso")
    lasso(page, 0)
    n = wait_for_selected(page, bool)
    page.button("Show only these").click()
    page.status().filter(has_text=f"{n:,} of 10,000 rows shown, {n:,} selected").wait_for()
    chip = page.page.locator(".chip")
    assert chip.inner_text().split("\n")[:2] == ["selected by a lasso", f"{n:,}"]
    page.page.keyboard.press("i")
    wait_for_selected(page, lambda n: n == 0)  # what is not shown is not selected
    page.page.get_by_role("button", name=re.compile("^Remove the filter")).click()
    page.status().filter(has_text="10,000 of 10,000 rows").wait_for()
    page.page.keyboard.press("Control+z")
    page.status().filter(has_text=f"{n:,} of 10,000 rows shown").wait_for()


def test_maps_zoom_together_or_each_by_itself(page: Watched):
    home = views(page)
    box = box_of(page, 0)
    page.zoom(3, at=(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    page.settle()
    both = views(page)
    shrunk = [(now[1] - now[0]) / (then[1] - then[0]) for now, then in zip(both, home, strict=True)]
    assert shrunk[0] < 0.8
    assert shrunk[1] == pytest.approx(shrunk[0], rel=0.02)
    page.page.keyboard.press("0")
    page.wait_until(lambda: np.allclose(views(page), home, rtol=1e-3), "both maps whole again")
    page.page.keyboard.press("l")
    page.page.get_by_role("button", name="Zoom the maps together", pressed=False).wait_for()
    page.zoom(3, at=(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    page.settle()
    changed = [not np.allclose(now, then, rtol=1e-3) for now, then in zip(views(page), home, strict=True)]
    assert sorted(changed) == [False, True]
    page.page.keyboard.press("l")
    page.page.get_by_role("button", name="Zoom the maps together", pressed=True).wait_for()
    page.button("Show the whole map").click()


def test_the_row_under_the_pointer_is_ringed_on_the_other_map(page: Watched):
    marks = page.page.locator("canvas.marks").nth(1)
    drawn = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    page.wait_until(lambda: not marks.evaluate(drawn), "no marks at first")
    page.page.mouse.move(*page.place_of_some_row())
    page.wait_until(lambda: marks.evaluate(drawn), "a ring on the other map")
    page.page.mouse.move(5, 5)
    page.wait_until(lambda: not marks.evaluate(drawn), "no ring")


def test_the_sheet_of_keys_opens_and_closes(page: Watched):
    page.page.keyboard.press("?")
    sheet = page.page.get_by_role("dialog", name="Keys")
    sheet.wait_for()
    page.page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")


def test_a_kept_selection_is_recalled(page: Watched):
    take_tool(page, "v", "lasso")
    lasso(page, 0)
    n = wait_for_selected(page, bool)
    page.page.get_by_label("Name of this selection").fill("<b>mine</b>")
    page.page.keyboard.press("Enter")
    kept = page.page.locator(".recall")
    kept.filter(has_text="<b>mine</b>").wait_for()
    page.page.keyboard.press("Escape")
    wait_for_selected(page, lambda n: n == 0)
    kept.click()
    wait_for_selected(page, lambda m: m == n)
    page.button("Forget the selection <b>mine</b>").click()
    kept.wait_for(state="detached")


def test_the_next_page_is_arranged_as_the_last_one_was(server: str, open_page: Open):
    page = open_page(server, own_window=True)
    page.wait_for_picture()
    page.page.keyboard.press("t")
    page.page.locator(".handle .grip").wait_for()
    page.button("Export").click()
    page.button("Picture (PNG)").wait_for(state="hidden")
    page.page.keyboard.press("2")
    expect(page.page.locator(".map")).to_have_count(2)
    page.page.wait_for_timeout(500)
    page.page.reload()
    expect(page.page.locator(".map")).to_have_count(2, timeout=PATIENCE_MS)
    page.page.locator(".handle .grip").wait_for()
    page.button("Picture (PNG)").wait_for(state="hidden")
    page.page.locator('.map[data-rest="true"]').nth(1).wait_for()
    expect(page.page.get_by_role("toolbar", name="Tools of the maps").get_by_role("button", name="Undo")).to_be_disabled()
    grip = page.page.locator(".handle .grip")
    before = int(str(grip.get_attribute("aria-valuenow")))
    grip.press("ArrowUp")
    expect(grip).to_have_attribute("aria-valuenow", str(before + 30))
