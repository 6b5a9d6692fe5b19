"""Images of a source: bytes in a column, data URIs, names of files below its folder, or the files of a folder of images."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from explorer.data.metadata import is_picture
from explorer.data.places import inside
from explorer.data.vectors import is_text
from explorer.encoders.image_bytes import ENDINGS
from explorer.errors import BadParameter

if TYPE_CHECKING:
    from explorer.data.columns import Columns
    from explorer.encoders.image_bytes import Picture

__all__ = ["image_columns", "pictures"]

_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)
_WEB = ("http://", "https://", "//", "ftp://")
_SAMPLED = 50
_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)


def image_columns(columns: Columns) -> list[str]:
    """List the columns of images, by their first rows."""
    maybe = [field.name for field in columns.schema if _is_bytes(field.type) or _has_bytes(field.type) or is_text(field.type)]
    if not maybe:
        return []
    head = columns.head(maybe, _SAMPLED)
    return [name for name in maybe if (some := [value for value in head.column(name).to_pylist() if value]) and all(map(_looks, some))]


def pictures(column: pa.ChunkedArray, name: str, folder: Path | None) -> list[Picture | None]:
    """Give the image of each row.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Bytes; ``{bytes, path}``, as Hugging Face's datasets has it; or text: data URIs, or names of files.
    name : str
        What it is called.
    folder : Path or None
        Files are opened below it alone, symbolic links followed; None where there is none.

    Returns
    -------
    list of bytes, Path or None
        None where nothing is said; no bytes, b"", where it is no image that may be opened.

    Raises
    ------
    BadParameter
        If it holds something else, or addresses on the web: nothing is fetched from there.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (_is_bytes(column.type) or _has_bytes(column.type) or is_text(column.type)):
        raise BadParameter("image", name, "name a column that holds images: bytes, data URIs, or names of files.")
    values = column.to_pylist()
    if any(isinstance(value, str) and value.lower().startswith(_WEB) for value in values):
        raise BadParameter("image", name, "it holds addresses, and nothing is fetched from the web. Save the images beside the data.")
    return [_picture(value, folder) for value in values]


def _picture(value: Any, folder: Path | None) -> Picture | None:
    if isinstance(value, dict):
        value = value["bytes"] if value["bytes"] is not None else value["path"]
    if not value or isinstance(value, bytes):
        return value or None
    beginning = _DATA_URI.match(value)
    if beginning:
        try:
            return base64.b64decode(value[beginning.end() :], validate=True)
        except (binascii.Error, ValueError):
            return b""
    try:
        file = None if folder is None else inside(folder / value, [folder])
    except ValueError:  # a NUL in a name
        return b""
    return file if file is not None and file.suffix.lower() in ENDINGS else b""


def _is_bytes(kind: pa.DataType) -> bool:
    return any(test(kind) for test in _BYTES)


def _has_bytes(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind) or not {field.name for field in kind} >= {"bytes", "path"}:
        return False
    data, path = kind.field("bytes").type, kind.field("path").type
    return (_is_bytes(data) or pa.types.is_null(data)) and (is_text(path) or pa.types.is_null(path))


def _looks(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value["bytes"] and is_picture(value["bytes"])) or bool(value["path"] and _looks(value["path"]))
    if isinstance(value, bytes):
        return is_picture(value)
    return _DATA_URI.match(value) is not None or (value.lower().endswith(ENDINGS) and not value.lower().startswith(_WEB))
