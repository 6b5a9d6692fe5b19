"""Data larger than memory: vectors go through it into the store block by block, and are mapped there; so is the table beside them.

The file that vectors are streamed into is the one that compute processes read, so that nothing is written twice. It is found again by
what it holds; a small record under the source's stamp says what a source holds as long as it does not change.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa

from explorer import settings
from explorer.data.matrices import Gist, fingerprint, usable_rows
from explorer.data.metadata import Shown
from explorer.data.rows import in_memory
from explorer.errors import StoreUnwritable, memory_text
from explorer.store.arrays import Blocks
from explorer.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from explorer.data.columns import Contents
    from explorer.data.rows import Rows
    from explorer.store.store import Artifact

__all__ = ["VECTORS", "Vectors", "mapped_table", "take_vectors", "vectors_key"]

_log = logging.getLogger(__name__)

VECTORS: Final = "vectors"  # those of the rows that can be drawn: what is computed from
_ALL: Final = "all-vectors"  # and those of all rows, where that is not the same
_SOURCE: Final = "source"
_TABLE: Final = "table"
_VECTORS_VERSION: Final = 1
_SOURCE_VERSION: Final = 1  # raise it when the same columns are read as other vectors
_TABLE_VERSION: Final = 2  # and when the same columns are shown in another way
_MEGABYTE: Final = 1_000_000


class Vectors(NamedTuple):
    """The vectors of a dataset, which of its rows can be drawn, the fingerprint, and whether the vectors are mapped out of the store."""

    matrix: NDArray[np.float32]
    usable: NDArray[np.bool_]
    fingerprint: str
    mapped: bool


def vectors_key(store: Store, fingerprint: str) -> str:
    """Return where the store keeps the vectors of a dataset's drawable rows, as :data:`VECTORS`."""
    return store.key(VECTORS, fingerprint, {}, _VECTORS_VERSION)


def take_vectors(rows: Rows, contents: Contents, columns: Sequence[str]) -> Vectors:
    """Read vectors: into memory, or through it into the store where they are many and their source allows it.

    Parameters
    ----------
    rows : Rows
        The vectors.
    contents : Contents
        What they come from.
    columns : sequence of str
        Which of its columns they are; one name where they are set apart.

    Raises
    ------
    BadVectors, Unreadable
        If they cannot be read.
    StoreUnwritable
        If there is no room for them in the store.
    """
    if not contents.streams or rows.whole is not None or _size(rows) < settings.stream_mb() * _MEGABYTE:
        matrix = in_memory(rows, contents.source)
        return Vectors(matrix, usable_rows(matrix), fingerprint([matrix]), mapped=False)
    store = Store()
    if not contents.stamp:
        return _streamed(store, rows, contents)
    key = store.key(_SOURCE, contents.stamp, {"columns": list(columns)}, _SOURCE_VERSION)
    lock = store.lock(_SOURCE, key)
    try:
        held = lock.acquire()  # whoever opens it meanwhile waits instead of reading it as well
    except OSError as error:
        raise StoreUnwritable(str(store.folder), error.strerror or str(error)) from error
    with held:
        known = _known(store, key, rows.shape)
        if known is None:
            known = _streamed(store, rows, contents)
            store.put(_SOURCE, key, {}, {"holds": known.fingerprint})
    return known


def mapped_table(contents: Contents, columns: Sequence[str], make: Callable[[], Shown]) -> Shown:
    """Map the table of a source out of the store, or make it and keep it there; for a source with a stamp.

    Raises
    ------
    StoreUnwritable
        If there is no room for it.
    """
    store = Store()
    key = store.key(_TABLE, contents.stamp, {"columns": list(columns)}, _TABLE_VERSION)
    kept = store.get(_TABLE, key)
    if kept is None:
        shown = make()
        if not shown.table.num_columns:
            return shown
        kept = store.put(_TABLE, key, {"table": _as_stream(shown.table)}, {"notes": list(shown.notes)})
    table = pa.ipc.open_stream(pa.py_buffer(kept.arrays["table"])).read_all()
    table.validate(full=True)  # Arrow trusts offsets; a damaged one would make it read anywhere
    return Shown(table, tuple(kept.meta["notes"]))


