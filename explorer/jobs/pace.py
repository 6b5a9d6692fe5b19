"""How much longer this machine takes than the one that forecasts are made for: by what it computed before, else by a quick measurement."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np

from explorer import settings
from explorer.jobs.artifacts import GRAPH, LAYOUT

if TYPE_CHECKING:
    from explorer.store.store import Store

__all__ = ["machine_pace", "pace_of", "paces"]

_MACHINE: Final = "machine"
_VERSION: Final = 4  # raise it when the times of a forecast change, or the measurement: older paces are then of something else
_LATEST: Final = 5  # computations of a kind that count
_TELLING_S: Final = 2.0  # shorter ones mostly load and compile
_VALUES: Final = 2_000_000
_TAKEN: Final = 100_000  # so few that it takes less than a millisecond, in which nobody else gets the core
_REPEATED: Final = 30
_REFERENCE_S: Final = (0.001, 0.0007)  # of the two, on the machine of explorer.compute.forecast.REFERENCE
_REFERENCE_THREADS: Final = 2
_SERIAL: Final = 0.3  # of a computation


def pace_of(seconds: float, forecast: float) -> dict[str, float]:
    """Return what is kept beside a result: how much longer it took than was forecast; nothing where that says little."""
    return {"pace": round(seconds / forecast, 4), "pace_version": _VERSION} if forecast >= _TELLING_S else {}


def paces(store: Store) -> Mapping[str, float]:
    """Return how much longer each kind of computation took than its forecast, by "graph" and the methods; costs directory listings."""
    told: dict[str, list[tuple[float, float]]] = {}
    for kind, created, pace in _kept(store):
        told.setdefault(kind, []).append((created, pace))
    return {kind: median(pace for _, pace in sorted(each)[-_LATEST:]) for kind, each in told.items()}


def machine_pace(store: Store) -> float:
    """Return how much longer this machine takes for arithmetic and for reading memory; measured once a store, in a fifth of a second.

    Raises
    ------
    StoreUnwritable
        If it cannot be kept.
    """
    key = store.key(_MACHINE, platform.node(), {"threads": settings.compute_threads()}, _VERSION)
    kept = store.get(_MACHINE, key) or store.put(_MACHINE, key, {}, {"pace": _measured()})
    return float(kept.meta["pace"])


def _kept(store: Store) -> Iterator[tuple[str, float, float]]:
    for entry in (*store.entries(GRAPH), *store.entries(LAYOUT)):
        if entry.meta.get("pace_version") == _VERSION:
            yield entry.meta.get("method", "graph"), entry.created, entry.meta["pace"]


def _measured() -> float:
    """Time two pieces of work on one core a few times; the shortest counts, as others may use the machine meanwhile."""
    numbers = np.random.default_rng(0)
    values, places = numbers.random(_VALUES), numbers.integers(0, _VALUES, _TAKEN)
    few, shortest = values[:_TAKEN], [np.inf, np.inf]
    for _ in range(_REPEATED):
        for at, work in enumerate((lambda: np.exp(few), lambda: values[places])):
            began = perf_counter()
            work()
            shortest[at] = min(shortest[at], perf_counter() - began)
    arithmetic, memory = (seconds / reference for seconds, reference in zip(shortest, _REFERENCE_S, strict=True))
    return float(np.sqrt(arithmetic * memory) * (_SERIAL + (1 - _SERIAL) * _REFERENCE_THREADS / settings.compute_threads()))
