"""How many maps there are, whether they move together, and what dragging on them does; never which rows."""

from __future__ import annotations

from typing import Literal

import param

from explorer.state.selection import Mode
from explorer.state.state import State

__all__ = ["MapsChoice", "Tool"]

Tool = Literal["pan", "box", "lasso"]


class MapsChoice(State):
    """The maps and their tools."""

    n_maps = param.Integer(default=1, bounds=(1, 3), doc="Maps side by side, each with a layout of its own.")
    linked = param.Boolean(default=True, doc="Whether a zoom of one map zooms the others.")
    tool: Tool = param.Selector(default="pan", objects=["pan", "box", "lasso"], doc="What dragging on a map does.")  # type: ignore[assignment]
    mode: Mode = param.Selector(  # type: ignore[assignment]
        default="replace", objects=["replace", "add", "subtract", "intersect"], doc="What becomes of the rows that were selected before."
    )
