"""How late a server's event loop comes: a plugin for ``panel serve --plugins loop_lag`` that answers under /lag.

The first question starts the measuring; each answer is about the time since the last one:
``{"p50", "p99", "most", "beats"}``, in milliseconds.
"""

from __future__ import annotations

import asyncio
import time

from tornado.web import RequestHandler

__all__ = ["ROUTES"]

BEAT_S = 0.005

_late_ms: list[float] = []
_beating: set[asyncio.Task[None]] = set()  # the loop itself holds its tasks only weakly


async def _beat() -> None:
    """Notice by how much each wake-up comes too late."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(BEAT_S)
        _late_ms.append(1e3 * (time.perf_counter() - start - BEAT_S))


class Lag(RequestHandler):
    """Answers with how late the loop came since the last question."""

    def get(self) -> None:
        """Sum up, and begin anew."""
        late = sorted(_late_ms) or [0.0]
        last = len(late) - 1
        self.write({"p50": late[last // 2], "p99": late[int(0.99 * last)], "most": late[last], "beats": len(_late_ms)})
        _late_ms.clear()
        if not _beating:
            _beating.add(asyncio.get_running_loop().create_task(_beat()))


ROUTES = [("/lag", Lag)]
