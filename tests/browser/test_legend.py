"""The legend of the served page: a click hides or shows, a double click shows alone, a search finds, all of it by keyboard too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Open = Callable[..., Watched]

N, K = 600, 40
LONG = "a very long name " * 20
NAMES = ["<img src=x onerror=alert(1)>", "", LONG, "עברית (1)", *(f"topic {i:02d}" for i in range(4, K))]


def write_topics(folder: Path) -> None:
    """Forty categories, each a spot of its own, and rows without a value."""
    code = np.arange(N) % K
    spot = np.random.default_rng(0).normal(0, 0.1, (N, 2)) + np.column_stack([code % 8, code // 8])
    topics = [None if i >= N - 20 else NAMES[code[i]] for i in range(N)]
    table = pa.table({"x": spot[:, 0].astype(np.float32), "y": spot[:, 1].astype(np.float32), "topic": topics})
    pq.write_table(table, folder / "topics.parquet")


@pytest.fixture
def topics(server: str, data_root: Path, open_page: Open) -> Watched:
    """The page on the forty categories."""
    write_topics(data_root)
    page = open_page(f"{server}?dataset=topics", width=1510, height=820)
    page.settle()
    return page


@pytest.fixture
def sample(sample_page: Watched) -> Iterator[Watched]:
    """The sample, with everything shown again at the end."""
    yield sample_page
    button = sample_page.page.get_by_role("button", name="Show all")
    if button.is_visible():
        button.click()
        status(sample_page, "10,000 of 10,000 rows ·")


def entry(page: Watched, name: str) -> Locator:
    return page.page.locator(".legend .entry").filter(has_text=name).first


def pressed(page: Watched) -> list[str]:
    """Names of the listed categories that are shown."""
    return page.page.locator('.legend .entry[aria-pressed="true"] span').all_inner_texts()


def status(page: Watched, text: str) -> None:
    page.wait_until(lambda: text in page.status().inner_text(), f"the status says {text}")
    page.settle()


def n_pixels_of(page: Watched, color: str) -> int:
    """Count the pixels in a color, "#rrggbb"."""
    wanted = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)])
    pixels = page.pixels().astype(int)
    return int(((np.abs(pixels[..., :3] - wanted).max(axis=-1) <= 6) & (pixels[..., 3] > 60)).sum())


def color_of(button: Locator) -> str:
    return str(button.evaluate("button => button.style.getPropertyValue('--color')"))


def test_a_click_takes_a_category_off_the_map_and_another_one_brings_it_back(sample: Watched):
    animal = entry(sample, "animal")
    color, counts = color_of(animal), sample.legend()
    before, n_before = sample.pixels(), n_pixels_of(sample, color)
    assert n_before > 100
    animal.click()
    status(sample, f"{10_000 - counts['animal']:,} of 10,000 rows shown")
    sample.wait_until(lambda: n_pixels_of(sample, color) < n_before / 20, "the category is off the map")
    assert animal.get_attribute("aria-pressed") == "false"
    assert sample.legend() == counts
    assert color_of(animal) == color
    animal.click()
    status(sample, "10,000 of 10,000 rows ·")
    sample.wait_until(lambda: np.array_equal(sample.pixels(), before), "the very same picture is back")


def test_a_category_is_selected_by_its_button_and_by_a_key(sample: Watched):
    entry(sample, "animal").hover()
    sample.page.get_by_role("button", name="Select the rows of animal").click()
    status(sample, "742 selected")
    entry(sample, "plant").focus()
    sample.page.keyboard.press("Shift+S")
    status(sample, "1,526 selected")
    counts = {name: sample.page.locator(".legend .entry").filter(has_text=name).locator("b") for name in ("animal", "plant", "person")}
    expect(counts["animal"]).to_have_text("742 of 742")
    expect(counts["plant"]).to_have_text("784 of 784")
    expect(counts["person"]).to_have_text("1,030")
    assert sample.legend()["plant"] == 784
    entry(sample, "act").hover()
    sample.page.get_by_role("button", name="Select the rows of artifact").click(modifiers=["Shift"])
    assert sample.page.locator('.legend .entry[tabindex="0"]').get_attribute("title") == "artifact", "the list is left with a stop for Tab"
    expect(counts["animal"]).to_have_text("742 of 742")
    sample.button("Clear the selection").click()
    sample.button("Clear the selection").wait_for(state="hidden")
    expect(counts["plant"]).to_have_text("784")


def test_a_double_click_shows_one_alone_without_anything_in_between(sample: Watched):
    animal, n_pictures = entry(sample, "animal"), len(sample.pictures)
    count = sample.legend()["animal"]
    animal.dblclick()
    status(sample, f"{count:,} of 10,000 rows shown")
    assert pressed(sample) == ["animal"]
    assert len(sample.pictures) == n_pictures + 1
    animal.dblclick()
    status(sample, "10,000 of 10,000 rows ·")
    assert len(pressed(sample)) == len(sample.legend())


def test_a_slow_double_click_shows_one_alone_too(sample: Watched):
    person, mouse = entry(sample, "person"), sample.page.mouse
    box = person.bounding_box()
    assert box
    mouse.move(box["x"] + 40, box["y"] + box["height"] / 2)
    for times, wait_ms in ((1, 350), (2, 0)):
        mouse.down(click_count=times)
        mouse.up(click_count=times)
        sample.page.wait_for_timeout(wait_ms)
    sample.wait_until(lambda: pressed(sample) == ["person"], "person is shown alone")
    sample.page.get_by_role("button", name="Show all").click()
    status(sample, "10,000 of 10,000 rows ·")


def test_hidden_rows_are_neither_hovered_nor_clicked(sample: Watched):
    spot = sample.place_of_some_row()
    sample.page.mouse.click(*spot)
    sample.wait_until(sample.neighbors, "neighbors are listed")
    corner = sample.box()
    sample.page.mouse.click(corner["x"] + 4, corner["y"] + 4)
    sample.wait_until(lambda: not sample.neighbors(), "nothing is clicked")
    for name in sample.legend():
        entry(sample, name).click(modifiers=["Shift"])
        break
    sample.wait_until(lambda: len(pressed(sample)) == 1, "one is shown")
    entry(sample, pressed(sample)[0]).click()
    status(sample, "0 of 10,000 rows shown")
    sample.wait_until(lambda: not sample.pixels()[..., 3].any(), "the picture is empty")
    assert sample.page.locator(".note:visible").inner_text() == "Every row is hidden. Press “Show all” in the legend."
    sample.page.mouse.click(*spot)
    sample.page.wait_for_timeout(300)
    assert not sample.neighbors()


def test_a_search_finds_and_what_it_found_is_shown_alone_or_hidden(topics: Watched):
    page = topics
    search = page.page.get_by_role("searchbox", name="Search 40 categories")
    outcome = page.page.locator(".legend .outcome")
    assert not outcome.is_visible()
    search.fill("TOPIC 1")
    page.wait_until(lambda: list(page.legend()) == [f"topic {i}" for i in range(10, 20)], "ten are found")
    assert outcome.locator("span").inner_text() == "10 found"
    page.page.get_by_role("button", name="Show only these").click()
    status(page, "150 of 600 rows shown")
    search.fill("")
    page.wait_until(lambda: len(page.legend()) == K + 1, "all are listed")
    assert pressed(page) == [f"topic {i}" for i in range(10, 20)]
    search.fill("<IMG")
    page.wait_until(lambda: list(page.legend()) == [NAMES[0]], "one is found, and is text")
    search.fill("nowhere")
    page.wait_until(lambda: "None has that" in outcome.inner_text(), "it says that there is none")
    assert not page.page.get_by_role("button", name="Hide these").is_visible()
    page.page.get_by_role("button", name="Show all").click()
    status(page, "600 of 600 rows ·")


def test_strange_names_are_listed_as_text_and_rows_without_a_value_can_be_hidden(topics: Watched):
    page = topics
    assert {"(empty)", "no value", NAMES[0], NAMES[3]} <= set(page.legend())
    long = entry(page, "a very long name")
    assert long.bounding_box()["width"] <= page.page.locator(".legend").bounding_box()["width"]  # type: ignore[index]
    entry(page, "no value").click()
    status(page, "580 of 600 rows shown")
    entry(page, "(empty)").click()
    status(page, "565 of 600 rows shown")


def test_the_keyboard_does_all_of_it(topics: Watched):
    page, press = topics, topics.page.keyboard.press
    page.page.get_by_role("searchbox", name="categories").focus()
    press("Tab")
    assert focused(page) == "(empty)"
    press("ArrowDown")
    press("ArrowDown")
    assert focused(page).startswith("a very long")
    press("Space")
    status(page, "585 of 600 rows shown")
    press("Enter")
    status(page, "600 of 600 rows ·")
    press("End")
    assert focused(page) == "no value"
    press("Shift+Enter")
    status(page, "20 of 600 rows shown")
    press("Shift+Enter")
    status(page, "600 of 600 rows ·")
    press("Home")
    press("Shift+Tab")
    assert page.page.evaluate("() => document.activeElement !== null")


def focused(page: Watched) -> str:
    """The name of the category that has the focus."""
    focus = "() => { let at = document.activeElement; while (at.shadowRoot) at = at.shadowRoot.activeElement; return at.innerText; }"
    return str(page.page.evaluate(focus)).split("\n")[0]


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (420, True)], ids=["wide and light", "narrow and dark"])
def test_the_list_ends_with_a_whole_line(server: str, data_root: Path, open_page: Open, width: int, dark: bool):  # noqa: FBT001
    write_topics(data_root)
    page = open_page(f"{server}?dataset=topics", width=width, height=777, dark=dark)
    page.settle()
    if page.button("Open contextbar").count():
        page.button("Open contextbar").click()
    page.page.locator(".legend .entry").first.wait_for()
    height, row = page.page.locator(".legend ul").evaluate("list => [list.clientHeight, list.firstElementChild.offsetHeight]")
    assert height >= 4 * row
    assert height % row == 0


def test_another_palette_colors_map_and_legend_alike(topics: Watched):
    page = topics
    topic = entry(page, "topic 30")
    before = color_of(topic)
    page.choose("Colors", "Tableau")
    page.wait_until(lambda: color_of(topic) != before, "the legend has other colors")
    page.settle()
    assert n_pixels_of(page, color_of(topic)) > 10
    page.choose("Point size", "12 px")
    page.settle()
    n = page.n_colored()
    page.choose("Point size", "1 px")
    page.wait_until(lambda: page.n_colored() < n / 4, "points are smaller")


def test_what_the_legend_hides_and_what_colors_the_map_are_undone_by_the_button_and_the_key(topics: Watched):
    undo, redo = (topics.page.get_by_role("toolbar").get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(undo).to_be_disabled()
    entry(topics, "topic 10").click()
    status(topics, "585 of 600 rows")
    expect(undo).to_have_attribute("title", "Undo: hide topic 10 (Ctrl + Z)")
    entry(topics, "topic 11").dblclick()
    status(topics, "15 of 600 rows")
    expect(undo).to_have_attribute("title", "Undo: show topic 11 alone (Ctrl + Z)")
    undo.click()
    status(topics, "585 of 600 rows")
    topics.page.keyboard.press("Control+z")
    status(topics, "600 of 600 rows")
    expect(undo).to_be_disabled()
    topics.page.keyboard.press("Control+Shift+z")
    status(topics, "585 of 600 rows")
    expect(redo).to_have_attribute("title", "Redo: show topic 11 alone (Ctrl + Shift + Z)")
    expect(redo).to_be_enabled()
