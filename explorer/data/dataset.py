"""What is explored: vectors, the table beside them, and the layouts and graph that came with them.

Nothing here changes once it is made, but that a table gains columns that were computed of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from explorer.errors import BadParameter, UnknownColumn

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import ArrayLike, NDArray

    from explorer.encoders.encoder import Encoder

__all__ = ["Compared", "Dataset", "GivenGraph", "GivenLayout", "Role", "open_dataset"]

Role = Literal["label", "text", "category", "number", "time", "image", "url", "id"]

_adding = Lock()


@dataclass(frozen=True, eq=False)
class GivenLayout:
    """Coordinates that came with the data.

    Attributes
    ----------
    name : str
        What people see: "umap", "tsne", "pca", "x, y".
    coordinates : ndarray of shape (n_rows, c), float32
        Two columns, of a layout in space three or more. NaN where a row has none.
    method : str or None
        "umap", "tsne" or "pca" where the file says how the layout was made, else None.
    params : mapping
        The method's complete parameters where the file says them, else empty.
    """

    name: str
    coordinates: NDArray[np.float32]
    method: str | None
    params: Mapping[str, object]


@dataclass(frozen=True, eq=False)
class GivenGraph:
    """Neighbors that came with the data.

    Attributes
    ----------
    indices : ndarray of shape (n_rows, k), int32
        Row numbers, nearest first, the row itself not among them; -1 where a row has no usable vector.
    distances : ndarray of shape (n_rows, k), float32
        Ascending; inf where indices are -1.
    metric : str
        What the distances measure: "cosine" or "euclidean".
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]
    metric: str


