"""The map: server-drawn pictures under a transparent HoloViews figure; asks the scene for pictures and never draws itself."""

from __future__ import annotations

import logging
from collections import OrderedDict
from concurrent.futures import Future
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from explorer.journey import Journey, OnTheWay
from explorer.picture import Picture, PictureRequest, draw
from explorer.plane import Plane
from explorer.records.metrics import PictureKind, note_picture, note_sent
from explorer.render.inside import bounds_of, rows_inside
from explorer.render.view import View
from explorer.scene import InProgress, Scene
from explorer.session import Schedule, Session
from explorer.state.selection import Mode
from explorer.turning import Turned, turning
from explorer.views.card import card
from explorer.views.contouring import Contouring
from explorer.views.figure import map_figure
from explorer.views.illustrations import NOTHING, Gallery, Illustrations, find, has_room
from explorer.views.labeling import Labeling
from explorer.views.marks import marks_of
from explorer.views.picture_layer import PictureLayer, finite, picture_request
from explorer.views.picture_layer import drawers as _drawers
from explorer.views.row_names import can_be_read, row_names
from explorer.views.traveling import journey_message, ring_message
from explorer.views.turn import turn_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explorer.render.camera import Camera

__all__ = ["Map"]

logger = logging.getLogger(__name__)

_CLIENTS = 8  # browsers that one map serves at the same time: a session has one, a notebook cell may be shown in several places
_FIELDS = 6  # fields of a tooltip
_ALL_HIDDEN = "Every row is hidden. Press “Show all” in the legend."
_ALL_FILTERED = "No row passes the filters. Remove one of them, or undo."
_NEW = 200  # new rows that are marked
_LOOKED_AT = 100_000  # rows of which one is near a place
_CORNERS = 4_096  # of an outline
_AHEAD = 12  # pictures of a motion known beforehand that a browser may ask for before it has the first
_SAME = 1e-3  # of a view's width: another one that is no further off is the same
_STRIP = 4  # of them in one message, at most


