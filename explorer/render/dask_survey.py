"""What has to be known of a Dask DataFrame before it is drawn, found once: its extent, its colors, how full the first view is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadParameter, EmptyDataset, UnknownColumn
from explorer.render.color import ByCategory, ByNumber, Color, Density
from explorer.render.dask_rows import SOURCE, DaskRows, Grid, computing
from explorer.render.layout_index import SAMPLE, Side, home_of
from explorer.render.normalization import HEIGHT, WIDTH
from explorer.render.palette import Limits, Palette, limits
from explorer.render.view import View

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Columns", "Survey", "columns_of", "survey"]

_CATEGORIES_MOST = 100_000  # of a column: beyond, it is no column to color by, and its names would fill memory
_ROWS_MOST = 2**31 - 1
_COLORLESS = np.zeros((256, 3), np.uint8)
_INKS: dict[str, Color] = {
    "none": Density(_COLORLESS),
    "category": ByCategory(np.zeros(0, np.uint8), _COLORLESS),
    "number": ByNumber(np.zeros(0, np.float32), 0.0, 1.0, _COLORLESS),
}


class Columns(NamedTuple):
    """Which columns are drawn, as the frame names them, and what the color's holds."""

    x: Any
    y: Any
    color: Any
    kind: Literal["none", "category", "number"]


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found.

    Attributes
    ----------
    rows : DaskRows
        The rows that can be drawn.
    sample : pandas.DataFrame
        Every ``stands_for``-th of them, in their order, with the columns of ``rows.frame``: a million to two million.
    stands_for : int
    names : tuple of str
        Categories, sorted.
    counts : ndarray of shape (c + 1,), int64
        Rows of each, then those without a value; of a number column only these.
    limits : Limits
        Ends of the color bar of a number column.
    """

    rows: DaskRows
    sample: pd.DataFrame
    stands_for: int
    names: tuple[str, ...]
    counts: NDArray[np.int64]
    limits: Limits


def columns_of(frame: Any, x: str, y: str, color: str | None) -> Columns:
    """Check that these columns are there and can be drawn; nothing is computed.

    Raises
    ------
    UnknownColumn, BadParameter
    """
    names = {_name(name): name for name in frame.columns}
    for wanted in (x, y, *([] if color is None else [color])):
        if wanted not in names:
            raise UnknownColumn(SOURCE, wanted, list(names))
    for parameter, wanted in (("x", x), ("y", y)):
        kind = frame[names[wanted]].dtype
        if not _is_number(kind):
            raise BadParameter(parameter, wanted, f"this column holds {kind}; give one of numbers.")
    if color is None:
        return Columns(names[x], names[y], None, "none")
    kind = frame[names[color]].dtype
    if getattr(kind, "kind", "O") in "mMc":
        raise BadParameter("color", color, f"this column holds {kind}; give one of numbers, or of text for categories.")
    return Columns(names[x], names[y], names[color], "number" if _is_number(kind) else "category")


def survey(frame: Any, columns: Columns, *, report: Callable[[str], object] = lambda _: None) -> Survey:
    """Go over a frame: once for its extent, once for a sample, once more where rows lie far out, and once to fill the first view.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        Its other columns are not read.
    columns : Columns
        As :func:`columns_of` found them.
    report : callable, optional
        Hears in a few words what is being done.

    Raises
    ------
    Unreadable
        If a partition cannot be computed.
    EmptyDataset
        If fewer than two rows have coordinates.
    BadParameter
        If the column to color by has too many different values.
    """
    bare = _held(frame[list(dict.fromkeys(name for name in (columns.x, columns.y, columns.color) if name is not None))])
    report(f"Looking at {bare.npartitions:,} partitions")
    with computing():
        measured = bare.map_partitions(_measured, columns, meta=_measured(bare._meta, columns), enforce_metadata=False).compute()
    drawable = measured["drawable"].to_numpy(np.int64)
    n = int(drawable.sum())
    if n < 2:  # noqa: PLR2004
        raise EmptyDataset(f"{SOURCE}, as far as it has coordinates,", n)
    n_rows = int(measured["n"].sum())
    if n_rows > _ROWS_MOST:
        raise BadParameter("source", f"a frame of {n_rows:,} rows", f"row numbers have 32 bits; give at most {_ROWS_MOST:,} rows.")
    names, counts = _tally(measured["counts"], columns)
    places = Palette.of(names, counts[:-1]).category_slots if columns.kind == "category" else np.zeros(1, np.uint8)
    starts = np.concatenate([[0], np.cumsum(measured["n"].to_numpy(np.int64))])
    encoded = _encoded(bare, starts, columns, names, places)

    report(f"Taking a sample of {n:,} rows")
    every = max(1, n // SAMPLE)
    with computing():
        firsts = _beside(-np.concatenate([[0], np.cumsum(drawable[:-1])]) % every)
        sample = encoded.map_partitions(_sampled, firsts, every, meta=encoded._meta).compute().reset_index(drop=True)
    boxes = measured[["x0", "x1", "y0", "y1"]].to_numpy(np.float64)
    x, y = sample["x"].to_numpy(), sample["y"].to_numpy()
    filled = boxes[drawable > 0]
    sides = (
        Side.measured(float(filled[:, 0].min()), float(filled[:, 1].max()), x),
        Side.measured(float(filled[:, 2].min()), float(filled[:, 3].max()), y),
    )
    rows = DaskRows(encoded, starts, drawable, boxes, sides, _home(encoded, sides, boxes, drawable))

    report(f"Drawing {n:,} rows")
    whole = rows.home.fitted(WIDTH, HEIGHT)
    filling = rows.sums(
        whole, WIDTH, HEIGHT, _INKS[columns.kind], row_ids=True, wanted=None
    )  # as pictures are: Datashader compiles it once
    grid = Grid(whole, np.flipud(filling.counts.reshape(HEIGHT, WIDTH)), n)
    ends = limits(sample["ink"].to_numpy()) if columns.kind == "number" else Limits(0.0, 1.0)
    return Survey(replace(rows, grid=grid), sample, every, names, counts, ends)


def _held(frame: Any) -> Any:
    """Hold a frame to its partitions: where few columns are read, Dask would put files together as it likes, each time others."""
    import dask.dataframe as dd

    simple = frame.simplify()  # of Parquet, only these columns are read
    graph = _Graph(simple.__dask_graph__())
    return dd.from_graph(graph, frame._meta, (None,) * (frame.npartitions + 1), simple.__dask_keys__(), "rows")


class _Graph(dict[Any, Any]):
    """Tasks that Dask need not look at to know them again: there may be many, and some cannot be hashed."""

    def __init__(self, tasks: Mapping[Any, Any]) -> None:
        super().__init__(tasks)
        self._token = uuid4().hex

    def __dask_tokenize__(self) -> object:
        return self._token


def _name(column: object) -> str:
    return " ".join(map(str, column)) if isinstance(column, tuple) else str(column)


def _is_number(kind: Any) -> bool:
    return getattr(kind, "kind", "O") in "iuf"


def _floats(series: pd.Series) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        values: NDArray[np.float32] = series.to_numpy(np.float32, na_value=np.nan)
    return values


def _categories(series: pd.Series) -> tuple[NDArray[np.integer], Sequence[str]]:
    """Give each distinct value of a partition a number, -1 where it is missing."""
    import pandas as pd
    import pyarrow as pa

    from explorer.data.encode import category_codes

    if isinstance(series.dtype, pd.CategoricalDtype):
        return series.cat.codes.to_numpy(), [str(value) for value in series.cat.categories]
    try:
        column = pa.chunked_array([pa.array(series, from_pandas=True)])
    except (pa.ArrowException, TypeError, ValueError):  # values of several kinds
        column = pa.chunked_array([pa.array([None if pd.isna(value) else str(value) for value in series], pa.large_string())])
    return category_codes(column)


def _measured(part: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Measure a partition: how many rows, how many with coordinates, what they span, and how many there are of each category."""
    import pandas as pd

    x, y = _floats(part[columns.x]), _floats(part[columns.y])
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    ends = (x.min(), x.max(), y.min(), y.max()) if len(x) else (np.nan,) * 4
    counts: dict[str | None, int] = {}
    if columns.kind == "number":
        counts = {None: int(np.count_nonzero(~np.isfinite(_floats(part[columns.color]))))}
    elif columns.kind == "category":
        codes, names = _categories(part[columns.color])
        missing, *tally = np.bincount(np.asarray(codes, np.int64) + 1, minlength=len(names) + 1).tolist()
        counts = {name: times for name, times in zip(names, tally, strict=True) if times}
        if len(counts) > _CATEGORIES_MOST:
            counts = {str(i): 1 for i in range(_CATEGORIES_MOST + 1)}  # too many: their names need not travel
        counts[None] = missing
    row = dict(zip(("x0", "x1", "y0", "y1"), map(float, ends), strict=True))
    return pd.DataFrame({"n": [len(part)], "drawable": [len(x)], **{name: [end] for name, end in row.items()}, "counts": [counts]})


