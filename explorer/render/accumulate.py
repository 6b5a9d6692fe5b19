"""Sums over the rows in each pixel: the kernels that read rows; they never decide how a picture looks.

All kernels are sequential and run without the GIL, so that several frames are drawn at once by the caller's threads. A pixel is found exactly as
Datashader's ``Canvas.points`` does: inclusive bounds, ``int(x * scale + translate)`` in float64, the upper edge in the last pixel; line 0 is the top.

Optional per-row columns are passed as arrays of one element with ``bits`` 0: ``column[i & bits]`` then always reads that one, without a branch.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

from explorer.render.layout_index import BLOCK

__all__ = ["gather_visible", "splat", "sum_colors", "sum_numbers"]

HIDDEN, CUT, INSIDE = 0, 1, 2


@njit(nogil=True, cache=True, inline="always")
def _block_place(box, x0, x1, y0, y1):
    """Say whether a block lies outside the view, across its edge or inside."""
    if not (box[0] <= x1 and box[1] >= x0 and box[2] <= y1 and box[3] >= y0):
        return HIDDEN
    return INSIDE if box[0] >= x0 and box[1] <= x1 and box[2] >= y0 and box[3] <= y1 else CUT


@njit(nogil=True, cache=True, inline="always")
def _pixel(x, y, sx, tx, sy, ty, width, height):
    """Find the flat pixel number of a row that lies in the view."""
    px = min(max(np.int64(np.float64(x) * sx + tx), 0), width - 1)
    py = min(max(np.int64(np.float64(y) * sy + ty), 0), height - 1)
    return np.uint64((height - 1 - py) * width + px)


@njit(nogil=True, cache=True)
def sum_colors(x, y, boxes, view, width, height, step, slots, slot_bits, lut, shown, shown_bits, chosen, chosen_bits, sums, context, ids, id_bits):
    """Sum count and colors of the chosen rows, count the others, note one row a pixel; return how many rows are visible.

    ``lut`` uint32 (256, 4): R, G, B, 1; ``sums`` uint32 (pixels, 4), ``context`` uint32 (pixels,), ``ids`` int32 (pixels,) or one element.
    """
    x0, x1, y0, y1 = view
    sx, sy = width / (x1 - x0), height / (y1 - y0)
    tx, ty = -x0 * sx, -y0 * sy
    n_visible = 0
    for b in range(boxes.shape[0]):
        place = _block_place(boxes[b], x0, x1, y0, y1)
        if place == HIDDEN:
            continue
        for i in range(b * BLOCK + (-b * BLOCK) % step, min(b * BLOCK + BLOCK, x.size), step):
            if place == CUT and not (x0 <= x[i] <= x1 and y0 <= y[i] <= y1):
                continue
            if not shown[i & shown_bits]:
                continue
            at = _pixel(x[i], y[i], sx, tx, sy, ty, width, height)
            n_visible += 1
            if chosen[i & chosen_bits]:
                slot = np.uint64(slots[i & slot_bits])
                red, green, blue, one = lut[slot, 0], lut[slot, 1], lut[slot, 2], lut[slot, 3]
                red += sums[at, 0]
                green += sums[at, 1]
                blue += sums[at, 2]
                one += sums[at, 3]
                sums[at, 0], sums[at, 1], sums[at, 2], sums[at, 3] = red, green, blue, one
                ids[at & id_bits] = i
            else:
                context[at] += np.uint32(1)
                if sums[at, 3] == 0:
                    ids[at & id_bits] = i
    return n_visible


@njit(nogil=True, cache=True)
def sum_numbers(x, y, boxes, view, width, height, step, values, shown, shown_bits, chosen, chosen_bits, sums, context, ids, id_bits):
    """Sum value and count of the chosen rows that have one, count the others; ``sums`` float64 (pixels, 2), else as :func:`sum_colors`."""
    x0, x1, y0, y1 = view
    sx, sy = width / (x1 - x0), height / (y1 - y0)
    tx, ty = -x0 * sx, -y0 * sy
    n_visible = 0
    for b in range(boxes.shape[0]):
        place = _block_place(boxes[b], x0, x1, y0, y1)
        if place == HIDDEN:
            continue
        for i in range(b * BLOCK + (-b * BLOCK) % step, min(b * BLOCK + BLOCK, x.size), step):
            if place == CUT and not (x0 <= x[i] <= x1 and y0 <= y[i] <= y1):
                continue
            if not shown[i & shown_bits]:
                continue
            at = _pixel(x[i], y[i], sx, tx, sy, ty, width, height)
            n_visible += 1
            if chosen[i & chosen_bits] and values[i] == values[i]:
                sums[at, 0] += values[i]
                sums[at, 1] += 1.0
                ids[at & id_bits] = i
            else:
                context[at] += np.uint32(1)
                if sums[at, 1] == 0.0:
                    ids[at & id_bits] = i
    return n_visible


@njit(nogil=True, cache=True)
def gather_visible(x, y, boxes, view, step, shown, shown_bits, limit):
    """List the places (in index order) of the rows in the view, ``limit`` of them at most; one more than that says there are more."""
    x0, x1, y0, y1 = view
    found = np.empty(limit + 1, np.int64)
    n = 0
    for b in range(boxes.shape[0]):
        if _block_place(boxes[b], x0, x1, y0, y1) == HIDDEN:
            continue
        for i in range(b * BLOCK + (-b * BLOCK) % step, min(b * BLOCK + BLOCK, x.size), step):
            if x0 <= x[i] <= x1 and y0 <= y[i] <= y1 and shown[i & shown_bits]:
                if n > limit:
                    return found
                found[n] = i
                n += 1
    return found[:n]


@njit(nogil=True, cache=True)
def splat(at_x, at_y, colors, chosen, radius, width, height, sums, context):
    """Draw antialiased discs: add each row's coverage of the pixels around it.

    ``at_x``, ``at_y`` float64 (v,): centers in pixels, line 0 at the top; ``colors`` uint8 (v, 3); ``sums`` float32 (pixels, 4), ``context`` float32.
    """
    reach = radius + 0.5
    for i in range(at_x.size):
        left, right = max(0, np.int64(np.floor(at_x[i] - reach))), min(width - 1, np.int64(np.floor(at_x[i] + reach)))
        top, bottom = max(0, np.int64(np.floor(at_y[i] - reach))), min(height - 1, np.int64(np.floor(at_y[i] + reach)))
        for py in range(top, bottom + 1):
            for px in range(left, right + 1):
                distance = np.sqrt((px + 0.5 - at_x[i]) ** 2 + (py + 0.5 - at_y[i]) ** 2)
                cover = np.float32(min(max(reach - distance, 0.0), 1.0))
                at = py * width + px
                if not chosen[i]:
                    context[at] += cover
                    continue
                sums[at, 3] += cover
                for c in range(3):
                    sums[at, c] += cover * colors[i, c]
