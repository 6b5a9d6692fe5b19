"""Rows that meet conditions, written as pandas writes a query: comparisons of columns, joined by and, or, not. Nothing is ever called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.query.binding import bind
from explorer.query.grammar import parse
from explorer.query.pieces import PIECE_ROWS, Stop, never, work_through

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["matching"]

_PIECE = 2 * PIECE_ROWS  # a comparison is quicker than a search


def matching(dataset: Dataset, expression: str, *, should_stop: Stop = never) -> NDArray[np.bool_] | None:
    """Find the rows that meet a condition.

    ``category == "noun.animal" and n_synonyms > 2``, as in :meth:`pandas.DataFrame.query`: ``== != < <= > >=``, also chained, ``in`` and
    ``not in`` a list, ``and or not`` (``& | ~``), parentheses, columns of True and False by themselves, names with spaces in backticks,
    times as ISO text. Unlike there, ``x is None`` finds missing values, and these meet no other condition: not even ``!=``, nor the
    opposite of one.

    Parameters
    ----------
    dataset : Dataset
        The data.
    expression : str
        The condition; up to 2,000 characters.
    should_stop : callable, optional
        Asked every few milliseconds whether the answer is still wanted.

    Returns
    -------
    ndarray of shape (n_rows,), bool, or None
        None where it was stopped.

    Raises
    ------
    BadQuery
        If it cannot be read, wants what a query cannot do, or compares what does not compare; the sentence says where.
    UnknownColumn
        If a name is not a column's.
    """
    condition = bind(parse(expression), dataset)
    table = dataset.table.select(condition.columns)
    mask = np.zeros(dataset.n_rows, bool)

    def work(piece: slice) -> None:
        at = piece.start
        for batch in table.slice(at, piece.stop - at).to_batches():
            found = pc.fill_null(condition.evaluate(batch), False)  # noqa: FBT003 - Arrow's order
            mask[at : at + batch.num_rows] = found.to_numpy(zero_copy_only=False)
            at += batch.num_rows

    pieces = [slice(start, min(start + _PIECE, dataset.n_rows)) for start in range(0, dataset.n_rows, _PIECE)]
    return mask if work_through(pieces, work, should_stop=should_stop) else None
