"""The bar of layouts over a map, where there are more of them than it has room for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Watched

NAMES = ("umap", "tsne", "pca", "isomap", "phate", "mde", "pacmap", "trimap")


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 800)])
def test_eight_layouts_are_on_one_line_and_each_can_be_reached(
    open_page: Callable[..., Watched], server: str, data_root: Path, width: int, height: int
):
    numbers = np.random.default_rng(3)
    places = {f"{name}_{axis}": numbers.normal(size=200).astype(np.float32) for name in NAMES for axis in (1, 2)}
    pd.DataFrame({"kind": ["a", "b"] * 100, **places}).to_parquet(data_root / f"eight-{width}.parquet")
    watched = open_page(f"{server}?dataset=eight-{width}", width=width, height=height, own_window=True)
    watched.wait_for_picture(timeout=2 * PATIENCE_MS)
    page, bar = watched.page, watched.page.locator(".bar").first
    group = page.get_by_role("group", name="Layout on this map").first
    rest = group.get_by_role("combobox")
    expect(rest).to_have_attribute("aria-label", f"{len(NAMES) - group.get_by_role('button').count()} more layouts")
    titles = watched.layouts()
    assert len(set(titles)) == len(NAMES)

    def is_one_line() -> bool:
        box, around = bar.bounding_box(), watched.box()
        return bool(box and box["height"] < 45 and box["x"] >= around["x"] and box["x"] + box["width"] <= around["x"] + around["width"])

    assert is_one_line()
    hidden = rest.locator("option:not([value=''])").all_inner_texts()[-1]
    rest.focus()
    rest.select_option(hidden)
    expect(group.get_by_role("button", name=hidden, exact=True)).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    assert is_one_line()
    assert sorted(watched.layouts()) == sorted(titles)
    assert bar.evaluate("bar => bar.contains(bar.getRootNode().activeElement)"), "who uses the keys stays where they are"
