"""The picture layer of a map: its component in the browser, what that asks for, and the threads in which pictures are drawn."""

from __future__ import annotations

import logging
import math
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param
from panel.io.state import set_curdoc

from explorer import settings
from explorer.map_page.page import LABELS
from explorer.picture import PictureRequest
from explorer.priority import give_way
from explorer.render.view import View
from explorer.turning import Pose
from explorer.views import cells, widget_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bokeh.document import Document
    from bokeh.events import Event
    from bokeh.model import Model
    from pyviz_comms import Comm

__all__ = ["PictureLayer", "drawers", "finite", "picture_request"]

logger = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_SCRIPTS = (
    *(_HERE / name for name in ("pace.js", "travel.js", "images.js")),
    LABELS,
    *(_HERE / name for name in ("contours.js", "turn.js", "picture_layer.js")),
)
_NAME_MOST = 64  # characters of the name that a browser gives itself
_NUMBERS_MOST = 1_000  # of a camera
_TOUR_MOST = 1e7  # seconds
_NICER = 5  # threads that draw give way to the event loop where cores are few

drawers = ThreadPoolExecutor(settings.render_threads(), thread_name_prefix="explorer-draw", initializer=give_way, initargs=(_NICER,))


class PictureLayer(pn.custom.JSComponent):
    """The canvas in the browser: follows the figure's ranges, asks for pictures, shows them; see ``picture_layer.js``."""

    figure = pn.custom.Child()  # type: ignore[attr-defined]  # not in its __all__
    home = param.List(default=[], item_type=float, doc="x0, x1, y0, y1 of the first view; empty until there is a map.")
    look = param.List(default=[], doc="Where to look now: a number that counts, then x0, x1, y0, y1, or nothing for the whole map.")
    marks = param.List(default=[], doc="Rings: dicts of x, y, kind, label and faint, see marks_of.")
    labels = param.Dict(default={}, doc="What can be written on the map, see told_labels; which of it has room, the browser decides.")
    contours = param.Dict(default={}, doc="Which lines are on the map, see contours_message.")
    along = param.Boolean(default=False, doc="Whether the map is on a journey: another layout's home is then no reason to go there.")
    coming = param.Integer(default=0, doc="Number of the journey that plays by itself, whose message says where to look; 0: none.")
    turn = param.Dict(default={}, doc="How the layout can be turned and what it is in other dimensions, see turn_message.")
    plane = param.String(default="", doc="Which map this is, for what else in the browser speaks to it.")
    overlaid = param.Boolean(default=False, doc="Whether the figure shows something of its own, over the picture.")
    note = param.String(default="", doc="What to say where there is no map.")
    group = param.String(default="", doc="Maps of one session have one in common.")
    linked = param.Boolean(default=True, doc="Whether a zoom of one map of the group zooms this one.")
    tool = param.String(default="pan", doc="What dragging does: pan, box, lasso.")
    mode = param.String(default="replace", doc="What becomes of the rows that were selected before.")
    echoes = param.Boolean(default=False, doc="Whether the browser would say again what it is told, and is kept from it.")

    _esm = "".join(path.read_text("utf-8") for path in _SCRIPTS)
    _stylesheets: ClassVar = [Path(__file__).with_name("picture_layer.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[dict[str, Any]], None], **params: Any) -> None:
        super().__init__(echoes=widget_cells.is_widget(), **params)
        self._on_message = on_message

    def _get_model(self, doc: Document, root: Model | None = None, parent: Model | None = None, comm: Comm | None = None) -> Model:
        if comm is not None:
            cells.keep_back(doc, comm)  # in a notebook, until the browser's side says that it is here
        elif widget_cells.is_widget(doc):
            widget_cells.keep_back(doc)
        return super()._get_model(doc, root, parent, comm)

    def _handle_msg(self, data: object) -> None:
        if not isinstance(data, dict) or not isinstance(data.get("client"), str) or len(data["client"]) > _NAME_MOST:
            logger.warning("a message from the browser that makes no sense was left out: %.200r", data)
        elif data.get("type") != "here":
            self._on_message(data)
        elif pn.state.curdoc is not None:
            cells.drawn(pn.state.curdoc)
            widget_cells.tell(pn.state.curdoc)

    def _process_bokeh_event(self, doc: Document, event: Event) -> None:
        """Take a message without raising and lowering the page's busy flag: nothing shows it, and it takes Panel longer than the rest."""
        with set_curdoc(doc):
            self._process_event(event)


def picture_request(name: str, message: Mapping[str, Any]) -> PictureRequest:
    """Read what a browser asks for.

    Raises
    ------
    KeyError, TypeError, ValueError, OverflowError
        If it makes no sense.
    """
    x0, x1, y0, y1, width, height, ratio = (finite(message[part]) for part in ("x0", "x1", "y0", "y1", "width", "height", "ratio"))
    background = str(message["background"])
    return PictureRequest(
        client=name,
        id=int(finite(message["id"])),
        view=View(x0, x1, y0, y1),
        width=width,
        height=height,
        ratio=ratio,
        moving=bool(message["moving"]),
        background=background if re.fullmatch("#[0-9a-fA-F]{6}", background) else "#ffffff",
        budget=None if message.get("budget") is None else int(finite(message["budget"])),
        journey=int(finite(message.get("journey", 0))),
        t=min(max(finite(message.get("t", 0)), 0.0), 1.0),
        pose=_pose(message),
    )


def _pose(message: Mapping[str, Any]) -> Pose | None:
    """Read how a browser wants a layout of more than two dimensions to be seen; none where it says nothing of it."""
    if not message.get("solid"):
        return None
    numbers = message.get("camera", [])
    tour = message.get("tour")
    return Pose(
        solid=int(finite(message["solid"])),
        camera=tuple(finite(number) for number in numbers[:_NUMBERS_MOST]),
        tour=None if tour is None else min(max(finite(tour), 0.0), _TOUR_MOST),
        lead=min(max(finite(message.get("lead", 1)), 0.0), 1.0),
    )


def finite(value: Any) -> float:
    """Read a number that a browser sent; ``ValueError`` or ``TypeError`` if it is none."""
    number = float(value)
    if not math.isfinite(number):
        message = f"{number} is no place and no size"
        raise ValueError(message)
    return number
