"""The pages that a server gives to browsers: built, warmed up before the first person comes, and closed."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import holoviews as hv
import panel as pn
from panel.io import document as writing

from explorer.errors import ExplorerError, StoreUnwritable, TooManyPages
from explorer.jobs.runner import runner
from explorer.operations.seats import take_seat
from explorer.operations.visits import begin_visit, connected_here
from explorer.readiness import get_ready
from explorer.records import audit
from explorer.records.visitor import NOBODY, Visitor, visiting
from explorer.session import Schedule, Session
from explorer.stills import still
from explorer.views.cells import has_scripts
from explorer.views.page import Panels

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bokeh.document import Document

__all__ = ["create_page", "keep_order", "scheduler", "warm"]

logger = logging.getLogger(__name__)

_LOOK_MS = 2_000  # after which a page that was one too many asks again
_RECENT_S = 20.0  # that what was opened last before may take of a server's start
_STAYED_S = 0.05  # after which what was put aside should be on its way

# In a notebook the browser gets everything from the kernel (inline): nothing is fetched from outside. A server serves its own files.
hv.extension("bokeh", logo=False, inline=True)
if pn.state.curdoc is None:
    pn.extension(inline=True)
    has_scripts()


def create_page(source: object = None) -> pn.viewable.Viewable:
    """Build the page of one browser session.

    Parameters
    ----------
    source : object, optional
        What to open; the dataset named in the address (``?dataset=digits``), else the first of the catalog, by default.

    Returns
    -------
    Viewable
        To be made ``.servable()``, inside a Panel session.
    """
    pn.extension()
    visitor, end_visit = begin_visit()

    def ended(_: object) -> None:
        end_visit()

    pn.state.on_session_destroyed(ended)  # first of all: what has begun ends, also where the page cannot be built
    with visiting(visitor):
        try:
            seat = take_seat(visitor, connected_here())
        except (TooManyPages, StoreUnwritable):
            return _refused(visitor)
        if seat is not None:
            pn.state.on_session_destroyed(lambda _: seat.leave())
            pn.state.onload(seat.arrive)
        return _build(source, visitor)


def _refused(visitor: Visitor) -> pn.viewable.Viewable:
    """Build a page that says why there is no map, and becomes one as soon as there may be one.

    While a page is loaded again the one before is still there: only when this one has been loaded it is known whether it is one too many.
    """
    from explorer.views.material import material_notice

    notice, connected, asked = material_notice(), connected_here(), _asked_for()

    def look() -> None:
        try:
            seat = take_seat(visitor, connected)
        except ExplorerError as error:
            if not notice.words.object:
                audit.record("open", dataset=asked or "", who=visitor, refused=str(error))
                notice.words.object = str(error)
            return
        if seat is not None:
            seat.leave()
        notice.reload.count += 1

    def begin() -> None:
        _follow_theme(notice.page)
        look()
        pn.state.add_periodic_callback(look, period=_LOOK_MS)

    _mark_scripts()
    pn.state.onload(begin)
    return notice.page


def _build(source: object, visitor: Visitor) -> pn.viewable.Viewable:
    session, panels, made = _page(visitor)

    def ended(_: object) -> None:
        session.close()
        panels.close()

    pn.state.on_session_destroyed(ended)
    _mark_scripts()
    asked, link = _asked_for(), _asked_for("state") or ""
    ready = source is None and session.open_ready(asked)  # then the page comes with its map
    if source is None and not ready:
        session.announce_entry(asked)
    if ready and not link and session.scene is not None and pn.state.curdoc is not None:
        pn.state.curdoc.template_variables["still"] = still(session.scene)

    def begin() -> None:
        _follow_theme(made)
        if source is not None:
            session.open(source)
        elif not ready:
            session.open_entry(asked)
        panels.begin(link)
        session.jobs.begin()

    # Not before the browser has its copy of the page: what changes while that is on its way is lost (Bokeh 3.9).
    pn.state.onload(lambda: session.soon(begin))
    return made


def _mark_scripts() -> None:
    """Give the page's own scripts the sign by which a browser knows them."""
    if pn.state.curdoc is not None:
        pn.state.curdoc.template_variables["nonce"] = secrets.token_urlsafe(16)


def _follow_theme(made: Any) -> None:
    if pn.state.browser_info is not None and pn.state.browser_info.dark_mode:
        made.dark_theme = True


