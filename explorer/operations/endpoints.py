"""Addresses beside the pages: ``/metrics`` and ``/liveness``; and the lines of the log about what was asked for."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from panel.config import config
from prometheus_client import CONTENT_TYPE_LATEST, disable_created_metrics, generate_latest
from tornado.ioloop import IOLoop
from tornado.web import RequestHandler, decode_signed_value

from explorer.records.metrics import REGISTRY
from explorer.records.redaction import readable_address
from explorer.records.visitor import Visitor

__all__ = ["Liveness", "Metrics", "log_request"]

logger = logging.getLogger("explorer.access")

_ROUTINE = ("/static/", "/components/", "/favicon.ico", "/liveness", "/metrics")  # asked for so often that only errors are told
_BAD, _BROKEN = 400, 500
_collector = ThreadPoolExecutor(1, thread_name_prefix="explorer-metrics")

disable_created_metrics()  # when each counter was made: as many lines again, and nothing that process_start_time_seconds does not say


class Metrics(RequestHandler):
    """Answers with every figure, as Prometheus reads it; collected in a thread."""

    async def get(self) -> None:
        """Collect."""
        text = await IOLoop.current().run_in_executor(_collector, generate_latest, REGISTRY)
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.set_header("Cache-Control", "no-store")
        self.finish(text)


class Liveness(RequestHandler):
    """Says that the event loop runs. Builds no page, whatever is asked: anybody may ask, as often as one likes."""

    def get(self) -> None:
        """Say so, in the words of Panel's own."""
        self.set_header("Cache-Control", "no-store")
        self.finish({self.request.path: True})

    head = get


def log_request(handler: RequestHandler) -> None:
    """Write the line about a request that has been answered."""
    request, status = handler.request, handler.get_status()
    level = logging.ERROR if status >= _BROKEN else logging.WARNING if status >= _BAD else logging.INFO
    if level == logging.INFO and any(part in request.path for part in _ROUTINE):
        level = logging.DEBUG
    if not logger.isEnabledFor(level):
        return
    address, ms = readable_address(request.path, request.query), round(1000 * request.request_time(), 1)
    visitor = Visitor(user=_user_of(handler), address=request.remote_ip or "-", request=f"{request.method} {address}")
    facts = {"status": status, "ms": ms, "address": visitor.address}
    logger.log(level, "%d in %.1f ms to %s", status, ms, visitor.address, extra={"visitor": visitor, "facts": facts})


def _user_of(handler: RequestHandler) -> str:
    """Find the name that somebody has logged in with, as ``pn.state.user`` does inside of a page."""
    cookie = handler.request.cookies.get("user")
    if cookie is None or not config.cookie_secret:
        return "-"
    decoded = decode_signed_value(config.cookie_secret, "user", cookie.value)
    return "-" if decoded is None else decoded.decode("utf-8", "replace")
