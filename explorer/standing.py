"""Where the maps of a session stand, for undo: which layout each shows, or between which two it is, how it is seen and what part of it."""

from __future__ import annotations

from contextlib import nullcontext
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from explorer.journey import OnTheWay
from explorer.render.view import View
from explorer.scene import Run
from explorer.turning import Turned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.plane import Plane
    from explorer.state.arrangement import Arrangement
    from explorer.state.history import History

__all__ = ["Hand", "Stand", "Standing", "stand_of"]

Hand = Literal["look", "turn", "way"]
"""What a hand does on a map: it looks elsewhere, turns it, or moves it along the way between two layouts."""

_GESTURE_S: Final = 1.0  # what a hand does again within so long belongs to the same step
_BYTES: Final = 200  # of a stand, about


class Stand(NamedTuple):
    """Where one map stands.

    ``run`` is its layout, None where it has none; ``way`` are the two layouts between which it is, with how far, 0 to 1; ``camera`` are the
    numbers of the camera of a layout of more than two dimensions; ``view`` is the part that is on screen, None where that is the whole map.
    """

    run: Run | None
    way: tuple[Run, Run, float] | None
    camera: tuple[float, ...] | None
    view: tuple[float, ...] | None


class Mapped(Protocol):
    """The session whose maps these are."""

    dataset: Any
    planes: Any
    arrangement: Arrangement
    history: History

    def face(self, plane: Plane, run: Run, numbers: Sequence[float]) -> None:
        """Show a layout of more than two dimensions as a camera sees it."""
        ...


class Standing:
    """Takes down where the maps stand before a person changes that, and has them stand there again when it is undone.

    Parameters
    ----------
    session : Mapped
        Whose maps; only the thread that owns its params calls this.
    """

    def __init__(self, session: Mapped) -> None:
        self._session = session
        self._hand: Hand | None = None  # what was done last, where that was done by hand on a map, and when
        self._at = 0.0

    def note(self, what: str) -> None:
        """Remember where the maps stand now, before what is called so."""
        self._hand = None
        if self._session.planes[0].run is not None:  # else there is no map yet to go back to
            self._session.history.record(self, what)

    def note_show(self, plane: Plane, run: Run) -> None:
        """Remember it before a layout is shown on a map; where that stands there already, nothing changes."""
        if stand_of(plane)[:2] != (run, None):
            self.note(f"show {run.title}")

    def note_hand(self, hand: Hand, what: str) -> None:
        """Remember it before something that is done by hand on a map; what follows within a second is the same step."""
        history = self._session.history
        goes_on = hand == self._hand and monotonic() - self._at < _GESTURE_S and history.last_is(self)
        with history.continued() if goes_on else nullcontext():
            history.record(self, what, passing=True)
        self._hand, self._at = hand, monotonic()

    def snapshot(self) -> tuple[list[Stand], int]:
        """Give what :meth:`restore` takes, and its size in bytes."""
        stands = [stand_of(plane) for plane in self._session.planes]
        return stands, _BYTES * len(stands)

    def restore(self, snapshot: list[Stand]) -> None:
        """Have as many maps as when the snapshot was taken, each where it stood; rows travel to where they were."""
        self._hand = None
        self._session.arrangement.n_maps = len(snapshot)
        for plane, stand in zip(self._session.planes, snapshot, strict=True):
            self._put(plane, stand)

    def _put(self, plane: Plane, stand: Stand) -> None:
        dataset, here = self._session.dataset, stand_of(plane)
        if dataset is None or stand.run is None or stand == here:
            return
        look = () if stand.view is None else View(*stand.view)
        if stand.camera is not None and stand.way is None:
            self._session.face(plane, stand.run, stand.camera)
        t = _time_of(plane, stand)
        if t is not None and (here.way is not None or stand.way is not None):
            plane.called = t
            return
        if stand.way is not None:
            start, goal, at = stand.way
            plane.journey_between(start, goal, dataset, at=at)
            plane.looking = look
        elif stand.run != here.run or here.way is not None:
            plane.travel(stand.run, dataset, look=look)
        else:
            plane.looking = look
        plane.viewport.view = stand.view


def stand_of(plane: Plane) -> Stand:
    """Say where a map stands, or will in a moment: how it came to rest, not how a hand that has not let go has moved it since."""
    wanted = plane.wanted
    between = isinstance(wanted, OnTheWay) and not isinstance(wanted.start, OnTheWay)
    way = (wanted.start.run, wanted.goal.run, wanted.t) if isinstance(wanted, OnTheWay) and between else None
    camera = wanted.camera.numbers() if isinstance(wanted, Turned) else None
    run = wanted.goal.run if isinstance(wanted, OnTheWay) else plane.run
    return Stand(run, way, camera, plane.viewport.view)


def _time_of(plane: Plane, stand: Stand) -> float | None:
    """Say when on the way that a map is on it was where it is to stand; None where that lies elsewhere."""
    journey = plane.journey
    if journey is None or isinstance(journey.start, OnTheWay):
        return None
    start, goal = journey.start.run, journey.goal.run
    if stand.way is not None:
        return stand.way[2] if stand.way[:2] == (start, goal) else None
    return 0.0 if stand.run == start else 1.0 if stand.run == goal else None
