"""Smooth closed lines into pixels, and into the commands of an SVG path; with ``lettering`` all that names Matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.path import Path

__all__ = ["Tracing", "path_commands"]

_DPI = 72  # so that a point is a pixel
_LEAST = 4  # points of a line, the first one again at the end


class Tracing:
    """A transparent strip with lines on it.

    A line goes through the middles of its sides and bends at its corners, as the page draws it (``views/contours.js``).

    Parameters
    ----------
    width, height : int
        Pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.backends.backend_agg import RendererAgg

        self._renderer = RendererAgg(width, height, _DPI)
        self._height = height

    def lines(self, lines: Sequence[NDArray[np.floating]], *, color: str, width: float, opacity: float = 1.0) -> None:
        """Draw closed lines.

        Parameters
        ----------
        lines : sequence of ndarray of shape (p, 2)
            Points in pixels from the top left, the first one again at the end.
        color : str
            ``"#rrggbb"``.
        width : float
            Pixels.
        opacity : float
            0 to 1.
        """
        from matplotlib.transforms import Affine2D

        pen = self._renderer.new_gc()
        pen.set_foreground(color)
        pen.set_alpha(opacity)
        pen.set_linewidth(width)
        pen.set_joinstyle("round")
        upside_down = Affine2D().scale(1, -1).translate(0, self._height)
        for line in lines:
            if len(line) >= _LEAST:
                self._renderer.draw_path(pen, _path(line), upside_down)

    @property
    def rgba(self) -> NDArray[np.uint8]:
        """The strip, uint8 (height, width, 4) with straight alpha."""
        return np.array(self._renderer.buffer_rgba())


def path_commands(lines: Sequence[NDArray[np.floating]]) -> str:
    """Write closed lines as the ``d`` of an SVG path; points as of :meth:`Tracing.lines`."""
    parts = []
    for line in lines:
        if len(line) >= _LEAST:
            corners, middles = _bends(line)
            bends = " ".join(f"Q{x:.2f} {y:.2f} {to_x:.2f} {to_y:.2f}" for (x, y), (to_x, to_y) in zip(corners, middles, strict=True))
            parts.append(f"M{middles[-1][0]:.2f} {middles[-1][1]:.2f} {bends}Z")
    return " ".join(parts)


def _bends(line: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Give the corners of a line, and the middle of the side behind each."""
    return line[:-1], (line[:-1] + line[1:]) / 2


def _path(line: NDArray[np.floating]) -> Path:
    from matplotlib.path import Path

    corners, middles = _bends(line)
    points = np.concatenate([middles[-1:], np.stack([corners, middles], axis=1).reshape(-1, 2), middles[-1:]])
    codes = np.full(len(points), Path.CURVE3, np.uint8)
    codes[0], codes[-1] = Path.MOVETO, Path.CLOSEPOLY
    return Path(points, codes)
