"""Clusters in the page: found, browsed, selected, renamed, named on the map and colored by."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Watched

Open = Callable[..., Watched]

pytestmark = pytest.mark.timeout(240)  # a neighbor graph may have to be searched first


def on_the_map(watched: Watched) -> set[str]:
    told = watched.page.locator("canvas.labels").first.get_attribute("data-labels") or "[]"
    return {text for text, *_ in json.loads(told)}


@pytest.fixture
def address(server: str, data_root: Path) -> str:
    """Rows of their own, as clusters are columns that everybody gains: eight topics, each with words and a kind."""
    rng = np.random.default_rng(0)
    topic = np.arange(1_600) % 8
    vectors = rng.normal(size=(8, 12))[topic] * 3 + rng.normal(size=(len(topic), 12))
    words = ["river bank", "guitar song", "tax law", "beetle wing", "oven bread", "violin bow", "planet orbit", "goal match"]
    texts = [f"{words[at]} number {i}" for i, at in enumerate(topic)]
    frame = pd.DataFrame(
        {"text": texts, "kind": [f"kind {at // 2}" for at in topic], "x": vectors[:, 0], "y": vectors[:, 1], "vector": list(vectors)}
    )
    frame.to_parquet(data_root / "grouped.parquet")
    return f"{server}?dataset=grouped"


def test_clusters_are_found_browsed_selected_renamed_and_colored_by(open_page: Open, address: str):
    watched = open_page(address, own_window=True, width=1510, height=1000)
    watched.settle()
    page, tree = watched.page, watched.page.get_by_role("tree", name="Clusters")
    watched.button("Find clusters").click()
    expect(tree).to_be_visible(timeout=3 * PATIENCE_MS)
    items = tree.get_by_role("treeitem")
    names = [str(item.get_attribute("aria-label")).rpartition(", ")[0] for item in items.all()]
    assert 5 <= len(names) == len(set(names)) <= 25
    watched.wait_until(lambda: len(on_the_map(watched) & set(names)) > 3, "their names are on the map")

    first = items.first
    n = str(first.get_attribute("aria-label")).split(", ")[-1].removesuffix(" rows")
    first.locator(".line").click()
    expect(page.get_by_text(f"{n} selected", exact=False).first).to_be_visible(timeout=PATIENCE_MS)
    first.focus()
    page.keyboard.press("ArrowRight")
    inner = first.get_by_role("treeitem")
    expect(inner.first).to_be_visible()
    of_inner = [int(re.sub(r"\D", "", str(item.get_attribute("aria-label")).split(", ")[-1])) for item in inner.all()]
    assert sum(of_inner) <= int(n.replace(",", ""))

    tree.get_by_role("treeitem").first.focus()
    page.keyboard.press("F2")
    page.keyboard.type("<b>my own</b>")
    page.keyboard.press("Enter")
    expect(tree.locator(".name").first).to_have_text("<b>my own</b>")
    watched.wait_until(lambda: "<b>my own</b>" in on_the_map(watched), "and so it is called on the map")

    by = page.get_by_role("button", name=re.compile(r"^Color by clusters \(coarse\)"))
    by.click()
    expect(by).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    watched.wait_until(lambda: "<b>my own</b>" in watched.legend(), "the legend has them")
    by.click()
    watched.wait_until(lambda: "kind 0" in watched.legend(), "colored as before")
