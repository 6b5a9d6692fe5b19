"""Rows whose text has something in it: a piece of text, a whole word, a regular expression. Linear in the text, whatever is looked for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.errors import BadParameter, BadPattern, SearchTooSlow, UnknownChoice, UnknownColumn
from explorer.query.literal import holding
from explorer.query.pieces import PIECE_ROWS, Stop, never, work_through

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["MODES", "Mode", "Pattern", "search", "searchable", "text_columns", "written"]

Mode = Literal["contains", "word", "regex"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

_LONGEST = 1_000  # characters of what is looked for
_SECONDS = 30.0  # an expression that needs more is given up
# What words lie between: ASCII but letters, digits and _, and the punctuation of other scripts. RE2's own \b takes "ü" for a gap, and its
# classes of all letters take milliseconds to compile, for each piece of a column.
_NO_WORD = (
    r"[\x00-/:-@\[-^`{-\x{A9}\x{AB}-\x{B4}\x{B6}-\x{B9}\x{BB}-\x{BF}\x{D7}\x{F7}\x{589}\x{5BE}\x{60C}\x{61B}\x{61F}\x{6D4}"
    r"\x{964}\x{965}\x{1680}\x{2000}-\x{206F}\x{20A0}-\x{20CF}\x{2190}-\x{2BFF}\x{2E00}-\x{2E7F}\x{3000}-\x{3003}\x{3008}-\x{3020}\x{30FB}"
    r"\x{FE10}-\x{FE1F}\x{FE30}-\x{FE6F}\x{FF00}-\x{FF0F}\x{FF1A}-\x{FF20}\x{FF3B}-\x{FF40}\x{FF5B}-\x{FF65}\x{1F000}-\x{1FAFF}]"
)
_REASON = re.compile(r"^Invalid regular expression: (?P<what>.*?)(?:: (?P<part>.*))?$", re.DOTALL)
_NEVER_LINEAR = ("(?=", "(?!", "(?<=", "(?<!", "(?<", "(?>", r"\1", r"\2", r"\3")


@dataclass(frozen=True)
class Pattern:
    """What is looked for, as an expression of RE2, which takes linear time: no expression runs forever.

    Attributes
    ----------
    text : str
        As it was typed.
    mode : Mode
    case : bool
        Whether upper and lower case differ.
    expression : str
        What Arrow's kernels take.
    """

    text: str
    mode: Mode
    case: bool
    expression: str

    @classmethod
    def of(cls, text: str, mode: Mode = "contains", *, case: bool = False) -> Pattern:
        """Make a pattern.

        Parameters
        ----------
        text : str
            What is looked for; up to 1,000 characters. Spaces around it count in an expression only.
        mode : {"contains", "word", "regex"}
            A piece of text; one or more whole words; a regular expression (RE2: no look-around, no backreferences).
        case : bool
            Whether upper and lower case differ.

        Raises
        ------
        BadPattern
            If the expression does not compile; the sentence says where.
        BadParameter
            If nothing is looked for, or something too long.
        UnknownChoice
            If there is no such mode.
        """
        if mode not in MODES:
            raise UnknownChoice("mode", mode, MODES)
        text = text.encode("utf-8", "replace").decode("utf-8")  # half a character, as JavaScript may cut one
        wanted = text if mode == "regex" else text.strip()
        if not wanted:
            raise BadParameter("text", repr(text), "give what to look for.")
        if len(wanted) > _LONGEST:
            raise BadParameter("text", f"{wanted[:20]}…", f"look for at most {_LONGEST:,} characters.")
        expression = wanted if mode == "regex" else _escaped(wanted)
        if mode == "word":
            expression = f"(?:^|{_NO_WORD}){expression}(?:$|{_NO_WORD})"
        made = cls(wanted, mode, case, expression)
        try:
            made.matches(pa.array([""]))
        except pa.ArrowInvalid as error:
            raise _bad(wanted, str(error)) from None
        return made

    def matches(self, texts: pa.Array) -> pa.Array:
        """Tell which texts match: a bool array, null where a text is missing."""
        if self.mode == "regex":
            return pc.match_substring_regex(texts, self.expression, ignore_case=not self.case)
        held = holding(texts, self.text, case=self.case)
        if held is None:
            found = pc.match_substring_regex(texts, _escaped(self.text), ignore_case=not self.case)
        else:
            found = pa.array(held, mask=np.asarray(texts.is_null()) if texts.null_count else None)
        if self.mode == "contains":
            return found
        if not found.true_count:
            return found
        sure = pc.match_substring_regex(texts.filter(found), self.expression, ignore_case=not self.case)
        return pc.replace_with_mask(found, pc.fill_null(found, False), sure)  # noqa: FBT003 - Arrow's order

    def marked(self, text: str, *, most: int = 8) -> list[str]:
        """Cut a text where the first matches begin and end: plain, match, plain, match, …, plain."""
        text = text.replace("\x02", " ").replace("\x03", " ")
        inner, into = f"({self.expression})", "\x02\\1\x03"
        if self.mode == "word":  # what is before and behind a word is looked at as well, and is not marked
            inner, into = f"(^|{_NO_WORD})({_escaped(self.text)})($|{_NO_WORD})", "\\1\x02\\2\x03\\3"
        inner = inner if self.case else f"(?i){inner}"
        marked = pc.replace_substring_regex(pa.array([text]), inner, into, max_replacements=most)[0].as_py()
        return re.split("[\x02\x03]", marked)


def text_columns(dataset: Dataset) -> list[str]:
    """List the columns of text, which are searched where no column is chosen; pictures are none, nor names of clusters and the like."""
    own = (name for name in searchable(dataset) if name not in dataset.meanings)
    return [name for name in own if _is_text(dataset.table.schema.field(name).type)]


def searchable(dataset: Dataset) -> list[str]:
    """List the columns that can be searched: all but pictures; of numbers and times it is how they are written that is searched."""
    return [name for name, role in dataset.roles.items() if role != "image"]


def written(dataset: Dataset, column: str, row: int) -> str | None:
    """Give a row's value of a column as it is searched; None where it is missing."""
    value = dataset.table.column(column).slice(row, 1).cast(pa.large_string()).to_pylist()[0]
    return value if value is None else str(value)


