"""A server of Explorer that tells about itself under /probe: what is alive, what is loaded, how long its loop was held up."""

from __future__ import annotations

import asyncio
import gc
import sys
import time

import panel as pn
from bokeh.document import Document
from tornado.ioloop import IOLoop
from tornado.web import RequestHandler

from explorer.pages import warm
from explorer.records.metrics import REGISTRY
from explorer.server import pages
from explorer.session import Session
from explorer.views.map import Map

BEAT_S = 0.02
SOON = {"check_unused_sessions_milliseconds": 500, "unused_session_lifetime_milliseconds": 6000}  # less and a slow page loses its session

lags_ms: list[float] = []


async def beat() -> None:
    """Notice by how much the event loop comes too late."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(BEAT_S)
        lags_ms.append(1000 * (time.perf_counter() - start - BEAT_S))


class Probe(RequestHandler):
    """Answers with JSON; the lags are those since the last question."""

    async def get(self) -> None:
        """Look at this process; that holds it up for most of a second, which is not counted."""
        late = sorted(lags_ms) or [0.0]
        gc.collect()
        alive = [type(found) for found in gc.get_objects()]
        self.write(
            {
                "alive": {kind.__name__: sum(issubclass(found, kind) for found in alive) for kind in (Session, Map, Document)},
                "open": {name: REGISTRY.get_sample_value(f"explorer_{name}") for name in ("sessions", "sessions_opened_total")},
                "loaded": sorted({name.partition(".")[0] for name in sys.modules}),
                "lag_ms": {"p50": late[len(late) // 2], "p99": late[int(0.99 * (len(late) - 1))], "most": late[-1], "beats": len(late)},
            }
        )
        del alive
        await asyncio.sleep(2 * BEAT_S)  # the beat that waited meanwhile is noted
        lags_ms.clear()


if __name__ == "__main__":
    warm()
    pn.config.nthreads = 4
    IOLoop.current().add_callback(beat)
    pn.serve(pages([None]), port=int(sys.argv[1]), extra_patterns=[("/probe", Probe)], liveness=True, show=False, **SOON)
