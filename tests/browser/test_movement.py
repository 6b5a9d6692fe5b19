"""What moved between two layouts, from the button in the bar to the query line, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Server, Watched

COLUMN = "moved: UMAP → t-SNE"


def test_after_a_switch_one_button_colors_by_what_moved_and_every_panel_offers_it(open_page: Callable[..., Watched], own_server: Server):
    watched = open_page(own_server.url)
    watched.wait_for_picture()
    page, button = watched.page, watched.button("Color by movement")
    line = page.get_by_role("combobox", name="Query")
    page.get_by_role("searchbox", name="Search text").fill("dog")
    watched.show_layout("t-SNE")
    columns = page.get_by_role("combobox", name="Search in column").locator("option")
    expect(columns.filter(has_text=re.compile(f"^{COLUMN}$"))).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.get_by_role("searchbox", name="Search text")).to_have_value("dog", timeout=PATIENCE_MS)
    expect(page.locator(".legend")).to_contain_text("artifact", timeout=PATIENCE_MS)
    expect(button).to_have_attribute("aria-pressed", "false", timeout=PATIENCE_MS)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    expect(page.locator(".legend")).to_contain_text(COLUMN, timeout=PATIENCE_MS)
    expect(watched.select("Color by")).to_have_text(COLUMN, timeout=PATIENCE_MS)
    line.fill("")
    line.press_sequentially("mov")
    line.press("ArrowDown")
    line.press("Enter")
    expect(line).to_have_value(f"`{COLUMN}`", timeout=PATIENCE_MS)
    line.press_sequentially(" > 0.5")
    line.press("Enter")
    expect(watched.status()).to_contain_text(re.compile(r"^\d,\d{3} of 10,000 rows shown"), timeout=PATIENCE_MS)
    line.fill("")
    line.press("Enter")
    button.click()
    expect(page.locator(".legend")).to_contain_text("artifact", timeout=PATIENCE_MS)
    assert COLUMN in watched.options("Color by")
