"""Which neighbors each row has in two neighbor graphs of the same rows; knows no layout. Sequential and without the GIL."""

# numba infers the kernel's types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from explorer.errors import BadParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SharedNeighbors", "shared_neighbors"]


class SharedNeighbors(NamedTuple):
    """How alike the neighborhoods of each row are in two graphs; both of shape (m, n), float32, NaN where a row has none in either.

    Attributes
    ----------
    sizes : tuple of m int
        Of the neighborhoods: so many nearest rows.
    share : ndarray
        Neighbors in both, of the k nearest in the one: 0 to 1.
    jaccard : ndarray
        Neighbors in both, of all that are in either.
    """

    sizes: tuple[int, ...]
    share: NDArray[np.float32]
    jaccard: NDArray[np.float32]


def shared_neighbors(one: NDArray[np.int32], other: NDArray[np.int32], *, sizes: Sequence[int]) -> SharedNeighbors:
    """Compare the neighbors of each row in two graphs; O(n k²), about 0.1 s for 100,000 rows and 30 neighbors.

    Parameters
    ----------
    one, other : ndarray of shape (n, k), int32
        Row numbers, nearest first, never twice the same in a row; -1 where a row has none. The k need not be the same.
    sizes : sequence of m int
        From 1 to the smaller k.

    Raises
    ------
    BadParameter
        If the graphs are not of the same rows, or a size is larger than a graph.
    """
    if len(one) != len(other):
        raise BadParameter("graphs", f"{len(one):,} and {len(other):,} rows", "give two graphs of the same rows.")
    most = min(one.shape[1], other.shape[1])
    wrong = next((size for size in sizes if not 1 <= size <= most), None)
    if wrong is not None:
        raise BadParameter("sizes", wrong, f"give 1 to {most}.")
    share = np.empty((len(sizes), len(one)), np.float32)
    jaccard = np.empty_like(share)
    _compare(_frozen(one), _frozen(other), np.array(sizes, np.int64), share, jaccard)
    return SharedNeighbors(tuple(sizes), share, jaccard)


def _frozen(indices: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give arrays of all sorts one type, so that the kernel is compiled once."""
    view = np.ascontiguousarray(indices, np.int32).view()
    view.flags.writeable = False
    return view


@njit(nogil=True, cache=True)
def _compare(one, other, sizes, share, jaccard):
    m, n = share.shape
    largest = sizes.max()
    both = np.empty(m, np.int64)
    for row in range(n):
        if one[row, 0] < 0 or other[row, 0] < 0:
            share[:, row] = np.nan
            jaccard[:, row] = np.nan
            continue
        both[:] = 0
        for i in range(largest):
            neighbor = one[row, i]
            if neighbor < 0:
                break
            for j in range(largest):
                if other[row, j] == neighbor:
                    for each in range(m):
                        if i < sizes[each] and j < sizes[each]:
                            both[each] += 1
                    break
        for each in range(m):
            share[each, row] = both[each] / sizes[each]
            jaccard[each, row] = both[each] / (2 * sizes[each] - both[each])
