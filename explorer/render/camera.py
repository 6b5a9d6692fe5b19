"""From where a cloud of three or more dimensions is seen: directions only, no rows and no pixels.

``Camera(basis (3, d), perspective)``: the rows of ``basis`` are orthonormal, to the right, upward and toward the viewer. A camera never
changes; ``.dragged(dx, dy)`` and ``.spun(radians)`` turn it, :meth:`Camera.between` goes from one to another, and ``.numbers()`` with
:meth:`Camera.of_numbers` bring it into JSON and back.

The way between two cameras is the shortest one between the spaces that they see, while what is seen turns in itself at a steady pace (Buja,
Cook, Asimov and Hurley 2005, "Computational Methods for High-Dimensional Rotations in Data Visualization").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadParameter

__all__ = ["PERSPECTIVE", "PERSPECTIVE_MOST", "Camera", "Way"]

PERSPECTIVE: Final = 0.4
"""The usual strength: the eye is 2.5 radii from the middle."""

PERSPECTIVE_MOST: Final = 0.9
"""The eye never comes into the cloud."""

_SPACE: Final = 3
_LEAST: Final = 1e-12  # radians: less is no turn, and its direction is lost among the smallest numbers
_DECIMALS: Final = 5  # of a camera's numbers in JSON: a hundredth of a pixel
_TOLERANCE: Final = 1e-3  # of what is given as orthonormal: it is made so exactly


@dataclass(frozen=True, eq=False)
class Camera:
    """From where a cloud is seen.

    Attributes
    ----------
    basis : ndarray of shape (3, d), float64
        Orthonormal rows, read-only: to the right, upward, toward the viewer. Of three dimensions always right-handed: mirrored pictures
        cannot be turned into each other.
    perspective : float
        0 for none (rows keep their places however near they are), up to ``PERSPECTIVE_MOST``: the eye is 1 / perspective radii from the
        middle.

    Raises
    ------
    BadParameter
        If the basis has no three rows of three or more numbers, or they are not orthonormal, or mirrored.
    """

    basis: NDArray[np.float64]
    perspective: float = PERSPECTIVE

    def __post_init__(self) -> None:
        basis = np.array(self.basis, np.float64)
        if basis.ndim != 2 or len(basis) != _SPACE or basis.shape[1] < _SPACE or not np.isfinite(basis).all():  # noqa: PLR2004
            raise BadParameter("basis", f"an array of shape {basis.shape}", "give three rows of three or more finite numbers.")
        if np.abs(basis @ basis.T - np.eye(_SPACE)).max() > _TOLERANCE:
            raise BadParameter("basis", "rows that are not orthonormal", "give three directions at right angles, each of length 1.")
        if basis.shape[1] == _SPACE and np.linalg.det(basis) < 0:
            raise BadParameter("basis", "a mirrored view", "turn one of its directions around.")
        if not math.isfinite(self.perspective):
            raise BadParameter("perspective", str(self.perspective), f"give 0 to {PERSPECTIVE_MOST}.")
        left, _, right = np.linalg.svd(basis, full_matrices=False)
        basis = np.ascontiguousarray(left @ right) + 0.0  # the nearest orthonormal rows, without -0
        basis.flags.writeable = False
        object.__setattr__(self, "basis", basis)
        object.__setattr__(self, "perspective", min(max(float(self.perspective), 0.0), PERSPECTIVE_MOST))

    @classmethod
    def facing(cls, d: int, perspective: float = PERSPECTIVE) -> Camera:
        """See the first three of d dimensions: the first to the right, the second upward, the third toward the viewer."""
        return cls(np.eye(_SPACE, d), perspective)

    @property
    def n_dims(self) -> int:
        """Dimensions of the clouds that it can see."""
        return self.basis.shape[1]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Camera):
            return NotImplemented
        return self.perspective == other.perspective and np.array_equal(self.basis, other.basis)

    def __hash__(self) -> int:
        return hash((self.perspective, self.basis.tobytes()))

    def dragged(self, dx: float, dy: float) -> Camera:
        """Turn as a ball under the pointer: what is nearest goes along.

        Parameters
        ----------
        dx, dy : float
            How far the pointer went to the right and upward, in radii of the cloud.

        Returns
        -------
        Camera
            Turned about the direction on the screen at right angles to the drag, by as many radians; two drags to the same place need
            not end the same way.
        """
        angle = math.hypot(dx, dy)
        if not (math.isfinite(angle) and angle > _LEAST):
            return self
        cos, sin, (ux, uy) = math.cos(angle), math.sin(angle), (dx / angle, dy / angle)
        right, up, toward = self.basis
        along, across = ux * right + uy * up, ux * up - uy * right
        along, toward = cos * along + sin * toward, cos * toward - sin * along
        return replace(self, basis=np.stack([ux * along - uy * across, uy * along + ux * across, toward]))

    def spun(self, radians: float) -> Camera:
        """Turn about the direction that is upward on the screen; what is nearest goes to the right."""
        return self.dragged(radians, 0.0)

    @staticmethod
    def between(start: Camera, end: Camera, t: float) -> Camera:
        """Go the shortest way from one camera to another, at a steady pace; ``t`` from 0 to 1, any other number is cut.

        Raises
        ------
        BadParameter
            If they see clouds of different dimensions.
        """
        return Way.of(start, end).at(t)

    def numbers(self) -> tuple[float, ...]:
        """Return it for JSON: the perspective, then the directions; the last one of three dimensions follows from the others."""
        directions = self.basis[:2] if self.n_dims == _SPACE else self.basis
        rounded = (np.round(directions, _DECIMALS) + 0.0).ravel().tolist()  # without -0
        return (round(self.perspective, _DECIMALS), *rounded)

    @classmethod
    def of_numbers(cls, numbers: Sequence[float], d: int) -> Camera:
        """Make it again from :meth:`numbers`, which may come from anywhere.

        Raises
        ------
        BadParameter
            If they are no camera of a cloud of d dimensions.
        """
        expected = 1 + d * (2 if d == _SPACE else _SPACE)
        try:
            given = np.array([float(number) for number in numbers], np.float64)
        except (TypeError, ValueError, OverflowError):
            given = np.zeros(0)
        if d < _SPACE or len(given) != expected:
            raise BadParameter("camera", f"{len(given)} numbers", f"one of {d} dimensions has {expected}: perspective and directions.")
        directions = given[1:].reshape(-1, d)
        if d == _SPACE:
            directions = np.vstack([directions, np.cross(*directions)])
        return cls(directions, float(given[0]))


@dataclass(frozen=True, eq=False)
class Way:
    """The way from one camera to another, made once and walked often.

    Attributes
    ----------
    start, end : Camera
        Its ends.
    length : float
        How far it is, in radians; :meth:`at` goes at a steady pace.
    """

    start: Camera
    end: Camera
    length: float
    _turns: NDArray[np.float64]  # (3,) angles between the two spaces
    _first: NDArray[np.float64]  # (3, d) the directions of the first that are nearest to the second space, in turn
    _beyond: NDArray[np.float64]  # (3, d) where each of them goes
    _inside: NDArray[np.float64]  # (3, 3) the first camera's directions in terms of those
    _axis: NDArray[np.float64]  # (3,) how what is seen turns in itself: an axis, as long as the angle

    @classmethod
    def of(cls, start: Camera, end: Camera) -> Way:
        """Find the way.

        Raises
        ------
        BadParameter
            If the cameras see clouds of different dimensions.
        """
        from scipy.spatial.transform import Rotation

        if start.n_dims != end.n_dims:
            raise BadParameter("end", f"a camera of {end.n_dims} dimensions", f"give one of {start.n_dims}, as the first one.")
        left, cosines, right = np.linalg.svd(start.basis @ end.basis.T)
        if np.linalg.det(left @ right) < 0:  # the frames are mirrored to each other in these terms: one direction goes the long way
            left[:, -1], cosines[-1] = -left[:, -1], -cosines[-1]
        first, last = left.T @ start.basis, right @ end.basis
        beyond = last - cosines[:, None] * first
        sines = np.linalg.norm(beyond, axis=1)
        some = sines > 1e-9  # noqa: PLR2004
        beyond[some] /= sines[some, None]
        beyond[~some] = 0.0
        if cosines[-1] < 0 and not some[-1]:  # the same space, mirrored: its way leads through any other direction
            beyond[-1] = np.linalg.svd(first)[2][-1]
        turns = np.arctan2(np.where(some, sines, 0.0), cosines)
        axis = Rotation.from_matrix(left.T @ right.T).as_rotvec()
        return cls(start, end, float(math.hypot(*turns, *axis)), turns, first, beyond, left, axis)

    def at(self, t: float) -> Camera:
        """Return the camera after a share of the way, 0 to 1; any other number is cut."""
        from scipy.spatial.transform import Rotation

        t = min(max(float(t), 0.0), 1.0)
        if t in {0.0, 1.0}:
            return self.end if t else self.start
        angles = (t * self._turns)[:, None]
        seen = np.cos(angles) * self._first + np.sin(angles) * self._beyond
        inside = self._inside @ Rotation.from_rotvec(t * self._axis).as_matrix()
        return Camera(inside @ seen, (1 - t) * self.start.perspective + t * self.end.perspective)
