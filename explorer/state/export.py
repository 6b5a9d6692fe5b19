"""How the map is exported: the picture's width, its background, its words; never the picture."""

from __future__ import annotations

from typing import Literal

import param

from explorer.state.state import State

__all__ = ["ExportChoice"]


class ExportChoice(State):
    """What a picture file of the map is like."""

    width = param.Integer(
        default=None,
        allow_None=True,
        bounds=(1, 8_000),
        doc="Width of the picture in pixels, up to 8,000; twice that of the map on screen when empty.",
    )
    background: Literal["page", "white", "transparent"] = param.Selector(  # type: ignore[assignment]
        default="page", objects=["page", "white", "transparent"], doc="What is behind the rows: the color of the page, white, or nothing."
    )
    words = param.Boolean(default=True, doc="Whether a title is above the map and a legend below it.")
