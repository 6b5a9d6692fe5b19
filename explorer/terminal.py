"""How far a job is, on a terminal; writes to stderr only, and nothing at all where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from explorer.jobs.job import Job

__all__ = ["duration", "progress_bar"]

_Result = TypeVar("_Result")

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
    if not (sys.stderr.isatty() if shown is None else shown):
        yield
        return
    from tqdm import tqdm

    # What tqdm calls the unit is where the time left is written: unlike the postfix, it comes without a comma in front.
    with tqdm(total=100, bar_format="{desc} {percentage:3.0f} % |{bar}| {unit}", unit="", leave=False, file=sys.stderr) as bar:

        def update(now: Job[_Result]) -> None:
            left = now.seconds_left
            bar.unit = "" if now.ended or left is None else f"{duration(left)} left"
            bar.n = round(100 * now.fraction)
            bar.set_description_str(f"{now.stage:<16}")

        unwatch = job.watch(update)
        try:
            yield
        finally:
            unwatch()


def duration(seconds: float) -> str:
    """Say a duration as people do: ``8 s``, ``2 min 05 s``, ``1 h 12 min``."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"
