"""Names on the map, in the page: none over another, giving way with the zoom, told to screen readers, gone when nobody wants them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from tests.browser.conftest import Watched

Open = Callable[..., Watched]


class Written(NamedTuple):
    """A label on the map, in pixels."""

    text: str
    x: float
    y: float
    width: float
    height: float


def written(watched: Watched, what: str = "labels") -> list[Written]:
    told = watched.page.locator("canvas.labels").first.get_attribute(f"data-{what}") or "[]"
    return [Written(*each) for each in json.loads(told)]


def check(watched: Watched, labels: list[Written]) -> None:
    box = watched.box()
    for at, one in enumerate(labels):
        assert one.x >= 0
        assert one.y >= 0
        assert one.x + one.width <= box["width"]
        assert one.y + one.height <= box["height"]
        for other in labels[:at]:
            apart_x = max(one.x - other.x - other.width, other.x - one.x - one.width)
            apart_y = max(one.y - other.y - other.height, other.y - one.y - one.height)
            assert max(apart_x, apart_y) >= -0.2, f"{one} lies over {other}"


def test_names_are_on_the_map_and_give_way_with_the_zoom(server: str, open_page: Open):
    watched = open_page(f"{server}?dataset=wordnet-10k")
    page = watched.page
    watched.settle()
    watched.wait_until(lambda: len(written(watched)) > 10, "labels")
    first = written(watched)
    check(watched, first)
    names = {label.text for label in first}
    assert names <= set(watched.legend())
    sheet = page.locator("canvas.labels").first
    heard = sheet.get_attribute("aria-label") or ""
    assert all(name in heard for name in names)
    inked = watched.pixels("labels")
    assert (inked[..., 3] > 200).sum() > 1000

    watched.zoom(6)
    watched.settle()
    watched.wait_until(lambda: written(watched) != first, "others")
    nearer = written(watched)
    check(watched, nearer)
    assert {label.text for label in nearer} != names

    before = written(watched)
    x, y = watched.center()
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    watched.settle()
    inside = [label for label in before if 250 < label.x < 500 and 250 < label.y < 450]

    def stayed() -> bool:
        now = written(watched)
        return all(any(one.text == other.text and abs(one.x + 60 - other.x) < 2 for other in now) for one in inside)

    watched.wait_until(stayed, "dragging makes none go in the middle of the map")
    check(watched, written(watched))

    watched.zoom(8)
    watched.settle()
    watched.wait_until(lambda: written(watched, "rows"), "so few rows are in view that they are named")
    check(watched, [*written(watched), *written(watched, "rows")])

    watched.choose("Labels on the map", "none")
    watched.wait_until(lambda: not written(watched) and not written(watched, "rows"), "they go")
    assert not sheet.is_visible()
    watched.choose("Labels on the map", "categories")
    watched.wait_until(lambda: written(watched, "rows"), "they come back")


def test_they_go_while_rows_travel_and_are_of_the_other_layout_then(server: str, open_page: Open):
    watched = open_page(f"{server}?dataset=wordnet-10k")
    watched.settle()
    watched.wait_until(lambda: len(written(watched)) > 10, "labels")
    before = written(watched)
    layouts = watched.layouts()
    watched.show_layout(next(title for title in layouts if title.startswith("t-SNE")))
    watched.wait_until(lambda: any(picture.t == 1 and not picture.moving for picture in watched.pictures), "it is there")
    watched.wait_until(lambda: written(watched) and written(watched) != before, "labels of the other layout")
    check(watched, written(watched))


def test_contours_come_when_asked_for_follow_the_zoom_and_go_while_rows_travel(server: str, open_page: Open):
    watched = open_page(f"{server}?dataset=wordnet-10k")
    watched.settle()
    watched.choose("Labels on the map", "none")
    sheet = watched.page.locator("canvas.contours").first
    assert not sheet.is_visible()
    watched.choose("Contours on the map", "categories")
    watched.wait_until(sheet.is_visible, "contours")
    names = set(watched.legend())
    assert sheet.get_attribute("data-groups") == str(len(names))
    assert all(name in (sheet.get_attribute("aria-label") or "") for name in names)
    far = watched.pixels("contours")[..., 3]
    assert 5_000 < (far > 200).sum() < far.size / 4

    watched.zoom(8)
    watched.settle()
    watched.wait_until(lambda: (watched.pixels("contours")[..., 3] != far).sum() > 5_000, "lines that were nearer")
    near = watched.pixels("contours")[..., 3]
    assert 500 < (near > 200).sum() < (far > 200).sum(), "fewer are in view, and as thin as before"

    note = "new MutationObserver(() => window.sheets.push(sheet.hidden)).observe(sheet, {attributeFilter: ['hidden']})"
    sheet.evaluate(f"sheet => {{ window.sheets = []; {note}; }}")
    watched.show_layout(next(title for title in watched.layouts() if title.startswith("t-SNE")))
    watched.wait_until(lambda: watched.page.evaluate("window.sheets").count(False) > 0, "they are there again")
    assert watched.page.evaluate("window.sheets[0]"), "they were gone before"
    watched.choose("Contours on the map", "none")
    watched.wait_until(lambda: not sheet.is_visible(), "they go")
