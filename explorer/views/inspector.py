"""The clicked row: what it says, its true nearest neighbors, what each map made of them, and rows like it; sets one component."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

import panel as pn
import param

from explorer.coloring import Coloring
from explorer.neighborhood import MapNeighbors, Neighbors
from explorer.session import Schedule, Session
from explorer.state.inspection import Side
from explorer.state.selection import Mode
from explorer.views.card import card, image_of, title_of
from explorer.views.toolkit import Toolkit, tie

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.data.dataset import Dataset

__all__ = ["Inspector"]

_IMAGES = 1_000_000  # characters of the neighbors' images, beyond which they are told by their labels alone
_MODES: Mapping[str, Mode] = {mode: mode for mode in get_args(Mode)}
_SIDES: Mapping[str, Side] = {side: side for side in get_args(Side)}


class InspectorComponent(pn.custom.JSComponent):
    """The inspector in the browser; see ``inspector.js``."""

    content = param.Dict(default={}, doc="hint, row, card, source, can_give, neighbors: plain text all of it.")
    maps = param.List(default=[], doc="What each map made of the neighbors: title, kept, ranks (0: not on the map), falses.")
    tray = param.Dict(default={}, doc="liked, disliked: row and label; found: rows like those; note.")
    ways = param.Dict(default={}, doc="can_go_back, can_go_forward.")

    _esm = Path(__file__).with_name("inspector.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("inspector.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Inspector(pn.viewable.Viewer):
    """The clicked row and its neighbors, with a slider for how many.

    Parameters
    ----------
    session : Session
        What is looked at.
    toolkit : Toolkit
        Makes the widgets.
    later : callable
        Runs a function on the thread that owns the widgets.
    on_point : callable
        Called with the row number of the neighbor under the pointer, or None.
    """

    def __init__(
        self, session: Session, toolkit: Toolkit, *, later: Schedule, on_point: Callable[[int | None], None], **params: Any
    ) -> None:
        super().__init__(**params)
        self._session = session
        self._later = later
        self._on_point = on_point
        inspection, inquiry = session.inspection, session.inquiry
        metrics = {metric: metric for metric in inspection.param.metric.objects}
        k = toolkit.slider(inspection.param.k, "Neighbors", value=inspection.k, start=1, end=100)
        metric = toolkit.select("Distance", metrics, inspection.metric, description=inspection.param.metric.doc)
        tie(k, inspection, "k", soon=session.soon)
        tie(metric, inspection, "metric", soon=session.soon)
        self.component = InspectorComponent(on_message=self._on_message, sizing_mode="stretch_width", margin=(0, 10))
        self._controls = pn.Column(k, metric, sizing_mode="stretch_width", visible=False)
        self._listed: tuple[Neighbors, Coloring | None, list[dict[str, Any]]] | None = None
        self._view = pn.Column(self._controls, self.component, sizing_mode="stretch_width")
        session.param.watch(self._update, ["neighbors", "other_neighbors", "dataset", "columns", "scene"])
        session.param.watch(self._update_maps, ["neighbors"])
        inspection.param.watch(self._update, ["row"])
        inspection.param.watch(self._update_tray, ["liked", "disliked"])
        inquiry.param.watch(self._update_maps, ["on_maps"])
        inquiry.param.watch(self._update_tray, ["alike", "alike_note"])
        inquiry.visits.param.watch(self._update_ways, ["can_go_back", "can_go_forward"])
        self._update()
        self._update_ways()
        self._update_tray()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    # -- from the browser

    def _on_message(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        kind, row = message.get("type"), message.get("row")
        if row is not None and (type(row) is not int or row < 0):  # True is an int as well
            return
        if kind == "point":
            self._later(lambda: self._on_point(row))
        else:
            act = self._act(str(kind), row, message)
            if act is not None:
                self._later(act)

    def _act(self, kind: str, row: int | None, message: Mapping[str, object]) -> Callable[[], object] | None:
        """Say what a message asks for; None where it makes no sense."""
        inquiry, inspection = self._session.inquiry, self._session.inspection
        plain: dict[str, Callable[[], object]] = {
            "back": partial(inquiry.go, "back"),
            "forward": partial(inquiry.go, "forward"),
            "forget": partial(inspection.param.update, liked=[], disliked=[]),
        }
        if kind in plain:
            return plain[kind]
        if kind == "look" and row is not None:
            return partial(inspection.param.update, row=row)
        if kind == "give" and row is not None:
            side = _SIDES.get(str(message.get("side")))
            return None if side is None else partial(inspection.give, row, side)
        selects = {"neighbors": inquiry.select_neighbors, "two steps": inquiry.select_two_steps, "alike": inquiry.select_alike}
        mode, select = _MODES.get(str(message.get("mode"))), selects.get(str(message.get("what")))
        return partial(select, mode) if kind == "select" and mode is not None and select is not None else None

    # -- from the session

    def _update(self, *_: object) -> None:
        dataset, row = self._session.dataset, self._session.inspection.row
        self._controls.visible = row is not None
        if dataset is None or row is None:
            self.component.content = {"hint": "Click a point: its row and its true nearest neighbors appear here."}
            return
        found: Neighbors | None = self._session.neighbors
        content: dict[str, Any] = {"card": card(dataset, row), "row": row}
        if dataset.vectors is None:
            content["source"] = "This dataset has coordinates only: without vectors there are no true neighbors."
        elif not dataset.drawable[row]:
            content["source"] = "This row's vector is all zero or not finite: it has no neighbors."
        elif found is None or found.row != row:
            content["source"] = "Looking for its nearest neighbors …"
        else:
            how = "neighbor graph" if found.found_by == "graph" else "exact search"
            recall = f", {found.recall:.1%} of true neighbors found" if found.recall < 1.0 else ""  # NaN: nobody has measured it
            content["source"] = f"Nearest in the original {dataset.n_dims}-dimensional space, {found.metric} distance ({how}{recall})"
            content["neighbors"] = self._list(dataset, found)
            content["can_give"] = True
            content["other"] = self._other(dataset, found)
        self.component.content = content

    def _other(self, dataset: Dataset, found: Neighbors) -> dict[str, Any] | None:
        """Describe the neighbors by the other vectors of the same rows, where there are such."""
        other = self._session.other_neighbors
        if dataset.other is None:
            return None
        title = f"By {dataset.other.vectors_name}"
        if other is None:
            return {"title": f"{title}: no vector, no neighbors", "neighbors": [], "same": []}
        rows, mine = other.rows.tolist(), set(found.rows.tolist())
        same = [row in mine for row in rows]
        told = f"{title}: {sum(same)} of {len(rows)} are the same"
        return {"title": told, "neighbors": self._describe(dataset, rows, other.distances.tolist()), "same": same}

    def _update_maps(self, *_: object) -> None:
        session, found = self._session, self._session.neighbors
        made = session.inquiry.on_maps
        known = [(plane, made[plane]) for plane in session.planes if plane in made and plane.scene is not None]
        self.component.maps = [
            {
                "title": plane.scene.shown.run.title,
                "kept": on_map.kept.tolist(),
                "ranks": self._ranks(plane.scene.shown.places(on_map.of.rows), on_map),
                "falses": self._describe(session.dataset, on_map.false.tolist(), on_map.false_distances.tolist()),
            }
            for plane, on_map in known
            if found is not None and on_map.of is found
        ]

    def _update_tray(self, *_: object) -> None:
        dataset, inspection, found = self._session.dataset, self._session.inspection, self._session.inquiry.alike
        if dataset is None or not (inspection.liked or inspection.disliked):
            self.component.tray = {}
            return
        given = {
            side: [{"row": row, "label": title_of(dataset, row)} for row in rows if row < dataset.n_rows]
            for side, rows in (("liked", inspection.liked), ("disliked", inspection.disliked))
        }
        listed = None if found is None else self._describe(dataset, found.rows.tolist(), found.distances.tolist())
        self.component.tray = {**given, "found": listed, "note": self._session.inquiry.alike_note}

    def _update_ways(self, *_: object) -> None:
        visits = self._session.inquiry.visits
        self.component.ways = {"can_go_back": visits.can_go_back, "can_go_forward": visits.can_go_forward}

    def _list(self, dataset: Dataset, found: Neighbors) -> list[dict[str, Any]]:
        """Describe the neighbors, once for as long as their colors stay."""
        coloring = self._coloring(dataset)
        if self._listed is None or self._listed[0] is not found or self._listed[1] is not coloring:
            self._listed = found, coloring, self._describe(dataset, found.rows.tolist(), found.distances.tolist())
        return self._listed[2]

    def _describe(self, dataset: Dataset, rows: Iterable[int], distances: Iterable[float]) -> list[dict[str, Any]]:
        coloring, near, room = self._coloring(dataset), [], _IMAGES
        for row, distance in zip(rows, distances, strict=True):
            image = image_of(dataset, row) if room > 0 else None
            room -= len(image or "")
            color = None if coloring is None else coloring.color_of(row)
            far = distance if math.isfinite(distance) else None
            near.append({"row": row, "label": title_of(dataset, row), "image": image, "color": color, "distance": far})
        return near

    def _coloring(self, dataset: Dataset) -> Coloring | None:
        scene = self._session.scene
        return scene.coloring if scene is not None and scene.dataset is dataset else None

    @staticmethod
    def _ranks(places: Any, on_map: MapNeighbors) -> list[int]:
        there = [bool(math.isfinite(x) and math.isfinite(y)) for x, y in places.tolist()]
        return [rank if present else 0 for rank, present in zip(on_map.ranks.tolist(), there, strict=True)]
