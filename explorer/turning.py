"""A layout of more than two dimensions on a map: where its rows are as it is seen now, and what is drawn while it turns; knows no browser.

``Turned`` is such a layout seen by a camera: everything that asks a :class:`explorer.scene.Shown` where rows are gets their places in that
view. Rows have one order from wherever they are seen, so colors, selection and filters are brought into it once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.compute.projection import PLANE, Layout
from explorer.errors import BadParameter
from explorer.render.camera import Camera
from explorer.render.cloud import Cloud
from explorer.render.color import ByCategory, ByNumber, Color, RowMask
from explorer.render.gather import gather
from explorer.render.layout_index import LayoutIndex, frozen
from explorer.render.tour import Tour
from explorer.scene import Placed, Run, Scene, Shown

__all__ = ["Pose", "Solid", "Turned", "alike", "turning"]

_MOVING_ROWS = 400_000  # drawn in a picture while it turns, a fair sample of more
_FITTINGS = 60  # steps; each takes as long as a singular value decomposition of (d, d)
_FITTED_ROWS = 50_000  # that say how a cloud has to be turned to lie like another layout
_TOUR_SEED = 0
_SPACE = 3

_numbers = count(1)
_camera_of_numbers = lru_cache(maxsize=64)(Camera.of_numbers)  # what a browser asks for is looked at more than once


class Pose(NamedTuple):
    """How a browser wants a solid to be seen: by the numbers of a camera, or at a time of the grand tour.

    ``lead`` is how far, 0 to 1, the way from where the map stands to the tour is gone.
    """

    solid: int
    camera: tuple[float, ...] = ()
    tour: float | None = None
    lead: float = 1.0


class Solid:
    """A layout of more than two dimensions, in the order in which it is drawn: one for everybody who looks at it.

    ``step`` says every how many-th row is drawn while it turns; ``sample`` are those.

    Parameters
    ----------
    cloud : Cloud
        Its rows.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.number = next(_numbers)
        self.cloud = cloud
        self.n_dims = self.cloud.n_dims
        self.first = self.cloud.seen(Camera.facing(self.n_dims))
        self.step = max(1, -(-len(self.cloud) // _MOVING_ROWS))
        self.sample = self.cloud.sample(self.step)
        self.tour = None if self.n_dims == _SPACE else Tour(self.n_dims, _TOUR_SEED)
        self._thinned: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._lock = Lock()

    def places(self, points: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
        """Say where a camera sees single points, (k, d) in its own coordinates; shape (k, 2), as :meth:`Cloud.seen` places its rows."""
        right, up, near = camera.basis @ (points.astype(np.float64) - self.cloud.center).T
        near = np.clip(near / self.cloud.radius, -1.0, 1.0)
        scale = math.sqrt(1 - camera.perspective**2) / (1 - camera.perspective * near)
        return (np.stack([right * scale, up * scale], axis=1) + self.cloud.center[:2]).astype(np.float32)

    def nearness(self, points: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
        """Say how near a camera sees single points, (k, d); shape (k,), from -1 to 1, nearest."""
        near = (points.astype(np.float64) - self.cloud.center) @ camera.basis[2]
        return np.clip(near / self.cloud.radius, -1.0, 1.0).astype(np.float32)

    def like(self, coordinates: NDArray[np.float32], places: Callable[[NDArray[np.int32]], NDArray[np.float32]]) -> Camera:
        """Find from where it looks most like another layout of the same rows (the orthogonal Procrustes problem).

        Parameters
        ----------
        coordinates : ndarray of shape (n, d), float32
            Its own.
        places : callable
            Says where rows are in the other layout, (m, 2), given their numbers, (m,) int32; not finite where a row is not in it.
        """
        rows = self.cloud.rows[:: max(1, len(self.cloud) // _FITTED_ROWS)]
        return alike(gather(coordinates, rows).astype(np.float64), places(rows).astype(np.float64))

    def thinned(self, ordered: Any) -> Any:
        """Take every so many-th of colors or a mask in index order, once as long as somebody has it."""
        if ordered is None or self.step == 1:
            return ordered
        with self._lock:
            found = self._thinned.get(ordered)
        if found is None:
            found = _every(ordered, self.step)
            with self._lock:
                self._thinned[ordered] = found
        return found


def alike(own: NDArray[np.float64], other: NDArray[np.float64]) -> Camera:
    """Find from where points, (k, d), look most like others, (k, 2), of whatever place and size; not finite ones do not count.

    Procrustes with fewer dimensions on the one side (Koschat and Swayne 1991): in the others, points are as wide as they are.
    """
    both = np.isfinite(own).all(axis=1) & np.isfinite(other).all(axis=1)
    if np.count_nonzero(both) < _SPACE:
        return Camera.facing(own.shape[1])
    own, other = own[both] - own[both].mean(axis=0), other[both] - other[both].mean(axis=0)
    spread, common = own.T @ own, own.T @ other
    turn = np.linalg.svd(common)[0]
    turn[:, :PLANE] = turn[:, :PLANE] @ np.linalg.svd(common, full_matrices=False)[2]
    for _ in range(_FITTINGS):
        seen = turn[:, :PLANE]
        size = max(float(np.sum(seen * common)), 0.0) / max(float(np.sum(seen * (spread @ seen))), 1e-30)
        if not size > 0:
            break
        left, _, right = np.linalg.svd(np.concatenate([common / size, spread @ turn[:, PLANE:]], axis=1))
        turn = left @ right
    across, up = turn[:, :PLANE].T
    return Camera(np.stack([across, up, _toward(across, up, own)]))


def _toward(across: NDArray[np.float64], up: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the third direction: of three dimensions there is one, of more that in which points vary most of those that are left."""
    if len(across) == _SPACE:
        return np.cross(across, up)
    left = points - np.outer(points @ across, across) - np.outer(points @ up, up)
    toward = np.linalg.svd(left.T @ left)[0][:, 0]
    toward -= (toward @ across) * across + (toward @ up) * up
    length = float(np.linalg.norm(toward))
    if length > 0.5:  # noqa: PLR2004 - 1, but for rounding
        return np.asarray(toward / length)
    return np.asarray(np.linalg.svd(np.stack([across, up]))[2][2])  # all points lie in the plane


def _every(ordered: Any, step: int) -> Any:
    if isinstance(ordered, RowMask):
        return RowMask(frozen(ordered.flags[::step]))
    if isinstance(ordered, ByCategory):
        return replace(ordered, slots=frozen(ordered.slots[::step]))
    return replace(ordered, values=frozen(ordered.values[::step])) if isinstance(ordered, ByNumber) else ordered


@dataclass(frozen=True, eq=False)
class Turned(Shown):
    """A layout of more than two dimensions as a camera sees it; ``depths`` float32 (m,) of the index's rows, from -1 to 1, nearest."""

    solid: Solid = field(kw_only=True)
    camera: Camera = field(kw_only=True)
    depths: NDArray[np.float32] = field(kw_only=True)

    @classmethod
    def of(cls, run: Run, layout: Layout, solid: Solid, camera: Camera | None = None) -> Turned:
        """See a layout by a camera; along its first three axes by default."""
        known = camera is not None and camera.n_dims == solid.n_dims
        index, depths = solid.cloud.seen(camera) if known and camera is not None else solid.first
        seen_by = camera if known and camera is not None else Camera.facing(solid.n_dims)
        return cls(run, layout, index, solid=solid, camera=seen_by, depths=depths)

    def facing(self, camera: Camera) -> Turned:
        """See it by another camera; takes a few milliseconds for each million rows."""
        return self if camera == self.camera else Turned.of(self.run, self.layout, self.solid, camera)

    @property
    def ordered(self) -> LayoutIndex:
        """What has the order of the rows, from wherever they are seen."""
        return self.solid.first[0]

    def seen(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Say where points are as the camera sees them; see :meth:`explorer.scene.Placed.seen`."""
        return self.solid.places(points, self.camera)

    @property
    def nearness(self) -> NDArray[np.float32]:
        """How near each row of the index is."""
        return self.depths

    def in_space(self, row: int) -> list[float]:
        """Say where a row is; see :meth:`explorer.scene.Shown.in_space`."""
        found: list[float] = self.layout.coordinates[row].tolist()
        return found

    def flattened(self) -> Placed:
        """Give it as a layout of two dimensions: as it is seen."""
        seen = self.places(np.arange(self.index.n_rows, dtype=np.int32))
        return Placed(self.run, replace(self.layout, coordinates=seen))

    @property
    def told(self) -> dict[str, Any]:
        """What a browser is told with each picture."""
        return {"solid": self.solid.number, "camera": list(self.camera.numbers())}

    def camera_of(self, pose: Pose) -> Camera | None:
        """Say which camera a browser asks for; none where it means another layout.

        Raises
        ------
        BadParameter
            If it makes no sense.
        """
        if pose.solid != self.solid.number:
            return None
        if pose.tour is None:
            return self.camera if pose.camera == self.camera.numbers() else _camera_of_numbers(pose.camera, self.solid.n_dims)
        if self.solid.tour is None:
            raise BadParameter("tour", f"{self.solid.n_dims} dimensions", "a tour needs more than three.")
        goal = self.solid.tour.at(pose.tour)
        goal = replace(goal, perspective=self.camera.perspective)
        return goal if pose.lead >= 1 else Camera.between(self.camera, goal, pose.lead)


def turning(scene: Scene, camera: Camera) -> Scene:
    """Prepare a sample of the rows of a scene as another camera sees them, for a picture in motion.

    Takes milliseconds, but for the first time with other colors or another selection.
    """
    shown = scene.shown
    assert isinstance(shown, Turned)
    solid = shown.solid
    if solid.step == 1:
        return replace(scene, shown=shown.facing(camera))
    index, depths = solid.sample.seen(camera)
    return replace(
        scene,
        shown=replace(shown, index=index, camera=camera, depths=depths),
        color=_thin_color(solid, scene.color),
        selected=solid.thinned(scene.selected),
        shown_rows=solid.thinned(scene.shown_rows),
        stands_for=solid.step,
    )


def _thin_color(solid: Solid, color: Color) -> Color:
    thin: Color = solid.thinned(color)
    return thin
