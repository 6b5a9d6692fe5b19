"""Which columns have histograms, and what a brush on them does; never the counts."""

from __future__ import annotations

from typing import Literal

import param

from explorer.state.state import State

__all__ = ["Histograms"]


class Histograms(State):
    """The histograms that a person has chosen."""

    columns = param.List(default=[], item_type=str, bounds=(0, 8), doc="Columns, from top to bottom.")
    act: Literal["select", "filter"] = param.Selector(  # type: ignore[assignment]
        default="select", objects=["select", "filter"], doc="Whether a brush or a bar selects rows, or hides all others."
    )
    log = param.Boolean(default=False, doc="Whether bars grow with the logarithm of their count.")