class Compared(NamedTuple):
    """Where other vectors of the same rows were found.

    Attributes
    ----------
    column : str
        The column or array of the same source; "" where they have a source of their own.
    title : str
        What that is called, or the column.
    file : Path or None
        What they were read from, where that is a file or folder of their own.
    """

    column: str
    title: str
    file: Path | None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with vectors, metadata, or both; see :func:`open_dataset`.

    It does not change, with one exception: :meth:`add_column` replaces ``table``, ``roles`` and ``meanings``. What there was stays as it
    is, also for who reads it in another thread: every column of ``roles``, as it is at any time, is in the ``table`` that is looked at
    afterwards.

    Attributes
    ----------
    name : str
        The title, for people.
    vectors : ndarray of shape (n_rows, n_dims), float32, or None
        C order, read-only. None where only coordinates were given.
    table : pyarrow.Table of n_rows rows
        The metadata: vectors, coordinates and graph are taken out.
    roles : mapping of str to Role
        One for each column of the table.
    label, color : str or None
        The columns that name a row and that color it at first.
    layouts : tuple of GivenLayout
    graph : GivenGraph or None
    drawable : ndarray of shape (n_rows,), bool
        False where a vector has a value that is not finite, or nothing but zeros: such a row stays in the table and is on no map.
    fingerprint : str
        32 hexadecimal digits made of the vectors (of the coordinates where there are no vectors): the same data, the same fingerprint.
    description : str
    notes : tuple of str
        What opening left out or changed, a sentence each: columns that cannot be shown, rows that cannot be drawn.
    meanings : mapping of str to str
        Of columns that were computed: what their numbers say, in a sentence or two.
    encoder : Encoder or None
        What made the vectors of texts, and makes one of what somebody looks for.
    retrievers : callable or None
        Of an index: makes a retriever with the settings ``top_k``, ``mode`` and ``mmr_threshold``.
    origin : Path or None
        The file it was read from, where results are written into a copy of that.
    vectors_name : str
        What its vectors are called: the column or array that held them. "" without vectors.
    other : Dataset or None
        The same rows, in the same order, with other vectors: see ``compare`` of :func:`open_dataset`.
    compared : Compared or None
        Where ``other`` was found.
    rivals : mapping of str to callable
        Columns of the same source that hold vectors, too, by name: each opens the source with these.
    """

    name: str
    vectors: NDArray[np.float32] | None
    table: pa.Table
    roles: Mapping[str, Role]
    label: str | None
    color: str | None
    layouts: tuple[GivenLayout, ...]
    graph: GivenGraph | None
    drawable: NDArray[np.bool_]
    fingerprint: str
    description: str = ""
    notes: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    encoder: Encoder | None = None
    retrievers: Callable[..., Any] | None = None
    origin: Path | None = None
    vectors_name: str = ""
    other: Dataset | None = None
    compared: Compared | None = None
    rivals: Mapping[str, Callable[[], Dataset]] = field(default_factory=dict)

    def __repr__(self) -> str:
        vectors = "no vectors" if self.vectors is None else f"{self.n_dims:,} dims"
        layouts = "".join(f", {layout.name}" for layout in self.layouts)
        return f"<Dataset {self.name!r}: {self.n_rows:,} rows, {vectors}, {self.table.num_columns} columns{layouts}>"

    @property
    def n_rows(self) -> int:
        """How many rows there are, those that cannot be drawn included."""
        return len(self.drawable)

    @property
    def n_dims(self) -> int:
        """How many numbers a vector has; 0 without vectors."""
        return 0 if self.vectors is None else int(self.vectors.shape[1])

    @property
    def n_drawable(self) -> int:
        """How many rows a map shows."""
        return int(np.count_nonzero(self.drawable))

    def with_vectors(self, name: str) -> Dataset:
        """Return the rows with the vectors of this name: the other ones where they are called so, else its own."""
        return self.other if self.other is not None and name and name == self.other.vectors_name else self

    def add_column(self, name: str, values: NDArray[np.float32] | pa.DictionaryArray, *, meaning: str = "") -> str:
        """Add a column of numbers, or categories, that were computed of the rows; may be called from any thread.

        Parameters
        ----------
        name : str
            What it is called where no column has this name; else a number is put behind it.
        values : ndarray of shape (n_rows,), float32, or pyarrow.DictionaryArray of texts
            NaN, or null, where a row has none. Not copied: do not change it afterwards.
        meaning : str, optional
            What the values say, for people.

        Returns
        -------
        str
            The column's name.

        Raises
        ------
        BadParameter
            If there is not one value for each row.
        """
        import pyarrow as pa

        shape = values.shape if isinstance(values, np.ndarray) else (len(values),)
        if shape != (self.n_rows,):
            raise BadParameter("column", f"an array of shape {shape}", f"give one value for each of the {self.n_rows:,} rows.")
        role: Role = "number" if isinstance(values, np.ndarray) else "category"
        column = pa.array(values, pa.float32(), from_pandas=True) if isinstance(values, np.ndarray) else values
        with _adding:
            taken = self.table.column_names
            free = next(candidate for n in count(1) if (candidate := name if n == 1 else f"{name} ({n})") not in taken)
            table = self.table.append_column(free, column) if taken else pa.table({free: column})
            object.__setattr__(self, "table", table)  # before the roles, see above
            if meaning:
                object.__setattr__(self, "meanings", {**self.meanings, free: meaning})
            object.__setattr__(self, "roles", {**self.roles, free: role})
        return free

    def row(self, i: int, columns: Sequence[str] | None = None) -> dict[str, object]:
        """Return the metadata of row i, of these columns or all, as plain Python values; None where something is missing.

        Raises
        ------
        IndexError
            If i is not one of 0 … n_rows - 1.
        """
        if not 0 <= i < self.n_rows:
            message = f"row {i} of {self.n_rows}"
            raise IndexError(message)
        values = {name: self.table.column(name)[int(i)].as_py() for name in (self.table.column_names if columns is None else columns)}
        return {name: None if isinstance(value, float) and value != value else value for name, value in values.items()}  # noqa: PLR0124

    def frame(self, rows: Sequence[int] | NDArray[Any] | None = None) -> pd.DataFrame:
        """Return the metadata of these rows, in this order (default: all rows), as a pandas DataFrame indexed by row number."""
        import pandas as pd

        wanted = np.arange(self.n_rows) if rows is None else np.asarray(rows, dtype=np.int64).reshape(-1)
        table = self.table
        taken = table if rows is None else table.take(wanted)
        frame: pd.DataFrame = taken.to_pandas() if table.num_columns else pd.DataFrame(index=range(len(wanted)))
        frame.index = pd.Index(wanted, name="row")
        return frame

    def codes(self, column: str) -> tuple[NDArray[np.int32], list[str]]:
        """Give each distinct value of a column a number.

        Costs one pass over the column: keep the result.

        Parameters
        ----------
        column : str
            A column of the table.

        Returns
        -------
        codes : ndarray of shape (n_rows,), int32
            Positions in ``names``, -1 where the value is missing.
        names : list of str
            The distinct values as text, sorted: numbers by size, all else by text.

        Raises
        ------
        UnknownColumn
            If there is no such column.
        """
        from explorer.data.encode import category_codes

        return category_codes(self._column(column))

    def numbers(self, column: str) -> NDArray[np.float32]:
        """Return a column of numbers or times as float32 of shape (n_rows,), NaN where the value is missing.

        A time becomes seconds since 1970, true to about two minutes in float32: enough for a color, not for a clock.
        A column of text becomes NaN but where the text is a number.

        Raises
        ------
        UnknownColumn
            If there is no such column.
        """
        from explorer.data.encode import as_numbers

        return as_numbers(self._column(column))

    def _column(self, column: str) -> pa.ChunkedArray:
        if column not in self.table.column_names:
            raise UnknownColumn(self.name, column, self.table.column_names)
        return self.table.column(column)


def open_dataset(
    source: object,
    *,
    vectors: str | Sequence[str] | NDArray[Any] | None = None,
    label: str | None = None,
    color: str | None = None,
    text: str | None = None,
    name: str | None = None,
    table: str | None = None,
    encoder: str | Callable[[list[Any]], ArrayLike] | Encoder | None = None,
    image: str | None = None,
    compare: object = None,
) -> Dataset:
    """Open a file, a folder, a data frame or an array to explore it.

    Vectors that are many (see :func:`explorer.settings.stream_mb`) and come from Parquet, Arrow, ``.npy``, safetensors, HDF5, Zarr or Dask
    go through memory bit by bit into the store, and are mapped from there; a source that has not changed since is not read again.

    Parameters
    ----------
    source : str, PathLike, data frame, ndarray of shape (n, d), or Dataset
        A file (Parquet, Feather/Arrow, CSV, TSV, JSON lines, ``.npy``, ``.npz``, safetensors, HDF5, AnnData, SQLite, DuckDB, FAISS, or
        the ``vectors.tsv`` of the TensorFlow Projector with its ``metadata.tsv`` beside it); a folder of Parquet parts, of the Projector,
        of Hugging Face's ``datasets``, of LanceDB or Chroma, of images, or a Zarr array or group; the name of a dataset in the catalog; a
        pandas, Polars or Arrow table (anything with ``__arrow_c_stream__``); a Dask DataFrame; a 2-D array or a list of lists; a Dataset,
        which is returned as it is when nothing else is asked for.
    vectors : str, list of str, or ndarray of shape (n, d), optional
        The column of lists, the number columns, a beginning with a star ("embedding_*"), the array in a file that holds several, or the
        vectors themselves beside a frame of n rows. Found without help where a column looks like vectors.
    label, color, text : str, optional
        The columns that name a row, that color it at first, and that hold its long text.
    name : str, optional
        The title; by default what the file says, or the file's name.
    table : str, optional
        The table of a database, or a collection of Chroma; by default the only one that has something to draw.
    encoder : str or callable, optional
        "openai:MODEL", "sentence-transformers:MODEL", or a function that makes an array of shape (n, d) of a list of n texts; see
        :func:`explorer.encoders.encoder.encoder_for`. With ``text`` and without ``vectors`` it makes the vectors, of the texts in that
        column: equal texts are encoded once, and what a model has made before is in the store; a row whose text is missing or blank has
        no vector. With ``image``, or of a folder of images, it makes vectors of these, if it is a model of both (CLIP), or a function of
        the list of their bytes. Else it is what made the vectors that are there. Either way one can search by meaning.
    image : str, optional
        The column of images that the encoder encodes: bytes, data URIs, or names of files below the folder of the file (the working folder,
        of a frame). An image that cannot be read leaves its row without a vector.
    compare : str, PathLike, frame, array or Dataset, optional
        Other vectors of the same rows, of another model or epoch: a column or array of the same source, or a source of its own. Rows are
        matched by a column of ids that both have, else by their order. The number of dims may differ. They are in ``other``.

    Returns
    -------
    Dataset
        A float32 array in C order is not copied: do not change it afterwards.

    Raises
    ------
    DataError
        If the source is missing, unreadable or has nothing to draw; each child of it says what, where and what to do.
    StoreUnwritable
        If there is no room in the store for many vectors.
    ExtraMissing
        If the library that reads it, or the encoder's, is not installed.
    BadParameter
        If there is no such encoder, or there are no vectors and no column of texts is named; or if a table is named of what is no database.
    """
    from explorer.data.sources import Wishes, open_source

    if compare is not None:
        from explorer.data.comparison import with_other

        own = open_dataset(
            source, vectors=vectors, label=label, color=color, text=text, name=name, table=table, encoder=encoder, image=image
        )
        return with_other(own, source, compare, table=table)
    if image is not None and (encoder is None or vectors is not None):
        raise BadParameter("image", image, "images are there to be encoded: name an encoder, and no vectors.")
    if encoder is not None:
        from explorer.data.image_source import encoded_images, image_to_encode
        from explorer.data.texts import encoded, with_encoder

        column = image_to_encode(source, image=image, text=text, vectors=vectors)
        if column is not None:
            return encoded_images(source, column, encoder, table=table, label=label, color=color, text=text, name=name)
        if text is not None and vectors is None:
            return encoded(source, text, encoder, table=table, label=label, color=color, name=name)
        opened = open_dataset(source, vectors=vectors, label=label, color=color, text=text, name=name, table=table)
        return with_encoder(opened, encoder)
    wishes = Wishes(vectors=vectors, label=label, color=color, text=text, name=name, table=table)
    if isinstance(source, Dataset) and not wishes.any:
        return source
    return open_source(os.fspath(source) if isinstance(source, os.PathLike) else source, wishes)
