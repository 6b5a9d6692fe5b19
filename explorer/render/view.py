"""The part of a map that a picture shows, in layout units; no pixels are drawn here."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["View"]

_LARGEST = 1e300  # spans stay finite in float64
_SMALLEST = 1e-30
_FINEST = 1e-9  # a span relative to the coordinates: finer than float32 can tell apart


class View(NamedTuple):
    """A rectangle of the map: ``View(x0, x1, y0, y1)``, y upward.

    Any four numbers make a view; :meth:`sane` turns an inverted, empty, infinite or NaN one into one that can be drawn.
    """

    x0: float
    x1: float
    y0: float
    y1: float

    @property
    def span(self) -> tuple[float, float]:
        """Width and height in layout units."""
        return self.x1 - self.x0, self.y1 - self.y0

    @property
    def center(self) -> tuple[float, float]:
        """The middle, in layout units."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def sane(self) -> View:
        """Return a view that can be drawn: ordered, finite, of a positive span on both axes."""
        return View(*_sane_side(self.x0, self.x1), *_sane_side(self.y0, self.y1))

    def fitted(self, width: float, height: float) -> View:
        """Return the smallest view around this one that has an equal scale on both axes.

        Parameters
        ----------
        width, height : float
            Size of the picture; any unit, only the ratio counts. Sizes below 1 count as 1.

        Returns
        -------
        View
            Same center; the side that was too short for the picture is longer.
        """
        view = self.sane()
        width, height = max(float(width), 1.0), max(float(height), 1.0)
        units = max(view.span[0] / width, view.span[1] / height)  # layout units a pixel
        (x, y), half_x, half_y = view.center, units * width / 2, units * height / 2
        return View(x - half_x, x + half_x, y - half_y, y + half_y)

    def padded(self, fraction: float) -> View:
        """Return the view with a margin of ``fraction`` of each side's span added on every side."""
        view = self.sane()
        dx, dy = view.span[0] * fraction, view.span[1] * fraction
        return View(view.x0 - dx, view.x1 + dx, view.y0 - dy, view.y1 + dy)


def _sane_side(low: float, high: float) -> tuple[float, float]:
    low, high = (min(max(float(end), -_LARGEST), _LARGEST) if not math.isnan(end) else 0.0 for end in (low, high))
    low, high = min(low, high), max(low, high)
    least = max(abs(low) * _FINEST, abs(high) * _FINEST, _SMALLEST)
    if high - low >= least:
        return low, high
    if high == low:
        least = max(abs(low) * 1e-3, 1.0)  # one spot: show something around it
    middle = (low + high) / 2
    return middle - least / 2, middle + least / 2
