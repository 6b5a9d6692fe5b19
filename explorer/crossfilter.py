"""How many rows each bar of several histograms has: each under the filters of all the others; arrays and frozen things only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.coloring import Coloring, colorable, shown_mask
from explorer.compute.bins import count_codes
from explorer.distribution import Distribution
from explorer.state.appearance import NOTHING_HIDDEN, Hidden

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Question", "cross_counts", "first_columns", "key_of"]

_KEY: Final = "histogram:"
_FIRST: Final = 3  # histograms of a dataset that nobody chose


def key_of(column: str) -> str:
    """Name the filter that a column's histogram puts."""
    return f"{_KEY}{column}"


class Question(NamedTuple):
    """What is counted, at a moment.

    ``filters`` are the masks by key, bool of shape (n_rows,); ``coloring`` and ``hidden`` say which categories are hidden on the map;
    ``selected`` is a mask, None where nothing is selected.
    """

    spreads: Sequence[Distribution]
    filters: Mapping[str, NDArray[np.bool_]]
    coloring: Coloring | None = None
    hidden: Hidden = NOTHING_HIDDEN
    selected: NDArray[np.bool_] | None = None


def cross_counts(question: Question) -> list[NDArray[np.int64]]:
    """Count the rows of each bar of each histogram that pass all filters but its own; O(n) for each, for a thread.

    Returns
    -------
    list of ndarray of shape (2, bars), int64
        For each distribution the shown rows, and those of them that are selected.
    """
    visible = None if question.coloring is None else shown_mask(question.coloring, question.hidden)
    own = {key_of(spread.column) for spread in question.spreads}.intersection(question.filters)
    common = _all_of([mask for key, mask in question.filters.items() if key not in own], visible)
    counted = []
    for spread in question.spreads:
        others = [question.filters[key] for key in own if key != key_of(spread.column)]
        counted.append(count_codes(spread.codes, len(spread.labels), _all_of(others, common), question.selected))
    return counted


def _all_of(masks: Sequence[NDArray[np.bool_]], first: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    for mask in masks:
        first = mask if first is None else first & mask
    return first


def first_columns(dataset: Dataset) -> list[str]:
    """Choose the columns whose histograms a dataset begins with: the one that colors it, then numbers and times, then categories.

    What was measured of the dataset is not among them.
    """
    roles = {column: dataset.roles[column] for column in colorable(dataset) if column not in dataset.meanings}
    ordered = [column for wanted in (("number", "time"), ("category",)) for column, role in roles.items() if role in wanted]
    color = [dataset.color] if dataset.color in roles else []
    return [column for column in dict.fromkeys([*color, *ordered]) if column is not None][:_FIRST]
