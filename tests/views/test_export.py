from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views import export
from explorer.views.export import ExportControls, current_window
from explorer.views.map import Map

DRAW: dict[str, Any] = {"type": "draw", "client": "here", "id": 1, "x0": -1, "x1": 1, "y0": -0.5, "y1": 0.5, "width": 300, "height": 150}
DRAW |= {"ratio": 1, "moving": False, "background": "#121212"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files lie while they are on their way."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def controls(session: Session, loop: Any, toolkit: Any, folder: Path) -> ExportControls:
    made = ExportControls(session, toolkit, shown=Map(session, later=loop))
    made.download.component._handle_msg({"type": "clicked", "client": "here"})
    loop.run()
    return made


def look(controls: ExportControls, **changes: Any) -> None:
    """Do what a browser does that shows a part of the map."""
    controls._map.layer._handle_msg({**DRAW, **changes})


@pytest.fixture
def sent(controls: ExportControls, loop: Any) -> Callable[[Any], tuple[str, bytes]]:
    """Press a button and wait for the file: its name and what is in it."""

    def press(button: Any) -> tuple[str, bytes]:
        files: list[tuple[str, bytes]] = []
        real = controls.download.send

        def send(source: bytes | Path, *, name: str, mime: str, to: str, on_end: Callable[[], object] | None = None) -> None:
            assert isinstance(source, Path)
            assert to == "here"
            files.append((name, source.read_bytes()))
            assert on_end is not None
            on_end()

        controls.download.send = send  # type: ignore[method-assign]
        try:
            button.param.trigger("clicks")
            loop.until(lambda: files or controls._session.error)
        finally:
            controls.download.send = real  # type: ignore[method-assign]
        assert files, controls._session.error
        return files[0]

    return press


def test_without_a_map_there_is_nothing_to_export(controls: ExportControls, opened: Callable[..., Dataset]):
    assert controls.picture.disabled
    assert all(button.disabled for button in controls.tables)
    opened()
    assert not controls.picture.disabled


def test_the_picture_is_of_what_the_browser_shows(
    controls: ExportControls, opened: Callable[..., Dataset], sent: Callable[[Any], tuple[str, bytes]], folder: Path
):
    opened()
    look(controls)
    name, content = sent(controls.picture)
    picture = Image.open(io.BytesIO(content))
    assert name == "Rows-0-x-y.png"
    assert picture.width == 600
    assert picture.height > 300
    assert picture.getpixel((1, 1)) == (0x12, 0x12, 0x12)
    assert not list(folder.iterdir()), "nothing is left of it"


def test_width_background_and_words_are_as_chosen(
    controls: ExportControls, opened: Callable[..., Dataset], sent: Callable[[Any], tuple[str, bytes]], loop: Any
):
    opened()
    look(controls)
    controls.width.value, controls.background.value, controls.words.value = "250", "transparent", False
    loop.run()
    picture = Image.open(io.BytesIO(sent(controls.picture)[1]))
    assert picture.size == (250, 125)
    assert picture.mode == "RGBA"


@pytest.mark.parametrize("width", ["9000", "0", "wide", "1.5"])
def test_a_width_that_cannot_be_is_told_at_the_field(controls: ExportControls, session: Session, loop: Any, width: str):
    controls.width.value = width
    loop.run()
    assert session.export.width is None
    told = getattr(controls.width, "helper_text", "") or controls.width.label
    assert "a number from 1 to 8,000" in told


@pytest.mark.parametrize(("which", "read"), [(0, pd.read_csv), (1, pd.read_parquet)], ids=["csv", "parquet"])
def test_the_table_has_the_rows_in_view(
    controls: ExportControls,
    opened: Callable[..., Dataset],
    sent: Callable[[Any], tuple[str, bytes]],
    which: int,
    read: Callable[[io.BytesIO], pd.DataFrame],
):
    dataset = opened()
    controls._session.selection.apply(range(20))
    controls._session.selection.keep("first 20")
    look(controls)
    name, content = sent(controls.tables[which])
    frame = read(io.BytesIO(content))
    x, y = dataset.layouts[0].coordinates.T
    inside = np.flatnonzero((x >= -1) & (x <= 1) & (y >= -0.5) & (y <= 0.5))
    assert 0 < len(inside) < dataset.n_rows
    assert frame["row"].tolist() == inside.tolist()
    assert frame["word"].tolist() == [f"word {row}" for row in inside]
    assert frame["selection: first 20"].tolist() == (inside < 20).tolist()
    assert np.allclose(frame["x"], x[inside])
    assert name == f"Rows-0-x-y-rows{('.csv', '.parquet')[which]}"


def test_while_one_is_made_there_is_cancel_and_progress_instead_of_buttons(
    controls: ExportControls, opened: Callable[..., Dataset], session: Session, loop: Any, folder: Path
):
    opened()
    controls.picture.param.trigger("clicks")
    while not controls.cancel.visible:  # the click, and nothing that came of it
        loop.arrival()
        loop._queue.get()()
    assert not controls.picture.visible
    assert controls.progress.text.startswith("Making the picture …")
    controls.cancel.param.trigger("clicks")
    loop.until(lambda: not controls.cancel.visible)
    assert controls.picture.visible
    assert not controls.progress.visible
    loop.until(lambda: not list(folder.iterdir()))
    assert session.error == ""
    assert not controls.download._transfers


def test_a_picture_that_cannot_be_is_an_error_in_a_sentence(
    controls: ExportControls, opened: Callable[..., Dataset], session: Session, loop: Any
):
    opened()
    look(controls, width=10, height=1000)
    session.export.width = 8000
    controls.picture.param.trigger("clicks")
    loop.until(lambda: session.error)
    assert "may be 200 pixels wide at most" in session.error
    assert controls.picture.visible


def test_what_goes_wrong_inside_is_told_and_logged(
    controls: ExportControls,
    opened: Callable[..., Dataset],
    session: Session,
    loop: Any,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    opened()

    def fail(*_: object, **__: object) -> None:
        message = "no memory"
        raise MemoryError(message)

    monkeypatch.setattr(export, "view_table", fail)
    with caplog.at_level(logging.ERROR):
        controls.tables[0].param.trigger("clicks")
        loop.until(lambda: session.error)
    assert session.error == "The table could not be made (MemoryError: no memory). The log has the details."
    assert "the table could not be made" in caplog.text
    assert not list(folder.iterdir())


def test_when_the_page_goes_nothing_is_left(controls: ExportControls, opened: Callable[..., Dataset], loop: Any, folder: Path):
    opened()
    for closes_early in (True, False):
        controls.picture.param.trigger("clicks")
        loop.arrival()
        loop._queue.get()()
        if not closes_early:
            loop.until(lambda: controls.download._transfers)
        controls.close()
        loop.until(lambda: not list(folder.iterdir()))


def test_after_the_layout_changed_the_view_of_the_one_before_does_not_count(
    controls: ExportControls, opened: Callable[..., Dataset], session: Session
):
    opened(seed=0)
    assert session.scene is not None
    assert current_window(controls._map, session.scene).width == 900
    look(controls)
    assert current_window(controls._map, session.scene).width == 300
    opened(seed=1)
    assert current_window(controls._map, session.scene).width == 900
    look(controls)
    assert current_window(controls._map, session.scene)[:2] == ((-1, 1, -0.5, 0.5), 300)
