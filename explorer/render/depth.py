"""Rows at a depth: near ones have more ink and lie over far ones; the kernels of pictures of a turning cloud.

A row is visible by how near it is, from ``FARTHEST`` to 1. A pixel's color is the mean of its rows', weighted by the squares of their
visibilities, so that what is near covers what is far without hiding it; its opacity is that of so many rows, times the root of the mean
square. Depths are float32 (m,) in index order, -1 farthest to 1 nearest. Else these kernels are as those of
:mod:`explorer.render.accumulate` and find the same pixels; a flat picture never comes here.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def, assignment, call-overload"

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.render.accumulate import visible
from explorer.render.layout_index import BLOCK

__all__ = ["FARTHEST", "GROWTH", "inks_of", "leveled", "paint", "sum_deep_colors", "sum_deep_numbers", "visibility"]

FARTHEST: Final = 0.25
"""Visibility of the farthest rows: they are still seen."""

GROWTH: Final = 0.35
"""How much larger the nearest disc is than one in the middle, and how much smaller the farthest."""

_MIDDLE: Final = 0.75  # visibility in the middle
_RISE: Final = 0.55  # in a radius; what is nearer than half a radius is seen as in a flat picture
_OWN: Final = 4.0  # a row that is chosen is before every one that is not


def visibility(depths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say how visible rows at these depths are; a NaN is as far as can be."""
    return np.clip(np.nan_to_num(_MIDDLE + _RISE * depths, nan=FARTHEST), FARTHEST, 1).astype(np.float32)


