"""A row as plain text for a person: title, fields, image; never markup."""

from __future__ import annotations

import base64
import math
import re
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Card", "as_image", "card", "image_of", "text", "title_of"]

_TEXT = 400  # characters of one value that are sent
_IMAGE_BYTES = 500_000
_LARGE, _HUGE = 1e6, 1e15  # numbers between are written out
_BEGINNINGS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF....WEBP": "webp"}  # as patterns
_DATA_URIS = tuple(f"data:image/{kind};base64," for kind in ("png", "jpeg", "gif", "webp"))


class Card(TypedDict):
    """What a tooltip and the inspector show of a row; every string is plain text, ``image`` a data URI."""

    title: str
    fields: list[tuple[str, str]]
    measured: list[tuple[str, str]]
    image: str | None


def card(dataset: Dataset, row: int, *, color_by: str | None = None, most: int | None = None) -> Card:
    """Describe a row: what the data says of it, and apart from that what was measured of it here.

    Parameters
    ----------
    dataset : Dataset
        The data.
    row : int
        Row number.
    color_by : str, optional
        A column that comes first.
    most : int, optional
        Fields at the most, and nothing that was measured but the color; all by default.
    """
    every = [name for name, role in dataset.roles.items() if role != "image" and name != dataset.label]
    names = [name for name in every if name not in dataset.meanings]
    if color_by in every:
        names = [str(color_by), *(name for name in names if name != color_by)]
    measured = [] if most is not None else [name for name in every if name not in names]
    values = dataset.row(row, names + measured)
    fields, of_here = ([(name, said) for name in some if (said := text(values[name]))] for some in (names, measured))
    return {"title": title_of(dataset, row), "fields": fields[:most], "measured": of_here, "image": image_of(dataset, row)}


def title_of(dataset: Dataset, row: int) -> str:
    """Give the row's label, or its number where it has none."""
    title = text(dataset.row(row, [dataset.label])[dataset.label]) if dataset.label else ""
    return title or f"Row {row:,}"


def image_of(dataset: Dataset, row: int) -> str | None:
    """Give the row's image as a data URI; None where there is none, or where it is not what it says."""
    for value in dataset.row(row, [name for name, role in dataset.roles.items() if role == "image"]).values():
        found = as_image(value)
        if found is not None:
            return found
    return None


def as_image(value: object) -> str | None:
    """Give a picture's bytes or data URI as a data URI; None where it is too large for a page, or not what it says."""
    if isinstance(value, bytes) and len(value) <= _IMAGE_BYTES:
        kind = next((kind for beginning, kind in _BEGINNINGS.items() if re.match(beginning, value, re.DOTALL)), None)
        return f"data:image/{kind};base64,{base64.b64encode(value).decode('ascii')}" if kind else None
    return value if isinstance(value, str) and value.startswith(_DATA_URIS) and len(value) <= _IMAGE_BYTES else None


def text(value: object, *, most: int = _TEXT) -> str:
    """Write one value for a person, with at most so many characters."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if _LARGE <= abs(value) < _HUGE else f"{value:,.6g}"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    written = str(value)
    return written if len(written) <= most else written[: most - 1] + "…"
