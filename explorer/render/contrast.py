"""Colors that can be seen on a ground: the same hue, as much nearer to black or white as it takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.render.color import rgb

__all__ = ["readable"]

_DARK = 0.2  # luminance of a ground on which colors get lighter
_STEPS = 11


def readable(color: str, ground: str, *, contrast: float) -> str:
    """Take a color as much nearer to black or white as it takes to be seen on a ground.

    Parameters
    ----------
    color : str
        ``"#rrggbb"``; black or white where it is empty.
    ground : str
        ``"#rrggbb"``.
    contrast : float
        Between the two, at least, as WCAG measures it: 1 to 21. Where there is no such color, it is black or white.
    """
    behind = np.array(rgb(ground), float)
    end = 255.0 if _luminance(behind) < _DARK else 0.0
    own = np.array(rgb(color), float) if color else np.full(3, end)
    for share in np.linspace(0, 1, _STEPS):
        mixed = np.round(own + (end - own) * share)
        low, high = sorted((_luminance(mixed), _luminance(behind)))
        if (high + 0.05) / (low + 0.05) >= contrast:
            break
    return "#{:02x}{:02x}{:02x}".format(*mixed.astype(int))


def _luminance(color: NDArray[np.floating]) -> float:
    share = color / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004  # as sRGB is defined
    return float(linear @ (0.2126, 0.7152, 0.0722))
