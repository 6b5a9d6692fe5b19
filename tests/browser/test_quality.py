"""How good the layouts are: measured by itself once a page shows them, told beside their names, and a color of the maps."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import expect

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.projections import PCA, UMAP
from explorer.data.dataset import open_dataset
from explorer.data.export import write_layouts
from tests.browser.conftest import PATIENCE_MS, Server, Watched


def test_layouts_are_measured_compared_and_color_the_map(own_server: Server, open_page: Callable[..., Watched]):
    watched = open_page(own_server.url, width=1510, height=820)
    watched.wait_for_picture()
    page = watched.page
    group = page.get_by_role("group", name="Layout on this map").first
    expect(group.locator(".measured")).to_have_count(3, timeout=PATIENCE_MS)
    umap = group.get_by_role("button", name="UMAP", exact=True)
    expect(umap).to_have_attribute(
        "title", re.compile(r"^Keeps \d\d% of each row's 15 true neighbors \(by chance 0\.2%\)"), timeout=PATIENCE_MS
    )
    assert umap.text_content() == "UMAP", "the figure is drawn beside the name"

    quality = page.locator(".quality:visible")
    kept = quality.get_by_role("button", name=re.compile(r"^UMAP \d\d%$")).first
    kept.wait_for()
    shares = [float(told.strip("%<")) for told in quality.locator(".line[data-key^='kept 15'] .told").all_text_contents()]
    assert len(shares) == 3
    names = quality.locator(".line[data-key^='kept 15'] .name").all_text_contents()
    of = dict(zip(names, shares, strict=True))
    assert of["t-SNE"] > of["UMAP"] > of["PCA"]
    quality.get_by_text("By the 30 nearest neighbors, cosine distance.").wait_for()
    drawn = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    assert quality.locator("canvas").evaluate(drawn)

    before = watched.settle()
    kept.click()
    expect(kept).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    expect(page.locator(".legend").first).to_contain_text("kept of 15: UMAP", timeout=PATIENCE_MS)
    watched.wait_for_new_picture(before)
    assert kept.evaluate("button => button.getRootNode().activeElement === button"), "the focus stays"
    kept.click()
    expect(page.locator(".legend").first).to_contain_text("artifact", timeout=PATIENCE_MS)

    quality.get_by_role("button", name="Of the 5 nearest").click()
    quality.get_by_role("button", name="Other category").click()
    expect(page.locator(".legend").first).to_contain_text("other category near", timeout=PATIENCE_MS)
    quality.get_by_role("button", name="Other category").click()
    expect(page.locator(".legend").first).to_contain_text("artifact", timeout=PATIENCE_MS)
    watched.settle()


def test_a_layout_is_run_again_and_its_wobble_colors_the_map(server: str, open_page: Callable[..., Watched], data_root: Path):
    numbers = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), 100)
    vectors = (numbers.normal(scale=3, size=(3, 8))[groups] + numbers.normal(size=(300, 8))).astype(np.float32)
    dataset = open_dataset(pd.DataFrame({"embedding": list(vectors), "group": [f"group {at}" for at in groups]}), color="group")
    made = [PCA().fit(vectors), UMAP(n_epochs=30).fit(vectors, neighbor_graph(vectors))]
    write_layouts(data_root / "wobbling.parquet", dataset, made)

    page = open_page(server)
    page.wait_for_picture()
    page.choose("Dataset", next(option for option in page.options("Dataset") if "wobbling" in option))
    page.status().filter(has_text="300 of 300 rows").wait_for()
    quality = page.page.locator(".quality:visible")
    quality.get_by_text("PCA has no chance in it: every run is the same.").wait_for()
    measure = quality.get_by_role("button", name="Measure stability")
    expect(measure).to_have_count(1)
    measure.click()
    wobble = quality.locator(".line[data-key^='wobble']")
    wobble.wait_for()
    assert wobble.locator(".name").text_content() == "UMAP, n_epochs 30"
    assert 0 < float(wobble.locator(".told").inner_text().strip("%<")) < 25
    expect(quality.locator(".line[data-key^='kept over runs']")).to_have_count(1)
    expect(measure).to_have_count(0)

    before = page.settle()
    wobble.click()
    expect(wobble).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    expect(page.page.locator(".legend").first).to_contain_text("UMAP, n_epochs 30: wobble", timeout=PATIENCE_MS)
    page.wait_for_new_picture(before)
    assert sorted(page.layouts()) == ["PCA", "UMAP, n_epochs 30"], "the runs are in nobody's list"
