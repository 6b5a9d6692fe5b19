"""How much memory a computation may take: what the machine has left, what the container has left, what the settings allow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from explorer import settings

__all__ = ["Room", "room"]

_GROUPS: Final = Path("/sys/fs/cgroup")
_PROCESSES: Final = Path("/proc")
_NO_LIMIT: Final = 1 << 60  # control groups of version 1 say "none" as a number near 2**63


class Room(NamedTuple):
    """So many bytes, and whose they are: "this machine", "this container", or the setting that allows no more."""

    free: int
    whose: str


def room(*, processes: Path = _PROCESSES, groups: Path = _GROUPS) -> Room | None:
    """Find what limits a computation most.

    Parameters
    ----------
    processes, groups : path
        Where the kernel tells it.

    Returns
    -------
    Room or None
        None where nothing is known.

    Raises
    ------
    BadParameter
        If ``EXPLORER_MEMORY`` is no size.
    """
    allowed = settings.memory_mb()
    known = [] if settings.scheduler() else [*_machine(processes), *_groups(processes, groups)]  # a cluster's workers look after theirs
    if allowed is not None:
        known.append(Room(allowed * 1_000_000, "EXPLORER_MEMORY"))
    return min(known, default=None)


def _machine(processes: Path) -> Iterator[Room]:
    """Tell what programs can get without swapping; where the kernel does not say it, all that there is."""
    for line in _text(processes / "meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            yield Room(int(line.split()[1]) * 1024, "this machine")
            return
    names = os.sysconf_names if hasattr(os, "sysconf_names") else {}
    if "SC_PHYS_PAGES" in names:
        yield Room(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "this machine")


def _groups(processes: Path, groups: Path) -> Iterator[Room]:
    """Tell what the control group of this process and each above it has left; files that the kernel keeps in memory can be dropped."""
    for line in _text(processes / "self" / "cgroup").splitlines():
        _, kinds, name = line.split(":", 2)
        if kinds == "":
            yield from _left(groups, groups / name.lstrip("/"), "memory.max", "memory.current", ("inactive_file", "active_file"))
        elif "memory" in kinds.split(","):
            top, counted = groups / "memory", ("total_inactive_file", "total_active_file")
            yield from _left(top, top / name.lstrip("/"), "memory.limit_in_bytes", "memory.usage_in_bytes", counted)


def _left(top: Path, group: Path, limit: str, used: str, droppable: tuple[str, ...]) -> Iterator[Room]:
    # in a container, the name may be that outside of it: then only the top is there
    for folder in (group, *group.parents):
        most, now = _text(folder / limit).strip(), _text(folder / used).strip()
        if most.isdecimal() and now.isdecimal() and int(most) < _NO_LIMIT:
            counts = dict(line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines())
            kept = int(now) - sum(int(counts.get(name, 0)) for name in droppable)
            yield Room(max(0, int(most) - max(0, kept)), "this container")
        if folder == top:
            return


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:  # not on this system
        return ""
