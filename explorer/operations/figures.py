"""The figures of a server that are looked up when somebody asks for them: jobs, store, versions; and the beat that finds the loop's lag."""

from __future__ import annotations

import asyncio
import logging
import platform
from collections.abc import Iterable
from threading import Lock
from time import monotonic
from typing import get_args

import bokeh
import panel as pn
from prometheus_client import Info, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from explorer.jobs.job import State
from explorer.jobs.runner import runner
from explorer.jobs.tasks import Task
from explorer.records.metrics import LOOP_LAG_SECONDS, REGISTRY
from explorer.records.version import own_version

__all__ = ["beat"]

logger = logging.getLogger(__name__)

_BEAT_S = 0.1
_LATE_BEATS = 600  # a minute
_STORE_EVERY_S = 30.0  # looking through a large store takes a good part of a second
_WAITING: tuple[State, ...] = ("queued", "running")
_ENDED: tuple[State, ...] = ("done", "failed", "canceled")


class _Jobs(Collector):
    """What is computed, and what became of what was."""

    def collect(self) -> Iterable[Metric]:
        """Look at the runner."""
        counted = runner().counts()
        now = GaugeMetricFamily("explorer_jobs", "Computations that wait or run.", labels=["kind", "state"])
        ended = CounterMetricFamily("explorer_jobs_ended", "Computations that have ended, by how.", labels=["kind", "state"])
        for kind in sorted(task.kind for task in get_args(Task)):
            for state in _WAITING:
                now.add_metric([kind, state], counted.get((kind, state), 0))
            for state in _ENDED:
                ended.add_metric([kind, state], counted.get((kind, state), 0))
        yield now
        yield ended
        yield CounterMetricFamily("explorer_workers_died", "Compute processes that ended by themselves.", value=runner().n_died)


class _Store(Collector):
    """How full the store is, looked up twice a minute at most."""

    def __init__(self) -> None:
        self._looking = Lock()
        self._looked: float | None = None
        self._bytes = 0.0

    def collect(self) -> Iterable[Metric]:
        """Look at the store, unless that was done a moment ago."""
        store = runner().store
        yield GaugeMetricFamily("explorer_store_limit_bytes", "Bytes that the store may have.", value=store.limit_mb * 1_000_000)
        with self._looking:
            if self._looked is None or monotonic() - self._looked > _STORE_EVERY_S:
                try:
                    self._bytes = store.size_mb() * 1e6
                except OSError as error:
                    logger.warning("The size of the store is not known: %s", error)
                    return
                self._looked = monotonic()
        yield GaugeMetricFamily("explorer_store_bytes", "Bytes of the artifacts in the store.", value=self._bytes)


def beat() -> None:
    """Notice from now on by how much the running event loop comes too late.

    Beats that fall into the time when it was held up count as well, each by as much as it would have been late: who comes then waits too.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + _BEAT_S

    def come() -> None:
        late = max(0.0, loop.time() - due)
        for missed in range(min(int(late / _BEAT_S), _LATE_BEATS) + 1):
            LOOP_LAG_SECONDS.observe(late - missed * _BEAT_S)
        beat()

    loop.call_at(due, come)


ProcessCollector(registry=REGISTRY)
Info("explorer_build", "Versions of what runs.", registry=REGISTRY).info(
    {"version": own_version(), "python": platform.python_version(), "panel": pn.__version__, "bokeh": bokeh.__version__}
)
REGISTRY.register(_Jobs())
REGISTRY.register(_Store())
