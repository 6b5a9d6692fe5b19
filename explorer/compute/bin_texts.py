"""How numbers and times at the edges of bins are written: alike, and no longer than their step needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

__all__ = ["FINER", "from_unit", "in_unit", "number_texts", "range_text", "time_text", "value_texts", "whole_range"]

FINER: Final = {"Y": "M", "M": "D", "D": "h", "h": "m", "m": "s", "s": "us", "us": "us"}
"""The unit below each unit of time, as NumPy names them."""

_FEWEST, _MOST = 3, 9  # digits of a single value
_SHORT = 5  # digits that nobody minds
_PLAIN_BELOW = 10_000  # 1990 is a year, 19,900 is not
_DIGITS_FROM, _DIGITS_BELOW = 1e12, 1e-6  # where nobody reads all the digits


def number_texts(values: Sequence[float], grain: float) -> list[str]:
    """Write numbers alike, true to a grain."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest >= _DIGITS_FROM or grain < _DIGITS_BELOW:
        digits = 1 if largest <= 0 else max(3, min(15, math.ceil(math.log10(largest / grain)) + 1))
        return [f"{value:.{digits}g}" for value in values]
    decimals = max(0, -math.floor(math.log10(grain) + 1e-9))
    comma = "," if largest >= _PLAIN_BELOW else ""
    return [f"{value + 0.0:{comma}.{decimals}f}" for value in values]  # no "-0"


def value_texts(values: Sequence[float], *, whole: bool) -> list[str]:
    """Write single values: as they are where that is short, else with so few digits that they are still told apart."""
    if whole:
        return number_texts(values, 1.0)
    exact = [f"{value:.{_MOST}g}" for value in values]
    texts = exact
    for digits in range(_FEWEST, _MOST + 1):
        texts = [text if _digits(text) <= _SHORT else f"{value:.{digits}g}" for value, text in zip(values, exact, strict=True)]
        if len(set(texts)) == len(set(exact)):
            break
    return texts


def _digits(text: str) -> int:
    """Count the digits of a number that is written, without zeros before it."""
    return len(text.partition("e")[0].lstrip("-0.").replace(".", ""))


def range_text(low: str, high: str) -> str:
    """Write a range between two numbers or times that are written already."""
    return f"{low} to {high}" if "-" in (low[:1], high[:1]) else f"{low} \N{EN DASH} {high}"


def whole_range(low: float, high: float) -> str:
    """Write the whole numbers from low to below high."""
    first, last = number_texts([low, high - 1], 1.0)
    return first if first == last else range_text(first, last)


def in_unit(value: float, unit: str) -> int:
    """Count the whole units from 1970 to a time in microseconds."""
    return int(np.int64(math.floor(value)).astype("datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64))


def from_unit(count: int, unit: str) -> float:
    """Return the microseconds from 1970 to where so many units are over."""
    return float(np.int64(count).astype(f"datetime64[{unit}]").astype("datetime64[us]").astype(np.int64))


def time_text(value: float, unit: str) -> str:
    """Write a time in microseconds since 1970 to a unit; a full hour as a clock shows it."""
    shown = {"Y": 4, "M": 7, "D": 10, "h": 16, "m": 16, "s": 19, "us": 26}[unit]
    return str(np.int64(value).astype("datetime64[us]")).replace("T", " ")[:shown]
