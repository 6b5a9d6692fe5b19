"""Notebooks in a real JupyterLab: maps zoom in a cell, and what was clicked or drawn around is known in the next one."""

from __future__ import annotations

import csv
import json
import os
import re
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

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
READ = "print('clicked:', view.clicked, list(view.neighbors['row'])); print('selected:', view.selection.tolist())"
BY_WIDGET = "; import panel; print('shown by:', panel.config.comms)"
ALONE = """
from IPython.display import display

half = layout.coordinates[:, ::-1].copy()
half[:100] = half[:1]
display(explorer.transition(layout, half, data=items, color="group", names=("whole", "half"), height=300))
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A JupyterLab over a folder with a notebook: its code cells up to the one with a word in it, and some more; gives its address."""
    started: list[subprocess.Popen[bytes]] = []

    def open_(name: str, last: str, *more: str, dark: bool = False, **variables: str) -> str:
        folder = tmp_path / "notebooks"
        folder.mkdir()
        notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
        shows = next(at for at, cell in enumerate(notebook.cells) if last in cell.source and cell.cell_type == "code")
        notebook.cells = [cell for cell in notebook.cells[: shows + 1] if cell.cell_type == "code"]
        notebook.cells += [nbformat.v4.new_code_cell(source) for source in more]
        nbformat.write(notebook, folder / name)
        port, log = free_port(), tmp_path / "lab.log"
        options = [f"--port={port}", "--no-browser", "--allow-root", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="]
        environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "JUPYTER_DATA_DIR": str(tmp_path / "data")}
        environment |= variables
        if dark:
            themes = tmp_path / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
            themes.mkdir(parents=True)
            (themes / "themes.jupyterlab-settings").write_text('{"theme": "JupyterLab Dark"}', encoding="utf-8")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                cwd=folder,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        wait_for_url(f"http://127.0.0.1:{port}/api", process, log)
        return f"http://127.0.0.1:{port}/lab/tree/{name}"

    yield open_
    for process in started:
        end_group(process)


def test_the_map_in_a_cell_zooms_moves_exports_and_gives_back_what_was_chosen(
    lab: Callable[..., str], open_page: Callable[..., Watched], tmp_path: Path
):
    address = lab("quickstart.ipynb", "explorer.Explorer(", READ)
    watched = open_page(address, width=1500, height=1000)
    page = watched.page
    outside: list[str] = []
    page.on("request", lambda asked: None if asked.url.startswith((address[:21], "data:", "blob:")) else outside.append(asked.url))
    last = _run_all_but_last(watched, 4)
    _zoom(watched)

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
    _lasso(watched, page.locator(".map").first)
    page.locator(".message.status").filter(has_text="selected").first.wait_for()
    _run_cell(watched, last)
    clicked, selected = _said(watched, "clicked:").split("\n")
    assert clicked.endswith(str(rows))
    assert len(json.loads(selected.removeprefix("selected: "))) > 10
    assert outside == []  # nothing is fetched from outside


def test_where_panel_is_a_widget_as_in_vs_code_the_map_zooms_and_gives_back_what_was_chosen(
    lab: Callable[..., str], open_page: Callable[..., Watched], tmp_path: Path
):
    watched = open_page(lab("quickstart.ipynb", "explorer.Explorer(", READ + BY_WIDGET, VSCODE_PID="1"), width=1500, height=1000)
    page = watched.page
    outside: list[str] = []
    page.on("request", lambda asked: None if asked.url.startswith(("http://127.0.0.1:", "data:", "blob:")) else outside.append(asked.url))
    last = _run_all_but_last(watched, 4)
    _zoom(watched)

    _click_some_row(watched)
    rows = watched.neighbors()
    with page.expect_download() as waiting:
        watched.button("Rows in view (CSV)").click()
    waiting.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        assert 0 < sum(1 for _ in csv.DictReader(file)) < 10_000
    page.keyboard.press("Escape")
    _lasso(watched, page.locator(".map").first)
    page.locator(".message.status").filter(has_text="selected").first.wait_for()
    _run_cell(watched, last)
    clicked, selected, shown_by = _said(watched, "clicked:").split("\n")
    assert clicked.endswith(str(rows))
    assert len(json.loads(selected.removeprefix("selected: "))) > 10
    assert shown_by == "shown by: vscode"
    assert outside == []


