"""The controls of what the map looks like: what colors it, with which colors, how density becomes opacity, how large a row is."""

from __future__ import annotations

from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, Any

import panel as pn

from explorer.coloring import colorable
from explorer.render.palette import COLORMAPS, PALETTES
from explorer.session import Session
from explorer.views.status import Message
from explorer.views.toolkit import Toolkit, tie

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ColorControls"]

_NO_COLOR = "— one color —"
_REST_S = 2.0  # between two changes of what can be chosen
_NO_CATEGORIES = "Nothing to see yet: color the map by a column of categories."
_NO_CLUSTERS = "Nothing to see yet: find clusters, in the panel of that name."
_AUTOMATIC = "automatic"
_SIZES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)  # pixels of a row


class ColorControls(pn.viewable.Viewer):
    """What colors the map, and how rows are drawn."""

    def __init__(self, session: Session, toolkit: Toolkit, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._following = False  # a widget follows the state: what it says then is not a person's choice
        appearance = session.appearance
        self.column = toolkit.select("Color by", {_NO_COLOR: ""}, "")
        self.palette = toolkit.select("Colors", _options(list(PALETTES)), "", description="Colors of the categories.")
        self.colormap = toolkit.select("Colors", _options(COLORMAPS), "", description="Colors from the lowest to the highest value.")
        scales = {how: how for how in appearance.param.color_scale.objects}
        self.color_scale = toolkit.select("Color scale", scales, appearance.color_scale, description=appearance.param.color_scale.doc)
        densities = {how: how for how in appearance.param.density.objects}
        self.density = toolkit.select("Density", densities, appearance.density, description=appearance.param.density.doc)
        self.size = toolkit.select("Point size", _sizes(None), "", description=appearance.param.point_size.doc)
        self.images = toolkit.switch("Images on the map", value=appearance.images, description=appearance.param.images.doc)
        named = {what: what for what in appearance.param.labels.objects}
        self.labels = toolkit.select("Labels on the map", named, appearance.labels, description=appearance.param.labels.doc)
        outlined = {what: what for what in appearance.param.contours.objects}
        self.contours = toolkit.select("Contours on the map", outlined, appearance.contours, description=appearance.param.contours.doc)
        self.no_contours = Message(sizing_mode="stretch_width", margin=(-4, 10, 8, 10), visible=False)
        colors = self.column, self.palette, self.colormap, self.color_scale
        widgets = *colors, self.density, self.size, self.labels, self.contours, self.no_contours, self.images
        self._view = pn.Column(*widgets, sizing_mode="stretch_width")
        self.column.param.watch(self._on_choice, ["value"])
        self.size.param.watch(self._on_size_choice, ["value"])
        for name in ("palette", "colormap", "color_scale", "density", "labels", "contours", "images"):
            tie(getattr(self, name), appearance, name, soon=session.soon)
        self._offered, self._late = monotonic(), False
        self._before = "", -_REST_S  # what the list showed before it was given another value here, and since when
        session.param.watch(self._on_dataset, ["dataset"])
        session.param.watch(self._on_columns, ["columns"])
        appearance.param.watch(self._on_color, ["color_by"])
        appearance.param.watch(self._on_size, ["point_size"])
        appearance.param.watch(self._on_contours, ["contours", "color_by"])
        session.clustering.param.watch(self._on_contours, ["tree"])
        self._on_dataset()
        self._on_size()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    def _on_choice(self, *_: object) -> None:
        if not self._following:
            self._session.soon(self._take_color)

    def _take_color(self) -> None:
        value, appearance = self.column.value, self._session.appearance  # as it is by now, see toolkit.tie
        if value != (appearance.color_by or "") and self._is_echo(value):
            self._catch_up_at_rest()
        else:
            appearance.color_by = value or None

    def _is_echo(self, value: str) -> bool:
        """Whether the list sends back what it was before: a React list does, whose columns and then whose value change within a moment."""
        before, since = self._before
        return value == before and since - self._offered < _REST_S and monotonic() - since < _REST_S

    def _on_size_choice(self, *_: object) -> None:
        if not self._following:
            self._session.soon(self._take_size)

    def _take_size(self) -> None:
        self._session.appearance.point_size = float(self.size.value) if self.size.value else None

    def _on_columns(self, *_: object) -> None:
        """Offer new columns, those that come one after another together: a React list that changes twice at once sends back the first."""
        if monotonic() >= self._offered + _REST_S and not self._late:
            self._on_dataset()
        else:
            self._catch_up_at_rest()

    def _catch_up_at_rest(self) -> None:
        if self._late:
            return
        self._late = True
        rest = Timer(max(0.0, self._offered + _REST_S - monotonic()), self._session.soon, (self._catch_up,))
        rest.daemon = True
        rest.start()

    def _catch_up(self) -> None:
        if self._late:
            self._on_dataset()

    def _on_dataset(self, *_: object) -> None:
        self._offered, self._late = monotonic(), False
        dataset = self._session.dataset
        names = [] if dataset is None else colorable(dataset)
        color = self._session.appearance.color_by
        self.images.visible = dataset is not None and "image" in dataset.roles.values()
        self._follow(self.column, {_NO_COLOR: "", **{name: name for name in names}}, color if color in names else "")
        self._on_color()
        self._on_contours()

    def _on_color(self, *_: object) -> None:
        dataset, column = self._session.dataset, self._session.appearance.color_by or ""
        if column in self.column.options.values():
            if self.column.value != column:
                self._before = self.column.value, monotonic()
                self.column.value = column
        elif dataset is not None and column in colorable(dataset):  # it was measured a moment ago
            self._on_dataset()
            return
        role = None if dataset is None else dataset.roles.get(column)
        self.colormap.visible = role in ("number", "time")
        self.color_scale.visible = self.colormap.visible
        self.palette.visible = role is not None and not self.colormap.visible

    def _on_size(self, *_: object) -> None:
        size = self._session.appearance.point_size
        self._follow(self.size, _sizes(size), "" if size is None else str(float(size)))

    def _on_contours(self, *_: object) -> None:
        """Say why there are no contours where somebody wants some."""
        session, wanted = self._session, self._session.appearance.contours
        dataset, color = session.dataset, session.appearance.color_by
        role = None if dataset is None or color is None else dataset.roles.get(color)
        why = ""
        if wanted == "categories" and role != "category":
            why = _NO_CATEGORIES
        elif wanted == "clusters" and session.clustering.tree is None:
            why = _NO_CLUSTERS
        self.no_contours.param.update(text=why, visible=bool(why))

    def _follow(self, widget: Any, options: dict[str, str], value: str) -> None:
        self._following = True
        try:
            widget.param.update(options=options, value=value)
        finally:
            self._following = False


def _options(names: Sequence[str]) -> dict[str, str]:
    """Offer these, of which the first is the default."""
    return {name: "" if name == names[0] else name for name in names}


def _sizes(chosen: float | None) -> dict[str, str]:
    """Offer the usual sizes, and the one that is set where it is none of them."""
    sizes = sorted({*_SIZES, *([] if chosen is None else [float(chosen)])})
    return {_AUTOMATIC: "", **{f"{size:g} px": str(size) for size in sizes}}
