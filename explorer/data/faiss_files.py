"""Indexes of FAISS: the vectors that an index holds, as it gives them back, with their ids where it has some."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from explorer.data.breakage import reading, what_it_is
from explorer.data.columns import Contents, LazyMatrix, TableColumns, no_columns
from explorer.data.limits import check_size
from explorer.data.memory import check_memory
from explorer.data.named_arrays import as_column
from explorer.data.stamps import stamp_of
from explorer.errors import EmptyDataset, ExtraMissing, Unreadable

if TYPE_CHECKING:
    import faiss
    from numpy.typing import NDArray

__all__ = ["read_faiss"]

_MARK = b"Ix"  # every index begins so, or with its binary or older letters
_MARKS = (_MARK, b"Iw", b"IH", b"IN")
_ID = "id"


def read_faiss(file: Path, source: str) -> Contents:
    """Read an index; what is beside it, such as a store of documents, is not.

    An index that keeps the vectors as they are (Flat, HNSW or IVF over them) gives them back exactly, a compressed one nearly.

    Raises
    ------
    ExtraMissing
        If the library is not installed.
    Unreadable
        If it is damaged, no index of numbers, or such as gives nothing back.
    """
    try:
        import faiss
    except ImportError:
        raise ExtraMissing("Reading an index of FAISS", "faiss") from None

    with file.open("rb") as stream:
        if stream.read(len(_MARK)) not in _MARKS:
            raise Unreadable(source, f"it is not an index of FAISS but {what_it_is(file)}.")
    check_memory(file.stat().st_size, source)
    with reading(source):
        owner = faiss.read_index(str(file))
        n, d = int(owner.ntotal), int(owner.d)
        if not n:
            raise EmptyDataset(source, 0)
        check_size(source, rows=n, columns=d)
        index, ids = _unwrapped(owner, source)
        table = no_columns(n) if ids is None else pa.table({_ID: as_column(ids)})
        vectors = LazyMatrix((n, d), np.dtype(np.float32), partial(_read, owner, index, source))
        _read(owner, index, source, slice(0, 1))
    return Contents(source, file.stem, TableColumns(table), vectors=vectors, vectors_name="the index", streams=True, stamp=stamp_of([file]))


def _unwrapped(owner: faiss.Index, source: str) -> tuple[faiss.Index, NDArray[np.int64] | None]:
    """Look below what gives vectors ids of their own, and have an inverted file find vectors by number."""
    import faiss

    index, ids = faiss.downcast_index(owner), None
    if isinstance(index, faiss.IndexIDMap):
        ids = np.array(faiss.vector_to_array(index.id_map))
        index = faiss.downcast_index(index.index)
    if isinstance(index, faiss.IndexIVF):
        try:
            index.make_direct_map()
        except RuntimeError:
            raise Unreadable(source, "its inverted lists have numbers of their own, by which vectors cannot be found.") from None
    return index, ids


def _read(owner: faiss.Index, index: faiss.Index, source: str, rows: slice) -> NDArray[Any]:
    """Give some rows back; the owner is what FAISS keeps them in, and must live as long as they are read."""
    first, last, _ = rows.indices(owner.ntotal)
    try:
        block: NDArray[np.float32] = index.reconstruct_n(first, last - first)
    except RuntimeError:
        raise Unreadable(source, f"an index of the kind {type(index).__name__} does not give its vectors back.") from None
    return block
