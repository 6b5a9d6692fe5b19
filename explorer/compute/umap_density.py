"""UMAP that keeps density: densMAP's correction (Narayan, Berger & Cho, Nature Biotechnology 2021), for the same epochs.

A row's *radius* is the mean squared length of its edges, weighted by how strong they are: in the original space by membership, on the map
by how near the curve of ``min_dist`` puts both ends. The correction raises the correlation of both radii's logarithms over all rows.
Figures, shares and defaults are umap-learn's. The kernels run in the compute process only.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.compute.projection import PLANE
from explorer.compute.umap_epochs import Hands, pushed, random_state

__all__ = ["SHARE", "Density", "attract_densely", "log_radii"]

SHARE: Final = 0.3  # of the epochs, the last ones, in which density counts
_SMALLEST: Final = 1e-8
_VARIANCE_SHIFT: Final = 0.1


class Density:
    """What the correction needs of the original space, and of the map at each epoch.

    Parameters
    ----------
    radii : ndarray of shape (n,), float64
        Logarithms of the rows' radii, as :func:`log_radii` measures them, in the order of the hands.
    hands : Hands
        The rows' places and edges.
    a, b : float
        The curve 1 / (1 + a x^(2b)).
    strength : float
        How much the correction counts; 2 is umap-learn's ``dens_lambda``.
    """

    def __init__(self, radii: NDArray[np.float64], hands: Hands, *, a: float, b: float, strength: float) -> None:
        n, spread = len(radii), float(radii.std())
        self._hands, self._a, self._b = hands, np.float32(a), np.float32(b)
        self._radii = ((radii - radii.mean()) / (spread if spread > 0 else 1.0)).astype(np.float32)
        self._strength = strength * float(hands.memberships.sum(dtype=np.float64)) / n
        self._measure = _measure(hands.places.shape[1])
        self._on_map, self._nearness = np.empty(n, np.float32), np.empty(n, np.float32)

    def look(self) -> tuple[Any, ...]:
        """Measure the radii on the map; returns the last arguments of :func:`attract_densely`, but the table of repulsion."""
        hands, on_map = self._hands, self._on_map
        self._measure(hands.places, hands.starts, hands.ends, self._a, self._b, on_map, self._nearness)
        deviation = float(np.sqrt(on_map.var(dtype=np.float64) + _VARIANCE_SHIFT))
        covariance = float((on_map.astype(np.float64) * self._radii).sum()) / max(1, len(self._radii) - 1)
        figures = (float(on_map.mean(dtype=np.float64)), covariance / deviation**2, self._strength / deviation)
        return (self._a, self._b, hands.memberships, self._radii, on_map, self._nearness, *(np.float32(figure) for figure in figures))

    @property
    def correlation(self) -> float:
        """How the radii on the map, when they were last looked at, go with those in the original space: from -1 to 1."""
        varied = self._on_map.std() > 0 and self._radii.std() > 0
        return float(np.corrcoef(self._on_map, self._radii)[0, 1]) if varied else 0.0


def log_radii(edges: Any, indices: NDArray[np.int32], distances: NDArray[np.float32]) -> NDArray[np.float64]:
    """Measure the logarithm of each row's radius in the original space.

    Parameters
    ----------
    edges : scipy.sparse.csr_matrix of shape (n, n), float32
        The fuzzy set, symmetric, its columns sorted.
    indices, distances : ndarray of shape (n, k), int32 and float32
        The neighbor graph that it was made of.

    Returns
    -------
    ndarray of shape (n,), float64
    """
    from scipy.sparse import csr_matrix

    n, k = indices.shape
    kept = distances.astype(np.float32).ravel() + np.float32(1e-30)  # a stored zero would be no edge
    directed = csr_matrix((kept, np.array(indices).ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    both = directed.maximum(directed.T).tocsr()
    both.sort_indices()
    rows = np.repeat(np.arange(n, dtype=np.int64), np.diff(edges.indptr))
    every = np.repeat(np.arange(n, dtype=np.int64), np.diff(both.indptr)) * n + both.indices
    lengths = both.data[np.searchsorted(every, rows * n + edges.indices)].astype(np.float64)
    squares = np.bincount(rows, weights=edges.data * lengths**2, minlength=n)
    return np.log(_SMALLEST + squares / np.maximum(np.bincount(rows, weights=edges.data, minlength=n), _SMALLEST))


def _measure(dimensions: int) -> Any:
    if dimensions == PLANE:
        return _map_radii
    from explorer.compute.umap_epochs_3d import map_radii

    return map_radii


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def _map_radii(places, starts, ends, a, b, radii, nearness):
    one = np.float32(1)
    for i in numba.prange(places.shape[0]):
        total, weight = np.float32(0), np.float32(0)
        for edge in range(starts[i], starts[i + 1]):
            j = ends[edge]
            dx, dy = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1]
            squared = dx * dx + dy * dy
            near = one / (one + a * squared**b)
            total += near * squared
            weight += near
        radii[i] = np.log(np.float32(_SMALLEST) + total / max(weight, np.float32(_SMALLEST)))
        nearness[i] = max(np.float32(2) * weight, np.float32(_SMALLEST))  # an edge counts from both of its ends


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def attract_densely(
    places,
    moved,
    first,
    last,
    starts,
    ends,
    every,
    due,
    epoch,
    alpha,
    seed,
    negatives,
    repulsion,
    a,
    b,
    memberships,
    radii,
    on_map,
    nearness,
    mean,
    slope,
    scale,
):
    """Do what :func:`explorer.compute.umap_epochs.attract` does, with the correction; what is new is of :meth:`Density.look`."""
    four, one, two = np.float32(4), np.float32(1), np.float32(2)
    for i in numba.prange(first, last):
        state = random_state(seed, epoch, i)
        x, y = places[i, 0], places[i, 1]
        own = radii[i] - slope * (on_map[i] - mean)
        for edge in range(starts[i - first], starts[i - first + 1]):
            if due[edge] > epoch:
                continue
            due[edge] += every[edge]
            j = ends[edge]
            dx, dy = x - places[j, 0], y - places[j, 1]
            squared = dx * dx + dy * dy
            px, py, state = pushed(places, i, x, y, state, alpha, repulsion, negatives)
            if squared > 0:
                power = squared**b
                near = one / (one + a * power)
                fall = a * b * power / squared * near
                steep = one - b * (one - near)
                theirs = radii[j] - slope * (on_map[j] - mean)
                own_move = near / nearness[i] * (steep / np.exp(on_map[i]) + fall)
                their_move = near / nearness[j] * (steep / np.exp(on_map[j]) + fall)
                correction = two * scale * (theirs * their_move + own * own_move) / memberships[edge]
                pull = four * alpha * fall
                pull /= one + two * pull
                px += two * alpha * min(max(correction * dx, -four), four) - pull * dx
                py += two * alpha * min(max(correction * dy, -four), four) - pull * dy
            x, y = x + px, y + py
        moved[i - first, 0], moved[i - first, 1] = x, y
