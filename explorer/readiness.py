"""What a server has open before the first person comes: compiled kernels, the dataset that a page shows first, and those opened last.

Opens for nobody: who may see what is decided when a page asks for it. The datasets that were opened last, before this server started, are
let go of after a while; whoever looks at them keeps them, as everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from threading import Timer
from typing import TYPE_CHECKING, Final

from explorer.compute.alignment import warm as warm_alignment
from explorer.compute.bins import warm as warm_bins
from explorer.data.access import access
from explorer.data.catalog import catalog
from explorer.errors import ExplorerError
from explorer.jobs.runner import runner
from explorer.neighborhood import warm as warm_neighborhood
from explorer.query.literal import warm as warm_search
from explorer.records.recent import recently_opened
from explorer.render.frame import warm as warm_render
from explorer.runs import prepare
from explorer.session import Session
from explorer.shelf import open_shared, opened
from explorer.stills import prepare_still

if TYPE_CHECKING:
    from concurrent.futures import Future

    from explorer.data.catalog import Entry

__all__ = ["get_ready"]

logger = logging.getLogger(__name__)

_KEPT_S: Final = 900.0  # until then people have come back to what they looked at; the memory is for others afterwards

_kept: list[Session] = []  # what pages show first stays open, so that every page finds it


def get_ready(source: object, first_is_ready: Callable[[], object]) -> None:
    """Compile, and open what pages will show; returns when all of it is ready.

    Parameters
    ----------
    source : object
        What the pages show; None for the catalog: then what was opened last is got ready as well.
    first_is_ready : callable
        Called, whatever happens, when a page without a dataset in its address would be quick.
    """
    try:
        for warm in (warm_render, warm_neighborhood, warm_bins, warm_search, warm_alignment):
            warm()
        session = Session(schedule=_here)
        _show(session, _open_first(session) if source is None else session.open(source))
        _kept.append(session)
    finally:
        first_is_ready()
    if source is None:
        _open_recent()


def _open_first(session: Session) -> Future[None]:
    entry = next(iter(session.intake.catalog()), None)
    if entry is None:
        return session.open_entry()  # which says so
    return session.open_with(partial(open_shared, entry), entry.title)  # and it is not noted: nobody has asked for it


def _open_recent() -> None:
    known, rules = catalog(), access()
    entries = [known.find(name) for name in recently_opened() if rules.allows_anybody(name)]
    sessions = [session for entry in entries if entry is not None and (session := _open(entry)) is not None]

    def let_go() -> None:
        for session in sessions:
            session.close()
        sessions.clear()

    if sessions:
        timer = Timer(_KEPT_S, let_go)
        timer.daemon = True
        timer.start()


def _open(entry: Entry) -> Session | None:
    """Open a dataset as a page would; None where it is open already, or there is no layout of it: then nothing is computed unasked."""
    if opened(entry) is not None:
        return None
    try:
        dataset = open_shared(entry)
        ready = prepare(dataset, runner())
        if ready.first is None:
            return None
        session = Session(schedule=_here)
        _show(session, session.open_with(lambda: dataset, entry.title))
    except Exception as error:  # a border: a server starts without it
        logger.warning("%s could not be got ready: %s", entry.name, error, exc_info=not isinstance(error, ExplorerError))
        return None
    return session


def _show(session: Session, opening: Future[None]) -> None:
    try:
        opening.result()
        session.catch_up()
    except ExplorerError as error:
        logger.warning("%s", error)  # each page says it too
    if session.scene is not None:
        prepare_still(session.scene)


def _here(function: Callable[[], object]) -> None:
    function()
