"""Who a page belongs to, as Panel knows it: found when the page is built, and noted with what is logged while it is served."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import panel as pn

from explorer.records.metrics import SESSIONS, SESSIONS_CLOSED, SESSIONS_OPENED
from explorer.records.visitor import NOBODY, Visitor, current, short

if TYPE_CHECKING:
    from bokeh.document import Document

__all__ = ["begin_visit", "connected_here", "visitor_here"]

logger = logging.getLogger("explorer.sessions")

_visitors: WeakKeyDictionary[Document, Visitor] = WeakKeyDictionary()


def begin_visit() -> tuple[Visitor, Callable[[], None]]:
    """Note that a page is opened, for whoever asked for the one that is being built now.

    Returns
    -------
    visitor : Visitor
        Who that is; nobody outside of a server.
    end : callable
        Notes that the session has ended.
    """
    document = pn.state.curdoc
    context = None if document is None else document.session_context
    if document is None or context is None:
        return NOBODY, lambda: None
    request = getattr(context, "request", None)  # a server's has one
    visitor = Visitor(
        session=short(context.id),
        user=_user_here() or "-",
        address=getattr(request, "remote_ip", None) or "-",
        request=getattr(request, "path", None) or "-",
    )
    _visitors[document] = visitor
    SESSIONS_OPENED.inc()
    SESSIONS.inc()
    logger.info("session opened from %s", visitor.address, extra={"visitor": visitor, "facts": {"address": visitor.address}})

    def end() -> None:
        SESSIONS_CLOSED.inc()
        SESSIONS.dec()
        logger.info("session closed", extra={"visitor": visitor})

    return visitor, end


def visitor_here() -> Visitor:
    """Return who is being served: whoever a thread works for, else whose page Panel is busy with."""
    found = current()
    if found is not NOBODY:
        return found
    document = pn.state.curdoc
    return NOBODY if document is None else _visitors.get(document, NOBODY)


def connected_here() -> Callable[[], bool]:
    """Return what says whether a browser is connected to the page that is being built now."""
    document = pn.state.curdoc
    context = None if document is None else document.session_context

    def connected() -> bool:
        session = getattr(context, "session", None)  # a server's has one
        return session is not None and session.connection_count > 0

    return connected


def _user_here() -> str | None:
    """Return the name that somebody has logged in with; of guests, which anybody can say to be by a cookie, there is none."""
    return None if pn.state.cookies.get("is_guest") else pn.state.user
