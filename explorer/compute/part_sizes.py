"""Into how many parts rows are dealt where their edges do not fit in memory at once; apart, as forecasts need it, and load no kernel."""

from __future__ import annotations

from typing import Final

__all__ = ["BLOCK", "SLOT_BYTES", "part_count"]

BLOCK: Final = 65_536  # rows of the graph that are read at once
SLOT_BYTES: Final = 16  # of an edge while it is made: its end and its interval, as collected and as packed
_FEWEST: Final = 4  # parts, for the reason for which there are four hands
_MOST: Final = 32  # parts, as the whole graph is read for each
_PART_BYTES: Final = 40_000_000  # of a part's edges, where more parts can bring it about


def part_count(n: int, k: int) -> int:
    """Say into how many parts n rows of k neighbors are dealt: a power of two, by the sizes alone, as the layout depends on it."""
    count = _FEWEST
    while count < _MOST and 2 * n * k * SLOT_BYTES > count * _PART_BYTES:
        count *= 2
    return count
