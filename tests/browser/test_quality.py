"""How good the layouts are: measured by itself once a page shows them, told beside their names, and a color of the maps."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS, Watched


def test_layouts_are_measured_compared_and_color_the_map(sample_page: Watched):
    page = sample_page.page
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

    before = sample_page.settle()
    kept.click()
    expect(kept).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)
    expect(page.locator(".legend").first).to_contain_text("kept of 15: UMAP", timeout=PATIENCE_MS)
    before = sample_page.wait_for_new_picture(before)
    assert kept.evaluate("button => button.getRootNode().activeElement === button"), "the focus stays"
    kept.click()
    expect(page.locator(".legend").first).to_contain_text("artifact", timeout=PATIENCE_MS)

    quality.get_by_role("button", name="Of the 5 nearest").click()
    quality.get_by_role("button", name="Other category").click()
    expect(page.locator(".legend").first).to_contain_text("other category near", timeout=PATIENCE_MS)
    quality.get_by_role("button", name="Other category").click()
    expect(page.locator(".legend").first).to_contain_text("artifact", timeout=PATIENCE_MS)
    sample_page.settle()
