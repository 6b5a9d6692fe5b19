"""A table's cells as plain text and small pictures, for one page of rows; never markup, never a whole column."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

import pyarrow as pa

from explorer.row_order import Sort, sortable
from explorer.views.card import as_image, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.data.dataset import Dataset

__all__ = ["AT_FIRST", "MOST", "Column", "cells", "describe", "first_columns", "thumbnail"]

AT_FIRST = 24
"""Columns that are shown where nobody has chosen any."""
MOST = 100
"""Columns that a table shows."""

_TEXT = 200  # characters of a cell
_SMALL = 3_000  # characters of a data URI that is sent as it is
_SIDE = 64  # pixels of a thumbnail
_PIXELS = 25_000_000  # of a picture that a thumbnail is made of
_PAGE = 600_000  # characters of a page's pictures

Kind: TypeAlias = Literal["number", "text", "boolean", "time", "image", "link"]


class Column(TypedDict):
    """What a header needs: ``place`` is the column's place in the order, from 1 on, 0 where it orders nothing."""

    name: str
    kind: Kind
    sortable: bool
    place: int
    descending: bool


def first_columns(dataset: Dataset) -> list[str]:
    """Give the dataset's columns as a table shows them: the label first."""
    names = list(dataset.roles)
    return names if dataset.label is None else [dataset.label, *(name for name in names if name != dataset.label)]


def describe(dataset: Dataset, columns: Sequence[str], sort: Sort) -> list[Column]:
    """Say what each column is like."""
    order = {name: (at + 1, descending) for at, (name, descending) in enumerate(sort)}
    described: list[Column] = []
    for name in columns:
        place, descending = order.get(name, (0, False))
        kind = _kind(dataset, name)
        described.append({"name": name, "kind": kind, "sortable": sortable(dataset, name), "place": place, "descending": descending})
    return described


def cells(dataset: Dataset, rows: NDArray[Any], columns: Sequence[str]) -> list[list[str | None]]:
    """Write the cells of some rows.

    Parameters
    ----------
    dataset : Dataset
    rows : ndarray of shape (r,), int
        Row numbers.
    columns : sequence of str

    Returns
    -------
    list of r lists
        For each row a text for each column, None where the value is missing; a data URI where it is a picture.
    """
    room = _PAGE
    made: list[list[str | None]] = [[] for _ in range(len(rows))]
    for name in columns:
        column = dataset.table.column(name)
        kind = _kind(dataset, name)
        for written, row in zip(made, rows.tolist(), strict=True):
            value = _value(column[row])
            if kind == "image":
                picture = thumbnail(value) if room > 0 else None
                room -= len(picture or "")
                written.append(picture if picture is not None else text(value, most=_TEXT) or None)
            elif kind == "time":
                written.append(text(value).removesuffix(" 00:00:00") or None)
            else:
                written.append(text(value, most=_TEXT) or None)
    return made


def thumbnail(value: object) -> str | None:
    """Make a small picture of a picture, as a data URI; None where it is none that a page shows, or too large to look into."""
    whole = as_image(value)
    if whole is None or len(whole) <= _SMALL:
        return whole
    from PIL import Image

    try:
        with Image.open(io.BytesIO(base64.b64decode(whole.partition(",")[2])), formats=("PNG", "JPEG", "GIF", "WEBP")) as picture:
            if picture.width * picture.height > _PIXELS:
                return None
            picture.draft("RGB", (_SIDE, _SIDE))
            small = picture.convert("RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB")
            small.thumbnail((_SIDE, _SIDE))
            written = io.BytesIO()
            small.save(written, "WEBP", quality=80)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # as Pillow says that a file is broken
        return None
    return f"data:image/webp;base64,{base64.b64encode(written.getvalue()).decode('ascii')}"


def _kind(dataset: Dataset, name: str) -> Kind:
    kind, role = dataset.table.schema.field(name).type, dataset.roles[name]
    if role == "image":
        return "image"
    if role == "url":
        return "link"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_temporal(kind):
        return "time"
    return "number" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else "text"


def _value(scalar: pa.Scalar) -> object:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):  # a time outside of Python's
        return str(scalar.cast(pa.string()))
