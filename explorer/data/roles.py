"""What each column of the metadata is good for, which one names a row, which one colors it first; by type, values and name."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from explorer.data.dataset import Role
from explorer.data.names import is_id_name
from explorer.data.vectors import is_number, is_text

__all__ = ["Roles", "infer_roles"]

_LABEL_NAMES = (
    "label",
    "name",
    "title",
    "word",
    "term",
    "token",
    "caption",
    "headline",
    "text",
    "sentence",
    "document",
    "question",
    "content",
    "body",
)
_CATEGORY = re.compile(
    r"^(label|labels|cluster|class|target|topic|category|group|community|leiden|louvain|digit|species|y)s?([_\W]?(id|no|nr|number|\d+))?$",
    re.IGNORECASE,
)
_PICTURE_FILE = re.compile(r"\.(png|jpe?g|gif|webp|bmp)$", re.IGNORECASE)
_MOST_CATEGORIES = 1_000
_MOST_COLORS = 200
_MOST_NUMBERED_CATEGORIES = 100
_MOST_REPEATING = 0.5  # a category has at most half as many values as there are rows
_LEAST_UNIQUE = 0.5  # a label tells more than half of the rows apart
_SHORT = 80
_SAMPLED_ROWS = 1_000


class Roles(NamedTuple):
    """The roles of all columns, and the two columns that a map starts with."""

    roles: dict[str, Role]
    label: str | None
    color: str | None


class _Text(NamedTuple):
    distinct: float
    mean_length: float


def infer_roles(table: pa.Table, *, label: str | None = None, color: str | None = None, text: str | None = None) -> Roles:
    """Infer the role of each column.

    Parameters
    ----------
    table : pyarrow.Table
        Metadata as :func:`explorer.data.metadata.showable` leaves it.
    label, color, text : str, optional
        Columns that somebody has chosen.
    """
    roles: dict[str, Role] = {}
    texts: dict[str, _Text] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        roles[name] = _role(name, column, texts)
    if text is not None:
        roles[text] = "text"
    chosen = label if label is not None else _label(roles, texts)
    if chosen is not None and (
        roles[chosen] == "id"
        or (label is not None and roles[chosen] == "image" and is_text(table.schema.field(chosen).type))  # names of files
        or (roles[chosen] == "text" and chosen != text and texts[chosen].mean_length <= _SHORT)
    ):
        roles[chosen] = "label"
    return Roles(roles, chosen, color if color is not None else _color(table, roles))


def _role(name: str, column: pa.ChunkedArray, texts: dict[str, _Text]) -> Role:
    kind = column.type
    if pa.types.is_boolean(kind):
        return "category"
    if pa.types.is_temporal(kind):
        return "time"
    if pa.types.is_integer(kind):
        return _integer_role(name, column)
    if is_number(kind):
        return "number"
    return "image" if pa.types.is_large_binary(kind) else _text_role(name, column, texts)


def _text_role(name: str, column: pa.ChunkedArray, texts: dict[str, _Text]) -> Role:
    values = [value for value in column.slice(0, _SAMPLED_ROWS).to_pylist() if value is not None]
    special = _special_role(values)
    if special is not None:
        return special
    n = len(column) - column.null_count
    mean_length = sum(map(len, values)) / max(1, len(values))
    if mean_length > _SHORT and len(set(values)) > len(values) * _MOST_REPEATING:
        texts[name] = _Text(1.0, mean_length)
        return "text"
    distinct = _distinct(column)
    texts[name] = _Text(distinct / max(1, n), mean_length)
    if is_id_name(name) and distinct == len(column):
        return "id"
    repeating = distinct <= max(1, n * _MOST_REPEATING)
    few = distinct <= _MOST_CATEGORIES
    dictionary = pa.types.is_dictionary(column.type) and distinct <= _MOST_COLORS
    return "category" if dictionary or (repeating and few and mean_length <= _SHORT) else "text"


def _integer_role(name: str, column: pa.ChunkedArray) -> Role:
    named_category = _CATEGORY.match(name) is not None
    if not named_category and not is_id_name(name):
        return "number"
    distinct = _distinct(column)
    if is_id_name(name) and distinct == len(column):
        return "id"
    few = distinct <= min(_MOST_NUMBERED_CATEGORIES, max(2, len(column) * _MOST_REPEATING))
    return "category" if few and (named_category or is_id_name(name)) else "number"


def _special_role(values: list[str]) -> Role | None:
    if not values:
        return None
    if all(value.startswith("data:image/") for value in values):
        return "image"
    if all(value.startswith(("http://", "https://")) for value in values):
        return "url"
    if all(_PICTURE_FILE.search(value) for value in values):
        return "image"
    return None


def _label(roles: dict[str, Role], texts: dict[str, _Text]) -> str | None:
    words = {name: roles[name] for name in texts if roles[name] in ("text", "category", "id")}
    named = [name for wanted in _LABEL_NAMES for name in words if name.lower() == wanted]
    unique = [name for name in words if texts[name].distinct > _LEAST_UNIQUE and texts[name].mean_length <= _SHORT and roles[name] != "id"]
    for names in ([name for name in named if name in unique], [name for name in named if roles[name] != "category"], unique, named):
        if names:
            return names[0]
    return None


def _color(table: pa.Table, roles: dict[str, Role]) -> str | None:
    for name, role in roles.items():
        if role == "category" and 2 <= _distinct(table.column(name)) <= _MOST_COLORS:  # noqa: PLR2004 - one color says nothing
            return name
    return next((name for name, role in roles.items() if role == "number"), None)


def _distinct(column: pa.ChunkedArray) -> int:
    """Count the values that are there."""
    values: Any = column
    if pa.types.is_dictionary(column.type) and is_text(column.type.value_type):
        values = column.cast(column.type.value_type)
    return int(pc.count_distinct(values, mode="only_valid").as_py())
