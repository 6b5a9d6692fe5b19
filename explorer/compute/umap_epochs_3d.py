"""UMAP's epochs in three dimensions: the kernels of :mod:`umap_epochs` and :mod:`umap_density` once more, with a third coordinate.

They are written out, not made general, so that the flat map's kernels stay as they are, as fast and the same to the last bit.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numba
import numpy as np

from explorer.compute.umap_epochs import place_in_table, random_state

__all__ = ["attract", "attract_densely", "map_radii"]

_SMALLEST = 1e-8


@numba.njit(fastmath=True, nogil=True, cache=True, inline="always")
def _pushed(places, row, x, y, z, state, alpha, repulsion, negatives):
    """Push a row at (x, y, z) away from random other ones: by how much, and the next random state."""
    n = np.uint64(places.shape[0])
    four = np.float32(4)
    px, py, pz = np.float32(0), np.float32(0), np.float32(0)
    for _ in range(negatives):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        other = np.int64(((state >> np.uint64(32)) * n) >> np.uint64(32))
        dx, dy, dz = x - places[other, 0], y - places[other, 1], z - places[other, 2]
        squared = dx * dx + dy * dy + dz * dz
        if squared > 0 and other != row:
            push = repulsion[place_in_table(squared, repulsion.size)]
            if push * push * squared > four * four:  # few are so near that they have to be held back
                px += min(max(push * dx, -four), four)
                py += min(max(push * dy, -four), four)
                pz += min(max(push * dz, -four), four)
            else:
                px += push * dx
                py += push * dy
                pz += push * dz
    return alpha * px, alpha * py, alpha * pz, state


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def attract(places, moved, first, last, starts, ends, every, due, epoch, alpha, seed, negatives, pulled, repulsion):
    """Do what :func:`explorer.compute.umap_epochs.attract` does with ``places`` (n, 3) and ``moved`` (last - first, 3)."""
    for i in numba.prange(first, last):
        state = random_state(seed, epoch, i)
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        for edge in range(starts[i - first], starts[i - first + 1]):
            if due[edge] > epoch:
                continue
            due[edge] += every[edge]
            j = ends[edge]
            dx, dy, dz = x - places[j, 0], y - places[j, 1], z - places[j, 2]
            at = place_in_table(dx * dx + dy * dy + dz * dz, pulled.size)
            px, py, pz, state = _pushed(places, i, x, y, z, state, alpha, repulsion, negatives)
            x, y, z = x - pulled[at] * dx + px, y - pulled[at] * dy + py, z - pulled[at] * dz + pz
        moved[i - first, 0], moved[i - first, 1], moved[i - first, 2] = x, y, z


@numba.njit(parallel=True, fastmath=True, nogil=True, cache=True)
def map_radii(places, starts, ends, a, b, radii, nearness):
    """Measure how far the neighbors of each row are on the map, as :class:`explorer.compute.umap_density.Density` wants it."""
    one = np.float32(1)
    for i in numba.prange(places.shape[0]):
        total, weight = np.float32(0), np.float32(0)
        for edge in range(starts[i], starts[i + 1]):
            j = ends[edge]
            dx, dy, dz = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1], places[i, 2] - places[j, 2]
            squared = dx * dx + dy * dy + dz * dz
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
    """Do what :func:`explorer.compute.umap_density.attract_densely` does with ``places`` (n, 3) and ``moved`` (last - first, 3)."""
    four, one, two = np.float32(4), np.float32(1), np.float32(2)
    for i in numba.prange(first, last):
        state = random_state(seed, epoch, i)
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        own = radii[i] - slope * (on_map[i] - mean)
        for edge in range(starts[i - first], starts[i - first + 1]):
            if due[edge] > epoch:
                continue
            due[edge] += every[edge]
            j = ends[edge]
            dx, dy, dz = x - places[j, 0], y - places[j, 1], z - places[j, 2]
            squared = dx * dx + dy * dy + dz * dz
            px, py, pz, state = _pushed(places, i, x, y, z, state, alpha, repulsion, negatives)
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
                pz += two * alpha * min(max(correction * dz, -four), four) - pull * dz
            x, y, z = x + px, y + py, z + pz
        moved[i - first, 0], moved[i - first, 1], moved[i - first, 2] = x, y, z
