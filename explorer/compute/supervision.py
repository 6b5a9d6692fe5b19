"""A fuzzy set that heeds categories: supervised UMAP, as umap-learn does it with a ``y`` of labels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["supervised"]

_UNKNOWN: Final = 1.0  # how far a row without a category is from any, as a logarithm
_FAR: Final = 2.5
_FARTHEST: Final = 1e12


def supervised(edges: Any, labels: NDArray[np.integer], weight: float) -> Any:
    """Weaken edges between rows of different categories, then make each row as sure of its strongest edge as before.

    Parameters
    ----------
    edges : scipy.sparse.csr_matrix of shape (n, n), float32
        A fuzzy set, symmetric.
    labels : ndarray of shape (n,), integer
        Each row's category; negative where it has none.
    weight : float
        From 0, where categories count little, to 1, where rows of different categories have no edge.

    Returns
    -------
    scipy.sparse.csr_matrix of shape (n, n), float32
        Symmetric, columns sorted within a row, no zeros stored.
    """
    from scipy.sparse import csr_matrix

    far = _FAR / (1 - weight) if weight < 1 else _FARTHEST
    n = edges.shape[0]
    rows = np.repeat(np.arange(n), np.diff(edges.indptr))
    here, there = labels[rows], labels[edges.indices]
    factor = np.where((here < 0) | (there < 0), np.exp(-_UNKNOWN), np.where(here != there, np.exp(-far), 1.0))
    weakened = csr_matrix(((edges.data * factor).astype(np.float32), edges.indices.copy(), edges.indptr.copy()), shape=(n, n))
    weakened.eliminate_zeros()
    strongest = np.zeros(n, np.float32)
    there_are = np.diff(weakened.indptr) > 0
    strongest[there_are] = np.maximum.reduceat(weakened.data, weakened.indptr[:-1][there_are])
    weakened.data /= np.repeat(strongest, np.diff(weakened.indptr))
    reverse = weakened.T.tocsr()
    joined = (weakened + reverse - weakened.multiply(reverse)).tocsr()
    joined.eliminate_zeros()
    joined.sort_indices()
    return joined
