"""Texts that hold a piece of text: several times as fast as by an expression, where its letters have two cases at most."""

# numba infers the kernel's types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

__all__ = ["holding", "warm"]

_ELSEWHERE = {"k", "s"}  # of which there is a third letter beyond ASCII: the sign of kelvin, the long s
_ASCII = 128
_OF_CASE = 0x20  # the bit that lower case letters have and upper case ones have not
_BLOCK = 64


def holding(texts: pa.Array, wanted: str, *, case: bool) -> NDArray[np.bool_] | None:
    """Tell which texts hold a piece of text.

    Most letters are only compared with the first and the last one that are looked for, many at once (W. Muła, "SIMD-friendly algorithms for
    substring searching", 2016).

    Parameters
    ----------
    texts : pyarrow.Array of string or large_string
        In UTF-8.
    wanted : str
        At least one character.
    case : bool
        Whether upper and lower case differ.

    Returns
    -------
    ndarray of shape (n,), bool, or None
        A missing text holds nothing. None where case does not matter, and letters may be there that have more than two cases of ASCII.
    """
    validity, offsets, data = texts.buffers()
    wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    if not len(texts) or data is None or not data.size:
        return np.zeros(len(texts), bool)
    if not case and not wanted.isascii():
        return None
    ends = np.frombuffer(offsets, wide, len(texts) + 1, texts.offset * np.dtype(wide).itemsize)
    letters = np.frombuffer(data, np.uint8, int(ends[-1]))
    if not case and _ELSEWHERE.intersection(wanted.lower()) and _largest(letters, ends[0]) >= _ASCII:
        return None
    pattern = np.frombuffer((wanted if case else wanted.lower()).encode(), np.uint8)
    either = np.where((pattern >= ord("a")) & (pattern <= ord("z")) & (not case), _OF_CASE, 0).astype(np.uint8)
    found = np.zeros(len(texts), np.uint8)
    _search(letters, ends, pattern, either, found)
    held = found.view(np.bool_)
    if validity is not None and texts.null_count:
        held &= np.asarray(texts.is_valid())
    return held


def warm() -> None:
    """Compile the kernels, so that nobody waits for it."""
    for kind in (pa.string(), pa.large_string()):
        holding(pa.array(["ab"], kind), "b", case=False)


@njit(nogil=True, cache=True)
def _largest(letters, start):
    largest = np.uint8(0)
    for letter in letters[start:]:
        largest |= letter
    return largest


@njit(nogil=True, cache=True)
def _search(letters, ends, pattern, either, found):
    m, row = pattern.size, 0
    first, last, either_first, either_last = pattern[0], pattern[m - 1], either[0], either[m - 1]
    at, stop = np.int64(ends[0]), np.int64(ends[-1]) - m + 1
    while at < stop:
        while at + _BLOCK <= stop and not _may_begin(
            letters[at : at + _BLOCK], letters[at + m - 1 : at + m - 1 + _BLOCK], first, last, either_first, either_last
        ):
            at += _BLOCK
        until = min(at + _BLOCK, stop)
        while at < until:
            same = 0
            while same < m and (letters[at + same] | either[same]) == pattern[same]:
                same += 1
            at += 1
            if same == m:
                while ends[row + 1] < at:
                    row += 1
                if at - 1 + m <= ends[row + 1]:  # else it begins in one text and ends in the next
                    found[row] = 1
                    at = np.int64(ends[row + 1])


@njit(nogil=True, cache=True)
def _may_begin(beginnings, endings, first, last, either_first, either_last):
    """Whether a match may begin in a block: both of its ends are there. The compiler looks at many letters at once."""
    any_may = np.uint8(0)
    for k in range(_BLOCK):
        any_may |= np.uint8((beginnings[k] | either_first) == first) & np.uint8((endings[k] | either_last) == last)
    return any_may != 0