def test_a_map_by_itself_gives_back_what_was_drawn_around_has_its_keys_and_comes_again_after_a_reload(
    lab: Callable[..., str], open_page: Callable[..., Watched]
):
    span = "np.ptp(layout.coordinates[{}, 1]).item()".format
    read = f"print('selected:', map_.selected.index.tolist()); print('share:', {span('map_.selection')} / {span(':')})"
    watched = open_page(lab("own_data.ipynb", "explorer.Map(layout", ALONE, read, dark=True), width=1500, height=1400)
    page = watched.page
    last = _run_all_but_last(watched, 7)
    maps = page.locator(".map")
    first = maps.first
    first.scroll_into_view_if_needed()
    before = watched.settle()
    watched.zoom(2)
    watched.wait_for_new_picture(before)
    watched.settle()
    _lasso(watched, first)
    page.locator(".message.status").filter(has_text="selected").first.wait_for()

    _run_cell(watched, last)
    selected, share = _said(watched, "selected:").split("\n")
    rows = json.loads(selected.removeprefix("selected: "))
    assert 10 < len(rows) < 2_000
    assert rows == sorted(rows)
    assert 0.1 < float(share.removeprefix("share: ")) < 0.75  # what was drawn around is half as high as the map

    assert _brightness(page.locator(".message.status").filter(has_text="selected").first) > 0.6  # JupyterLab is dark
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    n_cells = cells.count()
    cells.first.locator(".jp-InputPrompt").click()  # from here on B adds a cell, and D twice deletes one; but not on a map
    first.hover()
    page.keyboard.press("b")
    page.locator('.map[data-tool="box"]').wait_for()
    page.keyboard.press("d")
    page.keyboard.press("d")
    page.keyboard.press("h")
    page.locator('.map[data-tool="box"]').wait_for(state="detached")
    assert cells.count() == n_cells

    maps.last.scroll_into_view_if_needed()
    page.get_by_role("button", name="Play the way between the two layouts").last.click()
    page.locator('.map[data-t="1"][data-rest="true"]').wait_for()
    page.locator(".message.status").filter(has_text="2,000 of 2,000 rows · half").wait_for()

    page.reload()  # without having saved; the kernel lives on
    watched.wait_until(lambda: cells.count() == 7, "the notebook to be there again")
    _run_cell(watched, cells.nth(4))
    page.locator('.map[data-rest="true"]').first.wait_for()
    # JupyterLab's own words for what it had asked the kernel for when the page was loaded again.
    watched.errors = [error for error in watched.errors if "Canceled future for" not in error]


def _run_all_but_last(watched: Watched, n: int) -> Locator:
    asked = watched.page.locator(".jp-Dialog")  # which kernel: where JupyterLab does not know them in time
    watched.page.add_locator_handler(asked, lambda dialog: dialog.locator("button.jp-mod-accept").first.click())
    cells = watched.page.locator(".jp-Notebook .jp-CodeCell")
    watched.wait_until(lambda: cells.count() == n, "the notebook to be there")
    for at in range(n - 1):
        _run_cell(watched, cells.nth(at))
    return cells.nth(n - 1)  # not the last one: JupyterLab adds one below the last that runs


def _brightness(shown: Locator) -> float:
    """Say how bright a text's color is, from 0 to 1."""
    color = shown.evaluate("element => getComputedStyle(element).color")
    return sum(map(float, re.findall(r"[\d.]+", color)[:3])) / (3 * 255)


def _said(watched: Watched, start: str) -> str:
    said = watched.page.locator(".jp-OutputArea-output").filter(has_text=re.compile(f"^{start}"))
    said.wait_for()
    return said.inner_text().strip()


def _lasso(watched: Watched, shown: Locator) -> None:
    """Draw around the middle of a map."""
    box, mouse, keys = shown.bounding_box(), watched.page.mouse, watched.page.keyboard
    assert box
    x, y, side = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["height"] / 4
    keys.down("Shift")
    mouse.move(x - side, y - side)
    mouse.down()
    for dx, dy in ((1, -1), (1, 1), (-1, 1), (-1, -0.9)):
        mouse.move(x + dx * side, y + dy * side, steps=4)
    mouse.up()
    keys.up("Shift")


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


def _zoom(watched: Watched) -> None:
    """Zoom the map, whose picture becomes another one."""
    first = watched.settle()
    before = watched.pixels()
    watched.page.locator(".map").scroll_into_view_if_needed()
    watched.zoom(3)
    watched.wait_for_new_picture(first)
    watched.settle()
    after = watched.pixels()
    assert after.shape != before.shape or (after != before).any(axis=-1).mean() > 0.02


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
