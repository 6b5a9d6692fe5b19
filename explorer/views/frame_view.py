"""The map of a Dask DataFrame: the picture layer, its legend and one line of words; knows no session."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Lock
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

import panel as pn
import param

from explorer.errors import ExplorerError, PictureOvertaken
from explorer.frame_row import FoundRow, find_row
from explorer.frame_scene import FrameScene, Look, Surveyed, surveyed
from explorer.picture import Picture, PictureRequest, draw
from explorer.records.metrics import note_picture, note_sent
from explorer.render.dask_survey import Columns
from explorer.session import Schedule
from explorer.views.card import text
from explorer.views.composed import Composed
from explorer.views.figure import map_figure
from explorer.views.legend import LegendComponent, legend_content
from explorer.views.picture_layer import PictureLayer, drawers, finite, picture_request
from explorer.views.plain import INK, PlainToolkit
from explorer.views.status import Message

__all__ = ["FrameView"]

logger = logging.getLogger(__name__)

_CLIENTS = 8  # browsers that one map serves at the same time
_FIELDS = 6  # of a tooltip
_LABEL_MOST = 40  # characters of a label on the map
_LEGEND_PX = 220
_PIXELS_MOST = 4_000_000  # of a picture of every row: Datashader keeps up to 36 bytes for each, several times over

_askers = ThreadPoolExecutor(
    4, thread_name_prefix="explorer-frame"
)  # they wait for Dask, which computes in threads of its own, or elsewhere


class FrameView(Composed):
    """A map of a Dask DataFrame.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
    columns : Columns
        What is drawn of it.
    look : Look
        How.
    label : str or None
        The column that names a row.
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    height : int
        In pixels.
    overlay : HoloViews element or Overlay, optional
        What is drawn over the pictures, in the coordinates of the frame.
    """

    clicked = param.Integer(default=None, allow_None=True, constant=True, doc="The number of the row that was clicked last.")

    def __init__(
        self,
        frame: Any,
        columns: Columns,
        look: Look,
        *,
        label: str | None,
        later: Schedule,
        height: int,
        overlay: Any = None,
        **params: Any,
    ) -> None:
        super().__init__(overlay=overlay, **params)
        self.frame, self._columns, self._label, self._later = frame, columns, label, later
        self._look, self._height = look, height
        self._map: Surveyed | None = None
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._lock = Lock()
        self._pushes = self._taps = self._drawing = 0
        self.layer = PictureLayer(
            figure=pn.pane.Bokeh(map_figure(overlay), sizing_mode="stretch_both"),
            overlaid=overlay is not None,
            on_message=self._on_message,
            group=str(id(self)),
            plane=str(id(self)),
            sizing_mode="stretch_both",
            min_height=200,
            min_width=200,
        )
        self.error = Message(kind="error", on_close=lambda: self._later(partial(self._complain, "")), sizing_mode="stretch_width")
        self.status = Message(sizing_mode="stretch_width", margin=(4, 10))
        buttons = PlainToolkit()
        self.home = buttons.icon_button("home", description="Show the whole map", on_click=lambda _: self.layer._send_msg({"type": "home"}))
        self.everything = buttons.icon_button(
            "extent", description="Show every row, also those far outside", on_click=lambda _: self._show_everything()
        )
        self.everything.visible = False
        self.legend = LegendComponent.to_read(width=_LEGEND_PX, margin=(0, 10))
        self._block = pn.Row(
            pn.Column(
                self.error,
                self.layer,
                pn.Row(self.status, self.everything, self.home, sizing_mode="stretch_width"),
                height=height,
                sizing_mode="stretch_width",
                margin=0,
            ),
            self.legend,
            sizing_mode="stretch_width",
            stylesheets=[INK],
        )
        self.layer.note = "Looking at the frame …"
        self.surveyed = _looked_over(frame, columns, look, self._report)
        self.surveyed.add_done_callback(lambda done: later(partial(self._begin, done)))

    def __panel__(self) -> pn.viewable.Viewable:
        return self._block

    def overlaid(self, overlay: Any) -> FrameView:
        """Show the same with something else over it; see :class:`explorer.views.composed.Composed`."""
        return FrameView(self.frame, self._columns, self._look, label=self._label, later=self._later, height=self._height, overlay=overlay)

    # -- on the thread that owns the widgets

    def _report(self, words: str) -> None:
        self._later(lambda: self.layer.param.update(note=f"{words} …"))

    def _begin(self, done: Future[Surveyed]) -> None:
        error = done.exception()
        if error is not None:
            self.layer.note = _sentence(error, "The frame could not be drawn")
            return
        self._map = found = done.result()
        if found.coloring.kind != "none":
            content = legend_content(found.coloring)
            self.legend.content = {"version": 1, **{name: part for name, part in content.items() if name not in ("searchable", "hint")}}
        else:
            self.legend.visible = False
        self._say()
        self.everything.visible = found.found.rows.home != found.found.rows.extent
        self.layer.param.update(note="", home=[float(end) for end in found.every_row.home])  # the browser answers by asking for this view

    def _show_everything(self) -> None:
        if self._map is not None:
            x0, x1, y0, y1 = map(float, self._map.found.rows.extent)
            self.layer._send_msg({"type": "view", "x0": x0, "x1": x1, "y0": y0, "y1": y1})

    def _say(self) -> None:
        if self._map is None:
            return
        rows = self._map.found.rows
        left_out = rows.n_rows - len(rows)
        parts = [f"{len(rows):,} of {rows.n_rows:,} rows", f"{rows.frame.npartitions:,} partitions"]
        parts += [f"{left_out:,} {'row' if left_out == 1 else 'rows'} left out: no coordinates, or not finite"] if left_out else []
        parts += ["drawing every row …"] if self._drawing else []
        self.status.text = " · ".join(parts)

    def _complain(self, sentence: str) -> None:
        self.error.text = sentence

    def _drawing_is(self, change: int) -> None:
        self._drawing += change
        self._say()

    # -- from the browser; Bokeh 3.9 calls this on the event loop, 3.10 in a worker thread

    def _on_message(self, message: dict[str, Any]) -> None:
        kind, name = message.get("type"), message["client"]
        with self._lock:
            if kind == "gone":
                gone = self._clients.pop(name, None)
                if gone is not None:
                    gone.asked = None
                return
            client = self._clients.setdefault(name, _Client())
            self._clients.move_to_end(name)
            while len(self._clients) > _CLIENTS:
                self._clients.popitem(last=False)
        try:
            if kind == "draw":
                client.asked = picture_request(name, message)
                self._draw(client, client.asked)
            elif kind == "piece":
                self._send_piece(client, int(message["push"]), int(message["piece"]))
            elif kind in ("hover", "tap"):
                self._pick(client, name, kind, finite(message["x"]), finite(message["y"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            logger.warning("a message from the browser that makes no sense was left out: %.200r", message)

    def _draw(self, client: _Client, asked: PictureRequest) -> None:
        """Draw the sample at once, and then, where the view is at rest, every row."""
        found = self._map
        if found is None:
            return
        sample = None
        if asked.moving or client.coarse != asked.view:
            sample = self._submit(drawers, client, found.sample, asked._replace(moving=True))
        if asked.moving:
            return
        draw_every_row = partial(self._draw_every_row, client, found, asked)
        if sample is None:
            draw_every_row()
        else:
            sample.add_done_callback(lambda _: draw_every_row())

    def _draw_every_row(self, client: _Client, found: Surveyed, asked: PictureRequest) -> None:
        finest = math.sqrt(_PIXELS_MOST / max(asked.width * asked.height, 1.0))
        every_row = replace(found.every_row, wanted=lambda: client.asked is asked)
        self._later(partial(self._drawing_is, 1))
        self._submit(_askers, client, every_row, asked._replace(ratio=min(asked.ratio, finest))).add_done_callback(
            lambda _: self._later(partial(self._drawing_is, -1))
        )

    def _submit(self, threads: ThreadPoolExecutor, client: _Client, scene: FrameScene, asked: PictureRequest) -> Future[Any]:
        began = monotonic()

        def make() -> Picture[FrameScene] | None:
            if client.asked is None or client.asked.id > asked.id:
                return None
            return draw(scene, asked, coarseness=client.coarseness)

        def made(done: Future[Picture[FrameScene] | None]) -> None:
            error = done.exception()
            if isinstance(error, PictureOvertaken):
                return
            if error is not None:
                self._later(partial(self._complain, _sentence(error, "A picture could not be drawn")))
            elif (picture := done.result()) is not None:
                self._later(partial(self._show, client, picture, monotonic() - began))

        drawn = threads.submit(make)
        drawn.add_done_callback(made)
        return drawn

    def _show(self, client: _Client, picture: Picture[FrameScene], seconds: float) -> None:
        asked = picture.request
        if asked.id < client.sent or (asked.moving and client.rest is not None and client.rest.request.id >= asked.id):
            return  # it has a newer one, or a better one
        client.sent = asked.id
        self._pushes += 1
        client.coarse = asked.view
        if asked.moving:
            client.coarseness = picture.coarseness
        else:
            client.rest, client.rest_push = picture, self._pushes
        note_picture("moving" if asked.moving else "rest", seconds)
        self._send(picture.message(self._pushes, seconds=seconds), asked.client)

    def _send_piece(self, client: _Client, push: int, piece: int) -> None:
        rest = client.rest
        if rest is not None and push == client.rest_push and 0 <= piece < len(rest.pieces):
            self._later(partial(self._send, rest.message(push, piece), rest.request.client))

    def _send(self, message: bytes, name: str) -> None:
        note_sent(len(message))
        self.layer._send_msg({"type": "pictures", "client": name, "pictures": [message]})

    # -- the row under the pointer

    def _pick(self, client: _Client, name: str, kind: str, x: float, y: float) -> None:
        """Find a row in the picture of every row, and read it in a thread."""
        rest, asked = client.rest, client.asked
        known = rest is not None and asked is not None and rest.request.view == asked.view
        number = rest.row_at(x, y) if rest is not None and known else None
        if kind == "tap":
            self._taps += 1
        take = partial(self._answer, name) if kind == "hover" else partial(self._take_tap, self._taps, number)
        if number is None or self._map is None:
            self._later(partial(take, None))
            return
        read = _askers.submit(find_row, self.frame, self._map.found.rows.starts, number, self._columns, self._label, fields=_FIELDS)

        def done(found: Future[FoundRow]) -> None:
            error = found.exception()
            if error is not None:
                self._later(partial(self._complain, _sentence(error, "A row could not be read")))
            self._later(partial(take, None if error is not None else found.result()))

        read.add_done_callback(done)

    def _answer(self, name: str, found: FoundRow | None) -> None:
        answer: dict[str, Any] = {"type": "card", "client": name, "row": None}
        if found is not None:
            fields = [(column, said) for column, value in found.fields.items() if (said := text(value))]
            answer |= {"row": found.row, "x": found.x, "y": found.y, "title": _title(found), "fields": fields, "image": None}
        self.layer._send_msg(answer)

    def _take_tap(self, tap: int, number: int | None, found: FoundRow | None) -> None:
        if tap != self._taps:
            return
        mark = (
            [] if found is None else [{"row": found.row, "x": found.x, "y": found.y, "kind": "row", "label": _title(found)[:_LABEL_MOST]}]
        )
        self.layer.marks = mark
        with param.edit_constant(self):
            self.clicked = number


class _Client:
    """One browser that shows the map: what it asked for last, and the pictures that it has."""

    def __init__(self) -> None:
        self.asked: PictureRequest | None = None
        self.sent = 0  # the last request that was answered
        self.coarse: object = None  # the view of which it was sent a picture: of the same one the sample would show less
        self.coarseness = 0
        self.rest: Picture[FrameScene] | None = None
        self.rest_push = 0


_known: WeakValueDictionary[tuple[str, Columns, Look], Future[Surveyed]] = WeakValueDictionary()
_known_lock = Lock()


def _looked_over(frame: Any, columns: Columns, look: Look, report: Callable[[str], object]) -> Future[Surveyed]:
    """Find out in a thread what has to be known of a frame, once for all maps of it that there are."""
    key = frame._name, columns, look
    with _known_lock:
        known = _known.get(key)
        if known is None or (known.done() and known.exception() is not None):  # what went wrong may be better now
            known = _known[key] = _askers.submit(surveyed, frame, columns, look, report=report)
    return known


def _title(found: FoundRow) -> str:
    return text(found.label) or f"Row {found.row:,}"


def _sentence(error: BaseException, what: str) -> str:
    if isinstance(error, ExplorerError):
        return str(error)
    logger.error("%s", what, exc_info=error)
    return f"{what}; the log has the details."