class Map(pn.viewable.Viewer):
    """One map of a session: zoom, pan, hover, tap, box and lasso.

    Parameters
    ----------
    session : Session
        What is shown.
    plane : Plane, optional
        Which of its maps; the first by default.
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    held : bool
        Keep pictures back until :meth:`begin`.
    overlay : HoloViews element or Overlay, optional
        What is drawn over the pictures, in the coordinates of the layout.
    """

    has_far_rows = param.Boolean(default=False, doc="Whether some rows lie far outside of the whole map as it is shown first.")

    def __init__(
        self,
        session: Session,
        plane: Plane | None = None,
        *,
        later: Schedule,
        held: bool = False,
        overlay: Any = None,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._session = session
        self.plane = plane or session.planes[0]
        self._later = later
        self._held: dict[str, tuple[Picture[Scene], float]] | None = {} if held else None  # what is kept for begin(), by client
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._clients_lock = Lock()
        self._pushes = 0
        self.layer = PictureLayer(
            figure=pn.pane.Bokeh(map_figure(overlay), sizing_mode="stretch_both"),
            overlaid=overlay is not None,
            on_message=self._on_message,
            group=str(id(session)),
            plane=str(id(self.plane)),
            sizing_mode="stretch_both",
            min_height=200,
        )
        session.param.watch(self._on_marks, ["neighbors", "other_neighbors", "marked"])
        session.param.watch(self._on_pointed, ["pointed"])
        session.param.watch(self._on_note, ["dataset", "opening", "running", "error", "runs"])
        session.offer.param.watch(self._on_note, ["title"])
        session.param.watch(self._on_turn, ["runs"])
        session.appearance.param.watch(self._on_turn, ["depth_cue"])
        session.inspection.param.watch(self._on_marks, ["row"])
        session.inquiry.param.watch(self._on_marks, ["on_maps"])
        session.newcomers.param.watch(self._on_marks, ["items", "places"])
        session.appearance.param.watch(self._on_images, ["images", "labels"])
        session.arrangement.param.watch(self._on_tool, ["tool", "mode", "linked"])
        self.plane.param.watch(self._on_journey, ["journey"])
        self.plane.param.watch(self._on_scene, ["scene"])
        self.plane.param.watch(self._on_looking, ["scene", "looking"])
        self.plane.param.watch(self._on_called, ["called"])
        self.plane.param.watch(self._on_live, ["live"])
        self._on_scene()
        self._labeling = Labeling(session, self.plane, self.layer)
        self._contouring = Contouring(session, self.plane, self.layer)
        self._on_note()
        self._on_tool()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.layer

    @property
    def asked(self) -> PictureRequest | None:
        """What the browser that spoke last asked for last, of the layout that is on the map; none where no browser shows it."""
        with self._clients_lock:
            return next((client.asked for client in reversed(self._clients.values()) if client.home == self.layer.home), None)

    @property
    def _seen(self) -> Scene | None:
        """What is on the map: the layout that is being computed, where there is one."""
        scene: Scene | None = self.plane.live or self.plane.scene
        return scene

    def row_near(self, across: float, down: float) -> int | None:
        """Find the row nearest to a place in what the browser that spoke last sees, of about 100,000 drawn rows; None where there is none.

        Parameters
        ----------
        across, down : float
            0 at the left and at the top, 1 at the right and at the bottom.
        """
        scene, asked = self.plane.scene, self.asked
        if scene is None or asked is None or not len(scene.shown.index):
            return None
        index, view = scene.shown.index, asked.view
        few = slice(None, None, 1 + len(index) // _LOOKED_AT)
        x, y = view.x0 + across * view.span[0], view.y1 - down * view.span[1]
        away = (index.x[few] - x) ** 2 + (index.y[few] - y) ** 2
        if scene.shown_rows is not None:
            away[~scene.shown_rows.flags[few]] = np.inf
        nearest = int(np.argmin(away))
        return int(index.rows[few][nearest]) if np.isfinite(away[nearest]) else None

    def begin(self) -> None:
        """Send pictures from now on, first the latest of those that were kept back for each browser."""
        kept, self._held = self._held or {}, None
        with self._clients_lock:
            latest = {name: client.asked.id for name, client in self._clients.items() if client.asked is not None}
        for name, (picture, began) in kept.items():
            if latest.get(name) == picture.request.id:  # else a newer one is under way
                self._show([picture], began)

    def go_home(self) -> None:
        """Show the whole map again."""
        self.layer._send_msg({"type": "home"})  # the component's own way to talk to its browser side

    def show_everything(self) -> None:
        """Show every row, also the few that lie far outside of the whole map as it is shown first."""
        scene = self._seen
        if scene is not None:
            x0, x1, y0, y1 = map(float, scene.shown.index.extent)
            self.layer._send_msg({"type": "view", "x0": x0, "x1": x1, "y0": y0, "y1": y1})

    def show_selection(self) -> None:
        """Bring the selected rows into view, as far as they are shown; where none is, nothing happens."""
        scene = self._seen
        if scene is not None and scene.selected is not None:
            shown = None if scene.shown_rows is None else scene.shown_rows.flags
            found = partial(bounds_of, scene.shown.index, scene.selected.flags, shown)
            self._session.in_thread(
                "find the selected rows on the map", 0, lambda: 0, found, lambda bounds, _: self._show_bounds(bounds), self._fail
            )

    def fly_to(self, row: int) -> None:
        """Move to a row, and nearer where the view is wide; a row that is not on the map is left where it is."""
        scene = self._seen
        if scene is not None and 0 <= row < scene.dataset.n_rows:
            place = scene.shown.place(row)
            if place is not None:
                self.layer._send_msg({"type": "fly", "x": place[0], "y": place[1]})

    def fly_to_new(self, at: int) -> None:
        """Move to a new row, by its place in the list of those; one that is not on the map is left where it is."""
        new = self._newcomers()
        if 0 <= at < len(new):
            _, x, y = new[at]
            self.layer._send_msg({"type": "fly", "x": x, "y": y})

    def _show_bounds(self, bounds: tuple[float, float, float, float] | None) -> None:
        if bounds is not None:
            x0, x1, y0, y1 = bounds
            self.layer._send_msg({"type": "view", "x0": x0, "x1": x1, "y0": y0, "y1": y1})

    def _fail(self, sentence: str, _: int) -> None:
        self._session.error = sentence

    # -- from the session

    def _on_tool(self, *_: object) -> None:
        maps = self._session.arrangement
        self.layer.param.update(tool=maps.tool, mode=maps.mode, linked=maps.linked)

    def _on_pointed(self, *_: object) -> None:
        journey = self.plane.journey if self.plane.live is None else None
        self.layer._send_msg(ring_message(self._seen, self._session.pointed, journey))

    def _on_journey(self, *_: object) -> None:
        journey, scene, plays = self.plane.journey, self.plane.scene, self.plane.plays
        coming = 0 if journey is None or not plays else journey.number
        self.layer.param.update(along=journey is not None or self.plane.live is not None, coming=coming)
        self._on_marks()
        with self._clients_lock:
            looking = {name: client.asked.view for name, client in self._clients.items() if client.asked is not None}
            for client in self._clients.values():
                client.traveling = 0 if client.asked is None else coming
        if journey is None or scene is None:
            self.layer._send_msg({"type": "journey", "number": 0})
            return

        at = 0.0 if plays else self.plane.at
        find = partial(_messages, journey, scene, looking, plays, at, self.plane.heading)
        self._session.in_thread("begin a journey", journey.number, lambda: journey.number, find, self._send_all, self._fail)

    def _on_live(self, *_: object) -> None:
        live = self.plane.live
        self._on_marks()
        if self._session.pointed is not None:
            self._on_pointed()
        with self._clients_lock:
            waiting = [(client, client.asked) for client in self._clients.values() if client.asked is not None]
        if live is None:
            for client, asked in waiting:
                self._draw(client, asked._replace(moving=False))
            self.layer.along = self.plane.journey is not None
            return
        self.layer.along = True
        for client, asked in waiting:
            if client.shown_live:  # it has the one before
                client.shown_live = False
                self._draw(client, asked._replace(moving=True, journey=0))

    def _send_all(self, messages: list[dict[str, Any]], _: int) -> None:
        for message in messages:
            self.layer._send_msg(message)

    def _on_scene(self, *_: object) -> None:
        scene = self.plane.scene
        index = None if scene is None else scene.shown.index
        self.has_far_rows = index is not None and index.home != index.extent
        self._on_marks()
        self._on_note()
        if index is None:
            return
        with self._clients_lock:
            waiting = [(client, client.asked) for client in self._clients.values() if client.asked is not None]
        home, along = [float(end) for end in index.home], self.plane.journey is not None
        self._on_turn()
        self.layer.along = along or self.plane.live is not None  # before the home: it says what the browser makes of it
        if home != self.layer.home:
            self.layer.home = home  # the browser answers by asking for this view, unless it is on a journey
            if not along:
                return
        for client, asked in waiting:
            client.home = home if along else client.home
            on_the_move = asked.moving and (asked.on_the_way if along else asked.pose is not None)  # it asks for what it needs
            if not client.traveling and not on_the_move:
                self._draw(client, asked._replace(moving=False, pose=None))

    def _on_turn(self, *_: object) -> None:
        told = turn_message(self._session, self.plane)
        if told != self.layer.turn:
            self.layer.turn = told

    def _on_looking(self, *_: object) -> None:
        plane = self.plane
        if plane.looking is None or not plane.settled:
            return
        where, plane.looking = plane.looking, None
        self.layer.look = [self.layer.look[0] + 1 if self.layer.look else 1, *map(float, where)]

    def _on_called(self, *_: object) -> None:
        plane, t = self.plane, self.plane.called
        if t is not None:
            plane.called = None
            if plane.journey is not None:
                self.layer._send_msg({"type": "scrub", "number": plane.journey.number, "t": t})

    def _on_marks(self, *_: object) -> None:
        session, scene = self._session, self._seen
        on_map = session.inquiry.on_maps.get(self.plane)
        here = scene if scene is not None and scene.dataset is session.dataset else None
        row, journey = session.inspection.row, self.plane.journey if self.plane.live is None else None
        new = [] if here is None or here is not self.plane.scene else self._newcomers()
        self.layer.marks = (
            [] if here is None else marks_of(here, row, session.neighbors_by(here.shown.run.of), on_map, session.marked, journey, new)
        )

    def _newcomers(self) -> list[tuple[str, float, float]]:
        """Say where the session's new rows are on this map."""
        newcomers = self._session.newcomers
        places = newcomers.places.get(self.plane)
        if places is None or len(places) != len(newcomers.items):
            return []
        return [(item.title, float(x), float(y)) for item, (x, y) in zip(newcomers.items, places.tolist(), strict=True)][:_NEW]

    def _on_note(self, *_: object) -> None:
        session = self._session
        scene = self.plane.scene
        if scene is not None:
            note = "" if scene.n_shown or not len(scene.shown.index) else _ALL_FILTERED if scene.passing is not None else _ALL_HIDDEN
        elif session.opening:
            note = f"Opening {session.opening} …"
        elif session.running:
            note = f"Computing {session.running}: the map appears when it is done."
        elif session.dataset is None and session.offer.title:
            note = f"{session.offer.title} has no vectors yet: encode it, under Data."
        elif session.dataset is None:
            note = "Choose a dataset, or open a file of your own."
        elif self.plane is not session.planes[0]:
            note = "No other layout yet: compute another projection, or choose one of those above."
        else:
            note = "" if session.runs else "No layout yet: choose a projection and press Run."
        self.layer.note = note

    # -- from the browser; Bokeh 3.9 calls this on the event loop, 3.10 in a worker thread

    def _on_message(self, message: dict[str, Any]) -> None:
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
                asked = picture_request(name, message)
                then = message.get("then", [])[: _STRIP - 1] if asked.moving else []
                further = [picture_request(name, {**message, **each}) for each in then]
                for each in (asked, *further):
                    _camera_of(self.plane.scene, each)  # one that makes no sense is not asked for
                client.asked, client.home = [asked, *further][-1], self.layer.home
                client.ahead = _AHEAD if "then" in message else 0
                self._note_travel(client, client.asked)
                if not client.asked.moving:
                    self._later(partial(self._note_view, client.asked, by_hand=message.get("by_hand") is True))
                self._draw(client, asked, further)
            elif kind == "piece":
                self._send_piece(client, int(message["push"]), int(message["piece"]))
            elif kind in ("dimensions", "depth_cue"):
                self._change_space(kind, message)
            elif kind == "seen":
                client.shown_live = True
            elif kind == "select":
                self._select(message)
            elif kind == "left":
                self._later(partial(self._session.point, None))
            elif kind in ("hover", "tap"):
                client.pointed[kind] = float(message["x"]), float(message["y"])
                self._pick(client, name)
        except (KeyError, TypeError, ValueError, OverflowError):
            logger.warning("a message from the browser that makes no sense was left out: %.200r", message)

    def _change_space(self, kind: str, message: dict[str, Any]) -> None:
        session = self._session
        if kind == "dimensions":
            self._later(partial(session.change_dimensions, self.plane))
        else:
            self._later(partial(session.appearance.param.update, depth_cue=bool(message["on"])))

    def _note_view(self, asked: PictureRequest, *, by_hand: bool) -> None:
        home, port, journey = self.layer.home, self.plane.viewport, self.plane.journey
        if len(home) == 4 and self.plane.looking is None:  # noqa: PLR2004
            ends = View(*home) if journey is None or asked.journey != journey.number else journey.course.home_at(asked.t)
            whole = ends.fitted(asked.width, asked.height)
            before = whole if port.view is None else View(*port.view)
            if by_hand:
                self._note_hand(asked, before)
            if _near(asked.view, whole):
                port.view = None
            elif port.view is None or not _near(asked.view, before):
                port.view = tuple(asked.view)

    def _note_hand(self, asked: PictureRequest, before: View) -> None:
        """Have it undone what somebody has done by hand on this map, until it came to rest; ``before``, they looked there."""
        plane, scene, standing = self.plane, self.plane.scene, self._session.standing
        journey = plane.journey if plane.journey is not None and plane.journey.number == asked.journey else None
        if scene is None or plane.wanted is not scene.shown:  # else another layout is on its way
            return
        if journey is not None and not self._on_the_spot(asked):
            ends = (None if isinstance(journey.start, OnTheWay) else journey.start.run.title), journey.goal.run.title
            end = ends[0] if asked.t <= 0 else ends[1] if asked.t >= 1 else None
            standing.note_hand("way", f"between {ends[0] or 'layouts'} and {ends[1]}" if end is None else f"show {end}")
        elif _camera_of(scene, asked) is not None:
            standing.note_hand("turn", "turn the map")
        elif not _near(asked.view, before):
            zoomed = abs(asked.view.span[0] - before.span[0]) > _SAME * before.span[0]
            standing.note_hand("look", "zoom" if zoomed else "move the map")

    def _note_travel(self, client: _Client, asked: PictureRequest) -> None:
        plane = self.plane
        if plane.journey is None or asked.journey != plane.journey.number:
            return
        plane.at = asked.t
        if not asked.moving and client.traveling:
            client.traveling = 0
            if asked.t >= 1:
                self._later(plane.arrive)

    def _select(self, message: dict[str, Any]) -> None:
        """Select the rows in an outline that somebody drew."""
        x, y = ([finite(end) for end in message[axis][:_CORNERS]] for axis in ("x", "y"))
        mode, shape = message["mode"], message["shape"]
        if mode not in get_args(Mode) or shape not in ("box", "lasso", "view"):
            raise ValueError(mode, shape)
        made_by = {"view": "what was in view"}.get(shape, f"a {shape}")
        self._later(partial(self._select_inside, x, y, mode, made_by))

    def _select_inside(self, x: list[float], y: list[float], mode: Mode, made_by: str) -> None:
        scene, session = self._seen, self._session
        if scene is None or scene.dataset is not session.dataset:
            return

        def take(mask: NDArray[np.bool_], _: int) -> None:
            if scene.dataset is session.dataset:
                session.selection.apply(mask, mode=mode, made_by=made_by)

        found = partial(rows_inside, scene.shown.index, x, y, shown=scene.shown_mask)
        session.in_thread("select rows on the map", 0, lambda: 0, found, take, self._fail)

    def _draw(self, client: _Client, asked: PictureRequest, further: Sequence[PictureRequest] = ()) -> None:
        """Draw a picture in a thread, and further ones of the same motion; send them together."""
        scene, journey = self.plane.live or self.plane.scene, self.plane.journey
        if scene is None:
            return
        if self.plane.live is not None:
            journey, asked, further = None, asked._replace(journey=0, moving=True), ()
        elif journey is not None and journey.number == client.traveling != asked.journey:
            asked = asked._replace(journey=journey.number, t=0.0, moving=True)  # it has not heard of it: rows are where they were
            further = ()
        elif journey is None or journey.number != asked.journey:
            journey, asked, further = None, asked._replace(journey=0), [each._replace(journey=0) for each in further]
        elif self._on_the_spot(asked):
            journey = None  # what is on the map is what is asked for
        elif not asked.moving:
            self._later(partial(self._stay, client, asked))
            return
        camera = None if journey is not None else self._camera(scene, asked)
        if camera is not None and not asked.moving:
            self._later(partial(self.plane.turn, camera))
            return
        began, strip = monotonic(), (asked, *further)

        def draw_if_wanted() -> list[Picture[Scene]]:
            newest = client.asked
            ahead = _AHEAD if journey is not None else client.ahead if newest is not None and newest.moving else 0
            if newest is not None and newest.id > strip[-1].id + ahead:
                return []
            if journey is not None:
                return [draw(journey.scene_at(each.t, scene), each, coarseness=client.coarseness) for each in strip]
            if scene is not self.plane.scene and self.plane.live is None:
                return []
            cameras = (camera, *(_camera_of(scene, each) for each in further))
            scenes = (scene if seen_by is None else turning(scene, seen_by) for seen_by in cameras)
            return [draw(seen, each, coarseness=client.coarseness) for seen, each in zip(scenes, strip, strict=True)]

        def drawn(done: Future[list[Picture[Scene]]]) -> None:
            error = done.exception()
            if error is not None:
                logger.error("a picture could not be drawn", exc_info=error, extra={"visitor": self._session.visitor})
                self._later(lambda: self._session.param.update(error="A picture could not be drawn; the log has the details."))
            elif pictures := done.result():
                self._later(lambda: self._show(pictures, began))

        _drawers.submit(draw_if_wanted).add_done_callback(drawn)

    def _camera(self, scene: Scene, asked: PictureRequest) -> Camera | None:
        """Say how a browser wants the layout to be seen, where that is not as it stands, and note it."""
        if asked.pose is None or not isinstance(scene.shown, Turned):
            return None
        camera = scene.shown.camera_of(asked.pose)
        if camera is None:
            return None
        self.plane.face(scene.shown.solid.number, camera)
        return None if camera == scene.shown.camera else camera

    def _on_the_spot(self, asked: PictureRequest) -> bool:
        """Whether the map as it stands is where on its journey a browser asks for."""
        journey, scene = self.plane.journey, self.plane.scene
        if journey is None or scene is None:
            return True
        shown = scene.shown
        if isinstance(shown, OnTheWay) and shown.course is journey.course:
            return shown.t == asked.t
        return not asked.on_the_way and (shown is journey.start if asked.t <= 0 else shown.run == journey.goal.run)

    def _still_wanted(self, picture: Picture[Scene]) -> bool:
        """Whether a picture shows what is on the map, or was a moment ago on the way to what will be."""
        plane, scene = self.plane, picture.scene
        if plane.live is not None:
            return isinstance(scene.shown, InProgress)
        now = None if plane.scene is None else plane.scene.shown
        if picture.request.moving and isinstance(scene.shown, Turned) and isinstance(now, Turned):
            return scene.shown.solid is now.solid
        on_the_way = plane.journey is not None and isinstance(scene.shown, OnTheWay) and scene.shown.course is plane.journey.course
        return on_the_way or scene is plane.scene

    def _stay(self, client: _Client, asked: PictureRequest) -> None:
        """Have the map stand where a browser has come to rest on its journey; its picture follows when that is ready."""
        journey = self.plane.journey
        if journey is not None and journey.number == asked.journey:
            client.traveling = 0
            self.plane.hold(asked.t)

    def _show(self, pictures: Sequence[Picture[Scene]], began: float) -> None:
        picture = pictures[-1]
        name = picture.request.client
        if self._held is not None:
            self._held[name] = picture, began
            return
        with self._clients_lock:
            client = self._clients.get(name)
        if client is None or not self._still_wanted(picture) or picture.request.id < client.sent:
            return
        first, client.sent = self._pushes + 1, picture.request.id
        self._pushes += len(pictures)
        if picture.request.moving:
            client.coarseness = picture.coarseness
        else:
            client.rest, client.rest_push = picture, self._pushes
            self._illustrate(client, name)
            self._name_rows(client, name)
        seconds = monotonic() - began
        note_picture(_kind_of(picture), seconds, len(pictures))
        self._send([each.message(push, seconds=seconds) for push, each in enumerate(pictures, first)], name)
        self._pick(client, name)

    def _illustrate(self, client: _Client, name: str) -> None:
        """Show rows by their images on the picture at rest, where there is room."""
        rest, gallery = client.rest, client.gallery
        if rest is None:
            return
        if not (self._session.appearance.images and has_room(rest)):
            if gallery.shows:
                self.layer._send_msg(gallery.message(name, NOTHING))
            return

        def take(found: Illustrations, _: int) -> None:
            if client.rest is rest:
                self.layer._send_msg(gallery.message(name, found))

        make = partial(find, rest, gallery.known(rest.scene.dataset))
        self._session.in_thread("show images on the map", client.rest_push, lambda: client.rest_push, make, take, self._fail)

    def _name_rows(self, client: _Client, name: str) -> None:
        """Name rows on the picture at rest, where they are so few that they can be read, and their images are not there."""
        rest, wanted = client.rest, self._session.appearance
        if rest is None:
            return
        pictured = wanted.images and has_room(rest)
        if wanted.labels == "none" or pictured or not can_be_read(rest):
            if client.names_rows:
                client.names_rows = False
                self.layer._send_msg({"type": "names", "client": name, "rows": []})
            return

        def take(rows: list[tuple[int, float, float, str]], _: int) -> None:
            if client.rest is rest:
                client.names_rows = True
                self.layer._send_msg({"type": "names", "client": name, "rows": rows})

        make = partial(row_names, rest)
        self._session.in_thread("name rows on the map", client.rest_push, lambda: client.rest_push, make, take, self._fail)

    def _on_images(self, *_: object) -> None:
        with self._clients_lock:
            clients = list(self._clients.items())
        for name, client in clients:
            self._illustrate(client, name)
            self._name_rows(client, name)

    def _send_piece(self, client: _Client, push: int, piece: int) -> None:
        """Send the next piece of the picture at rest, which a browser asks for when it has the one before and looks nowhere else."""
        rest = client.rest
        if rest is not None and push == client.rest_push and 0 <= piece < len(rest.pieces):
            message, name = rest.message(push, piece), rest.request.client
            self._later(lambda: self._send([message], name))

    def _send(self, pictures: list[bytes], name: str) -> None:
        """Send pictures as a message: a param that holds them would have the whole page looked through at each one."""
        note_sent(sum(map(len, pictures)))
        self.layer._send_msg({"type": "pictures", "client": name, "pictures": pictures})

    def _pick(self, client: _Client, name: str) -> None:
        """Find what a browser points at, once it has the picture at rest of what it looks at: an older one is too coarse, or elsewhere."""
        rest, asked, session = client.rest, client.asked, self._session
        turned = asked is not None and rest is not None and _camera_of(rest.scene, asked) is not None
        if rest is not None and (asked is None or turned or rest.scene is not self.plane.scene or rest.request.view != asked.view):
            rest = None
        if self.plane.live is not None:
            rest, client.pointed = None, {kind: place for kind, place in client.pointed.items() if kind == "hover"}  # it shows no rows
        elif rest is None and asked is not None and self.plane.scene is not None:
            return  # it is being drawn
        for kind in ("hover", "tap"):
            place = client.pointed.pop(kind, None)
            if place is None:
                continue
            row = rest.row_at(*place) if rest is not None and rest.scene.dataset is session.dataset else None
            if kind == "tap":
                self._later(partial(session.inspection.param.update, row=row))
            else:
                self.layer._send_msg(_card(name, rest, row))  # at once where this is the thread that owns the page
                if row != session.pointed:
                    self._later(partial(session.point, row))


class _Client:
    """One browser that shows the map: what it asked for last, the picture at rest that it has, and where it points."""

    def __init__(self) -> None:
        self.asked: PictureRequest | None = None
        self.ahead = 0  # pictures that it asks for before it has the first
        self.sent = 0  # the last request that was answered: what was asked for before it is of no use any more
        self.home: list[float] = []  # of the layout that it asked for
        self.rest: Picture[Scene] | None = None
        self.rest_push = 0
        self.gallery = Gallery()
        self.names_rows = False  # whether names of rows are on its map
        self.coarseness = 0  # of the last picture in motion
        self.shown_live = True  # whether it has shown the last picture of a layout that is being computed
        self.traveling = 0  # number of the journey that it plays: until it has arrived, it asks for what it needs
        self.pointed: dict[str, tuple[float, float]] = {}  # by kind, "hover" or "tap": places in layout units, not yet answered


def _camera_of(scene: Scene | None, asked: PictureRequest) -> Camera | None:
    """Say how a browser wants a layout to be seen, where that is not as it is on the map."""
    if scene is None or asked.pose is None or not isinstance(scene.shown, Turned):
        return None
    camera = scene.shown.camera_of(asked.pose)
    return None if camera is None or camera == scene.shown.camera else camera


def _near(one: View, other: View) -> bool:
    return all(abs(end - end_of_other) <= _SAME * other.span[0] for end, end_of_other in zip(one, other, strict=True))


def _kind_of(picture: Picture[Scene]) -> PictureKind:
    if isinstance(picture.scene.shown, InProgress):
        return "live"
    return "travel" if picture.request.on_the_way else "moving" if picture.request.moving else "rest"


def _messages(
    journey: Journey,
    scene: Scene,
    looking: Mapping[str, View],
    plays: bool,  # noqa: FBT001
    at: float,
    heading: View | tuple[()] | None,
) -> list[dict[str, Any]]:
    made = {name: journey_message(journey, scene, view, plays=plays, heading=heading) for name, view in looking.items()}
    return [{**message, "at": at, "client": name} for name, message in made.items()]


def _card(name: str, picture: Picture[Scene] | None, row: int | None) -> dict[str, Any]:
    """Answer a browser that hovers: the row under its pointer, or that there is none."""
    answer: dict[str, Any] = {"type": "card", "client": name, "row": row}
    if row is None or picture is None:
        return answer
    x, y = picture.scene.shown.place(row) or (0.0, 0.0)
    described = card(picture.scene.dataset, row, color_by=picture.scene.coloring.column, most=_FIELDS)
    return {**answer, **described, "x": x, "y": y}
