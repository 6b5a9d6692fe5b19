"""Which row is looked at, and how many of its neighbors; never the neighbors themselves."""

from __future__ import annotations

from typing import Literal

import param

from explorer.state.state import State

__all__ = ["Inspection"]


class Inspection(State):
    """The clicked row and how its neighbors are found."""

    row = param.Integer(default=None, allow_None=True, bounds=(0, None), doc="Row number of the clicked point.")
    k = param.Integer(default=10, bounds=(1, 100), softbounds=(1, 50), doc="How many nearest neighbors are listed and marked.")
    metric: Literal["cosine", "euclidean"] = param.Selector(  # type: ignore[assignment]
        default="cosine", objects=["cosine", "euclidean"], doc="Distance between vectors in the original space."
    )
