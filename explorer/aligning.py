"""How the layouts of a dataset are turned so that they lie alike in one session: each like the one that was on screen when it came.

A layout that has been shown once stays as it lay. What two layouts have in common is found once and kept in the store, beside them.
"""

from __future__ import annotations

import logging
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from explorer.compute.alignment import IDENTITY, Similarity, align
from explorer.compute.layout_rows import flat
from explorer.compute.projections import PROJECTIONS
from explorer.errors import StoreUnwritable
from explorer.scene import Placed, Run
from explorer.turning import Turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.compute.projections import Layout
    from explorer.render.camera import Camera
    from explorer.store.store import Store

__all__ = ["Frames", "aligned"]

logger = logging.getLogger(__name__)

_ALIGNMENT = "alignment"
_ALIGNMENT_VERSION = 1  # raise it when align() gives another result
_KEPT_FROM = 100_000  # rows; fewer are aligned in less time than it takes to find what was kept
_HASHED_ROWS = 65_536  # of a layout, that tell it from others


class Frames:
    """The frames of one dataset's layouts; safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[int | None, str], Similarity] = {}
        self._cameras: dict[tuple[int | None, str], Camera] = {}
        self._lock = Lock()

    def place(self, run: Run, layout: Layout, reference: Placed | None, store: Store | None) -> Placed:
        """Turn a layout: as it lay before, else like ``reference``, else not at all."""
        with self._lock:  # what comes second lies like what came first
            key = run.given, run.title
            if key not in self._known:
                kind = PROJECTIONS.get(run.method or "")
                turned = reference if kind is None or kind.turnable else None
                turned = turned.flattened() if isinstance(turned, Turned) else turned
                self._known[key] = IDENTITY if turned is None else turned.frame.after(aligned(layout, turned.layout, store))
            return Placed(run, layout, frame=self._known[key])

    def camera(self, turned: Turned, reference: Placed | None) -> Camera:
        """Say from where a layout of more than two dimensions is seen: as it was last, else so that it looks most like ``reference``."""
        with self._lock:
            key = turned.run.given, turned.run.title
            if key not in self._cameras:
                found = turned.camera if reference is None else turned.solid.like(turned.layout.coordinates, reference.places)
                self._cameras[key] = found
            return self._cameras[key]

    def keep_camera(self, run: Run, camera: Camera) -> None:
        """Have a layout be seen so from now on."""
        with self._lock:
            self._cameras[run.given, run.title] = camera

    def keep(self, placed: Placed) -> None:
        """Have a layout lie from now on as it lies on a map, where that is not known yet; one of more dimensions, as it is seen there."""
        if isinstance(placed, Turned):
            self.keep_camera(placed.run, placed.camera)
            return
        with self._lock:
            self._known.setdefault((placed.run.given, placed.run.title), placed.frame)


def aligned(moving: Layout, fixed: Layout, store: Store | None) -> Similarity:
    """Find how one layout has to be turned to lie like another, or look it up; see :func:`explorer.compute.alignment.align`."""
    if moving.coordinates is fixed.coordinates:
        return IDENTITY
    if store is None or len(moving.coordinates) < _KEPT_FROM:
        return align(flat(moving.coordinates), flat(fixed.coordinates))
    key = store.key(_ALIGNMENT, f"{_content(moving.coordinates)} {_content(fixed.coordinates)}", {}, _ALIGNMENT_VERSION)
    kept = store.get(_ALIGNMENT, key)
    if kept is not None:
        (a, b), (c, d), (x, y) = kept.arrays["similarity"].tolist()
        return Similarity(((a, b), (c, d)), (x, y))
    found = align(flat(moving.coordinates), flat(fixed.coordinates))
    try:
        store.put(_ALIGNMENT, key, {"similarity": np.array([*found.matrix, found.shift])}, {})
    except StoreUnwritable as error:
        logger.warning("How two layouts lie to each other is not kept: %s", error)
    return found


def _content(coordinates: NDArray[np.float32]) -> str:
    step = max(1, len(coordinates) // _HASHED_ROWS)
    return f"{len(coordinates)} {blake2b(np.ascontiguousarray(coordinates[::step]).data, digest_size=16).hexdigest()}"
