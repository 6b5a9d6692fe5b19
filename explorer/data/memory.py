"""How much memory there is to read into: what needs more is refused, before the system ends the process and everybody's session."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import Unreadable

__all__ = ["check_memory"]

_MEMINFO = Path("/proc/meminfo")  # Linux; elsewhere the system says no when it is asked


def check_memory(n_bytes: int, source: str) -> None:
    """Refuse what does not fit into memory: a file of a few kilobytes can claim to hold terabytes.

    Raises
    ------
    Unreadable
        With what is needed and what there is.
    """
    free = _free_bytes()
    if free is not None and n_bytes > free:
        raise Unreadable(source, f"its numbers need {n_bytes / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free.")


def _free_bytes() -> int | None:
    """Return how much memory can be had now; None where the system does not say."""
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest}
    if "MemAvailable" not in kilobytes:
        return None
    return 1024 * (kilobytes["MemAvailable"] + kilobytes.get("SwapFree", 0))
