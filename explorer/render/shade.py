"""Sums in each pixel to RGBA: the kernels that decide how a picture looks; straight (not premultiplied) alpha on a transparent ground."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["GRAY", "blend", "shade_density", "shade_mixed", "shade_numbers"]

GRAY = 0x88
"""Unselected rows and rows without a value: a gray that shows on white and on black."""


@njit(nogil=True, cache=True, inline="always")
def _opacity(amount, table):
    """Read the opacity of so many rows; a part of a disc's edge has a part of one row's."""
    if amount < 1:
        return np.float32(amount) * table[1]
    return table[min(np.int64(amount), table.size - 1)]


@njit(nogil=True, cache=True, inline="always")
def _put(out, at, red, green, blue, alpha, behind):
    """Write one color over the gray context behind it."""
    under = behind * (np.float32(1) - alpha)
    total = alpha + under
    if total <= 0:
        out[at, 0] = out[at, 1] = out[at, 2] = out[at, 3] = 0
        return
    share, ground = alpha / total, np.float32(GRAY) * under / total + np.float32(0.5)
    out[at, 0] = np.uint8(np.float32(red) * share + ground)
    out[at, 1] = np.uint8(np.float32(green) * share + ground)
    out[at, 2] = np.uint8(np.float32(blue) * share + ground)
    out[at, 3] = np.uint8(np.float32(255) * total + np.float32(0.5))


@njit(nogil=True, cache=True)
def shade_mixed(sums, context, has_context, scale, table, context_table, out):
    """Shade pixels whose color is the mean of their rows' colors; ``scale`` rows are counted for each one that was read."""
    for at in range(sums.shape[0]):
        count = sums[at, 3]
        behind = _opacity(context[at] * scale, context_table) if has_context else np.float32(0)
        if count > 0:
            part = np.float32(1) / np.float32(count)
            red, green, blue = np.float32(sums[at, 0]), np.float32(sums[at, 1]), np.float32(sums[at, 2])
            _put(out, at, red * part, green * part, blue * part, _opacity(count * scale, table), behind)
        else:
            _put(out, at, 0, 0, 0, np.float32(0), behind)


@njit(nogil=True, cache=True)
def shade_numbers(sums, context, has_context, scale, table, context_table, low, high, lut, out):
    """Shade pixels whose color stands for the mean of their rows' values."""
    steps = 255.0 / (high - low)
    for at in range(sums.shape[0]):
        count = sums[at, 1]
        behind = _opacity(context[at] * scale, context_table) if has_context else np.float32(0)
        if count > 0:
            level = np.int64(min(max((sums[at, 0] / count - low) * steps, 0.0), 255.0) + 0.5)
            _put(out, at, lut[level, 0], lut[level, 1], lut[level, 2], _opacity(count * scale, table), behind)
        else:
            _put(out, at, 0, 0, 0, np.float32(0), behind)


@njit(nogil=True, cache=True)
def shade_density(sums, context, has_context, scale, table, context_table, lut, out):
    """Shade pixels whose color stands for the number of their rows."""
    least = table[1]
    steps = np.float32(255) / max(np.float32(1) - least, np.float32(1e-6))
    for at in range(sums.shape[0]):
        count = sums[at, 3]
        behind = _opacity(context[at] * scale, context_table) if has_context else np.float32(0)
        if count > 0:
            alpha = _opacity(count * scale, table)
            level = np.int64(min(max((alpha - least) * steps, np.float32(0)), np.float32(255)))
            _put(out, at, lut[level, 0], lut[level, 1], lut[level, 2], alpha, behind)
        else:
            _put(out, at, 0, 0, 0, np.float32(0), behind)


@njit(nogil=True, cache=True)
def blend(rgba, red, green, blue, out):
    """Blend a picture with one opaque color; ``rgba`` and ``out`` uint8 (pixels, 4), the last byte of ``out`` is 255."""
    for at in range(rgba.shape[0]):
        alpha = np.uint32(rgba[at, 3])
        rest = np.uint32(255) - alpha
        for c, ground in ((0, red), (1, green), (2, blue)):
            mixed = np.uint32(rgba[at, c]) * alpha + np.uint32(ground) * rest + np.uint32(128)
            out[at, c] = np.uint8((mixed + (mixed >> np.uint32(8))) >> np.uint32(8))
        out[at, 3] = 255
