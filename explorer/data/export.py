"""Results into files: a dataset's rows with computed layouts or neighbors. Parquet and Feather files open again as they were."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from explorer.data.annotations import Annotations, NotedGraph, NotedLayout, write_annotations
from explorer.data.projector_output import is_projector_target, write_projector
from explorer.data.writers import WRITERS, Writer
from explorer.errors import ExtraMissing, UnknownFormat, Unwritable, VectorsNeeded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.data.dataset import Dataset

__all__ = [
    "ComputedGraph",
    "ComputedLayout",
    "KeptRows",
    "check_results",
    "check_target",
    "coordinates_table",
    "rows_table",
    "unfinished",
    "write_layouts",
    "write_neighbors",
    "write_results",
    "write_table",
]

_ANNDATA = ".h5ad"
_MOST_UINT16 = 1 << 16
_AXES = ("x", "y", "z")
_PLANE = 2  # columns of a flat layout
_PIECE = 1 << 20  # rows taken in one call
_KEPT = "selection: {}"  # what a column is called that says which rows are in a selection of that name


class ComputedLayout(Protocol):
    """A layout as the compute layer returns it."""

    @property
    def coordinates(self) -> NDArray[np.float32]:
        """Shape (n_rows, c), NaN where a row is not drawn."""

    @property
    def method(self) -> str:
        """How it was made."""

    @property
    def params(self) -> Mapping[str, object]:
        """The method's complete parameters."""


class ComputedGraph(Protocol):
    """A neighbor graph as the compute layer returns it."""

    @property
    def indices(self) -> NDArray[np.int32]:
        """Shape (n_rows, k), -1 where a row has no neighbors."""

    @property
    def distances(self) -> NDArray[np.float32]:
        """Shape (n_rows, k)."""

    @property
    def metric(self) -> str:
        """What the distances measure."""


class KeptRows(Protocol):
    """A selection that is kept in less memory than a mask takes."""

    def unpack(self) -> NDArray[np.bool_]:
        """Give the mask, of shape (n_rows,)."""


def check_target(path: str | os.PathLike[str], *, endings: Collection[str] = tuple(WRITERS)) -> None:
    """Refuse a file that cannot be written, before anything is computed for it.

    Parameters
    ----------
    path : str or PathLike
        What is to be written.
    endings : collection of str
        Those that there are writers for, in lower case; by default those of tables.

    Raises
    ------
    UnknownFormat
        If the path has none of the endings.
    Unwritable
        If there is no such folder, it takes no file, or the path is a folder itself.
    ExtraMissing
        If the library that writes it is not installed.
    """
    file = Path(path)
    if file.suffix.lower() not in endings:
        raise UnknownFormat(str(path), tuple(endings))
    if not file.absolute().parent.is_dir():
        raise Unwritable(str(path), f"there is no folder {file.parent}.")
    if file.is_dir():
        raise Unwritable(str(path), "it is a folder.")
    _check_folder(path, file.absolute().parent)
    extra = WRITERS[file.suffix.lower()].extra if file.suffix.lower() in WRITERS else ""
    if extra and find_spec(extra) is None:
        raise ExtraMissing(f"Writing {file.suffix.lower()}", extra)


def check_results(path: str | os.PathLike[str], dataset: Dataset | None = None, *, layouts: bool = True) -> None:
    """Refuse what layouts, or else a neighbor graph, cannot be written to, before they are computed.

    Parameters
    ----------
    path : str or PathLike
        As :func:`write_results` has it.
    dataset : Dataset, optional
        Whose they are, once it is open.
    layouts : bool
        Whether it is layouts that are written.

    Raises
    ------
    UnknownFormat, Unwritable
        See :func:`check_target`; and if the dataset was read from nothing that a copy can be made of.
    VectorsNeeded
        If the Projector is to show a dataset that has none.
    """
    if layouts and is_projector_target(path):
        folder = Path(path).absolute().parent
        if folder.is_file():
            raise Unwritable(str(path), f"{folder} is no folder.")
        if not folder.is_dir():
            check_target(folder, endings=(folder.suffix.lower(),))  # it will be made
        _check_folder(path, folder if folder.is_dir() else folder.parent)
        if dataset is not None and dataset.vectors is None:
            raise VectorsNeeded("The Projector", dataset.name)
        return
    check_target(path, endings=(*WRITERS, _ANNDATA))
    if dataset is not None and _is_anndata(path):
        from explorer.data.anndata_copies import check_origin

        check_origin(str(path), dataset)


