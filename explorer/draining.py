"""How a server ends without taking anybody's work away: nobody new is let in, and who is there has a bounded time."""

from __future__ import annotations

import logging
import signal
from time import monotonic
from typing import TYPE_CHECKING, Final

from tornado.web import RequestHandler

if TYPE_CHECKING:
    from bokeh.server.server import Server

__all__ = ["drain_on_terminate"]

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.2


def drain_on_terminate(server: Server, seconds: float) -> None:
    """Have SIGTERM drain a server that has started; its loop then stops.

    Parameters
    ----------
    server : Server
        Panel's or Bokeh's.
    seconds : float
        How long pages that are open may stay; the server ends as soon as there is none.
    """
    draining = False

    def begin() -> None:
        nonlocal draining
        if draining:  # asked twice: by who terminates a whole group, and by the supervisor
            return
        draining = True
        open_pages = _open_pages(server)
        logger.warning("No new page is served any more; those that are open (%d) have %g s", open_pages, seconds)
        # Neither has a public name. Bokeh's own `unlisten` would close the open pages' connections, too.
        server._http.stop()
        server._tornado.add_handlers(r".*", [(r".*", _Closed)])  # for connections that a proxy keeps open
        look(monotonic() + seconds)

    def look(end: float) -> None:
        if _open_pages(server) and monotonic() < end:
            server.io_loop.call_later(_LOOK_S, look, end)
            return
        server.stop()
        server.io_loop.stop()

    server.io_loop.asyncio_loop.add_signal_handler(signal.SIGTERM, begin)  # type: ignore[attr-defined]


def _open_pages(server: Server) -> int:
    """Count the sessions that a browser is connected to; the others wait for nobody."""
    return sum(session.connection_count > 0 for session in server.get_sessions())


class _Closed(RequestHandler):
    """Sends whoever still comes to another server."""

    def prepare(self) -> None:
        self.set_status(503)
        self.set_header("Retry-After", "5")
        self.finish("This server is being restarted. Reload the page in a moment.")
