"""``explorer.Map`` in a page of one's own: a map of Parquet parts that are never loaded, zoomed and pointed at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.browser.conftest import Server, Watched

N, PARTS = 30_000, 3
HOSTILE = "<b onclick=alert(1)>row"
APP = """
import panel as pn
import explorer

pn.extension()
view = explorer.Map({folder!r}, x="x", y="y", color="kind", label="title")
said = pn.pane.Str(pn.bind(lambda row: f"clicked: {{row}}", view.param.clicked), css_classes=["said"])
pn.Column(view, said, sizing_mode="stretch_width").servable()
"""


def test_a_map_of_parts_draws_zooms_and_knows_its_rows(serving: Callable[..., Server], tmp_path: Path, open_page: Callable[..., Watched]):
    random = np.random.default_rng(0)
    kind = random.integers(0, 3, N)
    x, y = random.standard_normal((2, N)) + np.array([[-6, 0, 6], [0, 5, 0]])[:, kind]
    names = np.array(["left", "top", "right"])[kind]
    whole = pd.DataFrame({"x": x, "y": y, "kind": names, "title": [f"{HOSTILE} {i}" for i in range(N)]})
    folder = tmp_path / "words"
    folder.mkdir()
    for i in range(PARTS):
        whole.iloc[i * N // PARTS : (i + 1) * N // PARTS].to_parquet(folder / f"part.{i}.parquet")
    app = tmp_path / "words_map.py"
    app.write_text(APP.format(folder=str(folder)))
    server = serving("-m", "panel", "serve", str(app), "--port", "{port}", "--liveness")

    page = open_page(server.url.replace("/explorer", "/words_map"), width=1000, height=640)
    before = page.settle()
    assert [picture.moving for picture in page.pictures] == [True, False], "the sample first, then every row"
    assert page.page.locator(".message.status").inner_text() == f"{N:,} of {N:,} rows · {PARTS} partitions"
    assert sorted(page.legend()) == ["left", "right", "top"]
    assert sum(page.legend().values()) == N
    home = page.pixels()
    assert page.n_colored() > 5_000

    page.zoom(8, at=page.place_of(6.0, 0.0))
    page.wait_for_new_picture(before)
    page.settle()
    zoomed = page.pixels()
    assert zoomed.shape == home.shape
    assert not np.array_equal(zoomed, home)
    assert any(picture.moving for picture in page.pictures[2:])

    at = page.place_of_some_row()
    page.page.mouse.move(*at)
    card = page.page.locator(".card:not([hidden])")
    card.wait_for()
    title = card.locator(".title").inner_text()
    assert title.startswith(HOSTILE), "text, not markup"
    page.page.mouse.click(*at)
    page.page.locator(".said").filter(has_text=f"clicked: {title.rpartition(' ')[2]}").wait_for()
    assert "Traceback" not in server.log.read_text()
