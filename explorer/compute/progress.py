"""How a computation says how far it is, shows what it has and hears that it should stop; knows nothing of who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cadence", "LayoutReport", "Report", "ShouldStop", "Snapshot", "Stopped", "ignore", "never"]


class Snapshot(NamedTuple):
    """A layout while it is computed.

    Attributes
    ----------
    coordinates : ndarray of shape (n, n_components), float32 or float64
        As the optimizer holds them. Valid only until it goes on: copy them to keep them.
    iteration : int
        How many iterations made it; 0 is the initialization.
    iterations : int
        How many there will be.
    loss : float or None
        What the optimizer lowers, when it was last evaluated; None where it was not.
    """

    coordinates: NDArray[np.floating]
    iteration: int
    iterations: int
    loss: float | None = None


class Report(Protocol):
    """Called from the computing thread, a few times a second."""

    def __call__(self, stage: str, fraction: float) -> None:
        """Say how far a computation is.

        Parameters
        ----------
        stage : str
            What is being done, in a word or two: "neighbor graph", "UMAP", "t-SNE".
        fraction : float
            How much of this stage is done, from 0 to 1.
        """


class LayoutReport(Protocol):
    """A :class:`Report` that takes the layout as well."""

    def __call__(self, stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        """Say how far a computation is and, now and then, show what it has."""


class ShouldStop(Protocol):
    """Asked at least once an epoch; True ends the computation with :class:`Stopped`."""

    def __call__(self) -> bool:
        """Say whether to stop."""


class Stopped(Exception):
    """A computation ended early because ``should_stop()`` said so. Not an error: nobody sees it but the worker."""


class Cadence:
    """Tells when the next report is due: at once, then as often as it may be without costing more than a share of the time.

    Parameters
    ----------
    seconds : float
        The least time between two reports.
    share : float
        The most of the time that reports take, the last one left out, as long as what each costs is said with :meth:`spent`.
    clock : callable, optional
        Returns seconds.
    """

    def __init__(self, seconds: float = 0.05, share: float = 0.02, clock: Callable[[], float] = monotonic) -> None:
        self._seconds, self._share, self._clock = seconds, share, clock
        self._last = self._next = -float("inf")

    def due(self) -> bool:
        """Return True if it is time for a report, which is then to be made."""
        now = self._clock()
        if now < self._next:
            return False
        self._last, self._next = now, now + self._seconds
        return True

    def spent(self, seconds: float) -> None:
        """Put off the next report, because the one that was due took so long."""
        self._next = max(self._next, self._last + seconds / self._share)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Measure what a report costs."""
        began = self._clock()
        yield
        self.spent(self._clock() - began)


def ignore(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
    """Report to nobody."""


def never() -> bool:
    """Never stop."""
    return False
