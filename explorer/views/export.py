"""The export panel: the map as a picture or a web page, and the rows that it shows as a table; made in a thread, sent by a download."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import panel as pn
from numpy.typing import NDArray

from explorer.compute.progress import Report
from explorer.data.export import KeptRows, write_table
from explorer.labels import Labeler, wanted_labels
from explorer.map_page.page import about_bytes, write_map_page
from explorer.map_page.rows import ROWS_MOST
from explorer.outlines import Outliner, wanted_outlines
from explorer.picture_file import Window, write_picture
from explorer.render.png import PNG
from explorer.session import Session
from explorer.vector_picture import write_svg
from explorer.view_rows import view_table
from explorer.views.download import Download, file_name
from explorer.views.making import TABLE_TYPES, FileMaker
from explorer.views.map import Map
from explorer.views.status import Message
from explorer.views.toolkit import Toolkit, tie, tie_optional

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from explorer.scene import Scene

__all__ = ["ExportControls", "current_window"]

_BACKGROUNDS = {"page": "as the page", "white": "white", "transparent": "transparent"}
_SVG = "image/svg+xml"
_TOLD_EVERY = 0.05  # of a picture


def current_window(shown: Map, scene: Scene) -> Window:
    """Say what is on screen of a map, and how large; the first view where no browser shows it."""
    asked = shown.asked
    if asked is None:
        window = Window(scene.shown.index.home)
        return window._replace(view=window.view.fitted(window.width, window.height))
    return Window(asked.view, asked.width, asked.height, asked.ratio, asked.background)


class _Over(NamedTuple):
    """What finds the names and the lines over a scene, as a person wants them at a moment: for a thread."""

    labels: Callable[[Scene], Labeler | None]
    contours: Callable[[Scene], Outliner | None]


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
        choice = session.export
        self.width = tie_optional("Width (px)", choice, "width", toolkit, soon=session.soon)
        grounds = {_BACKGROUNDS[ground]: ground for ground in choice.param.background.objects}
        self.background = toolkit.select("Background", grounds, choice.background, description=choice.param.background.doc)
        self.words = toolkit.switch("Title and legend", value=choice.words, description=choice.param.words.doc or "")
        tie(self.background, choice, "background", soon=session.soon)
        tie(self.words, choice, "words", soon=session.soon)
        self.picture = toolkit.button("Picture (PNG)", icon="picture", on_click=lambda _: session.soon(self._export_picture))
        self.print = toolkit.button(
            "Picture for print (SVG)", icon="picture", quiet=True, on_click=lambda _: session.soon(self._export_print)
        )
        self.web = toolkit.button("Web page (HTML)", icon="extent", quiet=True, on_click=lambda _: session.soon(self._export_page))
        self.web_note = Message(sizing_mode="stretch_width", margin=(0, 10, 8, 10), visible=False)
        self.tables = [
            toolkit.button(f"Rows in view ({title})", icon="table", quiet=True, on_click=partial(self._on_table, ending))
            for ending, title in ((".csv", "CSV"), (".parquet", "Parquet"))
        ]
        self.cancel = toolkit.button("Cancel", icon="stop", danger=True, on_click=lambda _: session.soon(self._maker.cancel))
        self.progress = Message(sizing_mode="stretch_width", margin=(0, 10, 8, 10), visible=False)
        self.download = Download(later=session.soon, on_error=lambda sentence: session.param.update(error=sentence))
        self._maker = FileMaker(session, self.download, on_change=self._update)
        self._view = pn.Column(
            self.width,
            self.background,
            self.words,
            self.picture,
            self.print,
            self.web,
            self.web_note,
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
        self._maker.cancel()
        self.download.close()

    # -- on the thread that owns the widgets

    def _on_table(self, ending: str, *_: object) -> None:
        self._session.soon(self._export_table, ending)

    def _export_picture(self) -> None:
        self._export_map("the picture", ".png", PNG, write_picture)

    def _export_print(self) -> None:
        self._export_map("the picture for print", ".svg", _SVG, write_svg)

    def _export_page(self) -> None:
        scene = self._session.scene
        if scene is not None:
            write = partial(_write_page, self._session.planes[0].as_seen(), self._session.describe_maps(), over=self._over())
            self._maker.make("the web page", file_name(*_title_of(scene), ending=".html"), "text/html", write, dataset=scene.dataset)

    def _export_map(self, what: str, ending: str, mime: str, write_file: Callable[..., None]) -> None:
        scene, choice = self._session.scene, self._session.export
        if scene is None:
            return
        write = partial(
            _write_picture,
            write_file,
            self._session.planes[0].as_seen(),
            current_window(self._map, scene),
            width=choice.width,
            background=choice.background,
            words=choice.words,
            over=self._over(),
        )
        self._maker.make(what, file_name(*_title_of(scene), ending=ending), mime, write, dataset=scene.dataset)

    def _over(self) -> _Over:
        appearance, clusters = self._session.appearance, self._session.clustering.clusters
        return _Over(
            partial(wanted_labels, choice=appearance.labels, clusters=clusters),
            partial(wanted_outlines, choice=appearance.contours, clusters=clusters),
        )

    def _export_table(self, ending: str) -> None:
        scene = self._session.scene
        if scene is not None:
            write = partial(_write_table, scene, current_window(self._map, scene), self._session.kept_of(scene.dataset))
            name = file_name(*_title_of(scene), "rows", ending=ending)
            self._maker.make("the table", name, TABLE_TYPES[ending], write, dataset=scene.dataset)

    def _update(self, *_: object) -> None:
        busy = self._maker.busy
        self.progress.text = self._maker.progress
        scene = self._session.scene
        for button in (self.picture, self.print, self.web, *self.tables):
            button.param.update(disabled=scene is None, visible=not busy)
        self.web_note.param.update(text="" if scene is None else _page_note(scene.n_shown), visible=scene is not None and not busy)
        self.cancel.visible = busy
        self.progress.visible = busy


# -- in a thread


def _write_picture(
    write_file: Callable[..., None],
    see: Callable[[], Scene],
    window: Window,
    path: Path,
    stop: Event,
    on_fraction: Callable[[float], None],
    *,
    width: int | None,
    background: Any,
    words: bool,
    over: _Over,
) -> int:
    scene = see()
    with path.open("wb") as file:
        write_file(
            file,
            scene,
            window,
            width=width,
            background=background,
            title=None if words else "",
            legend=words,
            labels=over.labels(scene),
            contours=over.contours(scene),
            report=_told(on_fraction),
            should_stop=stop.is_set,
        )
    return scene.n_shown


def _write_page(
    see: Callable[[], Scene],
    describe: Callable[[], str],
    path: Path,
    stop: Event,
    on_fraction: Callable[[float], None],
    *,
    over: _Over,
) -> int:
    scene = see()
    with path.open("w", encoding="utf-8", newline="\n") as file:
        notes = describe().split("\n\n")
        write_map_page(
            file,
            scene,
            notes=notes,
            labels=over.labels(scene),
            contours=over.contours(scene),
            report=_told(on_fraction),
            should_stop=stop.is_set,
        )
    return scene.n_shown


def _told(on_fraction: Callable[[float], None]) -> Report:
    """Tell of every so much that is done."""
    told = 0.0

    def report(stage: str, fraction: float, layout: NDArray[np.float32] | None = None) -> None:
        nonlocal told
        if fraction - told >= _TOLD_EVERY:
            told = fraction
            on_fraction(fraction)

    return report


def _page_note(n_rows: int) -> str:
    """Say how large a web page will be, and what is in it."""
    what = "with search and what is known of each row" if n_rows <= ROWS_MOST else f"a picture only: more than {ROWS_MOST:,} rows"
    return f"The web page has about {about_bytes(n_rows) / 1e6:,.0f} MB, {what}; it needs no server."


def _write_table(
    scene: Scene, window: Window, kept: Mapping[str, KeptRows], path: Path, stop: Event, on_fraction: Callable[[float], None]
) -> int:
    table = view_table(scene, window.view, kept=kept)
    write_table(path, table)
    return table.num_rows


def _title_of(scene: Scene) -> tuple[str, str]:
    return scene.dataset.name, scene.shown.run.title
