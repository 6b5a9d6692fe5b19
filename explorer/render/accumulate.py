"""Sums over the rows in each pixel: the kernels that read rows; they never decide how a picture looks.

All kernels are sequential and run without the GIL, so that several frames are drawn at once by the caller's threads. A pixel is found
exactly as Datashader's ``Canvas.points`` does: inclusive bounds, ``int(x * scale + translate)`` in float64, the upper edge in the last
pixel; line 0 is the top.

A block's pixels are found first, all at once, then its rows are added to them: the first loop compiles to vector instructions, and together
they take a third of the time of one loop. Optional columns are passed as arrays of one element with ``bits`` 0: ``column[i & bits]`` then
always reads that one, without a branch.
"""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def, assignment, call-overload"

from __future__ import annotations

import numpy as np
from numba import njit

from explorer.render.layout_index import BLOCK

__all__ = ["gather_visible", "packed", "splat", "sum_colors", "sum_numbers", "visible", "widen"]

HIDDEN, CUT, INSIDE = 0, 1, 2


def packed(lut, n_rows):
    """Pack colors for :func:`sum_colors`, two 32-bit sums in a uint64.

    Parameters
    ----------
    lut : ndarray of shape (s, 3), uint8
    n_rows : int
        The most rows that one pixel may get. Beyond 16 million the sums would overflow, so colors lose a bit each time it doubles.

    Returns
    -------
    tuple of ndarray of shape (512, 2), uint64, and int
        The colors, from 256 on nothing (what a row that is not chosen adds), and the number of bits they lost.
    """
    lost = max(0, int(n_rows).bit_length() - 24)
    red, green, blue = (lut[:, c].astype(np.uint64) >> np.uint64(lost) for c in range(3))
    high = np.uint64(32)
    colors = np.zeros((512, 2), np.uint64)
    colors[: len(lut)] = np.stack([red << high | green, blue << high | np.uint64(1)], axis=1)
    return colors, lost


@njit(nogil=True, cache=True)
def _block_place(box, view):
    """Say whether a block lies outside the view, across its edge or inside."""
    x0, x1, y0, y1 = view
    if not (box[0] <= x1 and box[1] >= x0 and box[2] <= y1 and box[3] >= y0):
        return HIDDEN
    return INSIDE if box[0] >= x0 and box[1] <= x1 and box[2] >= y0 and box[3] <= y1 else CUT


@njit(nogil=True, cache=True)
def _find(x, y, view, place, width, height, pixels):
    """Find the flat pixel number of each row of a block, -1 outside the view; written so that it compiles to vector instructions."""
    x0, x1, y0, y1 = view
    sx, sy = width / (x1 - x0), height / (y1 - y0)
    tx, ty = -x0 * sx, -y0 * sy
    zero, line, right, top = np.int32(0), np.int32(width), np.int32(width - 1), np.int32(height - 1)
    for i in range(x.size):
        px = max(min(np.int32(np.float64(x[i]) * sx + tx), right), zero)
        py = max(min(np.int32(np.float64(y[i]) * sy + ty), top), zero)
        pixels[i] = (top - py) * line + px
    if place == CUT:
        for i in range(x.size):
            if not (x0 <= x[i] <= x1 and y0 <= y[i] <= y1):
                pixels[i] = -1


@njit(nogil=True, cache=True)
def _keep(first, step, n, shown, shown_bits, pixels, kept):
    """Keep the rows that are in the view and shown: move their pixels to the front, list their places, return how many. No branch."""
    n_kept = 0
    for j in range(n):
        pixel, i = pixels[j], first + j * step
        pixels[n_kept], kept[n_kept] = pixel, i
        n_kept += np.int64(pixel >= 0) & np.int64(shown[i & shown_bits])
    return n_kept


@njit(nogil=True, cache=True)
def visible(x, y, boxes, b, view, width, height, step, shown, shown_bits, pixels, kept):
    """Find a block's visible rows: ``pixels`` and ``kept`` get their pixels and their places in the index; return how many there are."""
    place = _block_place(boxes[b], view)
    first, last = b * BLOCK + (-b * BLOCK) % step, min(b * BLOCK + BLOCK, x.size)
    if place == HIDDEN or first >= last:
        return 0
    if step == 1:
        _find(x[first:last], y[first:last], view, place, width, height, pixels)
    else:
        _find(x[first:last:step], y[first:last:step], view, place, width, height, pixels)
    n = (last - first + step - 1) // step
    if place == CUT or shown_bits:
        return _keep(first, step, n, shown, shown_bits, pixels, kept)
    for j in range(n):
        kept[j] = first + j * step
    return n


