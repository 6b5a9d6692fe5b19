"""From whatever a person gives to a Dataset: read it, find vectors and coordinates, check them, make the rest showable."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from explorer.data.annotations import Annotations, read_annotations
from explorer.data.breakage import reading
from explorer.data.class_names import with_class_names
from explorer.data.columns import Asked, LazyMatrix
from explorer.data.coordinates import find_layouts, given_layout, read_layout
from explorer.data.dataset import Dataset, GivenLayout
from explorer.data.encodable import Encodable, longest_first
from explorer.data.files import ENDINGS, no_tables, read_file
from explorer.data.frames import read_object
from explorer.data.given_graph import graph_of, read_graph
from explorer.data.images import image_columns
from explorer.data.limits import check_size
from explorer.data.matrices import fingerprint
from explorer.data.metadata import Shown, long_lists, showable
from explorer.data.roles import infer_roles
from explorer.data.rows import Rows, array_rows, column_rows, in_memory
from explorer.data.streaming import mapped_table, take_vectors
from explorer.data.vectors import find_vectors, further_vectors, is_text
from explorer.errors import (
    BadVectors,
    DuplicateColumns,
    EmptyDataset,
    NoVectors,
    OnlyImages,
    OnlyTexts,
    UnknownColumn,
    UnknownDataset,
    UnknownSource,
    Unreadable,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.data.columns import Contents

__all__ = ["Wishes", "from_catalog", "open_contents", "open_source"]

_log = logging.getLogger(__name__)

_LEAST_ROWS = 2
_PAIR = 2
_MATRIX = 2


class Wishes(NamedTuple):
    """What somebody asked for instead of what Explorer would find; see :func:`explorer.data.dataset.open_dataset`."""

    vectors: str | Sequence[str] | NDArray[Any] | None = None
    label: str | None = None
    color: str | None = None
    text: str | None = None
    name: str | None = None
    table: str | None = None

    @property
    def any(self) -> bool:
        """Whether anything was asked for."""
        return any(wish is not None for wish in self)


class _Drawn(NamedTuple):
    """The vectors and layouts of contents, the columns that held the vectors, and those that held either."""

    vectors: Rows | None
    layouts: tuple[GivenLayout, ...]
    names: tuple[str, ...]
    columns: frozenset[str]
    what: str


def open_source(source: object, wishes: Wishes) -> Dataset:
    """Open a source; see :func:`explorer.data.dataset.open_dataset`."""
    if isinstance(source, Dataset):
        return _again(source, wishes)
    if isinstance(source, str):
        named = from_catalog(source)
        if named is not None:
            return _again(named, wishes) if wishes.any else named
        asked = Asked(wishes.vectors if isinstance(wishes.vectors, str) else None, wishes.table)
        return open_contents(read_file(source, asked), wishes)
    if wishes.table is not None:
        raise no_tables(wishes.table)
    return open_contents(read_object(source), wishes)


def open_contents(contents: Contents, wishes: Wishes) -> Dataset:
    """Make a dataset of what a reader has found."""
    started = time.perf_counter()
    try:
        dataset = _dataset(contents, wishes)
    except BadVectors as error:
        _, column, row, reason = error.args
        if row is None or contents.place is None:
            raise
        part, place = contents.place(row)  # people look for it there
        raise BadVectors(part, column, place, reason) from None
    _log.info("opened %s: %d rows, %d dims, %.2f s", dataset.name, dataset.n_rows, dataset.n_dims, time.perf_counter() - started)
    return dataset


def _dataset(contents: Contents, wishes: Wishes) -> Dataset:
    columns, source = contents.columns, contents.source
    _check_columns(contents)
    check_size(source, rows=columns.n_rows, columns=_n_columns(contents))
    notes = read_annotations(columns.schema.metadata, source)
    drawn = _drawn(contents, wishes, notes)
    streams = contents.streams and not isinstance(wishes.vectors, np.ndarray)  # those come from elsewhere
    taken = None if drawn.vectors is None else take_vectors(drawn.vectors, replace(contents, streams=streams), drawn.names or (drawn.what,))
    vectors = None if taken is None else taken.matrix
    drawable = _drawable(drawn, None if taken is None else taken.usable, source)
    layouts = tuple(_masked(layout, drawable) for layout in drawn.layouts)
    graph = None
    used = set(drawn.columns)
    if notes.graph is not None:
        used |= {notes.graph.indices, notes.graph.distances or notes.graph.indices}
        if vectors is not None:
            graph = read_graph(columns, notes.graph, vectors, drawable, source)
    elif vectors is not None:
        graph = next(filter(None, (graph_of(found, vectors, drawable, source) for found in contents.graphs)), None)
    shown = _shown(contents, [name for name in columns.schema.names if name not in used], mapped=taken is not None and taken.mapped)
    for column in filter(None, (wishes.label, wishes.color, wishes.text)):
        if column not in shown.table.column_names:
            raise UnknownColumn(source, column, shown.table.column_names)
    with reading(source):
        further = further_vectors(columns, ignore=list(used))
    roles = infer_roles(shown.table, label=wishes.label or contents.label, color=wishes.color, text=wishes.text)
    return Dataset(
        name=wishes.name or notes.title or contents.title,
        vectors=vectors,
        table=shown.table,
        roles=roles.roles,
        label=roles.label,
        color=roles.color,
        layouts=layouts,
        graph=graph,
        drawable=drawable,
        fingerprint=fingerprint(layout.coordinates for layout in layouts) if taken is None else taken.fingerprint,
        description=notes.description,
        notes=(*contents.notes, *shown.notes, *_lost_rows(drawable)),
        origin=contents.origin,
        vectors_name="" if taken is None else drawn.what,
        rivals={} if vectors is None else {name: partial(open_contents, contents, Wishes(vectors=name)) for name in further},
    )


def _check_columns(contents: Contents) -> None:
    try:
        names = contents.columns.schema.names
    except UnicodeDecodeError:
        raise Unreadable(contents.source, "the name of a column is not UTF-8 text.") from None
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DuplicateColumns(contents.source, name)
        seen.add(name)
    if contents.columns.n_rows < _LEAST_ROWS:
        raise EmptyDataset(contents.source, contents.columns.n_rows)


def _n_columns(contents: Contents) -> int:
    arrays = [*contents.layouts.values(), *([] if contents.vectors is None else [contents.vectors])]
    return len(contents.columns.schema.names) + sum(array.shape[1] for array in arrays if array.ndim == _MATRIX)


def _drawn(contents: Contents, wishes: Wishes, notes: Annotations) -> _Drawn:
    columns, source = contents.columns, contents.source
    found = find_layouts(columns, notes, source)
    layouts = [read_layout(columns, layout) for layout in found]
    layouts += [given_layout(name, array) for name, array in contents.layouts.items()]
    used = {name for layout in found for name in layout.columns}
    set_apart = contents.vectors is not None and (wishes.vectors is None or _names(wishes.vectors, contents.vectors_name))
    wanted = contents.vectors if set_apart else wishes.vectors
    vectors: Rows | None = None
    names: tuple[str, ...] = ()
    what = contents.vectors_name
    if isinstance(wanted, np.ndarray | LazyMatrix):
        what = what if set_apart else "vectors"
        vectors = array_rows(wanted, source, what)
        n, d = vectors.shape
        if n != columns.n_rows:
            raise BadVectors(source, what, None, f"{n:,} vectors for {columns.n_rows:,} rows.")
        if d == _PAIR and wishes.vectors is None and not columns.schema.names:  # a bare array of pairs is a map already
            layouts.append(given_layout("x, y", in_memory(vectors, source)))
            vectors = None
    else:
        ignore = [] if notes.graph is None else [notes.graph.indices, notes.graph.distances or notes.graph.indices]
        if wanted is None:
            noted = {name for layout in notes.layouts for name in layout.columns}
            pairs_of_lists = {layout.columns[0] for layout in found if len(layout.columns) == 1}
            names = find_vectors(columns, has_layouts=bool(layouts), ignore=[*ignore, *noted, *pairs_of_lists])
        else:
            names = _named(wanted, columns.schema.names, source)
        if names:
            what = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
            vectors = column_rows(columns, names, source)
    if vectors is None and not layouts:
        raise _no_vectors(contents)
    return _Drawn(vectors, tuple(layouts), names, frozenset(used | set(names)), what)


def _no_vectors(contents: Contents) -> NoVectors:
    """Say that there is nothing to draw, and of which columns an encoder could make vectors."""
    names = contents.columns.schema.names
    if contents.images:
        nothing = OnlyImages(contents.source, names, [])
        nothing.encodable = Encodable(contents.folder, (), ("image",), len(contents.images), contents.folder)
        return nothing
    with reading(contents.source):  # text that is no UTF-8
        images = image_columns(contents.columns)
        texts = [name for name in names if name not in images and is_text(contents.columns.schema.field(name).type)]
        if not texts and not images:
            return NoVectors(contents.source, names)
        error = OnlyTexts(contents.source, names, texts) if texts else OnlyImages(contents.source, names, images)
        table = contents.columns.read(names)
        error.encodable = Encodable(table, tuple(longest_first(table, texts)), tuple(images), table.num_rows, contents.folder)
    return error


def _shown(contents: Contents, names: list[str], *, mapped: bool) -> Shown:
    """Make the rest showable; of a source whose vectors are mapped, it is mapped as well."""
    columns = contents.columns
    left_out = long_lists(columns, names)

    def read() -> Shown:
        table = columns.read([name for name in names if name not in left_out])
        shown = showable(with_class_names(table, columns.schema.metadata))
        return shown._replace(notes=(*left_out.values(), *shown.notes))

    return mapped_table(contents, names, read) if mapped and contents.stamp else read()


def _names(wanted: str | Sequence[str] | NDArray[Any], name: str) -> bool:
    return isinstance(wanted, str) and wanted == name


def _named(wanted: str | Sequence[str], names: list[str], source: str) -> tuple[str, ...]:
    """Return the columns that were asked for as vectors: one name, several, or a beginning with a star."""
    asked = [wanted] if isinstance(wanted, str) else list(wanted)
    chosen: list[str] = []
    for name in asked:
        matching = [name] if name in names else []
        if not matching and name.endswith("*"):
            matching = [column for column in names if column.startswith(name[:-1])]
        if not matching:
            raise UnknownColumn(source, name, names)
        chosen += [column for column in matching if column not in chosen]
    if not chosen:
        raise NoVectors(source, names)
    return tuple(chosen)


def _drawable(drawn: _Drawn, usable: NDArray[np.bool_] | None, source: str) -> NDArray[np.bool_]:
    if usable is not None:
        drawable = usable
        what, reason = drawn.what, "missing, not finite or nothing but zeros"
    else:
        drawable = np.any([np.isfinite(layout.coordinates[:, 0]) for layout in drawn.layouts], axis=0)
        what, reason = drawn.layouts[0].name, "missing or not finite"
    left = int(np.count_nonzero(drawable))
    if left < _LEAST_ROWS:
        kind = "vectors" if usable is not None else "coordinates"
        found = "no row is left to draw" if not left else "only one row is left to draw, a map needs at least two"
        raise BadVectors(source, what, None, f"{found}: the {kind} are {reason}.")
    drawable.flags.writeable = False
    return drawable


def _masked(layout: GivenLayout, drawable: NDArray[np.bool_]) -> GivenLayout:
    coordinates = layout.coordinates
    coordinates[~drawable] = np.nan
    coordinates.flags.writeable = False
    return layout


def _lost_rows(drawable: NDArray[np.bool_]) -> tuple[str, ...]:
    lost = len(drawable) - int(np.count_nonzero(drawable))
    rows = "1 row is" if lost == 1 else f"{lost:,} rows are"
    return (f"{rows} not drawn: no usable vector (missing, not finite or nothing but zeros).",) if lost else ()


def _again(dataset: Dataset, wishes: Wishes) -> Dataset:
    if wishes.table is not None:
        raise no_tables(wishes.table)
    if wishes.vectors is not None:
        raise UnknownSource("Dataset", "its vectors were chosen when it was opened; open what it came from with vectors=… instead.")
    for column in filter(None, (wishes.label, wishes.color, wishes.text)):
        if column not in dataset.table.column_names:
            raise UnknownColumn(dataset.name, column, dataset.table.column_names)
    roles = infer_roles(dataset.table, label=wishes.label or dataset.label, color=wishes.color or dataset.color, text=wishes.text)
    return replace(dataset, name=wishes.name or dataset.name, roles=roles.roles, label=roles.label, color=roles.color)


def from_catalog(name: str) -> Dataset | None:
    """Open the dataset of the catalog that has this name; None where it is a file or folder.

    Raises
    ------
    UnknownDataset
        If it looks like a name, and there is none.
    """
    with reading(name):
        path = Path(name).expanduser()
        if path.suffix.lower() in ENDINGS and path.is_file():
            return None
    from explorer.data.catalog import catalog

    known = catalog()
    entry = known.find(name)
    if entry is None and path.name == name and not path.suffix and not path.exists():  # a file would have an ending
        raise UnknownDataset(name, known.names)
    return None if entry is None else entry.open()
