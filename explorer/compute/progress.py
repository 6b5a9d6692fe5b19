"""How a computation says how far it is and hears that it should stop; knows nothing of who listens."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Report", "ShouldStop", "Stopped", "ignore", "never"]


class Report(Protocol):
    """Called from the computing thread, a few times a second."""

    def __call__(self, stage: str, fraction: float, layout: NDArray[np.float32] | None = None) -> None:
        """Say how far a computation is.

        Parameters
        ----------
        stage : str
            What is being done, in a word or two: "neighbor graph", "UMAP", "t-SNE".
        fraction : float
            How much of this stage is done, from 0 to 1.
        layout : ndarray of shape (n, 2), float32, optional
            The layout as it is now. Valid only during the call: copy it to keep it.
        """


class ShouldStop(Protocol):
    """Asked at least once an epoch; True ends the computation with :class:`Stopped`."""

    def __call__(self) -> bool:
        """Say whether to stop."""


class Stopped(Exception):
    """A computation ended early because ``should_stop()`` said so. Not an error: nobody sees it but the worker."""


def ignore(stage: str, fraction: float, layout: NDArray[np.float32] | None = None) -> None:
    """Report to nobody."""


def never() -> bool:
    """Never stop."""
    return False