def warm(source: object = None) -> None:
    """Get ready before the first person comes; returns when a page would be quick.

    Compiles the drawing kernels, opens what will be shown first and keeps it open, opens what was opened last before (for a bounded time,
    then in the background), builds a page once (the first one of a process takes a second longer), and lets the compute process start by
    itself.

    Parameters
    ----------
    source : object, optional
        What the pages will show; by default the dataset that is named in the address, or the first one of the catalog.
    """
    first_is_ready = threading.Event()
    ready = threading.Thread(target=get_ready, args=(source, first_is_ready.set), name="explorer-warm", daemon=True)
    ready.start()
    threading.Thread(target=runner().warm, name="explorer-warm-worker", daemon=True).start()
    _page()[2].get_root()
    first_is_ready.wait()
    ready.join(_RECENT_S)
    if ready.is_alive():
        logger.info("What was opened last takes more than %g s to be ready: it becomes so while pages are served.", _RECENT_S)


def _page(visitor: Visitor = NOBODY) -> tuple[Session, Panels, Any]:
    from explorer.views.material import MaterialToolkit, material_page  # not for a notebook, where its widgets would weigh 40 MB

    keep_order()
    later = scheduler()
    session = Session(schedule=later, visitor=visitor)
    panels = Panels(session, MaterialToolkit(), later=later, held=True, keys_everywhere=True)
    return session, panels, material_page(controls=panels.controls, main=panels.page(), findings=panels.findings)


def keep_order() -> None:
    """Close Panel's pool of threads (``--num-threads``), in which what a person does is carried out in any order.

    There the end of a file comes before its beginning, and of two values of a slider the first one stays. Explorer needs no such pool:
    whatever takes time has threads and processes of its own.
    """
    pool = pn.state._thread_pool  # Panel has no public name for it
    if pool is not None:
        logger.warning("Panel's pool of threads (--num-threads) is closed: in it the events of a page would overtake each other.")
        pn.state._thread_pool = None
        pool.shutdown(wait=False)


def _asked_for(name: str = "dataset") -> str | None:
    asked = pn.state.session_args.get(name) if pn.state.session_args else None
    return asked[0].decode("utf-8", "replace") if asked else None


def scheduler() -> Schedule:
    """Find the way back to the thread that owns the widgets: a served document's next tick, a notebook's loop, or here and now."""
    document = pn.state.curdoc
    if document is not None and document.session_context:

        def next_tick(function: Callable[[], object]) -> None:
            # Bokeh may have taken the document apart, while this thread had something to say: its page is closed, nobody listens.
            if hasattr(document.callbacks, "_change_callbacks"):
                document.add_next_tick_callback(partial(_at_once, function))

        return next_tick
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        lock = threading.RLock()  # a plain script: no loop; one function at a time

        def here(function: Callable[[], object]) -> None:
            with lock:
                function()

        return here

    def on_loop(function: Callable[[], object]) -> None:
        if not loop.is_closed():  # a kernel that has ended has nobody to tell
            loop.call_soon_threadsafe(function)

    return on_loop


def _at_once(function: Callable[[], object]) -> None:
    """Run a function; all that it changes goes to the browser as one message, which costs both sides little more than each change alone."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # Bokeh 3.10 runs this in a thread, where Panel holds nothing back without waiting a turn
        function()
        return
    with pn.io.unlocked():
        function()
    document = pn.state.curdoc
    if document is not None and document in _put_aside():
        loop.call_later(_STAYED_S, _send_what_stayed, document)


def _put_aside() -> Collection[Document]:
    """Documents for which Panel 1.9 has messages that could not be sent at once; 1.10 has another way."""
    found: Collection[Document] = getattr(writing, "_WRITE_MSGS", ())
    return found


def _send_what_stayed(document: Document) -> None:
    """Send what Panel has put aside while it was writing, and forgot: with nothing else to send it would stay there.

    Its task that is to send it ends at once where the task before it was the last one to write (panel/io/document.py of 1.9).
    """
    if document not in _put_aside():
        return
    if document not in writing._WRITE_BLOCK:
        writing._WRITE_BLOCK[document] = True
        writing._dispatch_write_task(document, writing._dispatch_msgs, document)
    asyncio.get_running_loop().call_later(_STAYED_S, _send_what_stayed, document)
