"""Two embeddings on the page: what they share, both on two maps, and a row whose neighbors are others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Server, Watched

Open = Callable[..., Watched]

pytestmark = pytest.mark.timeout(300)  # a server starts, and two layouts are computed

N = 300


@pytest.fixture(scope="module")
def comparing(serving: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A server of rows of which one kind is elsewhere by the other vectors."""
    random = np.random.default_rng(0)
    kinds = np.array(["calm", "restless", "<b>shy</b>"])[np.arange(N) % 3]
    one = random.normal(size=(N, 8))
    other = np.where((kinds == "restless")[:, None], random.normal(size=(N, 8)), one + 0.1 * random.normal(size=(N, 8)))
    path: Path = tmp_path_factory.mktemp("compared") / "models.parquet"
    pd.DataFrame({"name": [f"row {i}" for i in range(N)], "kind": kinds, "small": list(one), "large": list(other)}).to_parquet(path)
    words = ["-m", "explorer", "serve", str(path), "--vectors", "small", "--compare", "large", "--color", "kind", "--port", "{port}"]
    return serving(*words)


def test_two_models_are_compared_side_by_side(comparing: Server, open_page: Open):
    watched = open_page(comparing.url)
    page, _ = watched.page, watched.wait_for_picture()
    panel = page.locator(".comparison")
    expect(panel.get_by_text("300 rows, cosine distance", exact=False)).to_be_visible(timeout=PATIENCE_MS)
    expect(panel.locator(".pick").filter(has_text="restless")).to_be_visible(timeout=PATIENCE_MS)
    kinds = panel.locator("table").nth(1).locator(".pick").all_inner_texts()
    assert (kinds[0], set(kinds)) == ("restless", {"restless", "calm", "<b>shy</b>"})
    panel.get_by_role("button", name="of 15", exact=True).click()
    expect(panel.get_by_role("button", name="of 15", exact=True)).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    panel.get_by_role("button", name=re.compile("of both, side by side")).click()
    expect(page.locator(".map")).to_have_count(2, timeout=2 * PATIENCE_MS)
    page.locator('.map[data-rest="true"]').nth(1).wait_for()
    panel.locator(".pick").filter(has_text="restless").click()
    expect(page.get_by_text("100 selected", exact=False).first).to_be_visible(timeout=PATIENCE_MS)
    panel.locator("table").nth(2).locator(".pick").first.click()
    expect(panel.locator(".near .side").filter(has_text="only by large")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".inspector summary").filter(has_text="By large")).to_be_visible(timeout=PATIENCE_MS)
