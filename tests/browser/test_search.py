"""Search and query on the served page: counted as one types, flown to by Enter, selected, filtered, completed; by keyboard too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.browser.conftest import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Locator

Open = Callable[..., Watched]
MARKUP = "<img src=x onerror=alert(1)> & needle"


class SearchOnPage:
    """The search of a page, found as a person finds it."""

    def __init__(self, watched: Watched) -> None:
        self.watched, self.page = watched, watched.page
        self.text = self.page.get_by_role("searchbox", name="Search text")
        self.line = self.page.get_by_label("Query", exact=True)
        self.first, self.second = (self.page.locator(".search .part").nth(at) for at in (0, 1))

    def says(self, part: Locator, sentence: str) -> None:
        """Wait until a part says how many rows it found."""
        part.locator(".outcome span").get_by_text(sentence, exact=True).wait_for()

    def press(self, part: Locator, name: str) -> None:
        """Press a button."""
        part.get_by_role("button", name=name, exact=True).click()

    def status(self, sentence: str) -> None:
        """Wait until the status line says something."""
        self.watched.wait_until(lambda: sentence in self.watched.status().inner_text(), f"the status says {sentence}")

    def hits(self) -> list[str]:
        """Titles in the list."""
        return self.page.locator(".search .hit .title").all_inner_texts()

    def name(self, column: str) -> Locator:
        """Find a column among those that the query line offers."""
        return self.page.get_by_role("listbox", name="Columns").get_by_role("option", name=column)

    def has_focus(self, place: Locator) -> bool:
        """Whether this has the focus."""
        return bool(place.evaluate("place => place.getRootNode().activeElement === place"))


@pytest.fixture
def search(sample_page: Watched) -> Iterator[SearchOnPage]:
    """The sample's search, empty again at the end, with nothing filtered."""
    made = SearchOnPage(sample_page)
    yield made
    made.line.fill("")
    made.line.press("Enter")
    for pressed in made.page.locator(".search button.act[aria-pressed='true']").all():
        pressed.click()
    made.press(made.first, "Contains")
    made.text.fill("")
    made.status("10,000 of 10,000 rows")


def test_a_slash_goes_to_the_field_and_hits_are_counted_and_marked_as_one_types(search: SearchOnPage):
    search.page.locator("body").press("/")
    assert search.has_focus(search.text)
    search.page.keyboard.type("DOGFISH", delay=20)
    search.says(search.first, "3 rows")
    search.page.locator(".search mark").first.wait_for()
    assert set(search.page.locator(".search mark").all_inner_texts()) == {"dogfish"}
    search.press(search.first, "Tell upper and lower case apart")
    search.says(search.first, "0 rows")
    search.watched.wait_until(lambda: not search.hits(), "an empty list")
    search.press(search.first, "Tell upper and lower case apart")
    search.page.get_by_label("Search in column").select_option("word")
    search.says(search.first, "1 row")
    search.page.get_by_label("Search in column").select_option("")


def test_enter_flies_to_the_next_hit_and_back(search: SearchOnPage):
    before = search.watched.view()
    search.text.fill("dogfish")
    search.text.press("Enter")  # before there is an answer
    search.says(search.first, "1 of 3 rows")
    current = search.page.locator(".search .hit[aria-current='true']")
    current.wait_for()
    search.page.locator(".inspector .head").get_by_text(current.locator(".title").inner_text(), exact=True).wait_for()
    search.watched.wait_until(lambda: search.watched.view() != before, "the map moves")
    search.text.press("Shift+Enter")
    search.says(search.first, "3 of 3 rows")
    search.page.locator(".search .hit").nth(1).click()
    search.says(search.first, "2 of 3 rows")


def test_the_list_goes_by_keys(search: SearchOnPage):
    search.text.fill("dogfish")
    search.says(search.first, "3 rows")
    hits = search.page.locator(".search .hit")
    search.watched.wait_until(lambda: hits.count() == 3, "three hits")
    search.text.press("ArrowDown")
    assert search.has_focus(hits.nth(0))
    hits.nth(0).press("End")
    assert search.has_focus(hits.nth(2))
    hits.nth(2).press("Enter")
    search.says(search.first, "3 of 3 rows")
    hits.nth(2).press("Home")
    hits.nth(0).press("ArrowUp")
    assert search.has_focus(search.text)


