"""The export panel: the map as a picture file, and the rows that it shows as a table; made in a thread, sent by a download."""

from __future__ import annotations

import logging
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import panel as pn
from numpy.typing import NDArray

from explorer.compute.progress import Stopped
from explorer.data.export import write_table
from explorer.errors import ExplorerError
from explorer.picture_file import Window, write_picture
from explorer.render.png import PNG
from explorer.session import Session
from explorer.view_rows import view_table
from explorer.views.download import Download, file_name
from explorer.views.map import Map, give_way
from explorer.views.status import Message
from explorer.views.toolkit import Toolkit, tie, tie_optional

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.scene import Scene

__all__ = ["ExportControls", "current_window"]

logger = logging.getLogger(__name__)

_TABLES = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
_BACKGROUNDS = {"page": "as the page", "white": "white", "transparent": "transparent"}
_TOLD_EVERY = 0.05  # of a picture
_NICER = 10  # where cores are few, an export gives way to the pictures on screen
_makers = ThreadPoolExecutor(2, thread_name_prefix="explorer-export", initializer=give_way, initargs=(_NICER,))


def current_window(shown: Map, scene: Scene) -> Window:
    """Say what is on screen of a map, and how large; the first view where no browser shows it."""
    asked = shown.asked
    if asked is None:
        window = Window(scene.shown.index.home)
        return window._replace(view=window.view.fitted(window.width, window.height))
    return Window(asked.view, asked.width, asked.height, asked.ratio, asked.background)


