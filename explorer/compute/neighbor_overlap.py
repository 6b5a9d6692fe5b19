"""Which neighbors two lists have in common, counted by a compiled kernel; parallel, so it runs in the compute process only."""

# numba infers the kernel's types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit, prange

__all__ = ["NOBODY", "NOWHERE", "overlaps"]

NOBODY: Final = -1
NOWHERE: Final = -2


@njit(parallel=True, nogil=True, cache=True)
def overlaps(true, near, sizes, patient, shares):
    """Count which neighbors two lists of each row have in common.

    Parameters
    ----------
    true, near : ndarray of shape (n, k), int32
        Each row's neighbors, nearest first, in the original space and in the layout; of the true ones NOBODY from where there are no more,
        NOWHERE for one that is not in the layout.
    sizes : ndarray of shape (m,), int64
        Of the neighborhoods that are compared.
    patient : int
        Neighbors that are looked for among twice as many.
    shares : ndarray of shape (m + 2, n), float32
        Filled: the share of true neighbors that were kept, by size; of false neighbors; of missing ones. NaN where a row has none.
    """
    n, k = true.shape
    for row in prange(n):
        n_true = 0
        while n_true < k and true[row, n_true] != NOBODY:
            n_true += 1
        if n_true == 0:
            shares[:, row] = np.nan
            continue
        kept = np.zeros(sizes.size, np.int64)
        found_near, found_true = 0, 0  # of the first true ones among twice as many in the layout, and the other way round
        for rank in range(n_true):
            for at in range(k):
                if near[row, at] == true[row, rank]:
                    for each in range(sizes.size):
                        if rank < sizes[each] and at < sizes[each]:
                            kept[each] += 1
                    if rank < patient and at < 2 * patient:
                        found_near += 1
                    if at < patient and rank < 2 * patient:
                        found_true += 1
                    break
        for each in range(sizes.size):
            shares[each, row] = kept[each] / min(sizes[each], n_true)
        shares[sizes.size, row] = 1 - found_true / patient
        shares[sizes.size + 1, row] = 1 - found_near / min(patient, n_true)