def _tally(found: Sequence[Mapping[str | None, int]], columns: Columns) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Add up the categories of all partitions."""
    total: Counter[str | None] = Counter()
    for counts in found:
        total.update(counts)
        if len(total) > _CATEGORIES_MOST + (None in total):
            reason = f"this column has more than {_CATEGORIES_MOST:,} different values; give one with fewer, or one of numbers."
            raise BadParameter("color", _name(columns.color), reason)
    missing = total.pop(None, 0)
    names = tuple(sorted(name for name in total if name is not None))
    return names, np.array([*(total[name] for name in names), missing], np.int64)


def _encoded(bare: Any, starts: NDArray[np.int64], columns: Columns, names: Sequence[str], places: NDArray[np.uint8]) -> Any:
    """Bring every partition into the form in which it is drawn."""
    own = {name: int(place) for name, place in zip(names, places[:-1], strict=True) if place != _other(places)}
    inks = own, _other(places), int(places[-1])
    return bare.map_partitions(
        _encode, _beside(starts[:-1]), columns, inks, meta=_encode(bare._meta, np.zeros(1, np.int64), columns, inks), enforce_metadata=False
    )


def _other(places: NDArray[np.uint8]) -> int:
    return int(places[-1]) - 1


def _encode(
    part: pd.DataFrame, start: NDArray[np.int64] | pd.Series, columns: Columns, inks: tuple[Mapping[str, int], int, int]
) -> pd.DataFrame:
    import pandas as pd

    arrays: dict[str, NDArray[Any]] = {"x": _floats(part[columns.x]), "y": _floats(part[columns.y])}
    if columns.kind == "number":
        values = _floats(part[columns.color])
        arrays["ink"] = np.where(np.isinf(values), np.float32(np.nan), values)
    elif columns.kind == "category":
        own, other, missing = inks
        codes, names = _categories(part[columns.color])
        arrays["ink"] = np.array([*(own.get(name, other) for name in names), missing], np.uint8)[codes]
    first = int(np.asarray(start)[0])
    arrays["row"] = np.arange(first, first + len(part), dtype=np.int64)
    return pd.DataFrame(arrays, copy=False)


def _sampled(part: pd.DataFrame, first: pd.Series, every: int) -> pd.DataFrame:
    """Keep every so manieth drawable row of a partition."""
    there = np.flatnonzero(np.isfinite(part["x"].to_numpy()) & np.isfinite(part["y"].to_numpy()))
    return part.iloc[there[int(first.iloc[0]) :: every]]


def _home(encoded: Any, sides: tuple[Side, Side], boxes: NDArray[np.float64], drawable: NDArray[np.int64]) -> View:
    """Find the first view; only partitions with rows beyond the fences are looked at again."""
    fences = (*sides[0].fence, *sides[1].fence)
    low_x, high_x, low_y, high_y = fences
    filled = drawable > 0
    beyond = filled & ((boxes[:, 0] < low_x) | (boxes[:, 1] > high_x) | (boxes[:, 2] < low_y) | (boxes[:, 3] > high_y))
    known = [np.column_stack([drawable, boxes])[filled & ~beyond]]
    if beyond.any():
        with computing():
            part = encoded.partitions[np.flatnonzero(beyond).tolist()]
            known.append(part.map_partitions(_within, fences, meta=_within(encoded._meta, fences)).compute().to_numpy())
    found = np.concatenate(known)
    found = found[found[:, 0] > 0]
    spanned = View(*(float(end(found[:, i + 1])) for i, end in enumerate((np.min, np.max, np.min, np.max)))) if len(found) else None
    return home_of(sides, int(drawable.sum()), int(found[:, 0].sum()), spanned)


def _within(part: pd.DataFrame, fences: tuple[float, float, float, float]) -> pd.DataFrame:
    """Measure the rows of a partition that lie within the fences."""
    import pandas as pd

    x, y = part["x"].to_numpy(), part["y"].to_numpy()
    inside = (x >= fences[0]) & (x <= fences[1]) & (y >= fences[2]) & (y <= fences[3])
    x, y = x[inside], y[inside]
    ends = (x.min(), x.max(), y.min(), y.max()) if len(x) else (np.nan,) * 4
    return pd.DataFrame([[float(len(x)), *map(float, ends)]], columns=["n", "x0", "x1", "y0", "y1"])


def _beside(numbers: NDArray[np.int64]) -> Any:
    """Give each partition of a frame a number of its own, as a series of as many partitions."""
    import dask.dataframe as dd

    return dd.from_map(_one, numbers.tolist(), meta=_one(0))


def _one(number: int) -> pd.Series:
    import pandas as pd

    return pd.Series([number], dtype=np.int64)