class ExportControls(pn.viewable.Viewer):
    """What the picture is like, buttons for it and for the rows in view, and how far that is.

    Parameters
    ----------
    session : Session
        Whose map.
    toolkit : Toolkit
        Makes the widgets.
    shown : Map
        The map: what it shows is exported.
    """

    def __init__(self, session: Session, toolkit: Toolkit, *, shown: Map, **params: Any) -> None:
        super().__init__(**params)
        self._session, self._map = session, shown
        self._stop: Event | None = None  # of the export that is being made, and what comes of it
        self._made: Future[_File] | None = None
        choice = session.export
        self.width = tie_optional("Width (px)", choice, "width", toolkit, soon=session.soon)
        grounds = {_BACKGROUNDS[ground]: ground for ground in choice.param.background.objects}
        self.background = toolkit.select("Background", grounds, choice.background, description=choice.param.background.doc)
        self.words = toolkit.switch("Title and legend", value=choice.words, description=choice.param.words.doc or "")
        tie(self.background, choice, "background", soon=session.soon)
        tie(self.words, choice, "words", soon=session.soon)
        self.picture = toolkit.button("Picture (PNG)", icon="picture", on_click=lambda _: session.soon(self._export_picture))
        self.tables = [
            toolkit.button(f"Rows in view ({title})", icon="table", quiet=True, on_click=partial(self._on_table, ending))
            for ending, title in ((".csv", "CSV"), (".parquet", "Parquet"))
        ]
        self.cancel = toolkit.button("Cancel", icon="stop", danger=True, on_click=lambda _: session.soon(self._cancel))
        self.progress = Message(sizing_mode="stretch_width", margin=(0, 10, 8, 10), visible=False)
        self.download = Download(later=session.soon, on_error=lambda sentence: session.param.update(error=sentence))
        self._view = pn.Column(
            self.width,
            self.background,
            self.words,
            self.picture,
            *self.tables,
            self.cancel,
            self.progress,
            self.download,
            sizing_mode="stretch_width",
        )
        session.param.watch(self._update, ["scene"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def close(self) -> None:
        """Stop what is being made and forget what is on its way."""
        self._cancel()
        self.download.close()

    # -- on the thread that owns the widgets

    def _on_table(self, ending: str, *_: object) -> None:
        self._session.soon(self._export_table, ending)

    def _export_picture(self) -> None:
        scene, choice = self._session.scene, self._session.export
        if scene is None:
            return
        stop = Event()
        write = partial(
            _write_picture,
            scene,
            current_window(self._map, scene),
            width=choice.width,
            background=choice.background,
            words=choice.words,
            on_fraction=partial(self._session.soon, self._show_fraction, stop),
            stop=stop,
        )
        self._make("the picture", file_name(*_title_of(scene), ending=".png"), PNG, write, stop)

    def _export_table(self, ending: str) -> None:
        scene = self._session.scene
        if scene is not None:
            write = partial(_write_table, scene, current_window(self._map, scene))
            self._make("the table", file_name(*_title_of(scene), "rows", ending=ending), _TABLES[ending], write, Event())

    def _make(self, what: str, name: str, mime: str, write: Callable[[Path], None], stop: Event) -> None:
        if self._stop is not None:  # two clicks before the buttons knew
            return
        self._stop = stop
        asker = self.download.asker
        self._session.error = ""
        self.progress.text = f"Making {what} …"
        self._update()

        def made(done: Future[_File]) -> None:
            self._session.soon(self._take, done, what, name, mime, asker, stop)

        self._made = _makers.submit(_in_folder, name, write, stop)
        self._made.add_done_callback(made)

    def _take(self, done: Future[_File], what: str, name: str, mime: str, asker: str, stop: Event) -> None:
        if self._stop is not stop:  # canceled
            return
        self._end()
        error = done.exception()
        if error is None:
            self.download.send(done.result().path, name=name, mime=mime, to=asker, on_end=partial(_discard, done))
        elif isinstance(error, ExplorerError):
            self._session.error = str(error)
        else:
            logger.error("%s could not be made", what, exc_info=error)
            self._session.error = f"{what.capitalize()} could not be made ({type(error).__name__}: {error}). The log has the details."

    def _show_fraction(self, stop: Event, fraction: float) -> None:
        if self._stop is stop:
            self.progress.text = f"Making the picture … {fraction:.0%}"

    def _cancel(self) -> None:
        if self._stop is not None and self._made is not None:
            self._stop.set()
            self._made.add_done_callback(_discard)
            self._end()

    def _end(self) -> None:
        self._stop = self._made = None
        self.progress.text = ""
        self._update()

    def _update(self, *_: object) -> None:
        busy = self._stop is not None
        for button in (self.picture, *self.tables):
            button.param.update(disabled=self._session.scene is None, visible=not busy)
        self.cancel.visible = busy
        self.progress.visible = busy


# -- in a thread


class _File(NamedTuple):
    """A file in a folder of its own, which is removed with the process at the latest."""

    path: Path
    folder: tempfile.TemporaryDirectory[str]


def _in_folder(name: str, write: Callable[[Path], None], stop: Event) -> _File:
    if stop.is_set():
        raise Stopped
    folder = tempfile.TemporaryDirectory(prefix="explorer-export-", ignore_cleanup_errors=True)
    path = Path(folder.name) / name
    try:
        write(path)
    except BaseException:
        folder.cleanup()
        raise
    return _File(path, folder)


def _discard(done: Future[_File]) -> None:
    if done.exception() is None:
        done.result().folder.cleanup()


def _write_picture(
    scene: Scene,
    window: Window,
    path: Path,
    *,
    width: int | None,
    background: Any,
    words: bool,
    on_fraction: Callable[[float], None],
    stop: Event,
) -> None:
    told = 0.0

    def report(stage: str, fraction: float, layout: NDArray[np.float32] | None = None) -> None:
        nonlocal told
        if fraction - told >= _TOLD_EVERY:
            told = fraction
            on_fraction(fraction)

    with path.open("wb") as file:
        write_picture(
            file,
            scene,
            window,
            width=width,
            background=background,
            title=None if words else "",
            legend=words,
            report=report,
            should_stop=stop.is_set,
        )


def _write_table(scene: Scene, window: Window, path: Path) -> None:
    write_table(path, view_table(scene, window.view))


def _title_of(scene: Scene) -> tuple[str, str]:
    return scene.dataset.name, scene.shown.run.title
