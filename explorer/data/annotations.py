"""What Explorer writes into the schema of its own files, so that opening one again knows how its layouts and its graph were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from explorer.errors import Unreadable

__all__ = ["KEY", "METHODS", "Annotations", "NotedGraph", "NotedLayout", "read_annotations", "write_annotations"]

KEY = b"explorer"
METHODS = ("pca", "umap", "tsne", "axes")
_PAIR = 2


class NotedLayout(NamedTuple):
    """Where a layout is and how it was made."""

    name: str
    columns: tuple[str, ...]
    method: str | None
    params: Mapping[str, object]


class NotedGraph(NamedTuple):
    """Where a graph is: a column of lists of row numbers, and one of distances where they were kept."""

    indices: str
    distances: str | None
    metric: str


@dataclass(frozen=True)
class Annotations:
    """Explorer's metadata in a schema.

    Attributes
    ----------
    layouts : tuple of NotedLayout
    graph : NotedGraph or None
    title, description : str
        Empty where the file says nothing.
    """

    layouts: tuple[NotedLayout, ...] = ()
    graph: NotedGraph | None = None
    title: str = ""
    description: str = ""


def read_annotations(metadata: Mapping[bytes, bytes] | None, source: str) -> Annotations:
    """Read Explorer's metadata out of a schema's; nothing there is fine.

    Raises
    ------
    Unreadable
        If it is there but cannot be understood.
    """
    text = (metadata or {}).get(KEY)
    if text is None:
        return Annotations()
    try:
        noted = json.loads(text)
        graph = noted.get("graph")
        return Annotations(
            layouts=tuple(_layout(name, layout) for name, layout in noted.get("layouts", {}).items()),
            graph=None
            if graph is None
            else NotedGraph(_text(graph["indices"]), _maybe_text(graph.get("distances")), _text(graph["metric"])),
            title=_text(noted.get("title", "")),
            description=_text(noted.get("description", "")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(source, f"its explorer metadata cannot be understood ({error or type(error).__name__}).") from error


def write_annotations(annotations: Annotations) -> dict[bytes, bytes]:
    """Return schema metadata from which :func:`read_annotations` makes the same annotations."""
    noted: dict[str, Any] = {}
    if annotations.title:
        noted["title"] = annotations.title
    if annotations.description:
        noted["description"] = annotations.description
    if annotations.layouts:
        noted["layouts"] = {
            layout.name: {"columns": list(layout.columns), "method": layout.method, "params": dict(layout.params)}
            for layout in annotations.layouts
        }
    if annotations.graph is not None:
        noted["graph"] = {key: value for key, value in annotations.graph._asdict().items() if value is not None}
    return {KEY: json.dumps(noted).encode()} if noted else {}


def _layout(name: str, noted: Mapping[str, Any]) -> NotedLayout:
    columns = tuple(_text(column) for column in noted["columns"])
    if len(columns) < _PAIR:
        message = f"layout {name} has {len(columns)} columns, not 2 or more"
        raise ValueError(message)
    method = _maybe_text(noted.get("method"))
    params = noted.get("params", {})
    if not isinstance(params, dict):
        message = f"the params of layout {name} are no mapping"
        raise TypeError(message)
    # A method of a later version is shown like any coordinates of unknown origin.
    return NotedLayout(name, columns, method if method in METHODS else None, params)


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = f"{value!r} is no text"
        raise TypeError(message)
    return value


def _maybe_text(value: object) -> str | None:
    return None if value is None else _text(value)
