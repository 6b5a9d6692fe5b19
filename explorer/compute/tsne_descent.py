"""The steps of t-SNE: gradient descent with momentum and gains, as openTSNE does it, and the rules of opt-SNE that end it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import log
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from explorer import settings
from explorer.compute.progress import Cadence, LayoutReport, ShouldStop, Snapshot, Stopped
from explorer.compute.projection import PLANE
from explorer.compute.tsne_gradient import Attraction

__all__ = ["Descent", "settled", "sorted_groups"]

MOMENTUM: Final = 0.8
MIN_GAIN: Final = 0.01
MAX_STEP: Final = 5.0
LOSS_EVERY: Final = 10  # steps
FEWEST_FALLS: Final = 3
SETTLED: Final = 1e-4  # share of the loss, a step


class Descent:
    """Gradient descent with momentum and gains, as openTSNE does it, changing the layout (n, c) float32 in place: two columns or three."""

    def __init__(
        self,
        layout: NDArray[np.float32],
        attraction: Attraction,
        rate: float | None,
        iterations: int,
        report: LayoutReport,
        should_stop: ShouldStop,
    ) -> None:
        self._layout, self._attraction, self._rate = layout, attraction, rate
        self.iterations, self.done = iterations, 0
        self.loss: float | None = None
        self._report, self._should_stop = report, should_stop
        self._reports = Cadence()
        self._kernels = _kernels(layout.shape[1])
        self._repulsion = self._kernels.Repulsion(settings.compute_threads())
        self._update, self._gains = np.zeros_like(layout), np.ones_like(layout)
        self._slope, self._losses = np.empty_like(layout), np.empty(len(layout), np.float32)

    def run(self, iterations: int, exaggeration: float, ended: Callable[[list[float]], bool] | None) -> None:
        """Descend with the affinities multiplied by ``exaggeration``, until a rule, if there is one, says of the losses: enough."""
        rate = self._rate or len(self._layout) / exaggeration
        losses: list[float] = []
        for step in range(iterations):
            if self._should_stop():
                raise Stopped
            if self._reports.due():
                with self._reports.timed():
                    reached = Snapshot(self._layout, self.done, self.iterations, self.loss)
                    self._report("t-SNE", 0.05 + 0.95 * self.done / self.iterations, reached)
            evaluated = step % LOSS_EVERY == 0
            self._step(exaggeration, rate, evaluated=evaluated)
            self.done += 1
            if evaluated:
                losses.append(float(self.loss or 0))
                if ended is not None and ended(losses):
                    self.iterations -= iterations - step - 1
                    return

    def divergence(self) -> float:
        """Return the Kullback-Leibler divergence of the layout from the affinities."""
        _, total = self._repulsion.of(self._layout)
        return self._attract(total, wanted=True)

    def _step(self, exaggeration: float, rate: float, *, evaluated: bool) -> None:
        repelled, total = self._repulsion.of(self._layout)
        loss = self._attract(total, wanted=evaluated)
        if evaluated:
            self.loss = loss
        numbers = (exaggeration, 1 / total)
        constants = (rate, MOMENTUM, MIN_GAIN, MAX_STEP)
        pull, push = (np.float32(number) for number in numbers)
        moving = self._layout, self._slope, repelled, pull, push, self._update, self._gains
        self._kernels.descend(*moving, *(np.float32(each) for each in constants))
        for axis in range(self._layout.shape[1]):
            self._layout[:, axis] -= np.float32(self._layout[:, axis].mean(dtype=np.float64))

    def _attract(self, total: float, *, wanted: bool) -> float:
        starts, ends, weights, entropy = self._attraction
        self._kernels.attract(self._layout, starts, ends, weights, self._slope, self._losses, wanted)
        return entropy + float(self._losses.sum(dtype=np.float64)) + log(total) if wanted else 0.0


def _kernels(dimensions: int) -> Any:
    """Give the module of the gradient in so many dimensions."""
    if dimensions == PLANE:
        from explorer.compute import tsne_gradient

        return tsne_gradient
    from explorer.compute import tsne_gradient_3d

    return tsne_gradient_3d


def sorted_groups(losses: list[float]) -> bool:
    """Say that groups are sorted: the loss does not fall more and more quickly any longer (opt-SNE: Belkina et al., Nat. Commun. 2019)."""
    falls = _falls(losses)
    return len(falls) >= FEWEST_FALLS and falls[-1] < falls[-2] < max(falls) and max(falls) > SETTLED


def settled(losses: list[float]) -> bool:
    """Say that a layout that has changed has settled: a step lowers the loss by less than a ten-thousandth (the same paper)."""
    falls = _falls(losses)
    return len(falls) >= FEWEST_FALLS and falls[-1] < SETTLED < max(falls)


def _falls(losses: list[float]) -> list[float]:
    """Give the share of the loss by which each step lowered it."""
    return [(before - after) / before / LOSS_EVERY for before, after in pairwise(losses)]
