"""How far a job is, on a terminal; writes to stderr only, and nothing at all where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from explorer.compute.progress import Report, ignore

if TYPE_CHECKING:
    from explorer.jobs.job import Job

__all__ = ["confirmed", "duration", "progress_bar", "report_bar"]

_Result = TypeVar("_Result")

_ESTIMATE_AFTER_S = 1.0  # earlier, the speed is mostly start-up
_MINUTE = 60
_HOUR = 3600


@contextmanager
def progress_bar(job: Job[_Result], *, shown: bool | None = None) -> Iterator[None]:
    """Show a job's stage, percent and time left while the block runs.

    Parameters
    ----------
    job : Job
        Watched, never changed.
    shown : bool, optional
        Whether to draw the bar; by default when stderr is a terminal.
    """
    if not _watched(shown=shown):
        yield
        return
    with _bar() as bar:
        unwatch = job.watch(lambda now: _move(bar, now.stage, now.fraction, None if now.ended else now.seconds_left))
        try:
            yield
        finally:
            unwatch()


@contextmanager
def report_bar(*, shown: bool | None = None) -> Iterator[Report]:
    """Show how far something is that runs here, in one stage, while the block runs.

    Parameters
    ----------
    shown : bool, optional
        Whether to draw the bar; by default when stderr is a terminal.

    Yields
    ------
    Report
        To be called as often as there is news.
    """
    if not _watched(shown=shown):
        yield ignore
        return
    began = monotonic()
    with _bar() as bar:

        def report(stage: str, fraction: float) -> None:
            seconds = monotonic() - began
            _move(bar, stage, fraction, seconds * (1 - fraction) / fraction if seconds >= _ESTIMATE_AFTER_S and fraction > 0 else None)

        yield report


def confirmed(sentence: str) -> bool:
    """Say what would be done and ask whether to; where nobody is there to answer: no."""
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    sys.stderr.write(f"explorer: {sentence} {'Go on? [y/N] ' if asks else chr(10)}")
    sys.stderr.flush()
    return asks and sys.stdin.readline().strip().lower() in {"y", "yes"}


def duration(seconds: float) -> str:
    """Say a duration as people do: ``8 s``, ``2 min 05 s``, ``1 h 12 min``."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def _watched(*, shown: bool | None) -> bool:
    return sys.stderr.isatty() if shown is None else shown


def _bar() -> Any:
    from tqdm import tqdm

    # What tqdm calls the unit is where the time left is written: unlike the postfix, it comes without a comma in front.
    return tqdm(total=100, bar_format="{desc} {percentage:3.0f} % |{bar}| {unit}", unit="", leave=False, file=sys.stderr)


def _move(bar: Any, stage: str, fraction: float, seconds_left: float | None) -> None:
    bar.unit = "" if seconds_left is None else f"{duration(seconds_left)} left"
    bar.n = round(100 * fraction)
    bar.set_description_str(f"{stage:<16}")
