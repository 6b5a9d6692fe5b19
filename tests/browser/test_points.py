"""Colors, and what the served page says about single rows of the sample: legend, tooltip, neighbors."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from tests.browser.conftest import Watched

K = 10  # the slider's first value


class Sample(NamedTuple):
    """The sample's columns, as they are in its file."""

    words: list[str]
    categories: list[str]
    vectors: NDArray[np.float64]
    places: NDArray[np.float64]


@lru_cache
def sample_of(path: Path) -> Sample:
    table = pq.read_table(path)
    vectors = np.stack(table["embedding"].to_numpy()).astype(float)
    places = np.stack([table["umap_1"].to_numpy(), table["umap_2"].to_numpy()], axis=1).astype(float)
    return Sample(table["word"].to_pylist(), table["category"].to_pylist(), vectors, places)


@pytest.fixture(scope="module")
def sample(root: Path) -> Sample:
    """Read with nothing but pyarrow and NumPy."""
    return sample_of(root / "datasets" / "wordnet-10k.parquet")


@pytest.fixture(scope="module")
def loners(sample: Sample) -> list[int]:
    """Rows that lie so much by themselves that a click there can mean no other; in the middle of the map."""
    x, y = sample.places.T
    inside = (np.abs(x - np.median(x)) < 6) & (np.abs(y - np.median(y)) < 6)
    gaps = [np.partition(np.hypot(x - x[row], y - y[row]), 1)[1] if inside[row] else 0.0 for row in range(len(x))]
    return [int(row) for row in np.argsort(gaps)[::-1][:40]]


def nearest(vectors: NDArray[np.float64], row: int, k: int) -> tuple[list[int], NDArray[np.float64]]:
    """Find true neighbors by cosine, the textbook way."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = 1 - unit @ unit[row]
    distances[row] = np.inf
    order = np.argsort(distances, kind="stable")[:k]
    return [int(found) for found in order], distances[order]


def click(page: Watched, x: float, y: float) -> None:
    page.page.mouse.click(*page.place_of(x, y))


# -- colors


def test_the_legend_counts_every_category(sample_page: Watched, sample: Sample):
    page = sample_page
    legend = page.legend()
    assert legend == Counter(sample.categories)
    assert list(legend.values()) == sorted(legend.values(), reverse=True)


def test_a_number_column_colors_the_map_and_shows_a_color_bar(sample_page: Watched):
    page = sample_page
    before = page.wait_for_picture()
    pixels = page.pixels()
    page.choose("Color by", "n_synonyms")
    page.page.locator(".legend .strip").wait_for()
    assert not page.page.locator(".legend li").count()
    before = page.wait_for_new_picture(before)
    by_number = page.pixels()
    assert np.mean(by_number != pixels) > 0.02
    assert np.array_equal(by_number[..., 3] > 0, pixels[..., 3] > 0), "colors change, places do not"

    page.choose("Color by", "category")
    page.page.locator(".legend li").first.wait_for()
    page.wait_for_new_picture(before)
    assert np.array_equal(page.pixels(), pixels)


# -- the row under the pointer


def test_the_row_under_the_pointer_says_what_it_is(sample_page: Watched, sample: Sample, loners: list[int]):
    page = sample_page
    card = page.page.locator(".card")
    for row in loners[:3]:
        page.page.mouse.move(*page.center())
        page.page.mouse.move(*page.place_of(*sample.places[row]), steps=3)
        page.wait_until(lambda row=row: card.is_visible() and sample.words[row] in card.inner_text(), f"the card of {sample.words[row]}")
        assert sample.categories[row] in card.inner_text()
    page.page.mouse.move(5, 5)
    card.wait_for(state="hidden")


# -- the clicked row


def test_a_click_lists_the_true_neighbors(sample_page: Watched, sample: Sample, loners: list[int]):
    page = sample_page
    assert not page.pixels("marks").any()
    for row in loners[:5]:
        click(page, *sample.places[row])
        page.wait_until(lambda row=row: page.page.locator(".inspector .head").all_inner_texts() == [sample.words[row]], sample.words[row])
        page.wait_until(lambda: len(page.neighbors()) == K, "its neighbors")
        expected, distances = nearest(sample.vectors, row, K)
        assert page.neighbors() == expected
        shown = [float(text) for text in page.page.locator(".inspector ol .distance").all_inner_texts()]
        assert shown == pytest.approx(distances, abs=2e-4)
    page.wait_until(lambda: page.pixels("marks").any(axis=-1).sum() > 500, "marks")


def test_the_slider_says_how_many_neighbors(sample_page: Watched, sample: Sample, loners: list[int]):
    page = sample_page
    row = loners[7]
    click(page, *sample.places[row])
    page.wait_until(lambda: len(page.neighbors()) == K, "ten neighbors")
    slider = page.page.get_by_role("slider", name="Neighbors", exact=True)
    slider.focus()
    for _ in range(5):
        page.page.keyboard.press("ArrowRight")
    page.wait_until(lambda: len(page.neighbors()) == K + 5, "fifteen neighbors")
    assert page.neighbors() == nearest(sample.vectors, row, K + 5)[0]
    for _ in range(5):  # the page is shared
        page.page.keyboard.press("ArrowLeft")
    page.wait_until(lambda: len(page.neighbors()) == K, "ten neighbors again")


def test_a_click_on_a_neighbor_goes_to_it(sample_page: Watched, sample: Sample, loners: list[int]):
    page = sample_page
    click(page, *sample.places[loners[3]])
    page.wait_until(lambda: len(page.neighbors()) == K, "its neighbors")
    third = page.neighbors()[2]
    page.page.locator(f'.inspector button[data-row="{third}"]').click()
    page.wait_until(lambda: page.page.locator(".inspector .head").inner_text() == sample.words[third], "the neighbor itself")
    expected = nearest(sample.vectors, third, K)[0]
    page.wait_until(lambda: page.neighbors() == expected, "the neighbor's neighbors")
    box = page.box()
    page.page.mouse.click(box["x"] + 4, box["y"] + 4)
    page.wait_until(lambda: not page.pixels("marks").any(), "no ring around the neighbor that was under the pointer")


def test_a_click_beside_all_rows_lets_go(sample_page: Watched, sample: Sample, loners: list[int]):
    page = sample_page
    click(page, *sample.places[loners[0]])
    page.wait_until(page.neighbors, "its neighbors")
    box = page.box()
    page.page.mouse.click(box["x"] + 4, box["y"] + 4)
    page.wait_until(lambda: not page.page.locator(".inspector ol").count(), "an empty inspector")
    page.wait_until(lambda: not page.pixels("marks").any(), "no marks")
