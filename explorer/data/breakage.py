"""What is wrong with a file, in a sentence: a broken read becomes Unreadable, a wrong ending is recognized by the first bytes."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explorer.errors import DataError, Unreadable

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TRUNCATED", "looks_binary", "reading", "what_it_is"]

TRUNCATED = "it ends too early: the file is truncated. Copy or download it again."

# what readers raise on broken bytes: NumPy reads the head of an array as Python, zipfile meets versions and flags that it does not know
_BROKEN = (
    ValueError,
    EOFError,
    SyntaxError,
    RuntimeError,
    tokenize.TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_LONGEST_REASON = 300
_SNIFFED_BYTES = 4_096
_FIRST_BYTES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"FEA1", "a Feather file of the first version"),
    (b"\x93NUMPY", "a NumPy .npy file"),
    (b"PK\x03\x04", "a zip archive (.npz, .xlsx, .zip)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"version https://git-lfs", "a Git LFS pointer (fetch the file with `git lfs pull`)"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@contextmanager
def reading(source: str) -> Iterator[None]:
    """Turn what a reader raises on a broken file into :class:`Unreadable`; let Explorer's own errors pass."""
    import pyarrow as pa

    try:
        yield
    except DataError:
        raise
    except MemoryError:
        raise Unreadable(source, "it needs more memory than this machine has.") from None
    except OSError as error:
        raise Unreadable(source, _sentence(error.strerror or str(error))) from error
    except (pa.ArrowException, *_BROKEN) as error:
        raise Unreadable(source, _sentence(str(error))) from error


def what_it_is(file: Path) -> str:
    """Say what a file's first bytes are, in words that follow "it is"."""
    start = _start(file)
    for magic, words in _FIRST_BYTES:
        if start.startswith(magic):
            return words
    return "binary data of an unknown kind" if looks_binary(start) else "text"


def looks_binary(start: bytes) -> bool:
    """Tell whether these first bytes of a file cannot be text: they hold a NUL, and no mark of UTF-16 says that they may."""
    return b"\0" in start and not start.startswith(_UTF16)


def _start(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_SNIFFED_BYTES)


def _sentence(text: str) -> str:
    first = text.strip().split("\n", 1)[0].strip()[:_LONGEST_REASON].rstrip(".")
    return f"{first or 'the reader gave no reason'}."
