"""A person on a slow line: 2 Mbit a second, 80 ms there and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.browser.conftest import Watched
from tests.browser.slow_link import SlowLink

Open = Callable[..., Watched]

BYTES_A_SECOND = 250_000


@pytest.fixture
def link(server: str) -> Iterator[SlowLink]:
    made = SlowLink(int(urlsplit(server).port or 0), bytes_a_second=BYTES_A_SECOND, seconds=0.08)
    yield made
    made.close()


@pytest.mark.alone
def test_pictures_get_coarser_before_they_get_late_and_sharp_again_at_rest(server: str, open_page: Open, link: SlowLink):
    page = open_page(f"http://localhost:{link.port}/explorer", width=1510, height=820)
    page.settle()
    link.slow = True
    for _ in range(8):  # it has to notice
        page.zoom(3)
        page.zoom(-3)
    n_before = len(page.pictures)
    for _ in range(10):
        page.zoom(3)
        page.zoom(-3)
    n_moved = len(page.pictures)
    page.zoom(3)  # away from home
    near = page.settle()
    moving = [picture.size for picture in page.pictures[n_before:n_moved] if picture.moving]
    assert len(moving) > 10, "pictures go on while the wheel turns"
    assert np.median(moving) < 0.25 * BYTES_A_SECOND
    assert max(moving) <= 150_000

    page.button("Show the whole map").click()
    page.wait_for_new_picture(near)
    whole = page.settle()
    assert page.pixels().shape[:2] == tuple(round(page.box()[side]) for side in ("height", "width")), "as sharp as the window"
    rest = [picture for picture in page.pictures if not picture.moving and picture.id == int(whole.partition(".")[0])]
    assert len(rest) > 1, "in pieces"
    assert max(piece.size for piece in rest) < BYTES_A_SECOND
    in_pieces = page.pixels()
    link.slow = False
    page.choose("Density", "linear")
    page.wait_for_new_picture(whole)
    linear = page.settle()
    page.choose("Density", "log")
    page.wait_for_new_picture(linear)
    page.settle()
    assert np.array_equal(page.pixels(), in_pieces), "pieces make the same picture"
