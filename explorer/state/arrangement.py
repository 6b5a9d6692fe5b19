"""How the page is arranged: how many maps, whether they move together, what dragging on them does, what else is open."""

from __future__ import annotations

from typing import Literal

import param

from explorer.state.selection import Mode
from explorer.state.state import State

__all__ = ["Arrangement", "Tool"]

Tool = Literal["pan", "box", "lasso"]


class Arrangement(State):
    """The maps, their tools, and what is open beside them; a browser remembers it."""

    n_maps = param.Integer(default=1, bounds=(1, 3), doc="Maps side by side, each with a layout of its own.")
    linked = param.Boolean(default=True, doc="Whether a zoom of one map zooms the others.")
    tool: Tool = param.Selector(default="pan", objects=["pan", "box", "lasso"], doc="What dragging on a map does.")  # type: ignore[assignment]
    mode: Mode = param.Selector(  # type: ignore[assignment]
        default="replace", objects=["replace", "add", "subtract", "intersect"], doc="What becomes of the rows that were selected before."
    )
    table = param.Boolean(default=False, doc="Whether the table is open.")
    table_height = param.Integer(default=260, bounds=(120, 1_200), doc="Height of the open table in pixels.")
    closed = param.List(default=[], item_type=str, doc="Titles of the sections at the sides that are folded.")
