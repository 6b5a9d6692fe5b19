"""One map of a session: which layout is on it, and the scene that is drawn; knows no browser and no widget."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

import param

from explorer.errors import ExplorerError
from explorer.journey import Journey, OnTheWay
from explorer.scene import Placed, Run, Scene, Shown
from explorer.staging import Staged, Way
from explorer.state.viewport import Viewport
from explorer.threaded import Threaded
from explorer.turning import Turned

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset
    from explorer.render.camera import Camera
    from explorer.render.view import View

__all__ = ["Owner", "Plane"]

_GONE = "This layout is no longer in the store. Run it again."


class Owner(Threaded, Protocol):
    """The session that a plane belongs to."""

    dataset: Dataset | None
    runs: list[Run]

    def preparation(self, run: Run | Shown | Callable[[], Shown], dataset: Dataset, before: Scene | None) -> Callable[[], Staged]:
        """Say, with everything as it is set now, what makes a scene: for a thread."""
        ...

    def departure(self, run: Run) -> Callable[[Scene], Journey | None]:
        """Say what finds the way from a scene to a layout: for a thread."""
        ...

    def way_between(self, start: Run, goal: Run, before: Scene | None) -> Callable[[], Way | None]:
        """Say what shows a layout and finds the way to another: for a thread."""
        ...

    def staged(self, plane: Plane) -> None:
        """Hear that a plane has another scene."""
        ...

    def not_staged(self, plane: Plane, sentence: str) -> None:
        """Hear that it could not be made."""
        ...


class Plane(param.Parameterized):
    """One map: only the thread that owns the session's params calls this.

    Parameters
    ----------
    owner : Owner
        The session.
    """

    scene = param.Parameter(default=None, doc="What is on the map (Scene), or none.")
    live = param.Parameter(default=None, doc="What is on the map while another layout is computed (Scene), or none.")
    journey = param.Parameter(default=None, doc="The way between two layouts that the map is on, or can be put on (Journey); or none.")
    looking = param.Parameter(default=None, doc="Where the map is to look once its layout is there: a View, () for all, or none.")
    called = param.Number(default=None, allow_None=True, doc="To which time of its journey browsers are to put the map, 0 to 1; or none.")

    def __init__(self, owner: Owner) -> None:
        super().__init__()
        self._owner = owner
        self.wanted: Run | Shown | None = None  # what the map shows, or will in a moment
        self._staged = 0  # counts what was asked for: a late answer to an old question is dropped
        self._taken = 0  # the last of it that is on the map
        self._leaving = 0  # the last of it that is a way to another layout, until that is found
        self._finishing = False  # whether the next scene takes the place of a live one
        self._formed: tuple[Run, Run] | None = None  # what was on the map while a layout formed, and that layout
        self.plays = False  # whether the journey plays by itself, from its start to its goal
        self.at = 0.0  # where on the journey the browser was that asked last
        self._first_at = 0.0  # where on the next journey browsers begin
        self._heading: View | tuple[()] | None = None  # where the next journey leads, if not to the rows that are in view
        self.heading: View | tuple[()] | None = None  # where the journey leads that is there
        self._facing: tuple[int, Camera] | None = None  # a solid, and how the browser saw it that asked last
        self.viewport = Viewport()  # what the browser looks at that asked last

    @property
    def run(self) -> Run | None:
        """The layout that is on the map, or will be in a moment."""
        return self.wanted.run if isinstance(self.wanted, Shown) else self.wanted

    @property
    def layouts(self) -> list[Run]:
        """The layout that is on the map, or will be in a moment; where its rows are between several, those."""
        return _layouts(self.wanted)

    @property
    def passage(self) -> tuple[Run, Run] | None:
        """The two layouts between which rows moved last; none where that began between two layouts."""
        journey = self.journey
        if journey is not None:
            return None if isinstance(journey.start, OnTheWay) else (journey.start.run, journey.goal.run)
        return None if self._formed is None or self._formed[1] != self.run else self._formed

    @property
    def camera(self) -> Camera | None:
        """How a layout of more than two dimensions is seen that is on the map: as the browser asked that spoke last; none of a flat one."""
        scene = self.scene
        if scene is None or not isinstance(scene.shown, Turned):
            return None
        if self._facing is not None and self._facing[0] == scene.shown.solid.number:
            return self._facing[1]
        return scene.shown.camera

    def face(self, solid: int, camera: Camera) -> None:
        """Note how a browser sees a solid, by its number, while it turns."""
        self._facing = solid, camera

    def as_seen(self) -> Callable[[], Scene]:
        """Take down what is on the map, and give what makes it as a browser sees it at this moment, where it turns: for a thread."""
        scene, camera = self.scene, self.camera

        def see() -> Scene:
            if camera is None or not isinstance(scene.shown, Turned):
                return scene
            return replace(scene, shown=scene.shown.facing(camera))

        return see

    @property
    def settled(self) -> bool:
        """Whether what was asked for last is on the map."""
        return self._taken == self._staged and self.scene is not None

    def clear(self) -> None:
        """Show nothing."""
        self.wanted, self.viewport.view = None, None
        self._staged += 1
        self.param.update(scene=None, journey=None, live=None)

    def finish(self, run: Run, dataset: Dataset) -> Future[None]:
        """Show the layout that was computed; until it is there, the last of the live ones stays."""
        self._finishing = True
        before = self.scene
        if before is not None and before.dataset is dataset and before.shown.run != run and not isinstance(before.shown, OnTheWay):
            self._formed = before.shown.run, run
        return self.stage(run, dataset)

    def unwatch(self) -> None:
        """Show again what was on the map before something was computed."""
        self._finishing = False
        if self.live is not None:
            self.live = None

    def restage(self) -> None:
        """Show the same layout as everything is set now."""
        if self.wanted is not None and self._owner.dataset is not None:
            self.stage(self.wanted, self._owner.dataset)

    def stage(self, run: Run | Shown, dataset: Dataset) -> Future[None]:
        """Prepare a scene in a thread, with a layout and with everything as it is set now."""
        make = self._begin(run, dataset)
        return self._owner.in_thread("draw the map", self._staged, lambda: self._staged, make, self._take, self._fail)

    def travel(self, run: Run, dataset: Dataset, *, look: View | tuple[()] | None = None) -> Future[None]:
        """Show another layout, and have its rows travel there from where they are now.

        ``look`` is the part of it to look at in the end, () for all: by default that with the rows that are in view now.
        """
        self.unwatch()
        before, journey, at = self.scene, self.journey, self.at
        on_the_way = journey is not None and (0 < at < 1 or (at == 0 and self.plays))  # a browser may not have begun yet
        if before is None or before.dataset is not dataset or (before.shown.run == run and not on_the_way):
            self.looking = look
            return self.stage(run, dataset)
        self.wanted = run
        self._heading = look
        self._staged += 1
        self._leaving = self._staged
        leave, camera = self._owner.departure(run), self.camera

        def find() -> Journey | None:
            seen = journey is not None and on_the_way and not isinstance(before.shown, OnTheWay)
            if camera is not None and isinstance(before.shown, Turned) and not seen:
                return leave(replace(before, shown=before.shown.facing(camera)))  # it may have turned on
            return leave(journey.scene_at(at, before) if seen else before)

        return self._owner.in_thread("find the way to a layout", self._staged, lambda: self._staged, find, self._depart, self._fail)

    def journey_between(self, start: Run, goal: Run, dataset: Dataset, *, at: float = 0.0) -> Future[None]:
        """Show a layout, and have the map ready to be put anywhere between it and another; ``at`` is where browsers put it first."""
        self.unwatch()
        self._first_at = at
        self.wanted = start
        self._staged += 1
        self._leaving = self._staged
        find = self._owner.way_between(start, goal, self.scene)
        return self._owner.in_thread("find the way to a layout", self._staged, lambda: self._staged, find, self._prepare, self._fail)

    def turn(self, camera: Camera) -> None:
        """Stay as a layout of more than two dimensions is seen now: what is there can be looked at as any other layout.

        Nothing happens where another layout has been chosen meanwhile.
        """
        scene, dataset = self.scene, self._owner.dataset
        if scene is None or dataset is None or not isinstance(scene.shown, Turned) or self.wanted is not scene.shown:
            return
        if camera.n_dims != scene.shown.solid.n_dims or (scene.shown.camera == camera and self._taken == self._staged):
            return
        self.face(scene.shown.solid.number, camera)
        self._staged += 1
        make = self._owner.preparation(partial(scene.shown.facing, camera), dataset, scene)
        self._owner.in_thread("draw the map", self._staged, lambda: self._staged, make, self._take, self._fail)

    def hold(self, t: float) -> None:
        """Stay on the journey, at a time from 0 to 1: what is there can be looked at as any other layout.

        Nothing happens where another layout has been chosen meanwhile, or another dataset.
        """
        journey, dataset, scene = self.journey, self._owner.dataset, self.scene
        if journey is None or dataset is None or scene is None or scene.dataset is not dataset or self._leaving == self._staged:
            return
        between = 0 < t < 1 or (t <= 0 and isinstance(journey.start, OnTheWay))
        if not between:
            goal: Run | Shown = journey.start if t <= 0 else journey.goal.run
            if self._taken != self._staged or self.run != (goal.run if isinstance(goal, Shown) else goal):
                self.stage(goal, dataset)
            return
        self._staged += 1
        make = self._owner.preparation(partial(journey.standing, max(t, 0.0)), dataset, scene)
        self._owner.in_thread("draw the map", self._staged, lambda: self._staged, make, self._take, self._fail)

    def arrive(self) -> None:
        """Hear that a browser has seen the journey to its end; one that began between two layouts is not made again."""
        if self.journey is not None and isinstance(self.journey.start, OnTheWay):
            self.journey = None

    def stage_now(self, run: Run | Shown, dataset: Dataset) -> None:
        """Prepare a scene here: the next line finds it.

        Raises
        ------
        ExplorerError
            If it cannot be drawn.
        """
        make, number = self._begin(run, dataset), self._staged
        try:
            self._take(make(), number)
        except ExplorerError as error:
            self._fail(str(error), number)
            raise

    def catch_up(self) -> None:
        """Bring onto the map here and now what was set."""
        if self.wanted is not None and self._taken != self._staged and self._owner.dataset is not None:
            self.stage_now(self.wanted, self._owner.dataset)

    def _begin(self, run: Run | Shown, dataset: Dataset) -> Callable[[], Staged]:
        self.wanted = run
        self._staged += 1
        return self._owner.preparation(run, dataset, self.scene)

    def _depart(self, journey: Journey | None, number: int) -> None:
        dataset = self._owner.dataset
        if number != self._staged or dataset is None or self.run is None:
            return
        self.heading, self._heading = self._heading, None
        if journey is not None:
            self.at, self.plays = 0.0, True
            self.journey = journey
        else:
            self.looking = self.heading
        self.stage(self.run, dataset)

    def _prepare(self, way: Way | None, number: int) -> None:
        if number != self._staged:
            return
        if way is None:
            self._fail(_GONE, number)
            return
        self.at, self.plays, self._leaving = self._first_at, False, 0
        self.heading = None
        self.journey = way.journey
        self._take(way.staged, number)

    def _take(self, staged: Staged, number: int) -> None:
        scene = staged.scene
        if number != self._staged or (scene is not None and scene.dataset is not self._owner.dataset):
            return
        if staged.runs is not None:
            self._owner.runs = staged.runs
        if scene is None:
            self._fail(_GONE, number)
            return
        self.wanted = scene.shown
        self._taken = number
        self._facing = None
        journey = self._journey_of(scene)
        changed = {} if journey is self.journey else {"journey": journey}  # param takes the same object for a change
        self.param.update(scene=scene, **changed)
        if self._finishing:
            self.unwatch()
        self._owner.staged(self)

    def _journey_of(self, scene: Scene) -> Journey | None:
        """Keep the journey as long as the map is somewhere on it."""
        journey, shown = self.journey, scene.shown
        if self.scene is not None and self.scene.dataset is not scene.dataset:
            return None  # its layouts may have the same names
        if journey is None or (isinstance(shown, OnTheWay) and shown.course is journey.course):
            return journey
        if shown.run == journey.goal.run and _lies(shown, journey.goal):
            journey.goal_normalization = scene.normalization
            return journey
        return journey if shown is journey.start else None

    def _fail(self, sentence: str, number: int) -> None:
        if number != self._staged:
            return
        self._leaving = 0
        if self.scene is not None and self.scene.dataset is self._owner.dataset:
            self.wanted = self.scene.shown  # still on the map
        else:
            self.scene = None  # of another dataset
        if self._finishing:
            self.unwatch()
        self._owner.not_staged(self, sentence)


def _lies(shown: Placed, goal: Placed) -> bool:
    """Whether a layout is where a journey leads; one of more dimensions may have been turned since."""
    return not isinstance(shown, Turned) or (isinstance(goal, Turned) and shown.camera == goal.camera)


def _layouts(wanted: Run | Placed | None) -> list[Run]:
    if isinstance(wanted, OnTheWay):
        return [*_layouts(wanted.start), wanted.goal.run]
    run = wanted.run if isinstance(wanted, Placed) else wanted
    return [] if run is None else [run]