def test_an_expression_in_error_says_where_and_keeps_the_hits(search: SearchOnPage):
    search.text.fill("dogfish")
    search.says(search.first, "3 rows")
    search.press(search.first, "Regex")
    search.text.fill("dogfish|(")
    alert = search.first.get_by_role("alert")
    alert.get_by_text("The regular expression cannot be read").wait_for()
    assert search.text.get_attribute("aria-invalid") == "true"
    assert len(search.hits()) == 3
    search.text.fill("dogfish|wood tick")
    search.says(search.first, "4 rows")
    assert search.text.get_attribute("aria-invalid") == "false"


def test_hits_are_selected_and_narrowed_by_a_query(search: SearchOnPage):
    search.text.fill("dog")
    search.says(search.first, "40 rows")
    search.press(search.first, "Select")
    search.status("40 selected")
    search.line.fill('category == "animal"')
    search.says(search.second, "742 rows")
    search.press(search.second, "Keep only")
    search.status("18 selected")
    search.press(search.second, "Remove")
    search.watched.wait_until(lambda: "selected" not in search.watched.status().inner_text(), "none is selected")


def test_enter_in_the_query_line_filters_and_an_empty_line_ends_it(search: SearchOnPage):
    search.line.fill('category == "animal" and n_synonyms > 2')
    search.line.press("Enter")
    search.status("203 of 10,000 rows")
    assert search.second.get_by_role("button", name="Filter", exact=True).get_attribute("aria-pressed") == "true"
    search.line.fill("kategory == 'animal'")
    search.second.get_by_role("alert").get_by_text("Did you mean category?").wait_for()
    search.line.fill("open('/etc/passwd')")
    search.second.get_by_role("alert").get_by_text("Nothing can be called here").wait_for()
    search.line.press("Enter")
    search.status("203 of 10,000 rows")
    search.line.fill("")
    search.line.press("Enter")
    search.status("10,000 of 10,000 rows")


def test_names_of_columns_are_completed(search: SearchOnPage):
    search.line.focus()
    search.page.keyboard.type("n_s")
    option = search.name("n_synonyms")
    option.wait_for()
    search.page.keyboard.press("ArrowDown")
    assert option.get_attribute("aria-selected") == "true"
    search.page.keyboard.press("Enter")
    assert search.line.input_value() == "n_synonyms"
    search.page.keyboard.type(' > 20 and category == "ca')
    search.page.wait_for_timeout(100)
    assert search.page.locator(".completions li:visible").count() == 0  # not within quotes
    search.page.keyboard.type('" or wo')
    search.name("word").click()
    assert search.line.input_value() == 'n_synonyms > 20 and category == "ca" or word'
    search.page.keyboard.type(" d")
    search.name("definition").wait_for()
    search.page.keyboard.press("Escape")
    assert search.page.locator(".completions li:visible").count() == 0


def test_everything_has_a_name(search: SearchOnPage):
    search.text.fill("dog")
    search.says(search.first, "40 rows")
    search.line.fill("n_synonyms > 2")
    search.second.locator(".outcome span").get_by_text("rows").wait_for()
    named = "all => all.map(one => one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.[0]?.textContent)"
    assert all(search.page.locator(".search").locator("button:visible, input, select").evaluate_all(named))


def write_odd(folder: Path) -> None:
    table = pa.table(
        {
            "x": [0.0, 1.0, 2.0, 3.0],
            "y": [0.0, 1.0, 0.0, 1.0],
            "a <b>": [MARKUP, "hay", "שלום needle", None],
            "class": ["a", "a", "b", "b"],
        }
    )
    pq.write_table(table, folder / "odd.parquet")


def test_text_is_never_markup_and_odd_names_are_quoted(server: str, data_root: Path, open_page: Open):
    write_odd(data_root)
    search = SearchOnPage(open_page(f"{server}?dataset=odd", dark=True))
    search.watched.wait_for_picture()
    search.text.fill("needle")
    search.says(search.first, "2 rows")
    search.page.locator(".search .hit").nth(1).wait_for()
    assert MARKUP in search.page.locator(".search .hit").first.inner_text()
    assert search.page.locator(".search .hit img").count() == 0
    search.line.focus()
    search.page.keyboard.type("cl")
    search.name("class").wait_for()
    search.page.keyboard.press("ArrowDown")
    search.page.keyboard.press("Tab")
    assert search.line.input_value() == "`class`"
    search.page.keyboard.type(" == 'b' and `a")
    search.name("a <b>").click()
    search.page.keyboard.type(" is None")
    assert search.line.input_value() == "`class` == 'b' and `a <b>` is None"
    search.says(search.second, "1 row")
