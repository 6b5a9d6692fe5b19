"""Projections run from the page: progress, cancel, results for everybody, and pages that stay alive meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.browser.conftest import Watched

Open = Callable[..., Watched]

CANCELED_S = 1.0
LOADED = 5  # times slower than that a machine may be that runs other things, too


def run_tsne(page: Watched, seed: int) -> None:
    """Start a long t-SNE of the sample that nobody has run before; returns when it is on its way."""
    page.button("t-SNE").first.click()
    page.page.get_by_role("slider", name="perplexity").wait_for()  # until then it is UMAP's seed that is on screen
    field = page.page.get_by_label("seed", exact=True).locator("visible=true")
    field.fill(str(seed))
    field.press("Enter")
    page.page.get_by_role("slider", name="n_iter").press("End")
    page.button("Run").click()
    page.progress().wait_for()
    page.wait_until(lambda: re.search(r"[1-9]\d?%", page.progress().inner_text()), "the first percent")


@pytest.mark.alone
def test_a_umap_of_the_digits_runs_to_its_end_and_is_there_for_everybody(server: str, open_page: Open):
    page = open_page(server)
    page.wait_for_picture()
    page.choose("Dataset", "Handwritten digits")
    page.status().filter(has_text="1,797 of 1,797 rows · PCA · 64 dimensions").wait_for()  # the first map computes itself
    before = page.settle()

    page.page.mouse.move(*page.place_of_some_row())
    image = page.page.locator(".card img")
    image.wait_for()
    assert str(image.get_attribute("src")).startswith("data:image/png;base64,")

    page.button("Run").click()
    assert re.search(r"UMAP.* \d+%", page.progress().inner_text())
    assert page.button("Cancel").is_visible()
    page.status().filter(has_text="1,797 of 1,797 rows · UMAP · 64 dimensions").wait_for()
    page.wait_for_new_picture(before)
    assert page.button("Run").is_visible()
    assert sorted(page.layouts()) == ["PCA", "UMAP"]

    page.page.mouse.click(*page.place_of_some_row())
    page.wait_until(lambda: len(page.neighbors()) == 10, "neighbors")
    assert page.neighbors() in exact_neighbors_of_the_digits(10)

    other = open_page(f"{server}?dataset=digits")
    other.status().filter(has_text="1,797 of 1,797 rows · UMAP").wait_for()
    other.wait_for_picture()
    assert sorted(other.layouts()) == ["PCA", "UMAP"]
    assert not other.button("Cancel").is_visible()
    other.button("PCA").last.click()
    other.status().filter(has_text="· PCA ·").wait_for()


def exact_neighbors_of_the_digits(k: int) -> list[list[int]]:
    """Find each digit's neighbors by cosine, the textbook way."""
    vectors = load_digits().data
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = 1 - unit @ unit.T
    np.fill_diagonal(distances, np.inf)
    return [[int(row) for row in order] for order in np.argsort(distances, axis=1, kind="stable")[:, :k]]


@pytest.mark.alone
def test_cancel_stops_at_once_and_the_map_from_before_is_back(server: str, open_page: Open):
    page = open_page(server)
    before = page.settle()
    page.zoom(4)
    before = page.wait_for_new_picture(before)
    page.settle()
    pixels, view = page.pixels(), page.view()
    run_tsne(page, seed=101)
    page.page.locator('.map[data-rest="false"]').first.wait_for()  # the layout that forms is on the map

    page.button("Cancel").click()
    seconds = page.wait_until(page.button("Run").is_visible, "Run is back")
    assert seconds < LOADED * CANCELED_S
    page.wait_for_new_picture(before)
    page.settle()
    assert "· UMAP ·" in page.status().inner_text()
    assert page.view() == view
    assert np.array_equal(page.pixels(), pixels)
    assert not page.error().count()
    assert "t-SNE, seed 101" not in page.layouts()


def test_one_person_looks_around_and_computes_while_another_one_computes(server: str, open_page: Open):
    busy, other = open_page(server), open_page(server, own_window=True)
    busy.wait_for_picture()
    before = other.settle()
    whole, pixels = other.view(), other.pixels()
    run_tsne(busy, seed=102)

    other.zoom(4)
    before = other.wait_for_new_picture(before)
    assert other.view() != whole
    other.choose("Color by", "n_synonyms")
    other.page.locator(".legend .strip").wait_for()
    other.wait_for_new_picture(before)
    other.page.mouse.click(*other.place_of_some_row())
    other.wait_until(lambda: len(other.neighbors()) == 10, "neighbors")
    assert np.mean(other.pixels() != pixels) > 0.02
    assert not other.button("Cancel").is_visible(), "what somebody else computes is not this page's"

    other.choose("Dataset", "Handwritten digits")
    other.status().filter(has_text="1,797 of 1,797 rows · ").wait_for()
    seed = other.page.get_by_label("seed", exact=True).locator("visible=true")
    seed.fill("103")
    seed.press("Enter")
    other.button("Run").click()
    other.status().filter(has_text="· UMAP, seed 103 ·").wait_for()

    assert busy.button("Cancel").is_visible(), "it was still computing"
    assert "n_synonyms" not in busy.select("Color by").inner_text(), "each page has its own colors"
    busy.button("Cancel").click()
    busy.button("Run").wait_for()


def test_everybody_sees_what_is_computed_and_cancels_their_own(server: str, open_page: Open):
    busy, other = open_page(server), open_page(f"{server}?dataset=digits", own_window=True, width=400, height=800)
    busy.wait_for_picture()
    other.wait_for_picture()
    title = "t-SNE of WordNet, 10,000 senses"
    run_tsne(busy, seed=104)
    for page in (busy, other):
        page.page.locator(".jobs .count").click()
        line = page.page.locator(".jobs .list li").filter(has=page.page.get_by_text(title, exact=True))
        line.wait_for()
        assert re.search(r"\d+%", line.locator(".far").inner_text())
        assert line.locator(".whose").inner_text() == ("yours" if page is busy else "somebody's")
        assert line.locator(".cancel").is_visible() == (page is busy)
        box = page.page.locator(".jobs .list").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= (page.page.viewport_size or {})["width"]
    busy.page.get_by_role("button", name=f"Cancel {title}", exact=True).click()
    busy.button("Run").wait_for()
    for page in (busy, other):
        page.page.locator(".jobs").first.wait_for(state="hidden")
    assert not busy.error().count()
