"""Serves the page to browsers, for the command line; ``panel serve explorer`` goes by main.py instead."""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import panel as pn

from explorer import settings
from explorer.draining import drain_on_terminate
from explorer.errors import BadParameter
from explorer.lifetime import leave_with_parent
from explorer.operations.instrument import instrument
from explorer.pages import create_page, warm
from explorer.ports import FIRST_PORT, check_port, port_refused, refusal
from explorer.records import log

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from explorer.data.dataset import Dataset

__all__ = ["pages", "serve"]

logger = logging.getLogger(__name__)

_TRIED_PORTS = 100


def serve(
    datasets: Sequence[Dataset],
    *,
    port: int | None = None,
    address: str = "localhost",
    origins: Sequence[str] = (),
    prefix: str = "",
    xheaders: bool = False,
    show: bool = True,
    quiet: bool = False,
    supervisor: int | None = None,
) -> None:
    """Serve the page until somebody presses Ctrl-C.

    Parameters
    ----------
    datasets : sequence of Dataset
        Each gets a page of its own; where there is none, the sample is shown.
    port : int, optional
        The first free one from 5006 on by default.
    address : str
        Where to listen; "localhost" is reached from this machine only, "0.0.0.0" from everywhere.
    origins : sequence of str
        Host names that people type to reach this server, where they differ from the address.
    prefix : str
        Path in front of the page's address.
    xheaders : bool
        Whether a person's address is the one that a proxy in front names (X-Real-Ip, X-Forwarded-For) instead of the proxy's own.
    show : bool
        Whether to open a browser.
    quiet : bool
        Whether only what goes wrong is logged.
    supervisor : int, optional
        Process id of who started this as one of several servers: it ends with that one, leaves Ctrl-C to it, and drains when it is
        terminated.

    Raises
    ------
    BadParameter
        If the port or the address cannot be listened on.
    """
    if supervisor is not None:
        leave_with_parent(supervisor)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if port is not None:
        check_port(address, port)  # told at once, not when the page is ready
    log.set_up(level=logging.WARNING if quiet else None)  # what is told from now on has its form

    sources: list[Dataset | None] = [*datasets] or [None]
    for source in sources:
        warm(source)
    server = _listening(pages(sources), address, port, origins=list(origins), prefix=prefix, xheaders=xheaders, show=show)
    instrument(server._tornado)  # Bokeh has no public name for it
    server.start()
    if supervisor is not None:
        drain_on_terminate(server, settings.drain_s())
    server.io_loop.start()


def pages(sources: Sequence[Dataset | None]) -> dict[str, Callable[[], Viewable]]:
    """Name the pages of these sources: a function that builds a page for each address; None is the sample."""
    if len(sources) == 1:
        return {"explorer": _page(sources[0])}
    pages: dict[str, Callable[[], Viewable]] = {}
    for source in sources:
        slug = re.sub(r"[^a-z0-9]+", "-", source.name.lower() if source else "").strip("-") or "explorer"
        taken = sum(1 for other in pages if other == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", other))
        pages[f"{slug}-{taken + 1}" if taken else slug] = _page(source)
    return pages


def _page(source: Dataset | None) -> Callable[[], Viewable]:
    def page() -> Viewable:  # Panel wants a plain function: it would show a partial as text
        return create_page(source)

    return page


def _listening(
    pages: dict[str, Callable[[], Viewable]],
    address: str,
    port: int | None,
    *,
    origins: list[str],
    prefix: str,
    xheaders: bool,
    show: bool,
) -> Any:
    """Make a server that has its port: this one, or the first that is free at this moment."""
    tried = range(FIRST_PORT, FIRST_PORT + _TRIED_PORTS) if port is None else [port]
    for candidate in tried:
        if port is None and refusal(address, candidate) is not None:
            continue
        names = dict.fromkeys(("localhost", "127.0.0.1", address))
        try:
            return pn.serve(
                pages,
                port=candidate,
                address=address,
                websocket_origin=[f"{name}:{candidate}" for name in names] + origins,
                prefix=prefix,
                use_xheaders=xheaders,
                show=show,
                start=False,
                title="Explorer",
            )
        except OSError as error:
            if port is not None:
                raise port_refused(address, port, error) from error
            logger.info("port %s: %s", candidate, error)  # another program took it since it was looked at
    raise BadParameter("--port", f"{FIRST_PORT} to {FIRST_PORT + _TRIED_PORTS - 1}", "every one of them is taken; name a free one.")
