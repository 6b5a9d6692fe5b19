"""The clicked row: what it says, and its true nearest neighbors; reads the session and sets one component."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.coloring import Coloring
from explorer.neighborhood import Neighbors
from explorer.session import Schedule, Session
from explorer.views.card import card, image_of, title_of
from explorer.views.toolkit import Toolkit, tie

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.data.dataset import Dataset

__all__ = ["Inspector"]

_IMAGES = 1_000_000  # characters of the neighbors' images, beyond which they are told by their labels alone


class InspectorComponent(pn.custom.JSComponent):
    """The inspector in the browser; see ``inspector.js``."""

    content = param.Dict(default={}, doc="hint, card, source, neighbors: plain text all of it.")

    _esm = Path(__file__).with_name("inspector.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css")]  # type: ignore[list-item]  # as Panel allows

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
        inspection = session.inspection
        metrics = {metric: metric for metric in inspection.param.metric.objects}
        k = toolkit.slider(inspection.param.k, "Neighbors", value=inspection.k, start=1, end=50)
        metric = toolkit.select("Distance", metrics, inspection.metric, description=inspection.param.metric.doc)
        tie(k, inspection, "k", soon=session.soon)
        tie(metric, inspection, "metric", soon=session.soon)
        self.component = InspectorComponent(on_message=self._on_message, sizing_mode="stretch_width", margin=(0, 10))
        self._controls = pn.Column(k, metric, sizing_mode="stretch_width", visible=False)
        self._listed: tuple[Neighbors, Coloring | None, list[dict[str, Any]]] | None = None
        self._view = pn.Column(self._controls, self.component, sizing_mode="stretch_width")
        session.param.watch(self._update, ["neighbors", "dataset", "scene"])
        inspection.param.watch(self._update, ["row"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _on_message(self, message: object) -> None:
        if not isinstance(message, dict):
            return
        kind, row = message.get("type"), message.get("row")
        if row is not None and (type(row) is not int or row < 0):  # True is an int as well
            return
        if kind == "look" and row is not None:
            self._later(lambda: self._session.inspection.param.update(row=row))
        elif kind == "point":
            self._later(lambda: self._on_point(row))

    def _update(self, *_: object) -> None:
        dataset, row = self._session.dataset, self._session.inspection.row
        self._controls.visible = row is not None
        if dataset is None or row is None:
            self.component.content = {"hint": "Click a point: its row and its true nearest neighbors appear here."}
            return
        found: Neighbors | None = self._session.neighbors
        content: dict[str, Any] = {"card": card(dataset, row)}
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
        self.component.content = content

    def _list(self, dataset: Dataset, found: Neighbors) -> list[dict[str, Any]]:
        """Describe the neighbors, once for as long as their colors stay."""
        scene = self._session.scene
        coloring = scene.coloring if scene is not None and scene.dataset is dataset else None
        if self._listed is None or self._listed[0] is not found or self._listed[1] is not coloring:
            near, room = [], _IMAGES
            for row, distance in zip(found.rows.tolist(), found.distances.tolist(), strict=True):
                image = image_of(dataset, row) if room > 0 else None
                room -= len(image or "")
                color = None if coloring is None else coloring.color_of(row)
                near.append({"row": row, "label": title_of(dataset, row), "image": image, "color": color, "distance": distance})
            self._listed = found, coloring, near
        return self._listed[2]
