"""Sums in each pixel to RGBA: the kernels that decide how a picture looks.

``ground`` float32 (4,) is what a picture is drawn on: red, green and blue, and 1 for an opaque picture; 0 for a transparent one, with
straight (not premultiplied) alpha. ``out`` uint8 (pixels, 4) comes filled with it. ``clear`` float32 (pixels,) is how visible each pixel's
rows are at their depth, empty in a flat picture.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["GRAY", "blend", "shade_density", "shade_mixed", "shade_numbers"]

GREEN, RED, COUNT, BLUE = 0, 1, 2, 3
"""Columns of the sums, in the order in which :func:`explorer.render.accumulate.packed` leaves them in memory."""

GRAY = 0x88
"""Unselected rows and rows without a value: a gray that shows on white and on black."""


@njit(nogil=True, cache=True, inline="always")
def _opacity(amount, table):
    """Read the opacity of so many rows; a part of a disc's edge has a part of one row's."""
    if amount < 1:
        return amount * table[1]
    return table[np.uint64(min(np.int32(min(amount, np.float32(1 << 24))), table.size - 1))]


@njit(nogil=True, cache=True, inline="always")
def _put(out, at, red, green, blue, alpha, behind, ground):
    """Write one color over the gray context behind it and over the ground."""
    if ground[3] > 0:
        clear, half = np.float32(1) - alpha, np.float32(0.5)
        bare, gray = np.float32(1) - behind, np.float32(GRAY) * behind
        out[at, 0] = np.uint8(np.float32(red) * alpha + (ground[0] * bare + gray) * clear + half)
        out[at, 1] = np.uint8(np.float32(green) * alpha + (ground[1] * bare + gray) * clear + half)
        out[at, 2] = np.uint8(np.float32(blue) * alpha + (ground[2] * bare + gray) * clear + half)
        return
    if behind == 0:
        half = np.float32(0.5)
        out[at, 0], out[at, 1], out[at, 2] = np.uint8(red + half), np.uint8(green + half), np.uint8(blue + half)
        out[at, 3] = np.uint8(np.float32(255) * alpha + half)
        return
    under = behind * (np.float32(1) - alpha)
    total = alpha + under
    share, ground = alpha / total, np.float32(GRAY) * under / total + np.float32(0.5)
    out[at, 0] = np.uint8(np.float32(red) * share + ground)
    out[at, 1] = np.uint8(np.float32(green) * share + ground)
    out[at, 2] = np.uint8(np.float32(blue) * share + ground)
    out[at, 3] = np.uint8(np.float32(255) * total + np.float32(0.5))


@njit(nogil=True, cache=True)
def shade_mixed(sums, context, scale, table, context_table, ground, clear, lost, out):
    """Shade pixels whose color is the mean of their rows' colors.

    ``sums`` uint32 or float32 (pixels, 4): G, R, count, B, colors without their ``lost`` lowest bits; ``scale`` rows are counted for each
    one that was read; ``context`` may be empty.
    """
    for at in range(sums.shape[0]):
        count = sums[at, COUNT]
        behind = _opacity(np.float32(context[at]) * scale, context_table) if context.size else np.float32(0)
        if count > 0:
            part = np.float32(1 << lost) / np.float32(count)
            red, green, blue = np.float32(sums[at, RED]), np.float32(sums[at, GREEN]), np.float32(sums[at, BLUE])
            alpha = _opacity(np.float32(count) * scale, table) * (clear[at] if clear.size else np.float32(1))
            _put(out, at, red * part, green * part, blue * part, alpha, behind, ground)
        elif behind > 0:
            _put(out, at, np.float32(0), np.float32(0), np.float32(0), np.float32(0), behind, ground)


@njit(nogil=True, cache=True)
def shade_numbers(sums, context, scale, table, context_table, ground, clear, low, high, lut, out):
    """Shade pixels whose color stands for the mean of their rows' values; ``sums`` float64 (pixels, 2): value, count."""
    steps = 255.0 / (high - low)
    for at in range(sums.shape[0]):
        count = sums[at, 1]
        behind = _opacity(np.float32(context[at]) * scale, context_table) if context.size else np.float32(0)
        if count > 0:
            level = np.int64(min(max((sums[at, 0] / count - low) * steps, 0.0), 255.0) + 0.5)
            alpha = _opacity(np.float32(count) * scale, table) * (clear[at] if clear.size else np.float32(1))
            _put(out, at, lut[level, 0], lut[level, 1], lut[level, 2], alpha, behind, ground)
        elif behind > 0:
            _put(out, at, np.float32(0), np.float32(0), np.float32(0), np.float32(0), behind, ground)


@njit(nogil=True, cache=True)
def shade_density(sums, context, scale, table, context_table, ground, clear, lut, out):
    """Shade pixels whose color stands for the number of their rows; ``sums`` as in :func:`shade_mixed`."""
    least = table[1]
    steps = np.float32(255) / max(table[-1] - least, np.float32(1e-6))
    for at in range(sums.shape[0]):
        count = sums[at, COUNT]
        behind = _opacity(np.float32(context[at]) * scale, context_table) if context.size else np.float32(0)
        if count > 0:
            alpha = _opacity(np.float32(count) * scale, table)
            level = np.int64(min(max((alpha - least) * steps, np.float32(0)), np.float32(255)))
            alpha *= clear[at] if clear.size else np.float32(1)
            _put(out, at, lut[level, 0], lut[level, 1], lut[level, 2], alpha, behind, ground)
        elif behind > 0:
            _put(out, at, np.float32(0), np.float32(0), np.float32(0), np.float32(0), behind, ground)


@njit(nogil=True, cache=True)
def blend(rgba, red, green, blue, out):
    """Blend a picture with one opaque color; ``rgba`` and ``out`` uint8 (pixels, 4), the last byte of ``out`` is 255."""
    for at in range(rgba.shape[0]):
        alpha = np.uint32(rgba[at, 3])
        if alpha == 0:
            out[at, 0], out[at, 1], out[at, 2], out[at, 3] = red, green, blue, 255
            continue
        rest = np.uint32(255) - alpha
        out[at, 0] = (np.uint32(rgba[at, 0]) * alpha + red * rest + np.uint32(127)) // np.uint32(255)
        out[at, 1] = (np.uint32(rgba[at, 1]) * alpha + green * rest + np.uint32(127)) // np.uint32(255)
        out[at, 2] = (np.uint32(rgba[at, 2]) * alpha + blue * rest + np.uint32(127)) // np.uint32(255)
        out[at, 3] = 255
