"""The quickstart in a real JupyterLab: the map zooms in a cell, and what was clicked is known in the next one."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from tests.browser.conftest import Watched, end_group, free_port, wait_for_url

if TYPE_CHECKING:
    from playwright.sync_api import Locator

CELLS = 4  # of the quickstart up to the map, and one that says what was clicked
QUICKSTART = Path(__file__).resolve().parents[2] / "notebooks" / "quickstart.ipynb"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """A JupyterLab over a folder with the quickstart; gives the notebook's address."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(QUICKSTART, folder)
    notebook = nbformat.read(folder / QUICKSTART.name, as_version=4)
    shows = next(at for at, cell in enumerate(notebook.cells) if "explorer.Explorer(" in cell.source)
    notebook.cells = [cell for cell in notebook.cells[: shows + 1] if cell.cell_type == "code"]
    assert len(notebook.cells) == CELLS - 1
    notebook.cells.append(nbformat.v4.new_code_cell("print('clicked:', view.clicked, list(view.neighbors['row']))"))
    nbformat.write(notebook, folder / QUICKSTART.name)
    port, log = free_port(), tmp_path / "lab.log"
    options = [f"--port={port}", "--no-browser", "--allow-root", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for_url(f"http://127.0.0.1:{port}/api", process, log)
        yield f"http://127.0.0.1:{port}/lab/tree/{QUICKSTART.name}"
    finally:
        end_group(process)


def test_the_map_in_a_cell_zooms_moves_exports_and_gives_back_what_was_clicked(lab: str, open_page: Callable[..., Watched], tmp_path: Path):
    watched = open_page(lab, width=1500, height=1000)
    page = watched.page
    outside: list[str] = []
    page.on("request", lambda asked: None if asked.url.startswith((lab[:21], "data:", "blob:")) else outside.append(asked.url))
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    watched.wait_until(lambda: cells.count() == CELLS, "the notebook to be there")
    for at in range(cells.count() - 1):
        _run_cell(watched, cells.nth(at))
    first = watched.settle()
    before = watched.pixels()
    page.locator(".map").scroll_into_view_if_needed()

    watched.zoom(3)
    watched.wait_for_new_picture(first)
    watched.settle()
    after = watched.pixels()
    assert after.shape != before.shape or (after != before).any(axis=-1).mean() > 0.02

    watched.show_layout("t-SNE")
    page.locator('.map[data-t^="0."]').first.wait_for()  # rows travel
    page.locator('.map[data-t="1"][data-rest="true"]').first.wait_for()
    watched.settle()

    _click_some_row(watched)
    rows = watched.neighbors()
    assert len(rows) == 10

    with page.expect_download() as waiting:
        watched.button("Rows in view (CSV)").click()
    waiting.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        exported = [int(line["row"]) for line in csv.DictReader(file)]
    assert 0 < len(exported) < 10_000
    assert exported == sorted(exported)

    page.keyboard.press("Escape")
    _run_cell(watched, cells.nth(CELLS - 1))
    said = page.locator(".jp-OutputArea-output").get_by_text("clicked:")
    said.wait_for()
    assert said.inner_text().strip().endswith(str(rows))
    assert outside == []  # nothing is fetched from outside


def _run_cell(watched: Watched, cell: Locator) -> None:
    """Run a cell and wait for its end; what is asked for before the kernel is there is never run, so ask again."""
    prompt = cell.locator(".jp-InputPrompt")
    for _ in range(30):
        cell.locator(".jp-InputArea-editor").click()
        watched.page.keyboard.press("Shift+Enter")
        watched.page.wait_for_timeout(1000)
        watched.wait_until(lambda: "[*]" not in prompt.inner_text(), "the cell to end")
        if re.search(r"\d", prompt.inner_text()):
            return
    raise AssertionError("the cell was never run")


def _click_some_row(watched: Watched) -> None:
    """Click where the picture shows something, until the inspector lists neighbors."""
    pixels, box = watched.pixels(), watched.box()
    ys, xs = (pixels[..., 3] > 200).nonzero()
    height, width = pixels.shape[:2]
    for at in range(len(ys) // 2, len(ys), max(1, len(ys) // 20)):
        watched.page.mouse.click(box["x"] + (xs[at] + 0.5) / width * box["width"], box["y"] + (ys[at] + 0.5) / height * box["height"])
        watched.page.wait_for_timeout(1000)
        if watched.neighbors():
            return
    raise AssertionError("no click found a row")
