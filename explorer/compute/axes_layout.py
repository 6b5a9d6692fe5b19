"""A map whose axes somebody chose: each runs from the middle of some rows to the middle of others. Linear, and no optimizer in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from explorer.compute.neighbors import NeighborGraph
from explorer.compute.principal_components import principal_components
from explorer.compute.progress import LayoutReport, ShouldStop, Snapshot, Stopped, ignore, never
from explorer.compute.projection import NO_INPUTS, GraphRequest, Inputs, Layout, Projection, RowGroup
from explorer.errors import BadParameter

__all__ = ["Axes"]

BLOCK: Final = 65_536  # rows
SAME: Final = 1e-6  # what may be left of a difference of two middles that are the same, as a share of their length
STAGE: Final = "Axes"


class Axes(Projection):
    """Axes of one's own: from left to right runs the direction from some rows to others, from bottom to top another one."""

    method: ClassVar[str] = "axes"
    title: ClassVar[str] = "Axes"
    version: ClassVar[int] = 1
    by_itself: ClassVar[bool] = False
    turnable: ClassVar[bool] = False

    x_to = RowGroup(default="", doc="The rows to which the axis from left to right points: those are on the right.")
    x_from = RowGroup(default="", doc="The rows from which it comes: those are on the left. Without any, the middle of all rows.")
    y_to = RowGroup(
        default="",
        doc="The rows to which the axis from bottom to top points. Without any, it is the direction in which rows vary most besides x.",
    )
    y_from = RowGroup(default="", doc="The rows from which it comes; the middle of all rows without any.")

    def differing(self, settings: Mapping[str, object]) -> list[str]:
        """Say from where to where each axis runs; see :meth:`Projection.differing`."""
        ends = [(axis, settings.get(f"{axis}_from") or "all", settings.get(f"{axis}_to")) for axis in ("x", "y")]
        return [f"{axis} {origin} → {there}" for axis, origin, there in ends if there]

    def graph_request(self, n: int) -> GraphRequest | None:
        """No graph: the map is linear."""
        return None

    def check(self, n: int, d: int) -> None:
        """Refuse axes without a direction; see :meth:`Projection.check`."""
        super().check(n, d)
        if not self.x_to:
            raise BadParameter("x_to", "nothing", "choose the rows to which the axis from left to right should point.")
        for axis in ("x", "y"):
            there, origin = getattr(self, f"{axis}_to"), getattr(self, f"{axis}_from")
            if there and there == origin:
                raise BadParameter(f"{axis}_from", origin, "the axis would run from these rows to themselves.")
        if self.y_from and not self.y_to:
            raise BadParameter("y_from", self.y_from, "choose the rows to which that axis should point, too.")

    def fit(
        self,
        vectors: NDArray[np.float32],
        graph: NeighborGraph | None = None,
        *,
        inputs: Inputs = NO_INPUTS,
        start: Snapshot | None = None,
        report: LayoutReport = ignore,
        should_stop: ShouldStop = never,
    ) -> Layout:
        """Compute the layout; see :meth:`Projection.fit`.

        ``inputs`` holds the row numbers (m,) of each parameter that is set. Both axes have the scale of the vectors; they need not be at
        right angles in the space of those where both are given. ``stats`` holds the shares of the variance along either,
        ``explained_variance_x`` and ``explained_variance_y``, and ``cosine_xy``, the cosine of the angle between them.
        """
        self.check(*vectors.shape)
        self.check_inputs(inputs)
        report(STAGE, 0.0)
        mean = vectors.mean(axis=0, dtype=np.float64)
        x = self._direction("x", vectors, inputs, mean)
        if should_stop():
            raise Stopped
        y = self._direction("y", vectors, inputs, mean) if self.y_to else _most_besides(vectors, x, should_stop)
        directions = np.stack([x, y], axis=1)
        coordinates = np.empty((len(vectors), 2), np.float32)
        total = 0.0
        for at in range(0, len(vectors), BLOCK):
            if should_stop():
                raise Stopped
            block = vectors[at : at + BLOCK] - mean
            total += float(np.einsum("ij,ij->", block, block))
            coordinates[at : at + BLOCK] = block @ directions
            report(STAGE, min(1.0, (at + BLOCK) / len(vectors)))
        shares = np.square(coordinates, dtype=np.float64).sum(axis=0) / (total if total > 0 else 1.0)
        stats = {"explained_variance_x": float(shares[0]), "explained_variance_y": float(shares[1]), "cosine_xy": float(x @ y)}
        return Layout(coordinates, self.method, self.settings(), stats)

    def _direction(self, axis: str, vectors: NDArray[np.float32], inputs: Inputs, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Find the direction of length 1 of an axis, (d,)."""
        there = _middle(vectors, inputs[f"{axis}_to"])
        origin = _middle(vectors, inputs[f"{axis}_from"]) if getattr(self, f"{axis}_from") else mean
        direction = there - origin
        length = float(np.linalg.norm(direction))
        if length <= SAME * max(float(np.linalg.norm(there)), float(np.linalg.norm(origin))):
            raise BadParameter(f"{axis}_to", getattr(self, f"{axis}_to"), "the middle of these rows is where the axis starts.")
        return direction / length


def _middle(vectors: NDArray[np.float32], rows: NDArray[np.integer]) -> NDArray[np.float64]:
    total = np.zeros(vectors.shape[1])
    for at in range(0, len(rows), BLOCK):
        total += vectors[rows[at : at + BLOCK]].sum(axis=0, dtype=np.float64)
    return total / len(rows)


def _most_besides(vectors: NDArray[np.float32], x: NDArray[np.float64], should_stop: ShouldStop) -> NDArray[np.float64]:
    """Find the direction at right angles to x in which rows vary most, (d,); any where they do not vary besides."""
    rest = np.empty(vectors.shape, np.float32)
    for at in range(0, len(vectors), BLOCK):
        block = vectors[at : at + BLOCK].astype(np.float64)
        rest[at : at + BLOCK] = block - np.outer(block @ x, x)
    along = principal_components(rest, 1, should_stop=should_stop).coordinates[:, 0].astype(np.float64)
    rest -= rest.mean(axis=0, dtype=np.float64).astype(np.float32)
    direction = along @ rest
    length = float(np.linalg.norm(direction))
    return direction / length if length > 0 else np.zeros(len(x))
