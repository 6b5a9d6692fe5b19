"""Which row is looked at, how many of its neighbors, and which rows others should be like; never the neighbors themselves."""

from __future__ import annotations

from typing import Any, Final, Literal

import param

from explorer.compute.space import METRICS
from explorer.state.state import State

__all__ = ["MOST_GIVEN", "Inspection", "Side", "row_words"]

Side = Literal["liked", "disliked", "neither"]

MOST_GIVEN: Final = 100
"""Rows that others should be like, and as many that they should be unlike."""


class _Rows(param.List):  # type: ignore[type-arg, unused-ignore]  # generic for type checkers only
    """Row numbers, each once, at most :data:`MOST_GIVEN`."""

    def _validate(self, val: Any) -> None:
        super()._validate(val)
        if len(val) > MOST_GIVEN or any(type(row) is not int or row < 0 for row in val) or len(set(val)) != len(val):
            message = f"these are row numbers from 0 on, each once, at most {MOST_GIVEN}, not {val!r:.100}"
            raise ValueError(message)


class Inspection(State):
    """The clicked row and how its neighbors are found."""

    row = param.Integer(default=None, allow_None=True, bounds=(0, None), doc="Row number of the clicked point.")
    k = param.Integer(default=10, bounds=(1, 100), doc="How many nearest neighbors are listed and marked.")
    metric: str = param.Selector(  # type: ignore[assignment]
        default="cosine", objects=list(METRICS), doc="Distance between vectors in the original space."
    )
    liked = _Rows(default=[], doc="Rows that others should be like.")
    disliked = _Rows(default=[], doc="Rows that they should be unlike.")

    def give(self, row: int, side: Side) -> None:
        """Put a row among those that others should be like or unlike, at the end, or take it away; where there is no more room, nothing."""
        rows = {name: [given for given in getattr(self, name) if given != row] for name in ("liked", "disliked")}
        if side != "neither":
            rows[side].append(row)
            if len(rows[side]) > MOST_GIVEN:
                return
        self.param.update(**rows)


def row_words(name: str, before: Any, after: Any) -> str:
    """Say what a change of a param of :class:`Inspection` is called, as in "look at row 12"."""
    if name == "row":
        return f"let go of row {before:,}" if after is None else f"look at row {after:,}"
    if name in ("liked", "disliked"):
        return _given_words(before, after, "like" if name == "liked" else "unlike")
    return f"{after} neighbors" if name == "k" else f"{after} distance"


def _given_words(before: list[int], after: list[int], what: str) -> str:
    changed = set(before) ^ set(after)
    if len(changed) != 1:
        return f"rows {what} others" if after else f"no more rows {what} others"
    row = next(iter(changed))
    return f"rows {what} row {row:,}" if row in after else f"no rows {what} row {row:,}"
