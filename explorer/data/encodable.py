"""What an encoder can make vectors of: the columns of a source that has none, and one column of it as it is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from explorer.errors import UnknownColumn

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Encodable", "ReadColumn", "longest_first", "read_column"]

_SAMPLED = 500  # rows by which it is found which column has the longest texts


@dataclass(frozen=True, eq=False)
class Encodable:
    """A source without vectors, as it was read.

    Attributes
    ----------
    source : pyarrow.Table or Path
        What is to be opened with the vectors: a table, or a folder of images.
    texts, images : tuple of str
        Columns of text, the one with the longest texts first, and of images.
    n_rows : int
    folder : Path or None
        Where files that a column names are.
    """

    source: object
    texts: tuple[str, ...]
    images: tuple[str, ...]
    n_rows: int
    folder: Path | None


class ReadColumn(NamedTuple):
    """A column that is to be encoded.

    Attributes
    ----------
    source : object
        To be opened with the vectors.
    name : str or None
        The title where the source, as it is opened, does not know it.
    values : pyarrow.ChunkedArray
    folder : Path or None
        Where files that it names are.
    files : tuple of Path
        Of a folder of images: those that it stands for.
    """

    source: object
    name: str | None
    values: pa.ChunkedArray
    folder: Path | None
    files: tuple[Path, ...]


def read_column(source: object, column: str, *, table: str | None = None) -> ReadColumn:
    """Read a column of whatever :func:`explorer.open_dataset` opens.

    Raises
    ------
    DataError
        If the source cannot be read, or has no such column.
    """
    import pyarrow as pa

    from explorer.data.columns import Asked
    from explorer.data.dataset import Dataset
    from explorer.data.files import read_file
    from explorer.data.frames import read_object
    from explorer.data.sources import from_catalog

    path = os.fspath(source) if isinstance(source, os.PathLike) else source
    named = from_catalog(path) if isinstance(path, str) else path
    if isinstance(named, Dataset):  # its vectors are chosen already: what is beside them is opened anew
        source, name = named.table, named.name
        contents, title = read_object(named.table), named.name
    else:
        contents = read_file(path, Asked(table=table)) if isinstance(path, str) else read_object(source)
        name, title = None, contents.source
    names = contents.columns.schema.names
    if column not in names:
        raise UnknownColumn(title, column, names)
    values = pa.chunked_array([pa.nulls(0)]) if contents.images else contents.columns.read([column]).column(0)
    return ReadColumn(source, name, values, contents.folder, contents.images)


def longest_first(table: pa.Table, names: Sequence[str]) -> list[str]:
    """Sort columns of text by how long their texts are, by their first 500 rows."""

    def length(name: str) -> float:
        texts = [text for text in table.column(name).slice(0, _SAMPLED).to_pylist() if text]
        return -sum(map(len, texts)) / max(1, len(texts))

    return sorted(names, key=length)