@njit(nogil=True, cache=True)
def sum_colors(x, y, boxes, view, width, height, step, shown, shown_bits, chosen, chosen_bits, slots, slot_bits, lut, sums, context, ids):
    """Sum colors and count of the chosen rows, count the others, note one row a pixel; return how many rows are visible.

    ``lut`` uint64 (512, 2) and ``sums`` uint64 (pixels, 2) hold two numbers each: R and G, B and count (see :func:`packed`);
    ``context`` uint32 (pixels,) and ``ids`` int32 (pixels,) may be empty where nothing is chosen or no ids are wanted.
    """
    pixels, kept = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    n_visible, one = 0, np.uint64(1)
    for b in range(boxes.shape[0]):
        n = visible(x, y, boxes, b, view, width, height, step, shown, shown_bits, pixels, kept)
        n_visible += n
        if not chosen_bits:
            for j in range(n):
                at, slot = np.uint64(pixels[j]), np.uint64(slots[np.uint64(kept[j] & slot_bits)])
                sums[at, 0] += lut[slot, 0]
                sums[at, 1] += lut[slot, 1]
            if ids.size:
                for j in range(n):
                    ids[np.uint64(pixels[j])] = kept[j]
            continue
        for j in range(n):
            at, i = np.uint64(pixels[j]), np.uint64(kept[j])
            other = one - np.uint64(chosen[i])
            slot = np.uint64(slots[np.uint64(kept[j] & slot_bits)]) | (other << np.uint64(8))
            sums[at, 0] += lut[slot, 0]
            sums[at, 1] += lut[slot, 1]
            context[at] += np.uint32(other)
        if ids.size:
            for j in range(n):
                at, i = np.uint64(pixels[j]), np.uint64(kept[j])
                ids[at] = kept[j] if chosen[i] or np.uint32(sums[at, 1]) == 0 else ids[at]
    return n_visible


@njit(nogil=True, cache=True)
def sum_numbers(x, y, boxes, view, width, height, step, shown, shown_bits, chosen, chosen_bits, values, sums, context, ids):
    """Sum value and count of the chosen rows that have a value, count the others; ``sums`` float64 (pixels, 2).

    Else as :func:`sum_colors`, but ``context`` is never empty.
    """
    pixels, kept = np.empty(BLOCK, np.int32), np.empty(BLOCK, np.int32)
    n_visible = 0
    for b in range(boxes.shape[0]):
        n = visible(x, y, boxes, b, view, width, height, step, shown, shown_bits, pixels, kept)
        n_visible += n
        for j in range(n):
            at, value = np.uint64(pixels[j]), np.float64(values[np.uint64(kept[j])])
            own = chosen[np.uint64(kept[j] & chosen_bits)] and not np.isnan(value)
            sums[at, 0] += value if own else 0.0
            sums[at, 1] += np.float64(own)
            context[at] += np.uint32(not own)
        if ids.size:
            for j in range(n):
                at, i = np.uint64(pixels[j]), np.uint64(kept[j])
                own = chosen[np.uint64(kept[j] & chosen_bits)] and not np.isnan(values[i])
                ids[at] = kept[j] if own or sums[at, 1] == 0.0 else ids[at]
    return n_visible


@njit(nogil=True, cache=True)
def gather_visible(x, y, boxes, view, step, shown, shown_bits, limit):
    """List the places (in index order) of the rows in the view; once there are more than ``limit``, as many more as a block has."""
    x0, x1, y0, y1 = view
    found = np.empty(limit + BLOCK + 1, np.int64)
    n = 0
    for b in range(boxes.shape[0]):
        if _block_place(boxes[b], view) == HIDDEN:
            continue
        if n > limit:
            break
        for i in range(b * BLOCK + (-b * BLOCK) % step, min(b * BLOCK + BLOCK, x.size), step):
            found[n] = i
            inside = np.int64(x0 <= x[i]) & np.int64(x[i] <= x1) & np.int64(y0 <= y[i]) & np.int64(y[i] <= y1)
            n += inside & np.int64(shown[i & shown_bits])
    return found[:n]


@njit(nogil=True, cache=True)
def splat(at_x, at_y, inks, chosen, radius, width, height, sums, context):
    """Draw antialiased discs: add each row's coverage of the pixels around it.

    ``at_x``, ``at_y`` float32 (v,): centers in pixels, line 0 at the top; ``inks`` float32 (v, 4) and ``sums`` float32 (pixels, 4): G, R,
    count, B; ``context`` float32 (pixels,).
    """
    reach, half = np.float32(radius + 0.5), np.float32(0.5)
    for i in range(at_x.size):
        x, y = at_x[i] - half, at_y[i] - half
        left, right = max(0, np.int64(np.ceil(x - reach))), min(width - 1, np.int64(np.floor(x + reach)))
        top, bottom = max(0, np.int64(np.ceil(y - reach))), min(height - 1, np.int64(np.floor(y + reach)))
        for py in range(top, bottom + 1):
            dy = np.float32(py) - y
            for px in range(left, right + 1):
                dx = np.float32(px) - x
                cover = min(max(reach - np.sqrt(dx * dx + dy * dy), np.float32(0)), np.float32(1))
                at = np.uint64(py * width + px)
                if chosen[i]:
                    for c in range(4):
                        sums[at, c] += cover * inks[i, c]
                else:
                    context[at] += cover


@njit(nogil=True, cache=True)
def widen(sums, across):
    """Give each row a square of ``across`` x ``across`` pixels instead of one, in place: ``sums`` (height, width, c)."""
    height, width, n = sums.shape
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):  # backward: what lies left and above still holds single pixels
            for left in range(max(x - across + 1, 0), x):
                for c in range(n):
                    sums[y, x, c] += sums[y, left, c]
    for y in range(height - 1, 0, -1):
        for above in range(max(y - across + 1, 0), y):
            for x in range(width):
                for c in range(n):
                    sums[y, x, c] += sums[above, x, c]
