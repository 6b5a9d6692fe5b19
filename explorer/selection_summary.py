"""What is special about some rows of a dataset, against all others; changes nothing and knows no session."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.compute.center import center
from explorer.compute.cluster_names import FILLERS
from explorer.compute.contrast import log_odds_ratios, mean_difference, weighted_log_odds, z_of
from explorer.compute.word_counts import TextWords

if TYPE_CHECKING:
    import pandas as pd

    from explorer.data.dataset import Dataset

__all__ = ["Common", "Difference", "SelectionSummary", "Word", "rows_of_category", "rows_with_word", "summarize", "text_column"]

MOST_MEASURED = 20_000  # rows whose vectors or texts are looked at; of more, a sample of that many
MOST_OTHERS = 50_000  # texts that words are compared with
MOST_WORDS = 30
MOST_CATEGORIES = 100  # of a column
N_MEDOIDS = 5
_KEPT_BYTES = 120_000_000  # of columns' codes, a dataset
_LEAST_TEXTS = 2  # that have a word
_FIRST_TEXTS = 200


class Common(NamedTuple):
    """A category that is more common among the rows than among all others; None stands for rows without a value."""

    column: str
    category: str | None
    n: int
    share: float
    share_of_rest: float
    effect: float
    low: float
    high: float


class Difference(NamedTuple):
    """A number or time column whose mean among the rows differs from that of all others, in standard deviations."""

    column: str
    mean: float
    mean_of_rest: float
    n: int
    effect: float
    low: float
    high: float


class Word(NamedTuple):
    """A word that more of the rows' texts have than of all others'; z is its log odds ratio in standard errors."""

    word: str
    n: int
    share: float
    share_of_rest: float
    z: float


class SelectionSummary(NamedTuple):
    """What is special about some rows.

    Attributes
    ----------
    n, n_rows : int
        How many rows these are, of how many.
    note : str
        Why there is no comparison; empty where there is one.
    categories : tuple of Common
        Ordered by the lower end of the interval; those whose interval holds no difference are left out.
    differences : tuple of Difference
        Number columns, ordered by how large the difference at least is; those whose interval holds 0 are left out.
    n_columns : int
        How many category, number and time columns were looked at.
    medoids : ndarray of int64
        The rows that are the least far from the others.
    mean_distance, mean_distance_of_all : float
        How far two of the rows are apart on average in the original space, and two of all rows; NaN where there are no vectors.
    metric : str
        What those measure: "cosine", mean, or "euclidean", root mean square.
    words : tuple of Word
        The words that tell the rows' texts from others, the most telling first.
    text : str or None
        The column of those texts.
    n_measured, n_texts : int
        How many rows were looked at for distances and for words: fewer than there are where they are many.
    """

    n: int
    n_rows: int
    note: str = ""
    categories: tuple[Common, ...] = ()
    differences: tuple[Difference, ...] = ()
    n_columns: int = 0
    medoids: NDArray[np.int64] = np.empty(0, np.int64)
    mean_distance: float = float("nan")
    mean_distance_of_all: float = float("nan")
    metric: str = "cosine"
    words: tuple[Word, ...] = ()
    text: str | None = None
    n_measured: int = 0
    n_texts: int = 0

    def frame(self) -> pd.DataFrame:
        """Give categories, numbers and words as one table.

        Returns
        -------
        pandas.DataFrame
            ``kind`` ("category", "number", "word"), ``column``, ``value`` (category or word), ``count``, ``inside`` and ``outside``
            (shares, or means), ``effect`` (log odds ratio, Hedges' g, or z of the log odds ratio), ``low`` and ``high`` (its interval).
        """
        import pandas as pd

        nan = float("nan")
        lines = [("category", c.column, c.category, c.n, c.share, c.share_of_rest, c.effect, c.low, c.high) for c in self.categories]
        lines += [("number", d.column, None, d.n, d.mean, d.mean_of_rest, d.effect, d.low, d.high) for d in self.differences]
        lines += [("word", str(self.text), w.word, w.n, w.share, w.share_of_rest, w.z, nan, nan) for w in self.words]
        names = ["kind", "column", "value", "count", "inside", "outside", "effect", "low", "high"]
        return pd.DataFrame(lines, columns=names)


def summarize(
    dataset: Dataset, mask: NDArray[np.bool_], *, metric: str = "cosine", should_stop: Callable[[], bool] = lambda: False
) -> SelectionSummary:
    """Say what is special about some rows.

    Parameters
    ----------
    dataset : Dataset
        The data.
    mask : ndarray of shape (n_rows,), bool
        The rows; they are compared with all others, hidden ones too.
    metric : {"cosine", "euclidean"}
        How far rows are apart.
    should_stop : callable, optional
        Asked between columns: whether nobody wants to know any more. What was found until then is returned.

    Returns
    -------
    SelectionSummary
        Deterministic: samples of more than 20,000 rows are always the same. O(n columns), and the first time a column is read.
    """
    count = int(np.count_nonzero(mask))
    found = SelectionSummary(count, dataset.n_rows, metric=metric, text=text_column(dataset))
    rows = _sampled(np.flatnonzero(mask), MOST_MEASURED)
    found = _measured(dataset, rows, found)
    if count < 2:  # noqa: PLR2004 - one row is no group
        return found._replace(note="Select two rows or more to see what they have in common." if count else "Nothing is selected.")
    if count == dataset.n_rows:
        return found._replace(note="All rows are selected: there are no others to compare them with.")
    own = [name for name in dataset.roles if name not in dataset.meanings]  # what was measured here would crowd out what the data says
    category_columns = [name for name in own if dataset.roles[name] == "category"]
    number_columns = [name for name in own if dataset.roles[name] in ("number", "time")]
    categories: list[Common] = []
    for column in category_columns:
        if should_stop():
            return found
        categories += _common(dataset, column, mask, count)
    z, differences = z_of(len(number_columns)), []
    for column in number_columns:
        if should_stop():
            return found
        differs = mean_difference(dataset.numbers(column), mask, z=z)
        if differs is not None and differs.low * differs.high > 0:
            differences.append(
                Difference(column, differs.inside, differs.outside, differs.n_inside, differs.effect, differs.low, differs.high)
            )
    return found._replace(
        categories=tuple(sorted(categories, key=lambda common: -common.low)),
        differences=tuple(sorted(differences, key=lambda differs: -min(abs(differs.low), abs(differs.high)))),
        n_columns=len(category_columns) + len(number_columns),
        words=_words(dataset, found.text, mask, rows) if found.text is not None and not should_stop() else (),
        n_texts=len(rows),
    )


def text_column(dataset: Dataset) -> str | None:
    """Find the column whose words are compared: of those that hold text, the one whose first texts are the longest."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def length(column: str) -> float:
        first = dataset.table.column(column).slice(0, _FIRST_TEXTS).cast(pa.large_string())
        return float(pc.mean(pc.utf8_length(first)).as_py() or 0)

    return max((name for name, role in dataset.roles.items() if role in ("text", "label")), key=length, default=None)


def rows_of_category(dataset: Dataset, column: str, category: str | None) -> NDArray[np.bool_]:
    """Find the rows of a category, or those without a value: bool of shape (n_rows,)."""
    codes, names = _codes(dataset, column)
    wanted = len(names) if category is None else names.index(category) if category in names else -1
    return codes == wanted


def rows_with_word(dataset: Dataset, column: str, word: str) -> NDArray[np.bool_]:
    """Find the rows whose text has a word, in upper or lower case: bool of shape (n_rows,)."""
    import re

    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_lower(dataset.table.column(column).cast(pa.large_string()))
    found = pc.match_substring_regex(text, rf"(^|[^\p{{L}}\p{{N}}_]){re.escape(word)}([^\p{{L}}\p{{N}}_]|$)")
    return np.asarray(pc.fill_null(found, False)).astype(bool)  # noqa: FBT003 - Arrow's own signature


# -- the parts


def _common(dataset: Dataset, column: str, mask: NDArray[np.bool_], count: int) -> list[Common]:
    codes, names = _codes(dataset, column)
    n = len(names) + 1
    inside, total = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for at in range(0, len(codes), 1 << 20):
        piece, chosen = codes[at : at + (1 << 20)], mask[at : at + (1 << 20)]
        inside += np.bincount(piece[chosen], minlength=n)
        total += np.bincount(piece, minlength=n)
    outside, n_outside = total - inside, len(mask) - count
    there = np.flatnonzero(inside)
    odds = log_odds_ratios(inside[there], outside[there], count, n_outside, n_asked=int(np.count_nonzero(total)))
    order = np.argsort(-odds.low, kind="stable")[:MOST_CATEGORIES]
    return [
        Common(
            column,
            names[code] if code < len(names) else None,
            int(inside[code]),
            float(inside[code] / count),
            float(outside[code] / n_outside),
            float(odds.effect[at]),
            float(odds.low[at]),
            float(odds.high[at]),
        )
        for at in order
        if odds.low[at] > 0
        for code in [int(there[at])]
    ]


def _measured(dataset: Dataset, rows: NDArray[np.int64], found: SelectionSummary) -> SelectionSummary:
    if dataset.vectors is None:
        return found
    rows = rows[dataset.drawable[rows]]
    if not len(rows):
        return found
    middle = center(dataset.vectors[rows], metric=found.metric, n_medoids=N_MEDOIDS)
    return found._replace(
        medoids=rows[middle.medoids],
        mean_distance=middle.mean_distance,
        mean_distance_of_all=_mean_distance_of_all(dataset, found.metric),
        n_measured=len(rows),
    )


def _words(dataset: Dataset, column: str, mask: NDArray[np.bool_], rows: NDArray[np.int64]) -> tuple[Word, ...]:
    sample, others = _sampled_words(dataset, column)
    rest = ~mask[sample]
    n_rest = int(np.count_nonzero(rest))
    if not n_rest:
        return ()
    own = TextWords.of(dataset.table.column(column).take(rows))
    inside = own.counts()
    outside = others.counts_of(own.words, rest)
    effect, z = weighted_log_odds(inside, outside)
    good = np.flatnonzero((z > z_of(len(inside))) & (inside >= _LEAST_TEXTS) & (effect > 0))
    told = ((int(at), own.words[int(at)].as_py()) for at in good[np.argsort(-z[good], kind="stable")])
    best = islice(((at, word) for at, word in told if word not in FILLERS), MOST_WORDS)
    return tuple(
        Word(word, int(inside[at]), float(inside[at] / own.n_texts), float(outside[at] / n_rest), float(z[at])) for at, word in best
    )


# -- what is kept of a dataset, as long as somebody has it open


class _Kept:
    def __init__(self) -> None:
        self.codes: OrderedDict[str, tuple[NDArray[np.integer], list[str]]] = OrderedDict()
        self.words: dict[str, tuple[NDArray[np.int64], TextWords]] = {}
        self.apart: dict[str, float] = {}


_kept: WeakKeyDictionary[Dataset, _Kept] = WeakKeyDictionary()
_lock = Lock()


def _of(dataset: Dataset) -> _Kept:
    with _lock:
        return _kept.setdefault(dataset, _Kept())


def _codes(dataset: Dataset, column: str) -> tuple[NDArray[np.integer], list[str]]:
    """Give each row's place in a column's names, and their number where the value is missing."""
    kept = _of(dataset).codes
    with _lock:
        if column in kept:
            kept.move_to_end(column)
            return kept[column]
    codes, names = dataset.codes(column)
    small = np.uint16 if len(names) < 1 << 16 else np.int32
    made: tuple[NDArray[np.integer], list[str]] = np.where(codes < 0, len(names), codes).astype(small), names
    with _lock:
        kept[column] = made
        while len(kept) > 1 and sum(codes.nbytes for codes, _ in kept.values()) > _KEPT_BYTES:
            kept.popitem(last=False)
    return made


def _sampled_words(dataset: Dataset, column: str) -> tuple[NDArray[np.int64], TextWords]:
    kept = _of(dataset).words
    if column not in kept:
        sample = _sampled(np.arange(dataset.n_rows), MOST_OTHERS)
        kept[column] = sample, TextWords.of(dataset.table.column(column).take(sample))
    return kept[column]


def _mean_distance_of_all(dataset: Dataset, metric: str) -> float:
    kept = _of(dataset).apart
    if metric not in kept and dataset.vectors is not None:
        rows = _sampled(np.flatnonzero(dataset.drawable), MOST_MEASURED)
        kept[metric] = center(dataset.vectors[rows], metric=metric, n_medoids=0).mean_distance
    return kept[metric]


def _sampled(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Take these rows, or a sample of them, always the same, ascending."""
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
