"""Which columns have histograms, and what a brush on them does; never the counts."""

from __future__ import annotations

from typing import Any, Literal

import param

from explorer.state.state import State

__all__ = ["Histograms", "histogram_words"]


class Histograms(State):
    """The histograms that a person has chosen."""

    columns = param.List(default=[], item_type=str, bounds=(0, 8), doc="Columns, from top to bottom.")
    act: Literal["select", "filter"] = param.Selector(  # type: ignore[assignment]
        default="select", objects=["select", "filter"], doc="Whether a brush or a bar selects rows, or hides all others."
    )
    log = param.Boolean(default=False, doc="Whether bars grow with the logarithm of their count.")


def histogram_words(name: str, before: Any, after: Any) -> str:
    """Say what a change of a param of :class:`Histograms` is called, as in "histogram of year"."""
    if name == "act":
        return "brushes select" if after == "select" else "brushes filter"
    if name == "log":
        return "logarithmic bars" if after else "bars as they are"
    changed = set(before) ^ set(after)
    if len(changed) != 1:
        return "histograms"
    column = next(iter(changed))
    return f"histogram of {column}" if column in after else f"no histogram of {column}"
