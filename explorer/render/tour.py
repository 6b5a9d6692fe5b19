"""A grand tour: a camera that comes to see a cloud of many dimensions from all sides; directions only, no rows and no pixels.

``Tour(d, seed)``; ``.at(seconds) -> Camera``. It goes from one direction that chance has chosen to the next, the shortest way and at a
steady pace (Asimov 1985, "The Grand Tour"; Buja, Cook, Asimov and Hurley 2005), through the first d dimensions, such as the first principal
components. Equal seeds give equal tours. After ``STOPS`` directions it is back at its start and begins again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import Final

import numpy as np

from explorer.errors import BadParameter
from explorer.render.camera import Camera, Way

__all__ = ["SPEED", "STOPS", "Tour"]

SPEED: Final = 0.4
"""Radians a second."""

STOPS: Final = 48
"""Directions that a tour goes through: at ten dimensions some eight minutes."""

_SPACE: Final = 3


class Tour:
    """A tour through the first d dimensions of a cloud.

    Parameters
    ----------
    d : int
        Dimensions that it goes through, three or more.
    seed : int
        Another one gives another tour.
    start : Camera, optional
        Where it begins and ends, such as what is on screen; it may see more dimensions than d. By default the first three.

    Raises
    ------
    BadParameter
        If d is less than three, or more than what ``start`` sees.
    """

    def __init__(self, d: int, seed: int = 0, *, start: Camera | None = None) -> None:
        if d < _SPACE or (start is not None and start.n_dims < d):
            most = "" if start is None else f" to {start.n_dims}"
            raise BadParameter("d", str(d), f"give {_SPACE}{most or ' or more'} dimensions.")
        self.start = Camera.facing(d) if start is None else start
        rng = np.random.default_rng(seed)
        stops = [_any(rng, d, self.start) for _ in range(STOPS)]
        self._ways = [Way.of(one, other) for one, other in pairwise([self.start, *stops, self.start])]
        self._ends = list(accumulate(way.length / SPEED for way in self._ways))

    @property
    def seconds(self) -> float:
        """How long it takes to come back to the start."""
        return self._ends[-1]

    def at(self, seconds: float) -> Camera:
        """Return the camera after so many seconds; before the start, and at no time, it is there."""
        if not (math.isfinite(seconds) and seconds > 0):
            return self.start
        seconds %= self.seconds
        at = min(bisect_right(self._ends, seconds), len(self._ways) - 1)
        left, way = self._ends[at] - seconds, self._ways[at]
        return way.at(1 - left * SPEED / way.length) if way.length else way.end


def _any(rng: np.random.Generator, d: int, like: Camera) -> Camera:
    """Choose a direction, every one as likely as any other."""
    basis = np.zeros((_SPACE, like.n_dims))
    directions, signs = np.linalg.qr(rng.normal(size=(d, _SPACE)))
    basis[:, :d] = (directions * np.sign(np.diag(signs))).T
    if like.n_dims == _SPACE and np.linalg.det(basis) < 0:
        basis[-1] *= -1
    return Camera(basis, like.perspective)
