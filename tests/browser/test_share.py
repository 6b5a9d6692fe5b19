"""What a person shares: the address, reloaded and in another browser; what is copied; bookmarks."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.conftest import Watched

Open = Callable[..., Watched]


def settled_address(page: Watched) -> str:
    """Give the address once it follows no more."""
    last = ""
    while page.page.url != last:
        last = page.page.url
        page.page.wait_for_timeout(1200)
    return last


def test_an_address_that_is_cut_off_says_so_and_shows_the_map(open_page: Open, server: str):
    page = open_page(f"{server}?state=eJyrVkq")
    page.wait_for_picture()
    page.error().wait_for()
    assert "the link is not complete" in page.error().inner_text()


def test_link_and_python_are_copied_also_without_a_clipboard(open_page: Open, server: str):
    page = open_page(server)
    page.settle()
    page.page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    address = settled_address(page)
    page.button("Copy link").click()
    page.page.locator(".share .told", has_text="Copied the link").wait_for()
    assert page.page.locator(".share textarea").input_value() == address
    page.button("Copy Python").click()
    assert page.page.locator(".share textarea").input_value().startswith("import explorer\n")
