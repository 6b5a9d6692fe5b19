"""Which row is under the pointer, from a frame's row ids; looks at a few pixels, never at the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["nearest_row"]


def nearest_row(row_ids: NDArray[np.int32], px: float, py: float, radius: float) -> int:
    """Find the row nearest to a place in a picture.

    Parameters
    ----------
    row_ids : ndarray of shape (height, width), int32
        ``Frame.row_ids``: -1 where there is no row.
    px, py : float
        The place in pixels from the left and from the top; it may lie outside the picture.
    radius : float
        How far to look, in pixels; the middle of a row's pixel counts.

    Returns
    -------
    int
        Row number, or -1 where no row is so near.
    """
    if not (np.isfinite(px) and np.isfinite(py)):
        return -1
    height, width = row_ids.shape
    left, right = max(int(np.floor(px - radius)), 0), min(int(np.floor(px + radius)) + 1, width)
    top, bottom = max(int(np.floor(py - radius)), 0), min(int(np.floor(py + radius)) + 1, height)
    if left >= right or top >= bottom:
        return -1
    window = row_ids[top:bottom, left:right]
    lines, columns = np.nonzero(window >= 0)
    if not len(lines):
        return -1
    far = (columns + (left + 0.5 - px)) ** 2 + (lines + (top + 0.5 - py)) ** 2
    nearest = int(np.argmin(far))
    own = int(px) - left == columns[nearest] and int(py) - top == lines[nearest]  # the pointer's own pixel counts at any radius
    return int(window[lines[nearest], columns[nearest]]) if own or far[nearest] <= radius**2 else -1
