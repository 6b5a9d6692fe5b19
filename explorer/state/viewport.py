"""What part of a layout is on screen; never pixels."""

from __future__ import annotations

import param

from explorer.state.state import State

__all__ = ["Viewport"]


class Viewport(State):
    """The ranges of a map, in the layout's own units."""

    view = param.NumericTuple(default=None, length=4, allow_None=True, doc="x0, x1, y0, y1 on screen; none where that is the whole map.")
