"""One picture laid over another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["over"]


def over(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay one picture over another.

    Parameters
    ----------
    upper, lower : ndarray of shape (..., 4), uint8
        Straight alpha; neither is changed.
    """
    above, below = upper[..., 3:] / 255.0, lower[..., 3:] / 255.0
    alpha = above + below * (1 - above)
    color = upper[..., :3] * above + lower[..., :3] * below * (1 - above)
    with np.errstate(invalid="ignore", divide="ignore"):
        mixed = np.where(alpha > 0, color / alpha, 0)
    return np.round(np.concatenate([mixed, 255 * alpha], axis=-1)).astype(np.uint8)
