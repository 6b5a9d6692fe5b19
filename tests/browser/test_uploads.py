"""One server with a login, and two people who use it: what one uploads is theirs, and each may have two pages."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import explorer
from tests.browser.conftest import Server, Watched, new_window

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECRETS = {"anna": "hunter1", "bob": "hunter2"}


def npy(seed: int) -> bytes:
    file = io.BytesIO()
    np.save(file, np.random.default_rng(seed).normal(size=(40, 2)).astype(np.float32))  # pairs: a map already
    return file.getvalue()


@pytest.fixture(scope="module")
def guarded(serving: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, Path]:
    """The server, and its audit."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "users.json").write_text(json.dumps(SECRETS))
    app = str(Path(explorer.__file__).resolve().parent)
    login = ("--basic-auth", str(folder / "users.json"), "--cookie-secret", "hunter3")
    made = serving(
        "-m", "panel", "serve", app, "--port", "{port}", *login, EXPLORER_SESSIONS="2", EXPLORER_AUDIT=str(folder / "audit.jsonl")
    )
    return made, folder / "audit.jsonl"


@pytest.fixture
def log_in(guarded: tuple[Server, Path], browser: Browser) -> Iterator[Callable[[str], Callable[..., Watched]]]:
    """Give somebody a browser; returns what opens pages in it, the first of them by way of the login."""
    windows, opened = [], []

    def log(user: str) -> Callable[..., Watched]:
        window = new_window(browser, viewport={"width": 1400, "height": 900})
        windows.append(window)

        def open_(query: str = "") -> Watched:
            known = bool(window.pages)
            page = window.new_page()
            if not known:  # the login is Panel's page, and not watched
                page.goto(guarded[0].url + query)
                page.locator("input[name=username]").fill(user)
                page.locator("input[name=password]").fill(SECRETS[user])
                page.keyboard.press("Enter")
                page.wait_for_url(guarded[0].url + query, wait_until="commit")
            opened.append(Watched(page))
            if known:
                page.goto(guarded[0].url + query)
            return opened[-1]

        return open_

    yield log
    for window in windows:
        window.close()
    assert not [error for page in opened for error in page.errors]


def audited(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_an_upload_is_found_again_by_whoever_made_it_and_seen_by_nobody_else(
    log_in: Callable[[str], Callable[..., Watched]], guarded: tuple[Server, Path]
):
    anna, bob = log_in("anna"), log_in("bob")
    page = anna()
    page.wait_for_picture()
    listed = page.page.locator(".uploads li .name")
    assert listed.count() == 0
    page.upload("mine.npy", npy(1))
    page.status().filter(has_text="40 of 40 rows").wait_for()
    page.wait_until(lambda: listed.all_inner_texts() == ["mine.npy"], "it is in the list")
    name = page.page.locator(".uploads li").get_attribute("data-name")
    assert name
    page.page.reload()
    page.wait_for_picture()
    page.page.locator(".uploads li .open").click()
    page.status().filter(has_text="40 of 40 rows").wait_for()
    assert page.select("Dataset").inner_text() == "mine.npy"
    again = log_in("anna")(f"?dataset={name}")
    again.status().filter(has_text="40 of 40 rows").wait_for()

    other = bob(f"?dataset={name}")
    other.error().filter(has_text=f"The catalog has no dataset {name}").wait_for()
    assert other.page.locator(".uploads li").count() == 0
    assert "mine.npy" not in other.options("Dataset")

    page.page.get_by_role("button", name="Delete the upload mine.npy").click()
    page.page.locator(".uploads .yes").click()
    page.wait_until(lambda: listed.count() == 0, "it is deleted")
    (refused,) = [line for line in audited(guarded[1]) if line["user"] == "bob" and "refused" in line]
    assert (refused["action"], refused["dataset"]) == ("open", name)


def test_a_page_too_many_says_so_and_opens_when_another_one_is_closed(
    log_in: Callable[[str], Callable[..., Watched]], guarded: tuple[Server, Path]
):
    bob = log_in("bob")
    pages = [bob(), bob()]
    for page in pages:
        page.wait_for_picture()
        page.page.reload()  # what was there before does not count
        page.wait_for_picture()
    third = bob()
    third.page.get_by_text("You have 2 pages of Explorer open already").wait_for()
    assert third.page.locator(".map").count() == 0
    assert audited(guarded[1])[-1]["refused"].startswith("You have 2 pages of Explorer open already")
    pages[0].page.close()
    third.wait_for_picture()
