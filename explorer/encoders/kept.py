"""Vectors of what was encoded before: one SQLite file an encoder, in the store, of which nothing is ever thrown out by itself.

A text is known by a hash of its characters, an image by one of its bytes; neither is kept itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from explorer.errors import StoreUnwritable, Unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Kept", "hashed", "hashed_image"]

FOLDER = "encoded"
_DIGITS = 16
_ASKED_AT_ONCE = 500  # SQLite takes no more than 999 values in a question
_PATIENCE_S = 60.0  # that another process may write


def hashed(text: str) -> bytes:
    """Hash a text; 16 bytes, the same for the same characters."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGITS).digest()


def hashed_image(image: bytes) -> bytes:
    """Hash an image's file; 16 bytes, never those of a text."""
    return blake2b(image, digest_size=_DIGITS, person=b"image").digest()


class Kept:
    """What one encoder has made, by the hash of a text or an image; may be used from several threads and processes.

    Parameters
    ----------
    store : Path
        The store's folder.
    key : str
        The encoder's; see :class:`explorer.encoders.encoder.Encoder`.
    averaged : bool
        Whether the vector of a text that is too long is the mean of its parts; both are kept side by side.

    Raises
    ------
    StoreUnwritable
        If nothing can be kept there.
    Unreadable
        If the file is damaged.
    """

    def __init__(self, store: Path, key: str, *, averaged: bool = False) -> None:
        self._averaged = averaged
        self._file = store / FOLDER / f"{blake2b(key.encode(), digest_size=_DIGITS).hexdigest()}.sqlite"
        self._lock = Lock()
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnwritable(str(store), error.strerror or str(error)) from None
        self._do("CREATE TABLE IF NOT EXISTS encoded (text BLOB PRIMARY KEY, vector BLOB NOT NULL)")
        self._do("CREATE TABLE IF NOT EXISTS averaged (text BLOB PRIMARY KEY, vector BLOB NOT NULL)")
        self._do("CREATE TABLE IF NOT EXISTS long (text BLOB PRIMARY KEY)")
        self._do("CREATE TABLE IF NOT EXISTS encoder (key TEXT PRIMARY KEY)")
        self._do("INSERT OR IGNORE INTO encoder VALUES (?)", [(key,)])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have nobody else, in no process of the machine, encode with this encoder meanwhile: two would encode the same texts."""
        with FileLock(f"{self._file}.lock"):
            yield

    def vectors(self, texts: Iterable[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Return the vectors of those hashes that are known."""
        statement = "SELECT text, vector FROM encoded WHERE text IN ({0})"
        if self._averaged:
            statement += " AND text NOT IN (SELECT text FROM long) UNION SELECT text, vector FROM averaged WHERE text IN ({0})"
        return {text: np.frombuffer(vector, np.float32) for text, vector in self._found(statement, texts)}

    def n_long(self, texts: Iterable[bytes]) -> int:
        """Count those hashes whose texts are longer than the model takes."""
        return len(self._found("SELECT text, text FROM long WHERE text IN ({0})", texts))

    def keep(self, vectors: Mapping[bytes, NDArray[np.float32]], long: Collection[bytes] = ()) -> None:
        """Keep vectors, and which of their texts are too long."""
        if long:
            self._do("INSERT OR IGNORE INTO long VALUES (?)", [(text,) for text in long])
        for table, some in (
            ("averaged", long if self._averaged else ()),
            ("encoded", vectors.keys() - set(long if self._averaged else ())),
        ):
            if some:
                self._do(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", [(text, vectors[text].tobytes()) for text in some])

    def _found(self, statement: str, texts: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        asked, found = list(texts), list[tuple[bytes, bytes]]()
        for at in range(0, len(asked), _ASKED_AT_ONCE):
            some = asked[at : at + _ASKED_AT_ONCE]
            marks = ",".join(f"?{number}" for number in range(1, len(some) + 1))
            found += self._do(statement.format(marks), [some])
        return found

    def _do(self, statement: str, values: Sequence[Sequence[bytes | str]] | None = None) -> list[tuple[bytes, bytes]]:
        try:
            with self._lock, closing(sqlite3.connect(self._file, timeout=_PATIENCE_S)) as connection, connection:
                if statement.startswith("SELECT"):
                    return connection.execute(statement, *(values or ())).fetchall()
                connection.executemany(statement, values) if values else connection.execute(statement)
                return []
        except sqlite3.OperationalError as error:
            raise StoreUnwritable(str(self._file), str(error)) from None
        except sqlite3.DatabaseError as error:
            raise Unreadable(str(self._file), f"it is damaged ({error}). Delete it; what was encoded is encoded again.") from None
