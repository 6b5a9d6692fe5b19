"""A computation as one asker sees it: state, progress, time left, layout so far, result, stop. Knows nothing of processes or files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Condition
from time import monotonic
from typing import Final, Generic, Literal, TypeVar

from explorer.errors import ExplorerError, JobCanceled
from explorer.jobs.live import LiveLayout, LiveNews

__all__ = ["Job", "State"]

logger = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "failed", "canceled"]
_ENDED: Final = frozenset({"done", "failed", "canceled"})
_REPORT_EVERY_S: Final = 0.1
_ESTIMATE_AFTER_S: Final = 1.0  # earlier, the speed is mostly start-up
_STEADY_S: Final = 4.0  # how far back the pace looks, in seconds and as a share of the time so far
_STEADY: Final = 0.25
_ESTIMATE_AFTER: Final = 0.02  # and so is the first of the way

T = TypeVar("T")


class Job(Generic[T]):
    """One asker's handle on a computation; several handles may share one.

    Made by the runner. Every attribute may be read from any thread.

    Parameters
    ----------
    what : str
        What is computed, for people: "UMAP of WordNet".
    on_cancel : callable
        Called once, from the thread that cancels, when this asker has lost interest.
    on_stop : callable, optional
        Called from the thread that stops, when this asker wants what there is. Where there is none, nothing can be kept.
    """

    def __init__(self, what: str, on_cancel: Callable[[Job[T]], None], on_stop: Callable[[Job[T]], None] | None = None) -> None:
        self.what = what
        self._on_cancel = on_cancel
        self._on_stop = on_stop
        self._changed = Condition()
        self._state: State = "queued"
        self._stage = ""
        self._fraction = 0.0
        self._value: T | None = None
        self._error: ExplorerError | None = None
        self._live: LiveNews | None = None
        self._watchers: list[Callable[[Job[T]], None]] = []
        self._told = 0.0
        self._started: float | None = None
        self._ended: float | None = None
        self._pace = _Pace()

    def __repr__(self) -> str:
        return f"<Job {self.what}: {self._state}, {self._stage or 'no stage'}, {self._fraction:.0%}>"

    @property
    def state(self) -> State:
        """One of "queued", "running", "done", "failed" and "canceled"; the last three are final."""
        return self._state

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self._state in _ENDED

    @property
    def stage(self) -> str:
        """What is being done, in a word or two; "" while queued."""
        return self._stage

    @property
    def fraction(self) -> float:
        """How much of the whole is done, from 0 to 1; never goes back."""
        return self._fraction

    @property
    def error(self) -> ExplorerError | None:
        """Why it failed or was canceled, else None; ``str(error)`` is a sentence."""
        return self._error

    @property
    def seconds_elapsed(self) -> float:
        """Seconds since it began to run, without the time in the queue; 0 while queued."""
        started = self._started
        return 0.0 if started is None else (self._ended or monotonic()) - started

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the end; None where nothing can be said yet, 0 when it has ended."""
        with self._changed:
            if self.ended:
                return 0.0
            if self.seconds_elapsed < _ESTIMATE_AFTER_S or self._fraction < _ESTIMATE_AFTER:
                return None
            return self._pace.seconds_left(self._fraction, monotonic())

    @property
    def live_number(self) -> int:
        """The number of the newest live layout; 0 while there is none, and when it has ended."""
        live = self._live
        return 0 if live is None else live.number

    @property
    def live_news(self) -> LiveNews | None:
        """The newest live layout's number and how to read it; for who passes it on to another process."""
        return self._live

    def live(self) -> LiveLayout | None:
        """Copy the newest live layout, which is for a thread to do: it takes a millisecond per million rows or a few.

        Returns
        -------
        LiveLayout or None
            None while there is none, where there never is one (graphs, PCA), and when the job has ended: then there is its result.
        """
        live = self._live
        return None if live is None else live.read()

    def result(self, timeout: float | None = None) -> T:
        """Wait for the result.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait; for ever by default.

        Returns
        -------
        Layout or NeighborGraph
            What was asked for.

        Raises
        ------
        TimeoutError
            If it has not ended by then; it goes on.
        ParameterError, DataError
            If the data or a parameter did not allow it.
        JobFailed, JobCanceled, WorkerDied
            If the computation did not finish.
        StoreUnwritable
            If its result could not be kept.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.ended, timeout):
                raise TimeoutError(f"{self.what} has not ended after {timeout} s")
            if self._error is not None:
                raise type(self._error)(*self._error.args)  # a new one for each waiting thread: raising writes into an exception
            return self._value  # type: ignore[return-value]  # set whenever the state is "done"

    def cancel(self) -> None:
        """Lose interest: this handle is "canceled" at once. The computation is stopped when no other asker waits for it."""
        if self.end("canceled", error=JobCanceled(self.what)):
            self._on_cancel(self)

    def stop(self) -> None:
        """End early and keep what there is; returns at once.

        The newest live layout is put into the store under the settings with ``stopped_at``, its iteration, beside them; never under the
        settings alone. This handle then ends "done" with it, and ``params`` say so. The computation goes on while other askers wait for
        it, and is ended otherwise. Where there is no live layout yet, or never is one, this is :meth:`cancel`; where the computation ends
        at this very moment, its end counts.
        """
        if self._on_stop is None:
            self.cancel()
        elif not self.ended:
            self._on_stop(self)

    def watch(self, callback: Callable[[Job[T]], None]) -> Callable[[], None]:
        """Have a function called when something changes.

        Parameters
        ----------
        callback : callable
            Called with this job from the runner's thread: at each new state, stage and live layout (about twenty a second at most), and
            for progress at most ten times a second. Must be quick. What it raises is logged. A job that has ended already calls it once,
            now, from this thread.

        Returns
        -------
        callable
            Call it to watch no longer.
        """
        with self._changed:
            ended = self.ended
            if not ended:
                self._watchers.append(callback)
        if ended:
            self._tell_one(callback)

        def unwatch() -> None:
            with self._changed:
                if callback in self._watchers:
                    self._watchers.remove(callback)

        return unwatch

    # What follows is for the runner.

    def advance(self, stage: str, fraction: float, live: LiveNews | None = None) -> None:
        """Note that it runs, how far it is and that there is a new live layout, and tell the watchers; nothing once it has ended."""
        now = monotonic()
        with self._changed:
            if self.ended:
                return
            news = self._state != "running" or stage != self._stage or live is not None
            if live is not None:
                self._live = live
            if self._started is None:
                self._started = now
            self._state, self._stage = "running", stage
            self._fraction = max(self._fraction, min(1.0, fraction))
            self._pace.note(self._fraction, now)
            if not news and now - self._told < _REPORT_EVERY_S:
                return
            self._told = now
        self.tell()

    def end(self, state: Literal["done", "failed", "canceled"], *, value: T | None = None, error: ExplorerError | None = None) -> bool:
        """Note the end and wake who waits for it; the watchers hear of it with :meth:`tell`. False if it had ended before."""
        with self._changed:
            if self.ended:
                return False
            self._state, self._value, self._error, self._live = state, value, error, None
            self._ended = monotonic()
            if state == "done":
                self._fraction = 1.0
            self._changed.notify_all()
        return True

    def tell(self) -> None:
        """Call the watchers; for the last time when the job has ended."""
        with self._changed:
            watchers = list(self._watchers)
            if self.ended:
                self._watchers.clear()
        for watcher in watchers:
            self._tell_one(watcher)

    def _tell_one(self, watcher: Callable[[Job[T]], None]) -> None:
        try:
            watcher(self)
        except Exception:  # a border: the runner serves other askers too
            logger.exception("A watcher of %s failed", self.what)


class _Pace:
    """How fast a fraction grows, with more weight on the recent past, because stages differ in speed."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._at: float | None = None
        self._fraction = 0.0
        self._speed = 0.0  # fraction a second

    def note(self, fraction: float, now: float) -> None:
        if self._first is None or self._at is None:
            self._first, self._at, self._fraction = now, now, fraction
            return
        seconds = now - self._at
        if seconds < _REPORT_EVERY_S:
            return
        weight = 1.0 if not self._speed else seconds / (seconds + max(_STEADY_S, _STEADY * (now - self._first)))
        self._speed += weight * ((fraction - self._fraction) / seconds - self._speed)
        self._at, self._fraction = now, fraction

    def seconds_left(self, fraction: float, now: float) -> float | None:
        if self._at is None or self._speed <= 0:
            return None
        return max(0.0, (1.0 - fraction) / self._speed - (now - self._at))
