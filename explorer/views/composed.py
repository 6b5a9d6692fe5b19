"""Maps that are put together with objects of HoloViews and Panel: beside each other by ``+``, over each other by ``*``."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import holoviews as hv
import panel as pn

from explorer.errors import BadParameter

__all__ = ["Composed"]


class Composed(pn.viewable.Viewer):
    """A map that is composed; ``map + other`` is a row of Panel, ``map * element`` the same map with the element over it.

    Parameters
    ----------
    overlay : HoloViews element or Overlay, optional
        What is drawn over the map, in the coordinates of its layout.
    """

    def __init__(self, *args: Any, overlay: Any = None, **params: Any) -> None:
        super().__init__(*args, **params)
        self._overlay = overlay

    @abstractmethod
    def overlaid(self, overlay: Any) -> Composed:
        """Show the same with something else over it."""

    def __add__(self, other: Any) -> pn.Row:
        return pn.Row(self, other, sizing_mode="stretch_width")

    def __radd__(self, other: Any) -> pn.Row:
        return pn.Row(other, self, sizing_mode="stretch_width")

    def __mul__(self, other: Any) -> Composed:
        _check(other)
        return self.overlaid(other if self._overlay is None else self._overlay * other)

    def __rmul__(self, other: Any) -> Composed:
        _check(other)
        return self.overlaid(other if self._overlay is None else other * self._overlay)


def _check(other: Any) -> None:
    if not isinstance(other, (hv.Element, hv.Overlay)):
        kind = type(other).__name__
        raise BadParameter(
            "overlay", f"a {kind}", "lay elements of HoloViews over a map (hv.Points, hv.Labels, …); + puts anything beside it."
        )
