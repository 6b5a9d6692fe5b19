"""What a table lists: rows in an order, and the words for it; knows no browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.data.export import KeptRows, rows_table, write_table
from explorer.data.writers import clipboard_text
from explorer.row_order import Sort, list_rows

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["NOTHING", "Kind", "Listing", "copied_text", "line", "make_listing", "note", "write_listing"]

Kind: TypeAlias = Literal["selected", "shown", "all"]

_COPIED = 10_000  # rows for a clipboard
_COPIED_TEXT = 5_000_000  # characters


class Listing(NamedTuple):
    """Which rows are listed, in which order; ``rows`` is None for all rows as they are in the data."""

    dataset: Dataset | None
    kind: Kind
    rows: NDArray[np.int32] | None
    n: int
    n_shown: int
    n_hidden: int = 0  # selected rows that are not listed because they are hidden

    def part(self, start: int, stop: int) -> NDArray[np.int32]:
        """Give the row numbers at these places."""
        stop = min(stop, self.n)
        return np.arange(start, max(start, stop), dtype=np.int32) if self.rows is None else self.rows[start:stop]


NOTHING: Final = Listing(None, "all", None, 0, 0)


def make_listing(dataset: Dataset, kind: Kind, sort: Sort, selected: NDArray[np.bool_] | None, shown: NDArray[np.bool_] | None) -> Listing:
    """List a dataset's rows; for a thread.

    Parameters
    ----------
    dataset : Dataset
    kind : {"selected", "shown", "all"}
        Which rows; selected ones that are not shown are not listed.
    sort : Sort
        In which order.
    selected, shown : ndarray of shape (n_rows,), bool, or None
        What is selected, and what is neither filtered nor hidden; None where everything is.
    """
    n_shown = dataset.n_rows if shown is None else int(np.count_nonzero(shown))
    n_hidden = 0
    mask = shown if kind == "shown" else selected
    if kind == "selected" and selected is not None and shown is not None:
        mask = selected & shown
        n_hidden = int(np.count_nonzero(selected)) - int(np.count_nonzero(mask))
    rows = list_rows(dataset, sort, mask)
    return Listing(dataset, kind, rows, dataset.n_rows if rows is None else len(rows), n_shown, n_hidden)


def write_listing(
    made: Listing, columns: list[str] | None, kept: Mapping[str, KeptRows], path: Path, stop: Event, tell: Callable[[float], None]
) -> int:
    """Write all that is listed, and which rows are in the selections that are kept; for a :class:`explorer.views.making.FileMaker`."""
    if made.dataset is not None:
        write_table(path, rows_table(made.dataset, made.rows, columns, kept=kept))
    return made.n


def line(made: Listing) -> str:
    """Say how many rows are listed."""
    if made.dataset is None:
        return ""
    n, total = made.n, made.dataset.n_rows
    if made.kind == "selected":
        hidden = f", {made.n_hidden:,} more hidden" if made.n_hidden else ""
        return f"{n:,} selected {_rows(n)} of {total:,}{hidden}"
    return f"{n:,} {_rows(n)}" if n == total else f"{n:,} shown {_rows(n)} of {total:,}"


def note(made: Listing, *, n_selected: int) -> str:
    """Say why nothing is listed."""
    if made.dataset is None:
        return "Open a dataset: its rows are listed here."
    if made.kind == "selected":
        return "The selected rows are hidden by filters or the legend." if n_selected else "No row is selected."
    return "No row is shown: remove a filter, or show all in the legend." if made.kind == "shown" else "There are no rows."


def _rows(n: int) -> str:
    return "row" if n == 1 else "rows"


def copied_text(made: Listing, columns: list[str] | None) -> tuple[bytes, int]:
    """Write what is listed for a clipboard.

    Returns
    -------
    text : bytes
        Lines of cells between tabs, UTF-8.
    n : int
        How many rows it has: 10,000 at the most, fewer where they are long.
    """
    if made.dataset is None:
        return b"", 0
    lines = clipboard_text(rows_table(made.dataset, made.part(0, _COPIED), columns)).split("\n")
    lengths = np.cumsum([len(line) + 1 for line in lines])
    lines = lines[: max(2, int(np.searchsorted(lengths, _COPIED_TEXT, side="right")))]
    return "\n".join(lines).encode(), len(lines) - 1
