"""What was found, ready to be counted, walked through and shown in short: never looks for anything itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.query.meaning import Ranking
from explorer.query.search import Pattern, text_columns, written

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Hits", "example", "excerpt", "passage"]

_WALKED = 100_000  # hits that one can walk through
_PIECE = 1 << 20  # rows looked at in one call
_READ = 20_000  # characters of a text in which its matches are marked
_SAMPLED = 500  # rows from which an example is made
_SHORT = 24  # characters of a value in an example


@dataclass(frozen=True, eq=False)
class Hits:
    """Rows that were found.

    Attributes
    ----------
    mask : ndarray of shape (n_rows,), bool
        All that were found.
    shown : ndarray of shape (n_rows,), bool
        Those of them that filters and hidden categories leave.
    count, n_shown : int
        How many these are.
    rows : ndarray of int64
        The first 100,000 of those shown, ascending; of a ranking the nearest first.
    ranking : Ranking or None
        How near every row is, where that is what was looked for: found are the nearest of those that are shown.
    """

    mask: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    count: int
    n_shown: int
    rows: NDArray[np.int64]
    ranking: Ranking | None = None

    @classmethod
    def of(cls, found: NDArray[np.bool_] | Ranking, shown_mask: NDArray[np.bool_] | None) -> Hits:
        """Say which of the rows that were found are shown, None for all; takes milliseconds for millions of rows."""
        if isinstance(found, Ranking):
            n = len(found.scores)
            rows = found.nearest(None if shown_mask is None or len(shown_mask) != n else shown_mask)
            mask = np.zeros(n, np.bool_)
            mask[rows] = True
            return cls(mask, mask, len(rows), len(rows), rows, found)
        shown = found if shown_mask is None or len(shown_mask) != len(found) else found & shown_mask
        count, n_shown = int(np.count_nonzero(found)), int(np.count_nonzero(shown))
        return cls(found, shown, count, n_shown, _first_rows(shown))

    @property
    def found(self) -> NDArray[np.bool_] | Ranking:
        """What they were made of."""
        return self.mask if self.ranking is None else self.ranking


def _first_rows(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Find the first rows of a mask, in pieces: others get their turn in between, and most of a long mask is not looked at."""
    found: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    n = 0
    for start in range(0, len(mask), _PIECE):
        if n < _WALKED:
            found.append(np.flatnonzero(mask[start : start + _PIECE]) + start)
            n += len(found[-1])
    return np.concatenate(found)[:_WALKED]


def passage(dataset: Dataset, pattern: Pattern, row: int, *, column: str | None = None) -> tuple[str, list[str]]:
    """Find the column in which a row has a match, and cut its text there.

    Returns
    -------
    column : str
        The dataset's label column where that has one; empty where none has.
    text : list of str
        Plain, match, plain, match, …, plain, as :func:`excerpt` leaves it.
    """
    columns = [column] if column is not None else text_columns(dataset)
    for name in sorted(columns, key=lambda name: name != dataset.label):
        text = written(dataset, name, row)
        marked = [] if text is None else pattern.marked(text[:_READ])
        if len(marked) > 1:
            return name, excerpt(marked)
    return "", []


def excerpt(marked: Sequence[str], *, before: int = 32, most: int = 200) -> list[str]:
    """Cut a marked text to so many characters before its first match, and so many altogether."""
    first = marked[0]
    cut = [first if len(first) <= before else f"…{first[-before:]}"]
    left = most - len(cut[0])
    for part in marked[1:]:
        cut.append(part if len(part) <= left else f"{part[: max(0, left)]}…")
        left -= len(part)
        if left < 0:
            break
    return [" ".join(part.split("\n")) for part in cut]


def example(dataset: Dataset) -> str:
    """Make a query that finds something, of the first rows' values: a category and a number where there are."""
    head = dataset.table.slice(0, _SAMPLED)
    written, rows = "", list(range(head.num_rows))
    for name in sorted(dataset.roles, key=lambda name: dataset.roles[name] != "category"):
        if not written and dataset.roles[name] in ("category", "label", "text"):
            values = head.column(name).to_pylist()
            common = max(values, key=values.count, default=None)
            written = _equation(name, common)
            rows = [row for row in rows if values[row] == common] if written else rows
    for name in (name for name, role in dataset.roles.items() if role == "number"):
        values = head.column(name).to_pylist()
        numbers = sorted(values[row] for row in rows if values[row] is not None and np.isfinite(values[row]))
        bound = f"{numbers[(len(numbers) - 1) // 2]:.3g}" if numbers else "inf"
        if any(float(f"{number:.6g}") > float(bound) for number in numbers):  # in the digits that float32 has
            return f"{written}{written and ' and '}{_named(name)} > {bound}"
    return written


def _equation(column: str, value: object) -> str:
    if isinstance(value, str):
        return f'{_named(column)} == "{value}"' if 0 < len(value) <= _SHORT and not set(value) & set('"\\\n') else ""
    return "" if value is None else f"{_named(column)} == {value}"


def _named(column: str) -> str:
    return column if column.isidentifier() and not iskeyword(column) else f"`{column}`"
