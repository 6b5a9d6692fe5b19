"""How the values of a column are spread: its bars, each row's bar, and what a range of them means; never which rows are shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.compute.bin_texts import FINER, from_unit, in_unit, number_texts, range_text, time_text, value_texts, whole_range
from explorer.compute.bins import (
    MOST_BINS,
    Spread,
    bin_codes,
    nice_edges,
    robust_ends,
    rounded_to,
    time_edges,
    wanted_bins,
)
from explorer.errors import UnknownColumn
from explorer.render.gather import PIECE, gather
from explorer.render.palette import OTHER_COLOR, Palette, counts

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["NO_VALUE", "Distribution", "Span", "distribution", "span_mask"]

NO_VALUE: Final = "no value"
_MOST_CATEGORIES = 12
_MOST_WHOLE = 30  # distinct whole numbers that get a bar each, wherever they lie
_MOST_VALUES = 20  # and numbers of any kind
_SAMPLED = 1_000_000
_EXACT_BELOW = 2.0**53  # whole numbers
_NAME_MOST = 200  # characters


@dataclass(frozen=True, eq=False)
class Distribution:
    """The bars of a column.

    Attributes
    ----------
    column : str
    kind : {"category", "value", "range"}
        What a bar stands for: a category, a number, a range of numbers or times.
    labels : tuple of str
        What each bar stands for, in the order of the bars; the last one for rows without a value, where there are any.
    codes : ndarray of shape (n_rows,), uint8
        Each row's bar.
    missing : bool
        Whether the last bar is that of rows without a value.
    edges : ndarray of shape (bins + 1,), float64
        Of ranges; times in microseconds since 1970. Empty otherwise.
    under, over : bool
        Whether the first and the last bar of ranges hold everything beyond the edges.
    grain : float
        What the ends of a chosen range are rounded to; 0 for times.
    unit : str
        Of the edges of times, as NumPy names it; empty for numbers.
    whole, single : bool
        Whether the numbers are whole ones; whether they are float32, as which edges are compared.
    palette : Palette or None
        Of categories.
    categories : tuple of int
        The code of each category's bar in the palette; one less than there are bars where rarer ones share one.
    ends : tuple of str
        What is written at the two ends of the axis; nothing for categories.
    note : str
        A sentence about what the bars do not show.
    """

    column: str
    kind: Literal["category", "value", "range"]
    labels: tuple[str, ...]
    codes: NDArray[np.uint8]
    missing: bool
    edges: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    under: bool = False
    over: bool = False
    grain: float = 1.0
    unit: str = ""
    whole: bool = False
    single: bool = False
    palette: Palette | None = None
    categories: tuple[int, ...] = ()
    ends: tuple[str, str] = ("", "")
    note: str = ""

    @property
    def n_main(self) -> int:
        """How many bars there are but that of rows without a value."""
        return len(self.labels) - self.missing

    def colors(self, palette: str = "") -> list[str]:
        """Give the color of each bar as "#rrggbb", as a map that is colored by the column has it; numbers have none."""
        if self.palette is None:
            return []
        named = self.palette.named(palette)
        other = [OTHER_COLOR] * (self.n_main - len(self.categories))
        return [*map(named.color, self.categories), *other, *([named.color(-1)] if self.missing else [])]

    def mask_of(self, bars: Iterable[int]) -> NDArray[np.bool_]:
        """Find the rows of some bars: bool of shape (n_rows,)."""
        chosen = np.zeros(256, bool)
        chosen[list(bars)] = True
        return gather(chosen, self.codes)

    def label_of(self, bars: Sequence[int]) -> str:
        """Name some bars after their column: "kind a, b"."""
        named = [self.labels[bar] for bar in bars[:3]]
        more = f" and {len(bars) - len(named):,} more" if len(bars) > len(named) else ""
        return f"{self.column} {', '.join(named)}{more}"

    def span(self, start: float, end: float) -> Span:
        """Say what lies between two places on the axis, of which each bar takes one; whole bars where a bar is one value.

        Parameters
        ----------
        start, end : float
            From 0 to ``n_main``, in any order.
        """
        start, end = (min(max(place, 0.0), float(self.n_main)) for place in sorted((start, end)))
        if self.kind != "range":
            first = min(round(start), max(0, self.n_main - 1))
            last = max(round(end), first + 1)
            bars = range(first, last)
            text = self.labels[first] if len(bars) == 1 else range_text(self.labels[first], self.labels[last - 1])
            label = self.label_of(bars) if self.kind == "category" else f"{self.column} {text}"
            return Span(first, last, label, tuple(bars))
        low, high = self._value(start, up=False), self._value(end, up=True)
        if low >= high:
            at_end = high >= self.edges[-1]
            low, high = (self._beside(high, -1), high) if at_end else (low, self._beside(low, 1))
        return Span(self._place(low), self._place(high), f"{self.column} {self._range_text(low, high)}", (), low, high)

    def _value(self, place: float, *, up: bool) -> float:
        """Turn a place on the axis into a value, rounded; infinite where it lies in an end bar, which is chosen as a whole."""
        at, bins = place - self.under, len(self.edges) - 1
        if at < 0 and not up:
            return -math.inf
        if at > bins and up:
            return math.inf
        value = float(np.interp(at, np.arange(bins + 1), self.edges))
        if not self.unit:
            return rounded_to(value, self.grain)
        finer = FINER[self.unit]
        below = in_unit(value, finer)
        ends = [from_unit(below + step, finer) for step in (0, 1)]
        return min(ends, key=lambda end: abs(end - value))

    def _beside(self, value: float, steps: int) -> float:
        if not self.unit:
            return rounded_to(value + steps * self.grain, self.grain)
        finer = FINER[self.unit]
        return from_unit(in_unit(value, finer) + steps, finer)

    def _place(self, value: float) -> float:
        if value == -math.inf:
            return 0.0
        if value == math.inf:
            return float(self.n_main)
        return float(np.interp(value, self.edges, np.arange(len(self.edges)))) + int(self.under)

    def _range_text(self, low: float, high: float) -> str:
        ends = [end for end in (low, high) if math.isfinite(end)]
        texts = dict(zip(ends, self._texts(ends), strict=True))
        if not ends:
            return "any value"
        if len(ends) == 1:
            return f"< {texts[high]}" if high in texts else f"≥ {texts[low]}"
        if self.whole:
            return whole_range(low, high)
        return range_text(texts[low], texts[high])

    def _texts(self, values: Sequence[float]) -> list[str]:
        if not self.unit:
            return number_texts(values, self.grain)
        coarse = all(from_unit(in_unit(value, self.unit), self.unit) == value for value in values)
        return [time_text(value, self.unit if coarse else FINER[self.unit]) for value in values]


class Span(NamedTuple):
    """A part of a distribution's axis.

    ``start`` and ``end`` are places on the axis; ``label`` names it; ``bars`` are the whole bars that it is, or, where there are none, it
    is the values from ``low`` to below ``high`` (of which the last edge itself is the last bin's).
    """

    start: float
    end: float
    label: str
    bars: tuple[int, ...]
    low: float = -math.inf
    high: float = math.inf


def span_mask(dataset: Dataset, spread: Distribution, span: Span) -> NDArray[np.bool_]:
    """Find the rows of a span: bool of shape (n_rows,); rows without a value are in none. O(n), for a thread."""
    if span.bars:
        return spread.mask_of(span.bars)
    low, high = _as_single(np.array(span[-2:])).tolist() if spread.single else span[-2:]
    if high == spread.edges[-1] and not spread.over:
        high = math.inf
    mask = np.empty(dataset.n_rows, bool)
    start = 0
    for values in _pieces(dataset.table.column(spread.column)):
        piece = mask[start : start + len(values)]
        np.greater_equal(values, low, out=piece)
        piece &= (values < high) if math.isfinite(high) else (values <= high)
        start += len(values)
    return mask


def distribution(dataset: Dataset, column: str) -> Distribution:
    """Choose the bars of a column and find each row's.

    Parameters
    ----------
    dataset : Dataset
    column : str
        A category, number or time column.

    Raises
    ------
    UnknownColumn
        If the dataset has no such column.
    """
    role = dataset.roles.get(column)
    if role is None:
        raise UnknownColumn(dataset.name, column, list(dataset.roles))
    return _of_numbers(dataset, column) if role in ("number", "time") else _of_categories(dataset, column)


def _of_categories(dataset: Dataset, column: str) -> Distribution:
    codes, names = dataset.codes(column)
    n = len(names)
    tally = counts(codes, n)
    order = np.argsort(-tally[:-1], kind="stable")
    common = order[:_MOST_CATEGORIES] if n > _MOST_CATEGORIES + 1 else order
    has_other, missing = len(common) < n, bool(tally[-1])
    bar_of = np.full(n + 1, len(common), np.uint8)  # "other"
    bar_of[common] = np.arange(len(common))
    bar_of[n] = len(common) + has_other
    labels = [_shortened(names[code]) or "(empty)" for code in common.tolist()]
    if has_other:
        labels.append(f"{n - len(common):,} other")
    return Distribution(
        column,
        "category",
        (*labels, *([NO_VALUE] if missing else [])),
        gather(bar_of, codes),
        missing,
        palette=Palette.of(names, tally),
        categories=tuple(common.tolist()),
        note=f"The {len(common)} most common of {n:,} categories" if has_other else "",
    )


class _Look(NamedTuple):
    """What one pass over the numbers of a column shows; the sample is sorted and finite."""

    least: float
    greatest: float
    missing: bool
    whole: bool
    n: int
    sample: NDArray[np.float64]


def _of_numbers(dataset: Dataset, column: str) -> Distribution:
    values = dataset.table.column(column)
    is_time, single = pa.types.is_temporal(values.type), pa.types.is_float32(values.type)
    seen = _look(values)
    if not seen.n:
        return Distribution(column, "value", (NO_VALUE,), np.zeros(dataset.n_rows, np.uint8), missing=True, note="No row has a value.")
    whole = seen.whole and not is_time
    few = _few_values(values, seen, whole=whole) if not is_time or seen.least == seen.greatest else None
    if few is not None:
        edges = np.append(few, np.inf)
        texts = [time_text(few[0], "us").removesuffix(".000000")] if is_time else value_texts(few.tolist(), whole=whole)
        shown = texts[0], texts[-1] if len(texts) > 1 else ""
        return _coded(Distribution(column, "value", tuple(texts), _NO_CODES, seen.missing, edges, ends=shown), values)
    spread = Spread(seen.n, seen.least, seen.greatest, *np.percentile(seen.sample, (1, 25, 75, 99)).tolist())
    low, high = robust_ends(spread)
    bins = wanted_bins(spread, low, high)
    unit, many, grain = "", 1, 0.0
    if is_time:
        edges, unit, many = time_edges(low, high, min(2 * bins, MOST_BINS))  # a calendar's steps lie far apart
    else:
        edges, step = nice_edges(low, high, bins, whole=whole)
        grain = 10.0 ** math.floor(math.log10(step) + 1e-9) / 10
        grain = max(grain, 1.0) if whole else grain
    if single:
        edges = _as_single(edges)
    under, over = seen.least < edges[0], seen.greatest > edges[-1]
    if unit:
        ends = [time_text(edge, unit) for edge in edges.tolist()]
        texts = ends[:-1] if many == 1 else [range_text(a, b) for a, b in pairwise(ends)]
    elif whole:
        ends = number_texts(edges.tolist(), 1.0)
        texts = [whole_range(a, b) for a, b in pairwise(edges.tolist())]
    else:
        ends = number_texts(edges.tolist(), 10 * grain if grain * 25 != step else grain)
        texts = [range_text(a, b) for a, b in pairwise(ends)]
    labels = (*([f"< {ends[0]}"] if under else []), *texts, *([f"≥ {ends[-1]}"] if over else []))
    beyond = "Far values share the bars at the ends." if under or over else ""
    last = texts[-1] if unit and many == 1 else number_texts([edges[-1] - 1], 1.0)[0] if whole else ends[-1]
    shown = labels[0] if under else ends[0], labels[-1] if over else last
    made = Distribution(
        column, "range", labels, _NO_CODES, seen.missing, edges, under, over, grain, unit, whole, single, ends=shown, note=beyond
    )  # fmt: skip
    return _coded(made, values)


_NO_CODES = np.empty(0, np.uint8)


def _coded(made: Distribution, column: pa.ChunkedArray) -> Distribution:
    """Find each row's bar."""
    codes = np.empty(len(column), np.uint8)
    start = 0
    for values in _pieces(column):
        bin_codes(values, made.edges, codes[start : start + len(values)], under=made.under, over=made.over)
        start += len(values)
    labels = (*made.labels, NO_VALUE) if made.missing else made.labels
    edges = made.edges if made.kind == "range" else np.empty(0)
    return replace(made, codes=codes, labels=labels, edges=edges)


def _pieces(column: pa.ChunkedArray) -> Iterator[NDArray[np.float64]]:
    """Give the values in order, NaN where missing, times in microseconds since 1970: a million at once, for little memory."""
    is_time = pa.types.is_temporal(column.type)
    for start in range(0, len(column), PIECE):
        piece = column.slice(start, PIECE)
        if is_time:
            piece = piece.cast(pa.timestamp("us", getattr(piece.type, "tz", None)), safe=False).cast(pa.int64())
        elif pa.types.is_dictionary(piece.type):
            piece = piece.cast(piece.type.value_type)
        yield pc.fill_null(piece.cast(pa.float64(), safe=False), np.nan).to_numpy()


def _look(column: pa.ChunkedArray) -> _Look:
    every = max(1, len(column) // _SAMPLED)
    least, greatest, n, whole, sampled = math.inf, -math.inf, 0, True, []
    for values in _pieces(column):
        there = np.isfinite(values)
        n += int(np.count_nonzero(values == values))  # noqa: PLR0124 - NaN is not itself
        least = min(least, float(np.fmin.reduce(values, initial=math.inf)))
        greatest = max(greatest, float(np.fmax.reduce(values, initial=-math.inf)))
        whole = whole and bool(np.all(((values == np.rint(values)) & (np.abs(values) < _EXACT_BELOW)) | ~there))
        sampled.append(values[::every][there[::every]])
    sample = np.sort(np.concatenate(sampled)) if sampled else np.empty(0)
    if not sample.size and n:  # nothing but infinities
        sample = np.zeros(1)
    return _Look(least, greatest, n < len(column), whole, n, sample)


def _few_values(column: pa.ChunkedArray, seen: _Look, *, whole: bool) -> NDArray[np.float64] | None:
    """Return the values that get a bar each, ascending; None where there are too many."""
    most = MOST_BINS if whole else _MOST_VALUES
    if 1 + np.count_nonzero(np.diff(seen.sample)) > most:
        return None
    found = pc.unique(column)
    if len(found) > most + 2:  # missing ones, of two kinds
        return None
    values = np.unique(next(_pieces(pa.chunked_array([found]))))
    values = values[~np.isnan(values)]
    if whole and np.isfinite(values).all():
        reach = int(values[-1] - values[0]) + 1
        if reach <= MOST_BINS and (len(values) * 2 >= reach or reach <= _MOST_VALUES):
            return values[0] + np.arange(reach)
        return values if len(values) <= _MOST_WHOLE else None
    return values if len(values) <= _MOST_VALUES and (len(values) * 2 <= seen.n or len(values) == 1) else None


def _as_single(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to float32, as the values are that these are compared with; infinite ones stay."""
    most = float(np.finfo(np.float32).max)
    return np.where(np.isinf(values), values, np.clip(values, -most, most)).astype(np.float32).astype(np.float64)


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_MOST else f"{name[:_NAME_MOST]}…"
