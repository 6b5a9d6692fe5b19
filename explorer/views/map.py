"""The map: server-drawn pictures under a transparent HoloViews figure; asks the scene for pictures and never draws itself."""

from __future__ import annotations

import logging
import math
import os
import re
import sys
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

import holoviews as hv
import panel as pn
import param
from bokeh.models import WheelZoomTool

from explorer import settings
from explorer.neighborhood import Neighbors
from explorer.picture import Picture, PictureRequest, draw
from explorer.render.view import View
from explorer.session import Schedule, Session
from explorer.views.card import card, title_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bokeh.plotting import figure as BokehFigure

__all__ = ["Map", "give_way"]

logger = logging.getLogger(__name__)

_NAME_MOST = 64  # characters of the name that a browser gives itself
_CLIENTS = 8  # browsers that one map serves at the same time: a session has one, a notebook cell may be shown in several places
_FIELDS = 6  # fields of a tooltip
_ALL_HIDDEN = "Every row is hidden. Press “Show all” in the legend."
_LABELED = 12  # neighbors whose label is written on the map
_NICER = 5  # threads that draw give way to the event loop where cores are few


def give_way(nicer: int) -> None:
    """Lower this thread's priority below its process's; Linux alone has priorities of threads."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(os.getpriority(os.PRIO_PROCESS, thread) + nicer, 19))


_drawers = ThreadPoolExecutor(settings.render_threads(), thread_name_prefix="explorer-draw", initializer=give_way, initargs=(_NICER,))


class PictureLayer(pn.custom.JSComponent):
    """The canvas in the browser: follows the figure's ranges, asks for pictures, shows them; see ``picture_layer.js``."""

    figure = pn.custom.Child()  # type: ignore[attr-defined]  # not in its __all__
    home = param.List(default=[], item_type=float, doc="x0, x1, y0, y1 of the first view; empty until there is a map.")
    marks = param.List(default=[], doc="Rings: dicts of x, y, kind (row, neighbor, hover) and label.")
    note = param.String(default="", doc="What to say where there is no map.")

    _esm = Path(__file__).with_name("picture_layer.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("picture_layer.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Map(pn.viewable.Viewer):
    """The map of a session's scene: zoom, pan, hover, tap.

    Parameters
    ----------
    session : Session
        What is shown.
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    held : bool
        Keep pictures back until :meth:`begin`.
    """

    has_far_rows = param.Boolean(default=False, doc="Whether some rows lie far outside of the whole map as it is shown first.")

    def __init__(self, session: Session, *, later: Schedule, held: bool = False, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._later = later
        self._held: dict[str, tuple[Picture, float]] | None = {} if held else None  # what is kept for begin(), by client
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._clients_lock = Lock()
        self._pushes = 0
        self._pointed: int | None = None
        self.layer = PictureLayer(
            figure=pn.pane.Bokeh(_figure(), sizing_mode="stretch_both"),
            on_message=self._on_message,
            sizing_mode="stretch_both",
            min_height=240,
        )
        session.param.watch(self._on_scene, ["scene"])
        session.param.watch(self._on_dataset, ["dataset"])
        session.param.watch(self._on_marks, ["neighbors", "scene"])
        session.inspection.param.watch(self._on_marks, ["row"])
        session.param.watch(self._on_note, ["dataset", "scene", "opening", "running", "error"])
        self._on_scene()
        self._on_note()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.layer

    @property
    def asked(self) -> PictureRequest | None:
        """What the browser that spoke last asked for last, of the layout that is on the map; none where no browser shows it."""
        with self._clients_lock:
            return next((client.asked for client in reversed(self._clients.values()) if client.home == self.layer.home), None)

    def begin(self) -> None:
        """Send pictures from now on, first the latest of those that were kept back for each browser."""
        kept, self._held = self._held or {}, None
        with self._clients_lock:
            latest = {name: client.asked.id for name, client in self._clients.items() if client.asked is not None}
        for name, (picture, began) in kept.items():
            if latest.get(name) == picture.request.id:  # else a newer one is under way
                self._show(picture, began)

    def go_home(self) -> None:
        """Show the whole map again."""
        self.layer._send_msg({"type": "home"})  # the component's own way to talk to its browser side

    def show_everything(self) -> None:
        """Show every row, also the few that lie far outside of the whole map as it is shown first."""
        scene = self._session.scene
        if scene is not None:
            x0, x1, y0, y1 = map(float, scene.shown.index.extent)
            self.layer._send_msg({"type": "view", "x0": x0, "x1": x1, "y0": y0, "y1": y1})

    def point(self, row: int | None) -> None:
        """Ring a row, or none; a row that the dataset does not have is none."""
        dataset = self._session.dataset
        self._pointed = row if dataset is not None and row is not None and 0 <= row < dataset.n_rows else None
        self._on_marks()

    # -- from the session

    def _on_dataset(self, *_: object) -> None:
        self._pointed = None

    def _on_scene(self, *_: object) -> None:
        scene = self._session.scene
        index = None if scene is None else scene.shown.index
        self.has_far_rows = index is not None and index.home != index.extent
        if index is None:
            return
        home = [float(end) for end in index.home]
        if home != self.layer.home:
            self.layer.home = home  # the browser answers by asking for this view
            return
        with self._clients_lock:
            waiting = [(client, client.asked) for client in self._clients.values() if client.asked is not None]
        for client, asked in waiting:
            self._draw(client, asked._replace(moving=False))

    def _on_marks(self, *_: object) -> None:
        scene, row = self._session.scene, self._session.inspection.row
        found: Neighbors | None = self._session.neighbors
        marks: list[dict[str, Any]] = []
        if scene is not None and scene.dataset is self._session.dataset:
            places = scene.shown.layout.coordinates

            def mark(of: int, kind: str, *, labeled: bool = True) -> None:
                x, y = (float(end) for end in places[of])
                if math.isfinite(x) and math.isfinite(y):  # the row is on this map
                    marks.append({"x": x, "y": y, "kind": kind, "label": title_of(scene.dataset, of)[:40] if labeled else ""})

            if row is not None:
                mark(row, "row")
            if found is not None and found.row == row:
                for at, neighbor in enumerate(found.rows.tolist()):
                    mark(neighbor, "neighbor", labeled=at < _LABELED)
            if self._pointed is not None:
                mark(self._pointed, "hover")
        self.layer.marks = marks

    def _on_note(self, *_: object) -> None:
        session = self._session
        if session.scene is not None:
            note = "" if session.scene.n_shown or not len(session.scene.shown.index) else _ALL_HIDDEN
        elif session.opening:
            note = f"Opening {session.opening} …"
        elif session.running:
            note = f"Computing {session.running}: the map appears when it is done."
        elif session.dataset is None:
            note = "Choose a dataset, or open a file of your own."
        else:
            note = "" if session.runs else "No layout yet: choose a projection and press Run."
        self.layer.note = note

    # -- from the browser; Bokeh 3.9 calls this on the event loop, 3.10 in a worker thread

    def _on_message(self, message: object) -> None:
        if not isinstance(message, dict) or not isinstance(message.get("client"), str) or len(message["client"]) > _NAME_MOST:
            logger.warning("a message from the browser that makes no sense was left out: %.200r", message)
            return
        kind, name = message.get("type"), message["client"]
        if kind == "gone":
            with self._clients_lock:
                self._clients.pop(name, None)
            return
        with self._clients_lock:
            client = self._clients.setdefault(name, _Client())
            self._clients.move_to_end(name)
            while len(self._clients) > _CLIENTS:
                self._clients.popitem(last=False)
        try:
            if kind == "draw":
                asked = _request(name, message)
                client.asked, client.home = asked, self.layer.home
                self._draw(client, asked)
            elif kind == "piece":
                self._send_piece(client, int(message["push"]), int(message["piece"]))
            elif kind in ("hover", "tap"):
                client.pointed[kind] = float(message["x"]), float(message["y"])
                self._pick(client, name)
        except (KeyError, TypeError, ValueError, OverflowError):
            logger.warning("a message from the browser that makes no sense was left out: %.200r", message)

    def _draw(self, client: _Client, asked: PictureRequest) -> None:
        scene = self._session.scene
        if scene is None:
            return
        began = monotonic()

        def draw_if_wanted() -> Picture | None:
            overtaken = scene is not self._session.scene or (client.asked is not None and client.asked.id > asked.id)
            return None if overtaken else draw(scene, asked, coarseness=client.coarseness)

        def drawn(done: Future[Picture | None]) -> None:
            error = done.exception()
            if error is not None:
                logger.error("a picture could not be drawn", exc_info=error)
                self._later(lambda: self._session.param.update(error="A picture could not be drawn; the log has the details."))
            elif (picture := done.result()) is not None:
                self._later(lambda: self._show(picture, began))

        _drawers.submit(draw_if_wanted).add_done_callback(drawn)

    def _show(self, picture: Picture, began: float) -> None:
        if self._held is not None:
            self._held[picture.request.client] = picture, began
            return
        name = picture.request.client
        with self._clients_lock:
            client = self._clients.get(name)
        if client is None or picture.scene is not self._session.scene:
            return
        self._pushes += 1
        if picture.request.moving:
            client.coarseness = picture.coarseness
        else:
            client.rest, client.rest_push = picture, self._pushes
        self._send(picture.message(self._pushes, seconds=monotonic() - began), name)
        self._pick(client, name)

    def _send_piece(self, client: _Client, push: int, piece: int) -> None:
        """Send the next piece of the picture at rest, which a browser asks for when it has the one before and looks nowhere else."""
        rest = client.rest
        if rest is not None and push == client.rest_push and 0 <= piece < len(rest.pieces):
            message, name = rest.message(push, piece), rest.request.client
            self._later(lambda: self._send(message, name))

    def _send(self, message: bytes, name: str) -> None:
        """Send a picture as a message: a param that holds it would have the whole page looked through at each one."""
        self.layer._send_msg({"type": "picture", "client": name, "picture": message})

    def _pick(self, client: _Client, name: str) -> None:
        """Find what a browser points at, once it has the picture at rest of what it looks at: an older one is too coarse, or elsewhere."""
        rest, asked, session = client.rest, client.asked, self._session
        if rest is not None and (asked is None or rest.scene is not session.scene or rest.request.view != asked.view):
            rest = None
        if rest is None and asked is not None and session.scene is not None:
            return  # it is being drawn
        for kind in ("hover", "tap"):
            place = client.pointed.pop(kind, None)
            if place is None:
                continue
            row = rest.row_at(*place) if rest is not None and rest.scene.dataset is session.dataset else None
            if kind == "tap":
                self._later(partial(session.inspection.param.update, row=row))
            else:
                self._later(partial(self.layer._send_msg, _card(name, rest, row)))


class _Client:
    """One browser that shows the map: what it asked for last, the picture at rest that it has, and where it points."""

    def __init__(self) -> None:
        self.asked: PictureRequest | None = None
        self.home: list[float] = []  # of the layout that it asked for
        self.rest: Picture | None = None
        self.rest_push = 0
        self.coarseness = 0  # of the last picture in motion
        self.pointed: dict[str, tuple[float, float]] = {}  # by kind, "hover" or "tap": places in layout units, not yet answered


def _card(name: str, picture: Picture | None, row: int | None) -> dict[str, Any]:
    """Answer a browser that hovers: the row under its pointer, or that there is none."""
    answer: dict[str, Any] = {"type": "card", "client": name, "row": row}
    if row is None or picture is None:
        return answer
    x, y = (float(end) for end in picture.scene.shown.layout.coordinates[row])
    described = card(picture.scene.dataset, row, color_by=picture.scene.coloring.column, most=_FIELDS)
    return {**answer, **described, "x": x, "y": y}


def _request(name: str, message: Mapping[str, Any]) -> PictureRequest:
    x0, x1, y0, y1, width, height, ratio = (_finite(message[part]) for part in ("x0", "x1", "y0", "y1", "width", "height", "ratio"))
    background = str(message["background"])
    return PictureRequest(
        client=name,
        id=int(_finite(message["id"])),
        view=View(x0, x1, y0, y1),
        width=width,
        height=height,
        ratio=ratio,
        moving=bool(message["moving"]),
        background=background if re.fullmatch("#[0-9a-fA-F]{6}", background) else "#ffffff",
        budget=None if message.get("budget") is None else int(_finite(message["budget"])),
    )


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        message = f"{number} is no place and no size"
        raise ValueError(message)
    return number


def _figure() -> BokehFigure:
    """Make the transparent figure that owns the tools and the ranges; its pictures come from the layer below."""
    plot = hv.render(
        hv.Points([]).opts(
            xlim=(-1, 1),
            ylim=(-1, 1),
            xaxis=None,
            yaxis=None,
            show_frame=False,
            toolbar=None,
            responsive=True,
            default_tools=[],
            tools=["pan", "wheel_zoom", "box_zoom"],
            active_tools=["pan", "wheel_zoom"],
            backend_opts={
                "plot.border_fill_alpha": 0,  # by opacity: themes set the colors again
                "plot.background_fill_alpha": 0,
                "plot.outline_line_color": None,
            },
            border=0,  # the figure's frame is the canvas below: what is under the pointer is the same place for both
        ),
        backend="bokeh",
    )
    # Bokeh paints the figure at each step of a zoom, and there is nothing in it: a canvas costs a third of WebGL for
    # that, and axes and grids cost time although they are invisible. The server need not know the ranges: each request says them.
    plot.output_backend = "canvas"
    plot.title = None
    for side in ("above", "below", "left", "right", "center"):
        setattr(plot, side, [])
    plot.x_range.syncable = plot.y_range.syncable = False
    for tool in plot.toolbar.tools:
        if isinstance(tool, WheelZoomTool):
            tool.zoom_on_axis = False
    return plot