def search(
    dataset: Dataset, pattern: Pattern, *, column: str | None = None, should_stop: Stop = never, seconds: float = _SECONDS
) -> NDArray[np.bool_] | None:
    """Find the rows with a match; a missing value has none.

    Reads each text once; a column of categories is looked up in its distinct values. Runs here and in one more thread, most of the time
    without Python's lock.

    Parameters
    ----------
    dataset : Dataset
        The data.
    pattern : Pattern
        What is looked for.
    column : str, optional
        Where; in every column of text by default.
    should_stop : callable, optional
        Asked every few milliseconds whether the answer is still wanted.
    seconds : float
        How long it may take.

    Returns
    -------
    ndarray of shape (n_rows,), bool, or None
        None where it was stopped.

    Raises
    ------
    UnknownColumn
        If there is no such column, or it holds pictures.
    SearchTooSlow
        If it takes too long.
    """
    known = searchable(dataset)
    if column is not None and column not in known:
        raise UnknownColumn(dataset.name, column, known)
    mask = np.zeros(dataset.n_rows, bool)
    end = time.monotonic() + seconds

    def stop() -> bool:
        return should_stop() or time.monotonic() > end

    for name in text_columns(dataset) if column is None else [column]:
        if not _search_column(dataset.table.column(name), pattern, mask, stop):
            if should_stop():
                return None
            raise SearchTooSlow(seconds)
    return mask


def _search_column(column: pa.ChunkedArray, pattern: Pattern, mask: NDArray[np.bool_], stop: Stop) -> bool:
    """Add the rows of a column that match to the mask; tells whether it got to the end."""
    if not pa.types.is_dictionary(column.type):
        return _search_chunks(column.chunks, lambda texts: _flags(pattern.matches(_texts(texts))), mask, stop)
    column = column.unify_dictionaries()
    if not column.num_chunks:
        return True
    values = column.chunk(0).dictionary
    flags = np.zeros(len(values) + 1, bool)  # the last one stands for missing values
    if not _search_chunks([values], lambda texts: _flags(pattern.matches(texts)), flags[:-1], stop):
        return False
    if not flags.any():
        return True
    missing = pa.scalar(len(values), pa.int64())

    def look_up(indices: pa.Array) -> NDArray[np.bool_]:
        return flags.take(pc.fill_null(indices.cast(pa.int64()), missing).to_numpy(), mode="clip")

    return _search_chunks([chunk.indices for chunk in column.chunks], look_up, mask, stop)


def _search_chunks(chunks: Sequence[pa.Array], look: Callable[[pa.Array], NDArray[np.bool_]], mask: NDArray[np.bool_], stop: Stop) -> bool:
    starts = np.cumsum([0, *map(len, chunks)])

    def work(piece: slice) -> None:
        at = int(np.searchsorted(starts, piece.start, side="right")) - 1
        within = piece.start - int(starts[at])
        mask[piece] |= look(chunks[at].slice(within, piece.stop - piece.start))

    pieces = [
        slice(start, min(start + PIECE_ROWS, int(end)))
        for begin, end in pairwise(starts)
        for start in range(int(begin), int(end), PIECE_ROWS)
    ]
    return work_through(pieces, work, should_stop=stop)


def _flags(found: pa.Array) -> NDArray[np.bool_]:
    flags: NDArray[np.bool_] = pc.fill_null(found, False).to_numpy(zero_copy_only=False)  # noqa: FBT003 - Arrow's order
    return flags


def _texts(values: pa.Array) -> Any:
    return values if _is_text(values.type) else values.cast(pa.string())


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def _escaped(text: str) -> str:
    """Write a text as an expression that stands for nothing but itself."""
    return "".join(r"\x00" if one == "\0" else one if one.isalnum() or one == "_" or not one.isascii() else f"\\{one}" for one in text)


def _bad(pattern: str, said: str) -> BadPattern:
    """Make a sentence of what RE2 says."""
    found = _REASON.match(said.strip())
    what, part = (said, None) if found is None else (found["what"], found["part"])
    if any(beginning in (part or "") for beginning in _NEVER_LINEAR) and "invalid" in what:
        what = "look-around and backreferences are not available, because they can take forever"
    place = pattern.find(part) if part and part != pattern else -1
    shown = f" “{part[:40]}”" if part and part != pattern else ""
    return BadPattern(pattern, f"{what.replace('perl ', '')}{shown}.", place if place >= 0 else None)
