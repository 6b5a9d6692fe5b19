"""One map of a session: which layout is on it, and the scene that is drawn; knows no browser and no widget."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

import param

from explorer.errors import ExplorerError
from explorer.scene import Run, Scene, Shown
from explorer.staging import Staged

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Owner", "Plane"]

_GONE = "This layout is no longer in the store. Run it again."


class Owner(Protocol):
    """The session that a plane belongs to."""

    dataset: Dataset | None
    runs: list[Run]

    def preparation(self, run: Run | Shown, dataset: Dataset, before: Scene | None) -> Callable[[], Staged]:
        """Say, with everything as it is set now, what makes a scene: for a thread."""
        ...

    def in_thread(
        self,
        what: str,
        number: int,
        latest: Callable[[], int],
        make: Callable[[], Staged],
        take: Callable[[Staged, int], None],
        fail: Callable[[str, int], None],
    ) -> Future[None]:
        """Make something in a thread, unless it is no longer asked for, and bring it or the error's sentence back."""
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

    def __init__(self, owner: Owner) -> None:
        super().__init__()
        self._owner = owner
        self.wanted: Run | Shown | None = None  # what the map shows, or will in a moment
        self._staged = 0  # counts what was asked for: a late answer to an old question is dropped
        self._taken = 0  # the last of it that is on the map

    @property
    def run(self) -> Run | None:
        """The layout that is on the map, or will be in a moment."""
        return self.wanted.run if isinstance(self.wanted, Shown) else self.wanted

    def clear(self) -> None:
        """Show nothing."""
        self.wanted = None
        self._staged += 1
        self.scene = None

    def restage(self) -> None:
        """Show the same layout as everything is set now."""
        if self.wanted is not None and self._owner.dataset is not None:
            self.stage(self.wanted, self._owner.dataset)

    def stage(self, run: Run | Shown, dataset: Dataset) -> Future[None]:
        """Prepare a scene in a thread, with a layout and with everything as it is set now."""
        make = self._begin(run, dataset)
        return self._owner.in_thread("draw the map", self._staged, lambda: self._staged, make, self._take, self._fail)

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
        self.scene = scene
        self._owner.staged(self)

    def _fail(self, sentence: str, number: int) -> None:
        if number != self._staged:
            return
        if self.scene is not None and self.scene.dataset is self._owner.dataset:
            self.wanted = self.scene.shown  # still on the map
        else:
            self.scene = None  # of another dataset
        self._owner.not_staged(self, sentence)
