"""Communities of a weighted graph: groups that have more weight within than chance would give them; knows no rows and no names.

What is weighed is modularity with a resolution (Reichardt and Bornholdt 2006), by moving nodes one after another as Louvain and Leiden do:
a node goes where it gains most, and its neighbors are looked at again. Nothing is random, and nothing parallel.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from explorer.compute.progress import ShouldStop, Stopped, never

__all__ = ["aggregated", "moved", "numbered"]

_VISITS: Final = 200_000  # of nodes between two questions whether to stop
_MOST_VISITS: Final = 30  # of each node on average: it settles after a handful


def moved(
    graph: Any, mass: NDArray[np.float64], resolution: float, start: NDArray[np.int32] | None = None, *, should_stop: ShouldStop = never
) -> NDArray[np.int32]:
    """Move each node to the community where it gains most, until none gains anything.

    Parameters
    ----------
    graph : scipy.sparse.csr_matrix of shape (n, n), float64
        Symmetric weights; the diagonal does not matter.
    mass : ndarray of shape (n,), float64
        What each node weighs: at first the sum of its edges.
    resolution : float
        The more, the smaller the communities.
    start : ndarray of shape (n,), int32, optional
        Communities to begin with, 0 to n - 1; each node its own by default.
    should_stop : callable, optional
        Asked now and then.

    Returns
    -------
    ndarray of shape (n,), int32
        Numbers from 0 to c - 1, in the order in which communities come up.

    Raises
    ------
    Stopped
    """
    n = graph.shape[0]
    community = np.arange(n, dtype=np.int32) if start is None else start.astype(np.int32)
    masses = np.bincount(community, mass, n)
    scale = resolution / max(float(mass.sum()), 1e-300)
    queue, waits = np.arange(n, dtype=np.int32), np.ones(n, np.bool_)
    weight, touched = np.zeros(n), np.empty(n, np.int32)
    state = np.array([0, n], np.int64)  # where the queue begins, and how long it is
    for _ in range(1 + _MOST_VISITS * n // _VISITS):
        if should_stop():
            raise Stopped
        _move(graph.indptr, graph.indices, graph.data, mass, scale, community, masses, queue, waits, state, weight, touched, _VISITS)
        if not state[1]:
            break
    return numbered(community)


def numbered(community: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give communities numbers from 0 on, in the order in which they come up."""
    _, first, place = np.unique(community, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    return rank[place]


def aggregated(graph: Any, community: NDArray[np.int32]) -> Any:
    """Make a node of each community: the graph of the sums of their edges, (c, c), the diagonal left out."""
    from scipy.sparse import coo_matrix

    c = int(community.max(initial=-1)) + 1
    rows = np.repeat(community, np.diff(graph.indptr))
    columns = community[graph.indices]
    between = rows != columns
    made = coo_matrix((graph.data[between], (rows[between], columns[between])), shape=(c, c)).tocsr()
    made.sum_duplicates()
    return made


@numba.njit(cache=True, nogil=True)
def _move(starts, ends, weights, mass, scale, community, masses, queue, waits, state, weight, touched, visits):
    n = len(mass)
    head, length = state[0], state[1]
    while length > 0 and visits > 0:
        node = queue[head]
        head, length, visits = (head + 1) % n, length - 1, visits - 1
        waits[node] = False
        own = community[node]
        goal = _best(node, own, starts, ends, weights, mass[node] * scale, community, masses, mass, weight, touched)
        if goal == own:
            continue
        masses[own] -= mass[node]
        masses[goal] += mass[node]
        community[node] = goal
        for at in range(starts[node], starts[node + 1]):
            other = ends[at]
            if not waits[other] and community[other] != goal:
                waits[other] = True
                queue[(head + length) % n] = other
                length += 1
    state[0], state[1] = head, length


@numba.njit(cache=True, nogil=True)
def _best(node, own, starts, ends, weights, cost, community, masses, mass, weight, touched):
    """Find the community where a node gains most; its own where no other is better."""
    n_touched = 0
    for at in range(starts[node], starts[node + 1]):
        other = ends[at]
        if other == node:
            continue
        where = community[other]
        if weight[where] == 0.0:
            touched[n_touched] = where
            n_touched += 1
        weight[where] += weights[at]
    best, most = own, weight[own] - cost * (masses[own] - mass[node])
    for at in range(n_touched):
        where = touched[at]
        gain = weight[where] - cost * masses[where]
        if where != own and gain > most + 1e-12:
            best, most = where, gain
    for at in range(n_touched):
        weight[touched[at]] = 0.0
    return best
