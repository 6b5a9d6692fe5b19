"""Other vectors of the same rows: finds them, matches their rows to those of a dataset, and says why that cannot be done."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.data.breakage import reading
from explorer.data.dataset import Compared, Dataset, GivenLayout, open_dataset
from explorer.data.matrices import fingerprint, usable_rows
from explorer.data.metadata import left_out
from explorer.errors import NotTheSameRows, UnknownChoice, VectorsNeeded

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["with_other", "with_rival"]

_LEAST_ROWS = 2  # that a map needs


def with_other(dataset: Dataset, source: object, compare: object, *, table: str | None = None) -> Dataset:
    """Return a dataset that knows other vectors of its rows as well.

    Parameters
    ----------
    dataset : Dataset
        Whose rows.
    source : object
        What it was opened from.
    compare : str, PathLike, frame, array or Dataset
        A column or array of that source, or a source of its own.
    table : str, optional
        The table of a database.

    Raises
    ------
    NotTheSameRows
        If the rows do not match, or the vectors are the same ones.
    VectorsNeeded
        If either has coordinates only.
    DataError
        If it cannot be read.
    """
    if isinstance(compare, str) and _is_inside(compare):
        return _compared(dataset, open_dataset(source, vectors=compare, table=table), compare)
    file = Path(compare).expanduser().resolve() if isinstance(compare, str | os.PathLike) else None
    return _compared(dataset, open_dataset(compare), None, file=file)


def with_rival(dataset: Dataset, name: str) -> Dataset:
    """Return a dataset that is compared with another column of its source, one of its ``rivals``, and with nothing where ``name`` is "".

    Raises
    ------
    NotTheSameRows, DataError
        As :func:`with_other`.
    UnknownChoice
        If there is no such column.
    """
    if name and name not in dataset.rivals:
        raise UnknownChoice("compare", name, list(dataset.rivals))
    alone = replace(dataset, other=None, compared=None)
    return _compared(alone, dataset.rivals[name](), name) if name else alone


def _compared(dataset: Dataset, found: Dataset, column: str | None, *, file: Path | None = None) -> Dataset:
    """Put two together; ``column`` is that of the same source, if it is one, and ``file`` the other's own."""
    title = column or found.name
    for one in (dataset, found):
        if one.vectors is None:
            raise VectorsNeeded("A comparison", one.name)
    order = None if column else _order(dataset, found, title)
    matched = found if order is None else _reordered(found, order, dataset, title)
    if matched.fingerprint == dataset.fingerprint:
        raise NotTheSameRows(dataset.name, title, "these are the same vectors. Name others: another column, array or file.")
    rows = _without(dataset, column) if column else dataset
    own = dataset.vectors_name if column or dataset.name == title else dataset.name
    other = replace(
        rows,
        name=f"{dataset.name} · {title}",
        vectors=matched.vectors,
        vectors_name=f"{title} (2)" if title == own else title,
        layouts=() if column else matched.layouts,
        graph=None if column else matched.graph,
        drawable=matched.drawable,
        fingerprint=matched.fingerprint,
        encoder=None,
        retrievers=None,
        compared=None,
        rivals={},
    )
    return replace(rows, vectors_name=own, other=other, compared=Compared(column or "", title, file))


def _without(dataset: Dataset, column: str) -> Dataset:
    """Take a column out of the table: vectors are none of its values, and are not missed there."""
    dataset = replace(dataset, notes=tuple(note for note in dataset.notes if not note.startswith(left_out(column))))
    if column not in dataset.table.column_names:
        return dataset
    roles = {name: role for name, role in dataset.roles.items() if name != column}
    return replace(dataset, table=dataset.table.drop_columns([column]), roles=roles)


def _is_inside(compare: str) -> bool:
    """Tell whether it names a column or an array of the same source, and not a file or folder."""
    with reading(compare):
        return not Path(compare).expanduser().exists() and os.sep not in compare


def _order(dataset: Dataset, found: Dataset, title: str) -> NDArray[np.int64] | None:
    """Find which row of ``found`` each row is, -1 where none is; None where both are in the same order.

    Raises
    ------
    NotTheSameRows
    """
    ids = next((name for name, role in dataset.roles.items() if role == "id" and name in found.table.column_names), None)
    if ids is None:
        if dataset.n_rows != found.n_rows:
            reason = (
                f"it has {found.n_rows:,} rows instead of {dataset.n_rows:,}, and both have no column of ids in common by which rows could "
                "be matched. Give both one, or files of the same rows in the same order."
            )
            raise NotTheSameRows(dataset.name, title, reason)
        return None
    import pandas as pd

    mine, theirs = (pd.Index(one.table.column(ids).to_pandas().astype(str)) for one in (dataset, found))
    if mine.equals(theirs):
        return None
    if not theirs.is_unique:
        raise NotTheSameRows(dataset.name, title, f"its column {ids} has the same value twice, so rows cannot be matched by it.")
    order: NDArray[np.int64] = theirs.get_indexer(mine).astype(np.int64)
    if np.count_nonzero(order >= 0) < _LEAST_ROWS:
        reason = (
            f"nothing in its column {ids} is in that of {dataset.name}. Rows are matched by it: rename it where it means another thing."
        )
        raise NotTheSameRows(dataset.name, title, reason)
    return order


def _reordered(found: Dataset, order: NDArray[np.int64], dataset: Dataset, title: str) -> Dataset:
    """Bring the rows into an order; those that are not there have no usable vector."""
    assert found.vectors is not None
    there = order >= 0
    vectors = np.full((len(order), found.n_dims), np.nan, np.float32)
    vectors[there] = found.vectors[order[there]]
    vectors.flags.writeable = False
    drawable = usable_rows(vectors)
    drawable.flags.writeable = False
    if np.count_nonzero(drawable) < _LEAST_ROWS:
        raise NotTheSameRows(dataset.name, title, "fewer than two of its rows are among them and have a usable vector.")
    return replace(
        found,
        vectors=vectors,
        layouts=tuple(_taken(layout, order) for layout in found.layouts),
        graph=None,
        drawable=drawable,
        fingerprint=fingerprint([vectors]),
    )


def _taken(layout: GivenLayout, order: NDArray[np.int64]) -> GivenLayout:
    coordinates = np.full((len(order), layout.coordinates.shape[1]), np.nan, np.float32)
    coordinates[order >= 0] = layout.coordinates[order[order >= 0]]
    coordinates.flags.writeable = False
    return replace(layout, coordinates=coordinates)