def _known(store: Store, key: str, shape: tuple[int, int]) -> Vectors | None:
    """Find what the source holds by what was noted of it; None where that is not known, or not there any more."""
    noted = store.get(_SOURCE, key)
    if noted is None:
        return None
    found = noted.meta["holds"]
    kept = store.get(_ALL, store.key(_ALL, found, {}, _VECTORS_VERSION)) or store.get(VECTORS, vectors_key(store, found))
    if kept is None or kept.arrays["vectors"].shape != shape:  # only the drawable ones are left
        return None
    return _vectors(kept, found)


def _streamed(store: Store, rows: Rows, contents: Contents) -> Vectors:
    _check_room(store, rows, contents)
    started = time.perf_counter()
    gist = Gist(rows.shape)

    def blocks() -> Iterator[NDArray[np.float32]]:
        for block in rows.blocks():
            gist.add(block)
            yield block

    with store.draft() as draft:
        draft.write("vectors", Blocks(rows.shape, np.dtype(np.float32), blocks))
        draft.write("drawable", gist.usable)
        found = gist.fingerprint
        if gist.usable.all():
            kept = draft.keep(VECTORS, vectors_key(store, found), {"fingerprint": found, "dataset": contents.title})
        else:  # not noted as the dataset's artifact: it is nothing that another machine needs for computing
            kept = draft.keep(_ALL, store.key(_ALL, found, {}, _VECTORS_VERSION), {"holds": found, "dataset": contents.title})
    _log.info("streamed %s into the store: %.0f MB, %.1f s", contents.source, _size(rows) / _MEGABYTE, time.perf_counter() - started)
    return _vectors(kept, found)


def _vectors(kept: Artifact, fingerprint: str) -> Vectors:
    return Vectors(kept.arrays["vectors"], np.array(kept.arrays["drawable"]), fingerprint, mapped=True)


def _check_room(store: Store, rows: Rows, contents: Contents) -> None:
    """Refuse at once what would fill the disk, or be thrown out of the store again.

    Raises
    ------
    StoreUnwritable
    """
    needs = f"the vectors of {contents.source} take {memory_text(_size(rows))}"
    if _size(rows) > store.limit_mb * _MEGABYTE:
        raise StoreUnwritable(str(store.folder), f"{needs}, more than the {memory_text(store.limit_mb * _MEGABYTE)} of EXPLORER_STORE_MB")
    free = shutil.disk_usage(_there(store.folder)).free
    if _size(rows) > free:
        raise StoreUnwritable(str(store.folder), f"{needs}, and {memory_text(free)} are free on its disk")


def _there(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _size(rows: Rows) -> int:
    return 4 * rows.shape[0] * rows.shape[1]


def _as_stream(table: pa.Table) -> Blocks:
    """Turn a table into the bytes of an Arrow stream, in as few batches as can be: taking rows out of many chunks copies all of them."""
    batches = table.combine_chunks().to_batches()
    counted = pa.MockOutputStream()
    with pa.ipc.new_stream(counted, table.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)

    def blocks() -> Iterator[NDArray[np.uint8]]:
        pieces = _Pieces()
        with pa.ipc.new_stream(pieces, table.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
                yield pieces.taken()
        yield pieces.taken()

    return Blocks((counted.size(),), np.dtype(np.uint8), blocks)


class _Pieces:
    """A file for Arrow to write into, whose bytes are taken out as they come."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.closed = False

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> NDArray[np.uint8]:
        pieces, self._pieces = self._pieces, []
        return np.frombuffer(b"".join(pieces), np.uint8)
