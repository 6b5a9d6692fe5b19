"""What is on a map while its layout is being computed: the newest layout there is, turned like what was on screen; knows no browser."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic, thread_time
from typing import TYPE_CHECKING, Final

import numpy as np

from explorer.compute.alignment import IDENTITY, align
from explorer.compute.layout_rows import flat
from explorer.compute.projection import PLANE
from explorer.compute.projections import Layout
from explorer.render.camera import Camera
from explorer.render.layout_index import LayoutIndex
from explorer.scene import InProgress, Placed, Run, Scene, stage
from explorer.threaded import Threaded
from explorer.turning import Turned, alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.jobs.job import Job
    from explorer.jobs.live import LiveLayout
    from explorer.plane import Plane

__all__ = ["LiveMap"]

_ALIGNED_ROWS: Final = 5_000  # of a layout that moves on before anybody could see a difference
_SHARE: Final = 0.06  # of one core's time, that preparing pictures may take: the optimizer wants all of them
_SOONEST_S: Final = 0.1
_DRAWN: Final = 2.0  # a scene with its picture takes about so many times what it takes to prepare


class LiveMap:
    """Puts the layouts that a job reports onto a map; only the thread that owns the session's params calls this.

    Parameters
    ----------
    owner : Threaded
        The session.
    plane : Plane
        The map.
    run : Run
        What is being computed.
    job : Job
        The computation.
    """

    def __init__(self, owner: Threaded, plane: Plane, run: Run, job: Job[Layout]) -> None:
        self.detail = ""  # how far what is on the map has come
        self.run = run
        self._owner, self._plane, self._job = owner, plane, job
        self._instead_of = plane.run
        self._reference: Placed | None = None if plane.scene is None else plane.scene.shown
        self._dressed: tuple[Scene, Scene] | None = None  # like which scene, and how
        self._seen = 0
        self._busy = False
        self._next = 0.0

    def look(self) -> None:
        """See whether there is a newer layout, and show it."""
        number = self._job.live_number
        like = self._plane.scene
        if self._busy or number <= self._seen or monotonic() < self._next or like is None:
            return
        self._busy = True
        self._owner.in_thread("show a layout while it is computed", 0, lambda: 0, lambda: self._prepare(like), self._take, self._fail)

    def _prepare(self, like: Scene) -> tuple[LiveLayout, Scene, float] | None:
        began = thread_time()
        live = self._job.live()
        if live is None or len(live.coordinates) != like.dataset.n_rows:
            return None
        scene = self._scene(live, like)
        return live, scene, thread_time() - began

    def _scene(self, live: LiveLayout, like: Scene) -> Scene:
        shown = self._shown(live)
        rows = shown.index.rows
        if self._dressed is None or self._dressed[0] is not like or not np.array_equal(self._dressed[1].shown.index.rows, rows):
            dressed = stage(
                like.dataset,
                shown,
                like.coloring,
                density=like.normalization.how,
                point_size=like.point_size,
                mask=like.selection_mask,
                passing=like.passing,
                hidden=like.hidden,
                before=like,
            )
            self._dressed = like, replace(dressed, normalization=like.normalization)
        return replace(self._dressed[1], shown=shown)

    def _shown(self, live: LiveLayout) -> InProgress:
        layout = Layout(live.coordinates, str(self.run.method), self.run.settings)
        reference = self._reference
        if live.coordinates.shape[1] > PLANE:
            return self._seen_in_space(live.coordinates, layout)
        if reference is None:
            frame = IDENTITY
        else:
            step = max(1, len(live.coordinates) // _ALIGNED_ROWS)
            if isinstance(reference, Turned):  # like what is seen
                frame = align(flat(live.coordinates[::step]), reference.places(np.arange(0, len(live.coordinates), step)))
            else:
                some = (each[::step] for each in (live.coordinates, reference.layout.coordinates))
                frame = reference.frame.after(align(*map(flat, some)))
        index = LayoutIndex.unsorted(frame.apply(flat(live.coordinates)))
        return InProgress(self.run, layout, index, frame=frame)

    def _seen_in_space(self, coordinates: NDArray[np.float32], layout: Layout) -> InProgress:
        """Show rows of more than two dimensions as they look most like what was on the map, without perspective."""
        finite = np.isfinite(coordinates).all(axis=1)
        rows, middle = np.flatnonzero(finite), coordinates[finite].mean(axis=0, dtype=np.float64) if finite.any() else 0.0
        few = rows[:: max(1, len(rows) // _ALIGNED_ROWS)]
        reference = self._reference
        own = coordinates[few].astype(np.float64)
        camera = Camera.facing(coordinates.shape[1]) if reference is None else alike(own, reference.places(few).astype(np.float64))
        seen = ((coordinates - middle) @ camera.basis[:2].T).astype(np.float32)
        if reference is not None:
            seen = align(seen[few], reference.places(few)).apply(seen)
        return InProgress(self.run, Layout(seen, layout.method, layout.params), LayoutIndex.unsorted(seen))

    def _take(self, made: tuple[LiveLayout, Scene, float] | None, _: int) -> None:
        self._busy = False
        if made is None or self._job.ended:
            return
        live, scene, took = made
        self._seen = live.number
        loss = "" if live.loss is None else f", loss {live.loss:.3f}"
        self.detail = f"iteration {live.iteration:,} of {live.iterations:,}{loss}" if live.iteration else "the start"
        self._next = monotonic() + max(_SOONEST_S, _DRAWN * took / _SHARE)
        if self._plane.run == self._instead_of:  # else somebody looks at another layout meanwhile
            self._plane.live = scene

    def _fail(self, _: str, __: int) -> None:
        self._busy = False  # logged; the result comes without having been watched