def inks_of(lut: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Make the colors ready for :func:`sum_deep_colors`: float32 (512, 4): G, R, 1, B; from 256 on nothing, for rows not chosen."""
    inks = np.zeros((512, 4), np.float32)
    inks[: len(lut)] = np.stack([lut[:, 1], lut[:, 0], np.ones(len(lut)), lut[:, 2]], axis=1)
    return inks


@njit(nogil=True, cache=True)
def _weigh(depths, weights):
    """Find the weight of each row of a block: the square of its visibility; written so that it compiles to vector instructions."""
    least, most, middle, rise = np.float32(FARTHEST), np.float32(1), np.float32(_MIDDLE), np.float32(_RISE)
    for i in range(depths.size):
        seen = middle + rise * depths[i]
        seen = seen if seen > least else least
        seen = seen if seen < most else most
        weights[i] = seen * seen


@njit(nogil=True, cache=True)
def sum_deep_colors(
    x, y, boxes, view, width, height, step, shown, shown_bits, chosen, chosen_bits, slots, slot_bits, inks, depths, sums, amounts, context,
    nearest, ids,
):  # fmt: skip
    """Sum weighted colors and weights of the chosen rows, count them, sum the others' weights, note the nearest row of each pixel.

    ``sums`` float32 (pixels, 4): G, R, weight, B; ``amounts`` float32 (pixels,): how many chosen rows; ``context`` float32 (pixels,) may be
    empty where nothing is chosen, ``ids`` int32 and ``nearest`` float32 (pixels,), filled with less than any depth, where no ids are
    wanted. A pixel of more than 30 million rows is not summed rightly. Returns how many rows are visible.
    """
    pixels, kept, weights = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32), np.empty(BLOCK, np.float32)
    n_visible, one = 0, np.uint64(1)
    for b in range(boxes.shape[0]):
        n = visible(x, y, boxes, b, view, width, height, step, shown, shown_bits, pixels, kept)
        n_visible += n
        first = b * BLOCK
        _weigh(depths[first : first + BLOCK], weights)
        if not chosen_bits:
            for j in range(n):
                at, weight = np.uint64(pixels[j]), weights[np.uint64(kept[j] - first)]
                slot = np.uint64(slots[np.uint64(kept[j] & slot_bits)])
                for c in range(4):
                    sums[at, c] += weight * inks[slot, c]
                amounts[at] += np.float32(1)
        else:
            for j in range(n):
                at, weight = np.uint64(pixels[j]), weights[np.uint64(kept[j] - first)]
                other = one - np.uint64(chosen[np.uint64(kept[j])])
                slot = np.uint64(slots[np.uint64(kept[j] & slot_bits)]) | (other << np.uint64(8))
                for c in range(4):
                    sums[at, c] += weight * inks[slot, c]
                amounts[at] += inks[slot, 2]
                context[at] += weight * np.float32(other)
        if ids.size:
            for j in range(n):
                at, i = np.uint64(pixels[j]), np.uint64(kept[j])
                rank = depths[i] + np.float32(_OWN) * np.float32(chosen[np.uint64(kept[j] & chosen_bits)])
                if rank > nearest[at]:
                    nearest[at], ids[at] = rank, kept[j]
    return n_visible


@njit(nogil=True, cache=True)
def sum_deep_numbers(
    x, y, boxes, view, width, height, step, shown, shown_bits, chosen, chosen_bits, values, depths, sums, amounts, context, nearest, ids
):  # fmt: skip
    """Sum weighted values and weights of the chosen rows that have a value; ``sums`` float64 (pixels, 2).

    Else as :func:`sum_deep_colors`, but ``context`` is never empty.
    """
    pixels, kept, weights = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32), np.empty(BLOCK, np.float32)
    n_visible = 0
    for b in range(boxes.shape[0]):
        n = visible(x, y, boxes, b, view, width, height, step, shown, shown_bits, pixels, kept)
        n_visible += n
        first = b * BLOCK
        _weigh(depths[first : first + BLOCK], weights)
        for j in range(n):
            at, value, weight = (
                np.uint64(pixels[j]),
                np.float64(values[np.uint64(kept[j])]),
                np.float64(weights[np.uint64(kept[j] - first)]),
            )
            own = chosen[np.uint64(kept[j] & chosen_bits)] and not np.isnan(value)
            sums[at, 0] += weight * value if own else 0.0
            sums[at, 1] += weight if own else 0.0
            amounts[at] += np.float32(own)
            context[at] += np.float32(0) if own else np.float32(weight)
        if ids.size:
            for j in range(n):
                at, i = np.uint64(pixels[j]), np.uint64(kept[j])
                own = chosen[np.uint64(kept[j] & chosen_bits)] and not np.isnan(values[i])
                rank = depths[i] + np.float32(_OWN) * np.float32(own)
                if rank > nearest[at]:
                    nearest[at], ids[at] = rank, kept[j]
    return n_visible


@njit(nogil=True, cache=True)
def leveled(sums, amounts, weight, clear):
    """Turn weights into counts, in place, so that sums are those of a flat picture; ``clear`` float32 (pixels,) gets the visibilities.

    ``weight`` says which column of the sums holds the weights.
    """
    for at in range(sums.shape[0]):
        weights = sums[at, weight]
        if amounts[at] > 0 and weights > 0:
            share = amounts[at] / weights
            for c in range(sums.shape[1]):
                sums[at, c] *= share
            sums[at, weight] = amounts[at]
            clear[at] = min(np.sqrt(weights / amounts[at]), np.float32(1))


@njit(nogil=True, cache=True)
def paint(at_x, at_y, inks, chosen, seen, radii, width, height, sums, clear, context):
    """Draw antialiased discs over each other, in the order given: far to near.

    As :func:`explorer.render.accumulate.splat`, with a radius and a visibility for each, float32 (v,). What a disc covers has its color and
    its visibility; in ``clear`` float32 (pixels,) are those of the pixels.
    """
    half, one = np.float32(0.5), np.float32(1)
    for i in range(at_x.size):
        x, y, reach = at_x[i] - half, at_y[i] - half, radii[i] + half
        left, right = max(0, np.int64(np.ceil(x - reach))), min(width - 1, np.int64(np.floor(x + reach)))
        top, bottom = max(0, np.int64(np.ceil(y - reach))), min(height - 1, np.int64(np.floor(y + reach)))
        for py in range(top, bottom + 1):
            dy = np.float32(py) - y
            for px in range(left, right + 1):
                dx = np.float32(px) - x
                cover = min(max(reach - np.sqrt(dx * dx + dy * dy), np.float32(0)), one)
                at = np.uint64(py * width + px)
                if not chosen[i]:
                    context[at] += cover * seen[i] * seen[i]
                    continue
                before = sums[at, 2]
                amount = before + cover
                if cover <= 0:
                    continue
                kept = (one - cover) * amount / before if before > 0 else np.float32(0)
                new = cover * amount if before > 0 else cover
                for c in range(4):
                    sums[at, c] = kept * sums[at, c] + new * inks[i, c]
                sums[at, 2] = amount
                clear[at] = (one - cover) * clear[at] + cover * seen[i] if before > 0 else seen[i]
