"""One thing that is computed, those who wait for it, and the process that has it; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from explorer.jobs.live import LiveLayout, LiveNews
from explorer.jobs.process import WorkerProcess
from explorer.records.visitor import NOBODY, Visitor, current

if TYPE_CHECKING:
    from explorer.jobs.job import Job
    from explorer.jobs.tasks import Task

__all__ = ["Asker", "Computation", "Lane"]


@dataclass(eq=False)
class Asker:
    """One handle on a computation: whose it is, how its value is read from the store, and how a live layout is kept there instead."""

    job: Job[Any]
    owner: str | None
    find: Callable[[], Any]
    keep: Callable[[LiveLayout, float], Any]
    visitor: Visitor = field(default_factory=current)


@dataclass(eq=False)
class Computation:
    """One thing that is computed for one or more askers."""

    number: int
    task: Task
    key: tuple[str, str]
    prepare: Callable[[], None]
    askers: list[Asker]
    owner: Hashable = None  # whose turn it is run in; its other computations wait until it has ended
    state: Literal["preparing", "waiting", "running", "over"] = "preparing"
    stage: str = ""
    fraction: float = 0.0
    live: LiveNews | None = None
    give_up_at: float | None = None  # when the process is ended, once nobody asks any more
    vectors_were_gone: bool = False
    taken: bool = False  # whether the process has begun with it
    was_lost: bool = False  # whether a process died before it began
    visitor: Visitor = NOBODY  # who asked first
    kept: bool = False  # whether somebody stopped it and has what there was
    started: float = field(default_factory=monotonic)


@dataclass(eq=False)
class Lane:
    """A compute process, which is started when there is something to do, and what it does."""

    worker: WorkerProcess | None = None
    current: Computation | None = None
