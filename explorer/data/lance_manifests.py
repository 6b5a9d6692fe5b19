"""Where the rows of a Lance table are: a shallow clone has them in another table, at an address that its manifest names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.errors import Unreadable

__all__ = ["other_places"]

_LAST_VERSION = (1 << 64) - 1
_MARK = b"LANC"
_TAIL_BYTES = 16  # where the message begins, the format's version, and the mark
_PLACES = 18  # base_paths in lance's table.proto
_PATH = 4
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


def other_places(versions: Path, version: int, source: str) -> list[str]:
    """List the addresses that the manifest of a version names beside the table's own.

    Parameters
    ----------
    versions : Path
        The folder ``_versions`` of a table.
    version : int
    source : str
        What sentences call the table.

    Raises
    ------
    Unreadable
        If the manifest cannot be understood.
    """
    files = [versions / f"{_LAST_VERSION - version:020}.manifest", versions / f"{version}.manifest"]
    file = next((file for file in files if file.is_file()), files[0])
    manifest = file.read_bytes()
    try:
        if manifest[-len(_MARK) :] != _MARK:
            raise ValueError
        at = int.from_bytes(manifest[-_TAIL_BYTES : 8 - _TAIL_BYTES], "little")
        size = int.from_bytes(manifest[at : at + 4], "little")
        places = [value for number, value in _fields(manifest[at + 4 : at + 4 + size]) if number == _PLACES]
        return [value.decode() for place in places for number, value in _fields(place) if number == _PATH]
    except (ValueError, IndexError):
        raise Unreadable(source, f"its manifest {file.name} cannot be understood.") from None


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Go through the fields of a message of Protocol Buffers; those that are numbers come without one."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        size = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(kind, 0)
        if kind in (_VARINT, _BYTES):
            told, at = _varint(message, at)
            size = told if kind == _BYTES else 0
        elif not size:
            raise ValueError
        yield number, message[at : at + size]
        at += size
    if at > len(message):
        raise ValueError


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:  # noqa: PLR2004
            return number, at
