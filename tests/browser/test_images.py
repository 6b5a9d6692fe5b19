"""Rows shown by their images, in the page: at deep zoom, where they are, and gone from farther out or when nobody wants them."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.conftest import Watched

Open = Callable[..., Watched]


def test_at_deep_zoom_rows_are_their_images(server: str, open_page: Open):
    watched = open_page(f"{server}?dataset=digits")
    page = watched.page
    watched.settle()
    wall, images = page.locator(".images"), page.locator(".images img")
    assert not images.count(), "1,797 rows have no room"

    def come() -> bool:
        """Zoom in further, wherever rows are, until there are some."""
        watched.zoom(3, at=watched.place_of_some_row())
        watched.settle()
        return images.count() > 3

    watched.wait_until(come, "images")
    watched.wait_until(
        lambda: images.evaluate_all("all => all.every(image => image.complete && image.naturalWidth === 32)"), "all are loaded"
    )
    boxes = [each.bounding_box() for each in images.all()]
    for at, one in enumerate(boxes):
        for other in boxes[:at]:
            assert one is not None
            assert other is not None
            assert max(abs(one["x"] - other["x"]), abs(one["y"] - other["y"])) >= one["width"], "none lies over another"
    colors = set(images.evaluate_all("all => all.map(image => image.style.borderColor)"))
    assert "" not in colors

    x, y = watched.center()
    handles = [(handle, box) for handle in images.element_handles() if (box := handle.bounding_box())]
    image, first = min(handles, key=lambda each: abs(each[1]["x"] - x) + abs(each[1]["y"] - y))  # it stays in view
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 20, steps=3)
    page.mouse.up()
    second = image.bounding_box()
    assert second is not None
    assert abs(second["x"] - first["x"] - 30) < 1.5
    assert abs(second["y"] - first["y"] - 20) < 1.5

    watched.settle()
    page.get_by_text("Images on the map").click()
    watched.wait_until(lambda: not images.count(), "none are wanted")
    page.get_by_text("Images on the map").click()
    watched.wait_until(lambda: images.count() > 3, "they are back")
    watched.button("Show the whole map").click()
    watched.wait_until(lambda: not wall.is_visible(), "put away from farther out")
    watched.settle()
    watched.wait_until(lambda: not images.count(), "and taken down")
    assert watched.errors == []
