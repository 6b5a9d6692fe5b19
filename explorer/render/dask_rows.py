"""The rows of a map in a Dask DataFrame: Datashader adds them up in each pixel, where the frame is computed; they are never collected.

:class:`DaskRows` are :class:`explorer.render.rows.Rows`, for :func:`explorer.render.frame.render`;
:func:`explorer.render.dask_survey.survey` makes them of a frame. Whoever has one has Dask loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer.data.breakage import reading
from explorer.errors import ExplorerError, PictureOvertaken, Unreadable
from explorer.render.accumulate import packed
from explorer.render.color import ByCategory, ByNumber, Color
from explorer.render.layout_index import LayoutIndex, Side, frozen
from explorer.render.rows import FewRows, PixelSums, Wanted
from explorer.render.shade import BLUE, COUNT, GREEN, RED
from explorer.render.view import View

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SOURCE", "DaskRows", "Grid", "computing"]

SOURCE: Final = "The Dask DataFrame"

_FIRST = 32  # partitions that are computed at once; then it is seen whether the picture is still wanted
_ROWS_EACH = 2_000_000  # that are added up together: sums of every pixel are more to bring together than rows of a small partition
_OFTEN_S = 1.0  # so often, about
_FEW_TIMES = 2  # rows that may be brought into memory, times those that may be drawn as discs, without counting them first
_RED, _GREEN, _BLUE = "red", "green", "blue"
_NONE = np.empty(0, np.uint32)


@dataclass(frozen=True, eq=False)
class Grid:
    """How many rows lie in each cell of the first view; ``counts`` uint32 (height, width), line 0 at the bottom."""

    view: View
    counts: NDArray[np.uint32]
    n_rows: int

    def bounds(self, view: View) -> tuple[int, int]:
        """Say how many rows are in a view at least, and at most."""
        height, width = self.counts.shape
        inside, around = [], []
        for low, high, start, end, n in (
            (view.y0, view.y1, self.view.y0, self.view.y1, height),
            (view.x0, view.x1, self.view.x0, self.view.x1, width),
        ):
            first, last = (float(np.clip((at - start) / (end - start) * n, -2, n + 2)) for at in (low, high))
            inside.append(slice(max(int(np.ceil(first)) + 1, 0), max(int(np.floor(last)) - 1, 0)))  # a cell less: of rounding
            around.append(slice(max(int(np.floor(first)) - 1, 0), max(int(np.ceil(last)) + 1, 0)))
        elsewhere = self.n_rows - int(self.counts.sum())
        return int(self.counts[tuple(inside)].sum()), int(self.counts[tuple(around)].sum()) + elsewhere


@dataclass(frozen=True, eq=False)
class DaskRows:
    """The rows of a Dask DataFrame, as a map draws them.

    Attributes
    ----------
    frame : dask.dataframe.DataFrame
        Its columns are ``x``, ``y`` (float32, not finite where a row is left out), ``ink`` (a color's place, uint8, or a number, float32;
        only where there is a color) and ``row`` (int64, the row's number).
    starts : ndarray of shape (p + 1,), int64
        The row number with which each partition begins, and how many rows there are.
    drawable : ndarray of shape (p,), int64
        How many rows of each partition have finite coordinates.
    boxes : ndarray of shape (p, 4), float64
        ``x0, x1, y0, y1`` of them.
    sides : tuple of Side
        What they span.
    home : View
        The first view.
    grid : Grid or None
        How the first view is filled; none while that is being counted.
    """

    frame: Any
    starts: NDArray[np.int64]
    drawable: NDArray[np.int64]
    boxes: NDArray[np.float64]
    sides: tuple[Side, Side]
    home: View
    grid: Grid | None = None

    def __len__(self) -> int:
        return int(self.drawable.sum())

    @property
    def n_rows(self) -> int:
        """How many rows the frame has."""
        return int(self.starts[-1])

    @property
    def extent(self) -> View:
        """Every row, with a margin."""
        return self._indexed(np.empty((0, 2), np.float32), np.empty(0, np.int32)).extent

    def sums(self, view: View, width: int, height: int, color: Color, *, row_ids: bool, wanted: Wanted | None) -> PixelSums:
        """Add up the rows in each pixel with Datashader, some partitions at a time.

        Raises
        ------
        PictureOvertaken
            When it is not wanted any more.
        Unreadable
            If the frame cannot be computed.
        """
        import datashader as ds

        canvas = ds.Canvas(plot_width=width, plot_height=height, x_range=(view.x0, view.x1), y_range=(view.y0, view.y1))
        reductions, lost = {"n": ds.count()}, 0
        frame, colors = self.frame, None
        if isinstance(color, ByNumber):
            reductions |= {"total": ds.sum("ink"), "valued": ds.count("ink")}
        else:
            lost = packed(np.zeros((1, 3), np.uint8), len(self))[1]
            if isinstance(color, ByCategory):
                colors = color.lut >> np.uint8(lost)
                reductions |= {name: ds.sum(name) for name in (_RED, _GREEN, _BLUE)}
        if row_ids:
            reductions["row"] = ds.max("row")
        sums = _Sums.zero(width * height, reductions)
        for some in self._batches(self._touching(view), wanted):
            part = frame.partitions[some]
            if colors is not None:
                part = part.map_partitions(_inked, colors, meta=_inked(frame._meta, colors))
            together = max(2, math.ceil(int(self.drawable[some].sum()) / _ROWS_EACH))
            if together < len(some):
                part = part.repartition(npartitions=together)
            with computing():
                found = canvas.points(part, "x", "y", ds.summary(**reductions))
            sums.add({name: np.flipud(found[name].data).ravel() for name in reductions})
        return sums.finished(color, lost)

    def near(self, view: View, color: Color, most: int, *, wanted: Wanted | None) -> FewRows | None:
        """Bring the rows of a view into memory, unless they are more than ``most``; mostly it is known beforehand whether they are.

        Raises
        ------
        PictureOvertaken, Unreadable
            As :meth:`sums`.
        """
        import pandas as pd

        at_least, at_most = (0, len(self)) if self.grid is None else self.grid.bounds(view)
        if at_least > most or (at_most > _FEW_TIMES * most and self._count(view, most, wanted) > most):
            return None
        found, n = [self.frame._meta], 0
        for part in self._inside(view, most, wanted):
            with computing():
                found.append(part.compute())
            n += len(found[-1])
            if n > most:
                return None
        return self.indexed(pd.concat(found[1:]) if n else found[0], color)

    def _count(self, view: View, most: int, wanted: Wanted | None) -> int:
        """Count the rows of a view, until they are more than ``most``."""
        n = 0
        for part in self._inside(view, most, wanted):
            with computing():
                n += int(part.map_partitions(len, meta=(None, "int64")).compute().sum())
            if n > most:
                break
        return n

    def _inside(self, view: View, most: int, wanted: Wanted | None) -> Iterator[Any]:
        """Give the partitions of a view, some at a time, with its rows only."""
        for some in self._batches(self._touching(view), wanted):
            yield self.frame.partitions[some].map_partitions(_inside, tuple(map(float, view)), most, meta=self.frame._meta)

    def indexed(self, rows: pd.DataFrame, color: Color) -> FewRows:
        """Index some of the rows, which come in the order of their numbers; ``color`` gets theirs."""
        index = self._indexed(rows[["x", "y"]].to_numpy(np.float32), rows["row"].to_numpy(np.int32))
        if isinstance(color, (ByCategory, ByNumber)):
            places = np.searchsorted(rows["row"].to_numpy(), index.rows)
            inks = frozen(rows["ink"].to_numpy()[places])
            color = replace(color, slots=inks) if isinstance(color, ByCategory) else replace(color, values=inks)
        return FewRows(index, color)

    def _indexed(self, places: NDArray[np.float32], rows: NDArray[np.int32]) -> LayoutIndex:
        x, y = (np.ascontiguousarray(side) for side in places.T)
        return LayoutIndex.of_some(x, y, rows, sides=self.sides, n_rows=self.n_rows, home=self.home)

    def _touching(self, view: View) -> NDArray[np.int64]:
        """List the partitions that may have rows in a view."""
        x0, x1, y0, y1 = self.boxes.T
        return np.flatnonzero((self.drawable > 0) & (x0 <= view.x1) & (x1 >= view.x0) & (y0 <= view.y1) & (y1 >= view.y0))

    def _batches(self, which: NDArray[np.int64], wanted: Wanted | None) -> Iterator[list[int]]:
        """Go over partitions, so many at once that it takes about a second, as long as they are wanted."""
        start, n = 0, _FIRST
        while start < len(which):
            if wanted is not None and not wanted():
                raise PictureOvertaken
            began = monotonic()
            yield which[start : start + n].tolist()
            start += n
            if monotonic() - began < _OFTEN_S:
                n *= 2


class _Sums:
    """What was added up so far, by reduction."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays

    @classmethod
    def zero(cls, n_pixels: int, names: Sequence[str] | dict[str, Any]) -> _Sums:
        kinds = {"n": np.uint32, "valued": np.uint32, "row": np.int32, "total": np.float64}
        return cls({name: np.full(n_pixels, -1 if name == "row" else 0, kinds.get(name, np.uint32)) for name in names})

    def add(self, found: dict[str, NDArray[Any]]) -> None:
        for name, values in found.items():
            kept = self._arrays[name]
            if name == "row":
                np.maximum(kept, np.nan_to_num(values, nan=-1).astype(np.int32), out=kept)
            else:
                kept += np.nan_to_num(values).astype(kept.dtype, copy=False)

    def finished(self, color: Color, lost: int) -> PixelSums:
        n, ids = self._arrays["n"], self._arrays.get("row", np.empty(0, np.int32))
        if isinstance(color, ByNumber):
            valued = self._arrays["valued"]
            return PixelSums(np.stack([self._arrays["total"], valued.astype(np.float64)], axis=1), n - valued, ids, int(n.sum()), lost)
        sums = np.zeros((len(n), 4), np.uint32)
        sums[:, COUNT] = n
        for column, name in ((GREEN, _GREEN), (RED, _RED), (BLUE, _BLUE)):
            if name in self._arrays:
                sums[:, column] = self._arrays[name]
        return PixelSums(sums.view(np.uint64), _NONE, ids, int(n.sum()), lost)


@contextmanager
def computing() -> Iterator[None]:
    """Turn what goes wrong while Dask computes, which may be anything, into a sentence."""
    try:
        with reading(SOURCE):
            yield
    except ExplorerError:
        raise
    except Exception as error:  # a partition is computed by somebody else's code, perhaps on another machine
        reason = str(error).strip().split("\n", 1)[0].rstrip(".") or "Dask gave no reason"
        raise Unreadable(SOURCE, f"{type(error).__name__}: {reason}.") from error


def _inked(part: pd.DataFrame, colors: NDArray[np.uint8]) -> pd.DataFrame:
    """Give each row of a partition its color's red, green and blue."""
    inks = part["ink"].to_numpy()
    return part.assign(**{name: colors[:, c].take(inks) for c, name in enumerate((_RED, _GREEN, _BLUE))})


def _inside(part: pd.DataFrame, view: tuple[float, float, float, float], most: int) -> pd.DataFrame:
    """Keep the rows of a partition that are in a view; of more than ``most`` one more."""
    x0, x1, y0, y1 = (np.float64(end) for end in view)  # of float64, or NumPy would compare in float32
    x, y = part["x"].to_numpy(), part["y"].to_numpy()
    return part[(x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)].iloc[: most + 1]
