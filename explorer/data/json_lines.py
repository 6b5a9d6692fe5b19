"""JSON lines: one object a line."""

from __future__ import annotations

import json
import mmap
import re
from typing import TYPE_CHECKING

from explorer.data.breakage import looks_binary, what_it_is
from explorer.data.columns import Contents, TableColumns
from explorer.errors import Unreadable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_json_lines"]

_BLOCK_BYTES = 1 << 26  # no line may be longer than a block
_SNIFFED_BYTES = 4_096
_BLANKS = b" \t\r\n"
_AFTER_OBJECT = b"}\xbf"  # the end of the one before, or of a byte order mark


def read_json_lines(file: Path, source: str) -> Contents:
    """Read a file of one JSON object a line.

    Raises
    ------
    Unreadable
        If it is one big JSON array or a binary file. What Arrow's reader complains of is for the caller to turn into a sentence.
    """
    from pyarrow import json as arrow_json

    with file.open("rb") as stream:
        start = stream.read(_SNIFFED_BYTES)
    if looks_binary(start):
        raise Unreadable(source, f"it is not JSON but {what_it_is(file)}.")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        hint = "pandas writes them with to_json(…, orient='records', lines=True)"
        reason = f"it is one JSON array; Explorer reads JSON lines, one object a line ({hint})."
        raise Unreadable(source, reason)
    if start:
        _refuse_bare_null(file, source)
    with file.open("rb") as stream:
        if start.startswith(b"\xef\xbb\xbf"):
            stream.seek(3)
        block = min(_BLOCK_BYTES, file.stat().st_size + 1)
        table = arrow_json.read_json(stream, read_options=arrow_json.ReadOptions(block_size=max(block, 1 << 20)))
    return Contents(source, file.stem, TableColumns(table))


def _refuse_bare_null(file: Path, source: str) -> None:
    """Refuse a null where an object should begin: it ends the process that Arrow's reader runs in.

    Raises
    ------
    Unreadable
        With the number of the line.
    """
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for found in re.finditer(b"null", content):
            before = found.start() - 1
            while before >= 0 and content[before] in _BLANKS:
                before -= 1
            if before >= 0 and content[before] not in _AFTER_OBJECT:
                continue
            start = content.rfind(b"\n", 0, found.start()) + 1
            end = content.find(b"\n", start)
            line = content[start : len(content) if end < 0 else end]
            if not _is_object(line):
                number = content[:start].count(b"\n") + 1
                raise Unreadable(source, f"line {number:,} is not one JSON object: there is a null outside of any.")


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
