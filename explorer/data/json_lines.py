"""JSON lines: one object a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.data.breakage import looks_binary, what_it_is
from explorer.data.columns import Contents, TableColumns
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_json_lines"]

_BLOCK_BYTES = 1 << 26  # no line may be longer than a block
_SNIFFED_BYTES = 4_096


def read_json_lines(file: Path, source: str) -> Contents:
    """Read a file of one JSON object a line.

    Raises
    ------
    Unreadable
        If it is one big JSON array or a binary file. What Arrow's reader complains of is for the caller to turn into a sentence.
    """
    from pyarrow import json

    with file.open("rb") as stream:
        start = stream.read(_SNIFFED_BYTES)
    if looks_binary(start):
        raise Unreadable(source, f"it is not JSON but {what_it_is(file)}.")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        hint = "pandas writes them with to_json(…, orient='records', lines=True)"
        reason = f"it is one JSON array; Explorer reads JSON lines, one object a line ({hint})."
        raise Unreadable(source, reason)
    with file.open("rb") as stream:
        if start.startswith(b"\xef\xbb\xbf"):
            stream.seek(3)
        block = min(_BLOCK_BYTES, file.stat().st_size + 1)
        table = json.read_json(stream, read_options=json.ReadOptions(block_size=max(block, 1 << 20)))
    return Contents(source, file.stem, TableColumns(table))
