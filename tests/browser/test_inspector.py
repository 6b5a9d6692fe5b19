"""What the served page says about a clicked row and about selected rows, against the sample's own file."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.browser.conftest import Watched
from tests.browser.test_points import K, Sample, click, nearest, sample_of


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


def on_map(places: NDArray[np.float64], row: int, k: int) -> list[int]:
    apart = np.hypot(*(places.astype(np.float32).astype(float) - places[row].astype(np.float32)).T)
    apart[row] = np.inf
    return [int(found) for found in np.argsort(apart, kind="stable")[:k]]


def look(page: Watched, sample: Sample, row: int) -> None:
    click(page, *sample.places[row])
    page.page.locator(".inspector .head").get_by_text(sample.words[row], exact=True).first.wait_for()
    page.wait_until(lambda: page.neighbors() == nearest(sample.vectors, row, K)[0], "its neighbors")
    page.page.locator(".inspector .map-line").wait_for()


def counts(page: Watched) -> list[int]:
    """Kept, lost, false."""
    return [int(number) for number in re.findall(r"(\d+) (?:kept|lost|false)", page.page.locator(".inspector .map-line").inner_text())]


def selected(page: Watched) -> int:
    found = re.match(r"([\d,]+) of", page.page.locator(".selections .told").inner_text())
    return int(found[1].replace(",", "")) if found else 0


def select(page: Watched, name: str, **how: object) -> int:
    before = selected(page)
    page.page.locator(".inspector .acts").first.get_by_role("button", name=name).click(**how)  # type: ignore[arg-type]
    page.wait_until(lambda: selected(page) != before, "another selection")
    return selected(page)


@pytest.fixture
def page(sample_page: Watched) -> Watched:
    return sample_page


@pytest.fixture(autouse=True)
def _as_it_was(page: Watched):
    yield
    tray = page.page.locator(".inspector .tray")
    if tray.is_visible():
        tray.get_by_role("button", name="Clear").click()
        tray.wait_for(state="hidden")
    if selected(page):
        page.page.get_by_role("button", name=re.compile("^Clear the selection")).click()
        page.wait_until(lambda: not selected(page), "no selection")


def test_what_the_map_kept_lost_and_added(page: Watched, sample: Sample, loners: list[int]):
    row = loners[2]
    look(page, sample, row)
    true, near = nearest(sample.vectors, row, K)[0], on_map(sample.places, row, K)
    kept = [found for found in true if found in near]
    assert counts(page) == [len(kept), K - len(kept), K - len(kept)]
    fates = page.page.locator(".inspector ol .fate").all_inner_texts()
    assert [fate.startswith("kept") for fate in fates] == [found in near for found in true]
    fold = page.page.locator(".inspector details:not(.measured)")
    fold.locator("summary").click()
    falses = fold.locator("button[data-row]").evaluate_all("buttons => buttons.map(button => Number(button.dataset.row))")
    assert falses == [found for found in near if found not in true]
    fold.locator("summary").click()


def without_state(url: str) -> tuple[str, dict[str, list[str]]]:
    """Give an address without what is set on the page, the row too: that follows a moment later."""
    parts = urlsplit(url)
    return parts._replace(query="").geturl(), {name: value for name, value in parse_qs(parts.query).items() if name != "state"}


def test_back_and_forward_by_buttons_and_keys(page: Watched, sample: Sample, loners: list[int]):
    look(page, sample, loners[4])
    third = page.neighbors()[2]
    head = page.page.locator(".inspector .head").first
    page.page.locator(f'.inspector ol button[data-row="{third}"]').click()
    page.wait_until(lambda: head.inner_text() == sample.words[third], "the third neighbor")
    page.page.get_by_role("button", name=re.compile("^Back to the row before")).click()
    page.wait_until(lambda: head.inner_text() == sample.words[loners[4]], "the row before")
    page.page.get_by_role("button", name=re.compile("^Forward")).click()
    page.wait_until(lambda: head.inner_text() == sample.words[third], "the neighbor again")
    page.page.evaluate("window.sameDocument = true")
    url = page.page.url
    page.page.locator(".inspector ol button[data-row]").first.focus()
    page.page.keyboard.press("Alt+ArrowLeft")
    page.wait_until(lambda: head.inner_text() == sample.words[loners[4]], "the row before, by keys")
    assert page.page.evaluate("window.sameDocument"), "the browser has not gone back"
    assert without_state(page.page.url) == without_state(url)


def test_neighbors_are_selected_and_theirs_are_added(page: Watched, sample: Sample, loners: list[int]):
    look(page, sample, loners[6])
    assert select(page, "Select them") == K + 1
    true = nearest(sample.vectors, loners[6], K)[0]
    expected = {loners[6], *true, *(found for row in true for found in nearest(sample.vectors, row, K)[0])}
    assert select(page, "And their neighbors", modifiers=["Shift"]) == len(expected)


def test_more_like_these_less_like_those(page: Watched, sample: Sample, loners: list[int]):
    look(page, sample, loners[8])
    like, unlike = loners[8], page.neighbors()[1]
    page.page.get_by_role("button", name="+ Like this").click()
    tray = page.page.locator(".inspector .tray")
    tray.locator("button[data-row]").first.wait_for()
    item = page.page.locator(".inspector ol li").nth(1)
    item.hover()
    item.get_by_role("button", name=re.compile("^Less like this")).click()
    unit = sample.vectors / np.linalg.norm(sample.vectors, axis=1, keepdims=True)
    apart = -unit @ (unit[like] - unit[unlike])
    apart[[like, unlike]] = np.inf
    expected = [int(found) for found in np.argsort(apart)[:K]]
    rows = tray.locator("button[data-row]")
    numbers = "buttons => buttons.map(button => Number(button.dataset.row))"
    page.wait_until(lambda: rows.evaluate_all(numbers) == expected, "rows like one, unlike the other")
    assert tray.locator(".chip").all_inner_texts() == [f"+\n{sample.words[like]}", f"−\n{sample.words[unlike]}"]  # noqa: RUF001
    tray.get_by_role("button", name="Select them").click()
    page.wait_until(lambda: selected(page) == K, "they are selected")


def test_a_selection_says_what_is_special_about_it(page: Watched, sample: Sample, loners: list[int]):
    look(page, sample, loners[10])
    select(page, "And their neighbors")
    true = nearest(sample.vectors, loners[10], K)[0]
    chosen = sorted({loners[10], *true, *(found for row in true for found in nearest(sample.vectors, row, K)[0])})
    box = page.page.locator(".chosen:not(.stale)")
    box.locator("h4").first.wait_for()
    categories = np.array(sample.categories)
    line = box.locator(".line").filter(has=page.page.locator(".shares")).first
    category = line.locator(".name").inner_text()
    share = 100 * (categories[chosen] == category).mean()
    assert line.locator(".told").inner_text().startswith(f"{share:.{1 if share < 10 else 0}f}%")
    line.click()
    page.wait_until(lambda: selected(page) == int((categories == category).sum()), "every row of the category")


def test_text_of_the_data_is_never_markup_and_bars_have_one_scale(page: Watched, sample: Sample, loners: list[int]):
    look(page, sample, loners[12])
    widths = page.page.locator(".inspector ol .bar").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
    assert max(widths) - min(widths) < 1
    source = (Path(__file__).resolve().parents[2] / "explorer" / "views" / "inspector.js").read_text()
    assert "innerHTML" not in source
