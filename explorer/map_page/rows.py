"""What a page knows of each row, in few bytes: places, colors and columns, compressed; texts are data, never markup."""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.coloring import Coloring
from explorer.map_page.tiles import square_of
from explorer.scene import Scene

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["ROWS_MOST", "Columns", "columns_of", "packed"]

ROWS_MOST: Final = 200_000
"""Rows that a page knows one by one; a map of more is a picture."""

_TEXT_MOST: Final = 160  # characters of one value
_COLUMNS: Final = 8
_CODES: Final = 65_535  # different values of a column that is kept as codes


class Columns(NamedTuple):
    """The rows, ready for the page: ``head`` says what is in ``body``, compressed bytes one after the other."""

    head: dict[str, Any]
    body: bytes


def columns_of(scene: Scene) -> Columns | None:
    """Pack what is known of the rows that are drawn; None where they are too many."""
    index = scene.shown.index
    flags = None if scene.shown_rows is None else scene.shown_rows.flags.astype(bool)
    in_order = index.rows if flags is None else index.rows[flags]
    rows = np.sort(in_order).astype(np.int64)
    if not 0 < len(rows) <= ROWS_MOST:
        return None
    square, places = square_of(scene), scene.shown.places(rows).astype(np.float64)
    across = (places[:, 0] - square.x0) / square.span[0]
    down = (square.y1 - places[:, 1]) / square.span[1]
    inside = (across >= 0) & (across <= 1) & (down >= 0) & (down <= 1)  # the few far outside have no place on the tiles
    rows, across, down = rows[inside], across[inside], down[inside]
    parts: list[tuple[dict[str, Any], bytes]] = [
        ({"kind": "u16"}, np.rint(across * 65_535).astype("<u2").tobytes()),
        ({"kind": "u16"}, np.rint(down * 65_535).astype("<u2").tobytes()),
        ({"kind": "u32"}, rows.astype("<u4").tobytes()),
        ({"kind": "u8"}, _colors(scene.coloring, rows).tobytes()),
    ]
    fields: list[dict[str, Any]] = []
    dataset = scene.dataset
    for name in _chosen(dataset, scene.coloring.column):
        described, data = _column(dataset, name, rows)
        fields.append({"name": name, "at": len(parts), **described})
        parts.append(({"kind": described["kind"]}, data))
    sizes = [len(data) for _, data in parts]
    head = {
        "n": len(rows),
        "parts": [{**about, "size": size} for (about, _), size in zip(parts, sizes, strict=True)],
        "fields": fields,
        "label": dataset.label,
        "lut": ["#{:02x}{:02x}{:02x}".format(*color) for color in scene.coloring.lut.tolist()],
    }
    return Columns(head, zlib.compress(b"".join(data for _, data in parts), 9))


def packed(data: bytes) -> str:
    """Write bytes as letters."""
    return base64.b64encode(data).decode("ascii")


def _colors(coloring: Coloring, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Give each row's place in the table of colors."""
    if coloring.kind != "number":
        return np.asarray(coloring.slots[rows], np.uint8)
    values = coloring.values[rows].astype(np.float64)
    share = (values - coloring.low) / max(coloring.high - coloring.low, 1e-30)
    return np.where(np.isfinite(values), np.clip(np.nan_to_num(share) * 255, 0, 255), 0).astype(np.uint8)


def _chosen(dataset: Dataset, color: str | None) -> list[str]:
    """List the columns of a card: the label, the color, then the first ones; no pictures, nothing that was measured."""
    usable = [name for name, role in dataset.roles.items() if role not in ("image",) and name not in dataset.meanings]
    first = [name for name in (dataset.label, color) if name is not None and name in dataset.roles]
    return list(dict.fromkeys([*first, *usable]))[:_COLUMNS]


def _column(dataset: Dataset, name: str, rows: NDArray[np.int64]) -> tuple[dict[str, Any], bytes]:
    """Pack a column: numbers as they are, few different values as codes, others as texts."""
    if dataset.roles[name] == "number":
        return {"kind": "f32"}, dataset.numbers(name)[rows].astype("<f4").tobytes()
    values = [_text(value) for value in dataset.table.column(name).take(rows).to_pylist()]
    names = sorted(set(values))
    if len(names) <= min(_CODES, max(len(values) // 2, 1)):
        code = {value: at for at, value in enumerate(names)}
        return {"kind": "u16", "names": names}, np.fromiter((code[value] for value in values), "<u2", len(values)).tobytes()
    return {"kind": "json"}, json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    written = str(value)
    return written if len(written) <= _TEXT_MOST else written[: _TEXT_MOST - 1] + "…"