def _is_anndata(path: str | os.PathLike[str]) -> bool:
    return Path(path).suffix.lower() == _ANNDATA


def _check_folder(path: str | os.PathLike[str], folder: Path) -> None:
    if not os.access(folder, os.W_OK):
        raise Unwritable(str(path), f"the folder {folder} takes no files.")


@contextmanager
def unfinished(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to in place of another, in the same folder; the file appears complete at the end of the block, or not at all.

    Raises
    ------
    Unwritable
        If the block raises an OSError or an ArrowException.
    """
    file = Path(path)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(file)
    except (OSError, pa.ArrowException) as error:
        raise Unwritable(str(path), f"{getattr(error, 'strerror', None) or error}.") from error
    finally:
        part.unlink(missing_ok=True)


def write_layouts(path: str | os.PathLike[str], dataset: Dataset, layouts: Sequence[ComputedLayout]) -> None:
    """Write a dataset with layouts; see :func:`write_results`."""
    write_results(path, dataset, layouts=layouts)


def write_neighbors(path: str | os.PathLike[str], dataset: Dataset, graph: ComputedGraph) -> None:
    """Write a dataset's neighbor graph.

    Where cells may hold lists, the dataset with two more columns, see :func:`write_results`. In CSV and TSV one line a neighbor: "row",
    "rank" (from 1 on), "neighbor" (its row number) and "distance"; then, where the dataset has a label, that of the row and that of the
    neighbor ("word", "neighbor_word"). Rows without a usable vector are not in it.

    Parameters
    ----------
    path : str or PathLike
        Ends as :func:`write_results` has it.
    dataset : Dataset
    graph : ComputedGraph
        Indices of shape (n_rows, k).

    Raises
    ------
    UnknownFormat, Unwritable
    """
    check_results(path, dataset, layouts=False)
    if _is_anndata(path) or _writer(path).keeps_lists:
        write_results(path, dataset, graph=graph)
    else:
        _write(path, _long_table(dataset, graph))


def write_results(
    path: str | os.PathLike[str], dataset: Dataset, *, layouts: Sequence[ComputedLayout] = (), graph: ComputedGraph | None = None
) -> None:
    """Write a dataset's rows and what was computed of them, in the format of the file's ending.

    A layout becomes a column a dimension ("umap_1", …); a graph becomes two columns of lists, "neighbors" (row numbers) and "distances".
    Parquet and Feather also hold the vectors, and say in their schema how everything was made: opened again, they show it without
    computing. So do .npz and .zarr, without saying how; for these see :mod:`explorer.data.array_writers`. CSV and TSV, which have no
    lists, leave the graph out; in them, text that a spreadsheet would run as a formula gets an apostrophe in front. A layout or graph that
    came with the dataset stays, unless one of the same method replaces it. The file appears
    complete or not at all. Other than tables are .h5ad (see :func:`explorer.data.anndata_copies.write_copy`) and, for layouts, the
    TensorFlow Projector's files (see :func:`explorer.data.projector_output.write_projector`).

    Parameters
    ----------
    path : str or PathLike
        Ends with .parquet, .feather, .arrow, .ipc, .jsonl, .ndjson, .npz, .zarr, .csv or .tsv; or with .h5ad where the dataset was read
        from one; or is called projector_config.json, in a folder of which that is the only such file.
    dataset : Dataset
    layouts : sequence of ComputedLayout
        Coordinates of shape (n_rows, c).
    graph : ComputedGraph, optional
        Indices of shape (n_rows, k).

    Raises
    ------
    UnknownFormat, Unwritable, VectorsNeeded
    """
    check_results(path, dataset, layouts=graph is None)
    if is_projector_target(path):
        everything = _all_layouts(dataset, layouts)
        write_projector(path, dataset, [(name, coordinates) for name, coordinates, _, _ in everything])
    elif _is_anndata(path):
        from explorer.data.anndata_copies import write_copy

        computed = [(name, coordinates) for name, coordinates, _, _ in _numbered(layouts, [])]
        with unfinished(path) as file:
            write_copy(file, str(path), dataset, layouts=computed, graph=graph)
    else:
        _write(path, _wide_table(dataset, layouts, graph, _writer(path)))


def coordinates_table(
    dataset: Dataset,
    layout: ComputedLayout,
    rows: NDArray[np.integer],
    *,
    selected: NDArray[np.bool_] | None = None,
    kept: Mapping[str, KeptRows] = MappingProxyType({}),
) -> pa.Table:
    """Make a table of some rows and where they lie.

    Parameters
    ----------
    dataset : Dataset
    layout : ComputedLayout
        Coordinates of shape (n_rows, c).
    rows : ndarray of shape (r,), int
        Row numbers, in the order of the table.
    selected : ndarray of shape (n_rows,), bool, optional
        Becomes a column.
    kept : mapping of str to KeptRows, optional
        Selections by name, each of which becomes a column "selection: name" of bools.

    Returns
    -------
    pyarrow.Table
        "row", "x", "y", of a layout in space "z", "axis_4" and so on, perhaps "selected", those kept, then the metadata; a column of it
        that has such a name gets a number behind it.
    """
    columns: dict[str, Any] = {"row": rows} | {name: layout.coordinates[rows, at] for at, name in enumerate(_axes(layout.coordinates))}
    if selected is not None:
        columns["selected"] = selected[rows]
    columns |= _kept_columns(kept, rows)
    return _with_metadata(columns, dataset, rows, dataset.table.column_names)


def _axes(coordinates: NDArray[np.float32]) -> list[str]:
    """Name the columns of coordinates (n, c)."""
    width = coordinates.shape[1]
    return [*_AXES[:width], *(f"axis_{at}" for at in range(len(_AXES) + 1, width + 1))]


def rows_table(
    dataset: Dataset,
    rows: NDArray[np.integer] | None,
    columns: Sequence[str] | None = None,
    *,
    kept: Mapping[str, KeptRows] = MappingProxyType({}),
) -> pa.Table:
    """Make a table of some rows, in any order.

    Parameters
    ----------
    dataset : Dataset
    rows : ndarray of shape (r,), int, or None
        Row numbers, in the order of the table; None for all rows.
    columns : sequence of str, optional
        Which of the metadata, in the order of the table; all by default.
    kept : mapping of str to KeptRows, optional
        Selections by name, each of which becomes a column "selection: name" of bools.

    Returns
    -------
    pyarrow.Table
        "row", those kept, then the metadata; a column of it that has such a name gets a number behind it.
    """
    wanted = dataset.table.column_names if columns is None else columns
    numbers = np.arange(dataset.n_rows, dtype=np.int32) if rows is None else rows
    return _with_metadata({"row": numbers, **_kept_columns(kept, rows)}, dataset, numbers, wanted)


def write_table(path: str | os.PathLike[str], table: pa.Table) -> None:
    """Write a table in the format of the file's ending; the file appears complete or not at all.

    Raises
    ------
    UnknownFormat, Unwritable
    """
    check_target(path)
    _write(path, table)


def _writer(path: str | os.PathLike[str]) -> Writer:
    return WRITERS[Path(path).suffix.lower()]


def _write(path: str | os.PathLike[str], table: pa.Table) -> None:
    with unfinished(path) as file:
        _writer(path).write(table, file)


def _wide_table(dataset: Dataset, layouts: Sequence[ComputedLayout], graph: ComputedGraph | None, writer: Writer) -> pa.Table:
    """Make a table of one line a row: metadata, coordinates, neighbors, vectors, and the schema metadata that explains them."""
    table = dataset.table
    columns: dict[str, Any] = dict(zip(table.column_names, table.columns, strict=True))
    noted: list[NotedLayout] = []
    for name, coordinates, method, params in _all_layouts(dataset, layouts):
        names = tuple(_free(f"{name}_{axis}", columns) for axis in range(1, coordinates.shape[1] + 1))
        for axis, column in enumerate(names):
            columns[column] = pa.array(coordinates[:, axis], from_pandas=True)
        noted.append(NotedLayout(name, names, method, params))
    kept = graph if graph is not None else dataset.graph
    noted_graph = None
    if kept is not None and writer.keeps_lists:
        indices, distances = _free("neighbors", columns), _free("distances", columns)
        missing = kept.indices[:, 0] < 0
        dtype = np.uint16 if dataset.n_rows <= _MOST_UINT16 else np.int32
        columns[indices] = _lists(np.where(missing[:, None], 0, kept.indices).astype(dtype), missing)
        columns[distances] = _lists(kept.distances.astype(np.float32), missing)
        noted_graph = NotedGraph(indices, distances, kept.metric)
    if writer.keeps_vectors and dataset.vectors is not None:
        columns[_free("embedding", columns)] = _lists(dataset.vectors, None)
    return pa.table(columns).replace_schema_metadata(
        write_annotations(Annotations(tuple(noted), noted_graph, dataset.name, dataset.description))
    )


def _long_table(dataset: Dataset, graph: ComputedGraph) -> pa.Table:
    """Make a table of one line a neighbor."""
    rows = np.flatnonzero(graph.indices[:, 0] >= 0).astype(np.int32)
    k = graph.indices.shape[1]
    columns: dict[str, Any] = {
        "row": np.repeat(rows, k),
        "rank": np.tile(np.arange(1, k + 1, dtype=np.int32), len(rows)),
        "neighbor": graph.indices[rows].reshape(-1),
        "distance": graph.distances[rows].reshape(-1),
    }
    if dataset.label is not None:
        texts = dataset.table.column(dataset.label).combine_chunks()
        if pa.types.is_dictionary(texts.type):
            texts = texts.dictionary_decode()
        for name, numbers in ((dataset.label, columns["row"]), (f"neighbor_{dataset.label}", columns["neighbor"])):
            columns[_free(name, columns)] = pa.DictionaryArray.from_arrays(pa.array(numbers), texts)
    return pa.table(columns)


def _all_layouts(
    dataset: Dataset, layouts: Sequence[ComputedLayout]
) -> Iterable[tuple[str, NDArray[np.float32], str | None, Mapping[str, object]]]:
    computed = [(layout.method, layout.coordinates.shape[1]) for layout in layouts]
    used: list[str] = []
    for given in dataset.layouts:
        width = given.coordinates.shape[1]
        if (given.name, width) not in computed and (given.method, width) not in computed:
            used.append(given.name)
            yield given.name.replace(", ", "_"), given.coordinates, given.method, given.params
    yield from _numbered(layouts, used)


def _numbered(layouts: Sequence[ComputedLayout], used: list[str]) -> Iterable[tuple[str, NDArray[np.float32], str, Mapping[str, object]]]:
    for layout in layouts:
        used.append(layout.method)
        number, width = used.count(layout.method), layout.coordinates.shape[1]  # the same method twice, with other parameters
        spatial = f"{layout.method}_{width}d"  # beside a flat one; read as a layout by its name again
        name = layout.method if number == 1 else spatial if width > _PLANE and spatial not in used else f"{layout.method} {number}"
        used += [name] if name != layout.method else []
        yield name, layout.coordinates, layout.method, layout.params


def _lists(values: NDArray[Any], missing: NDArray[np.bool_] | None) -> pa.Array:
    mask = pa.array(missing) if missing is not None and missing.any() else None
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(values).reshape(-1)), values.shape[1], mask=mask)


def _kept_columns(kept: Mapping[str, KeptRows], rows: NDArray[np.integer] | None) -> dict[str, pa.Array]:
    """Say for each selection which of some rows, or of all, are in it; one at a time, since a mask takes eight times the memory."""
    return {_KEPT.format(name): pa.array(some.unpack() if rows is None else some.unpack()[rows]) for name, some in kept.items()}


def _with_metadata(columns: dict[str, Any], dataset: Dataset, rows: NDArray[np.integer], wanted: Sequence[str]) -> pa.Table:
    """Add columns of the metadata; a name that is taken gets a number behind it."""
    metadata = dataset.table.select(list(wanted))
    every = len(rows) == dataset.n_rows and bool((rows == np.arange(dataset.n_rows)).all())
    if not every and metadata.num_columns:
        pieces = [metadata.take(pa.array(rows[start : start + _PIECE])) for start in range(0, max(1, len(rows)), _PIECE)]
        metadata = pa.concat_tables(pieces)  # in pieces: one array of more than 2 GB of text would not do
    for name, column in zip(metadata.column_names, metadata.columns, strict=True):
        columns[_free(name, columns)] = column
    return pa.table(columns)


def _free(name: str, taken: Collection[str]) -> str:
    candidates = (name, *(f"{name} ({number})" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)
