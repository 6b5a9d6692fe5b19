"""How the map looks: color, density, size; never the data itself."""

from __future__ import annotations

from typing import Literal

import param

from explorer.state.state import State

__all__ = ["Appearance"]


class Appearance(State):
    """What colors the map and how density turns into opacity."""

    color_by = param.String(default=None, allow_None=True, doc="Column that colors the map; none shows density alone.")
    colormap = param.String(default="", doc="Colors of a number column; empty for the default.")
    density: Literal["log", "equalized", "linear"] = param.Selector(  # type: ignore[assignment]
        default="log", objects=["log", "equalized", "linear"], doc="How the number of rows in a pixel becomes opacity."
    )
    point_size = param.Number(
        default=None,
        allow_None=True,
        bounds=(1, 20),
        step=0.5,
        doc="Diameter of a row in pixels; automatic when not set: larger where rows are few.",
    )
