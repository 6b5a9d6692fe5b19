"""Puts all of it into a server that is about to start, whichever way it is served."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING

from bokeh.server.contexts import BokehServerContext
from bokeh.server.tornado import BokehTornado

from explorer import settings
from explorer.data.access import access
from explorer.errors import BadParameter
from explorer.operations.endpoints import Liveness, Metrics, log_request
from explorer.operations.figures import beat
from explorer.operations.headers import protecting
from explorer.operations.housekeeping import keep_house
from explorer.operations.login import show_own_login
from explorer.operations.visits import visitor_here
from explorer.records import audit, log

if TYPE_CHECKING:
    from bokeh.application.application import ServerContext

__all__ = ["instrument", "tornado_of"]

logger = logging.getLogger(__name__)


def instrument(tornado: BokehTornado, *, pages: list[str] | None = None) -> None:
    """Add ``/metrics``, ``/liveness``, the headers, the log, the beat and the page to log in to a server's Tornado application; tidy up.

    Parameters
    ----------
    tornado : BokehTornado
        The application.
    pages : list of str, optional
        Addresses of Explorer's pages, as the server has them; all that it serves by default.
    """
    log.set_up(visitor_here)
    try:
        settings.check()
    except BadParameter as error:  # each page that needs the setting fails with it
        logger.error(str(error))
    audit.check()
    if problem := access().problem:
        logger.error(problem)
    tornado.add_handlers(".*", [(f"{tornado.prefix}/metrics", Metrics), (f"{tornado.prefix}/liveness", Liveness)])
    own = tornado.app_paths if pages is None else pages
    if set(own) == set(tornado.app_paths):  # else people log in to other applications, too
        show_own_login()
    tornado.add_transform(protecting([f"{tornado.prefix}{page}".rstrip("/") for page in own]))
    tornado.settings["log_function"] = log_request
    tornado.io_loop.add_callback(beat)
    keep_house()


def tornado_of(context: ServerContext) -> tuple[BokehTornado, str]:
    """Find the Tornado application that a lifecycle hook was called for, and the address of its page in it.

    Bokeh hands its hooks no way to it: it is found among all objects, which takes a moment, once, before the first page.

    Raises
    ------
    LookupError
        If there is none: this Bokeh is made in another way.
    """
    ours = context.application_context if isinstance(context, BokehServerContext) else None
    for found in gc.get_objects():
        if issubclass(type(found), BokehTornado):
            for address, application in found.applications.items():
                if application is ours:
                    return found, address
    message = "no Tornado application was found for this page: /metrics and the protecting headers are missing"
    raise LookupError(message)
