"""Similarities of the plane: a rotation or reflection, times one scale, then a translation. Knows no layout in particular."""

# numba infers the kernels' types
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.compute.layout_rows import plain

__all__ = ["IDENTITY", "Similarity"]


class Similarity(NamedTuple):
    """``y = matrix @ x + shift``: a rotation or reflection, times one scale, then a translation.

    Attributes
    ----------
    matrix : tuple of two tuples of two floats
        Its rows.
    shift : tuple of two floats
        In units of the layout that it leads to.
    """

    matrix: tuple[tuple[float, float], tuple[float, float]]
    shift: tuple[float, float]

    @classmethod
    def of(cls, *, angle: float = 0.0, scale: float = 1.0, reflected: bool = False, shift: tuple[float, float] = (0.0, 0.0)) -> Similarity:
        """Make one from its angle (radians), its scale and whether it is reflected: the y axis is turned over, before the rotation."""
        along, across = scale * math.cos(angle), scale * math.sin(angle)
        matrix = ((along, across), (across, -along)) if reflected else ((along, -across), (across, along))
        return cls(matrix, shift)

    def apply(self, coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where coordinates (n, 2) go, a new float32 array; rows that are not finite become NaN. O(n), one pass."""
        (a, b), (c, d) = self.matrix
        return _apply(plain(coordinates), a, b, c, d, *self.shift)

    def of_place(self, x: float, y: float) -> tuple[float, float]:
        """Return where one place goes."""
        (a, b), (c, d) = self.matrix
        return a * x + b * y + self.shift[0], c * x + d * y + self.shift[1]

    def after(self, first: Similarity) -> Similarity:
        """Return the similarity that does ``first``, then this one."""
        (a, b), (c, d) = self.matrix
        (e, f), (g, h) = first.matrix
        return Similarity(((a * e + b * g, a * f + b * h), (c * e + d * g, c * f + d * h)), self.of_place(*first.shift))

    def inverse(self) -> Similarity:
        """Return the similarity that leads back."""
        (a, b), (c, d) = self.matrix
        area = a * d - b * c
        back = Similarity(((d / area, -b / area), (-c / area, a / area)), (0.0, 0.0))
        x, y = back.of_place(*self.shift)
        return Similarity(back.matrix, (-x, -y))

    @property
    def scale(self) -> float:
        """How many times longer it makes a distance."""
        return math.hypot(self.matrix[0][0], self.matrix[1][0])

    @property
    def angle(self) -> float:
        """Which way the x axis points afterwards, in radians from -π to π."""
        return math.atan2(self.matrix[1][0], self.matrix[0][0])

    @property
    def reflected(self) -> bool:
        """Whether it turns the plane over."""
        (a, b), (c, d) = self.matrix
        return a * d - b * c < 0


IDENTITY: Final = Similarity(((1.0, 0.0), (0.0, 1.0)), (0.0, 0.0))


@njit(nogil=True, cache=True)
def _apply(coordinates, a, b, c, d, shift_x, shift_y):
    moved = np.empty(coordinates.shape, np.float32)
    for i in range(len(coordinates)):
        x, y = np.float64(coordinates[i, 0]), np.float64(coordinates[i, 1])
        if np.isfinite(x) and np.isfinite(y):
            moved[i, 0] = a * x + b * y + shift_x
            moved[i, 1] = c * x + d * y + shift_y
        else:
            moved[i] = np.nan
    return moved
