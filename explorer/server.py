"""Serves the page to browsers, for the command line; ``panel serve explorer`` goes by main.py instead."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import panel as pn

from explorer.errors import BadParameter
from explorer.operations.instrument import instrument
from explorer.pages import create_page, warm
from explorer.records import log

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from explorer.data.dataset import Dataset

__all__ = ["pages", "serve"]

logger = logging.getLogger(__name__)

_FIRST_PORT = 5006
_TRIED_PORTS = 100
_LAST_PORT = 65535


def serve(
    datasets: Sequence[Dataset],
    *,
    port: int | None = None,
    address: str = "localhost",
    origins: Sequence[str] = (),
    prefix: str = "",
    show: bool = True,
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
    show : bool
        Whether to open a browser.

    Raises
    ------
    BadParameter
        If the port or the address cannot be listened on.
    """
    if port is not None:
        _check_port(address, port)  # told at once, not when the page is ready
    log.set_up()  # what is told from now on has its form

    sources: list[Dataset | None] = [*datasets] or [None]
    for source in sources:
        warm(source)
    server = _listening(pages(sources), address, port, origins=list(origins), prefix=prefix, show=show)
    instrument(server._tornado)  # Bokeh has no public name for it
    server.start()
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
    pages: dict[str, Callable[[], Viewable]], address: str, port: int | None, *, origins: list[str], prefix: str, show: bool
) -> Any:
    """Make a server that has its port: this one, or the first that is free at this moment."""
    tried = range(_FIRST_PORT, _FIRST_PORT + _TRIED_PORTS) if port is None else [port]
    for candidate in tried:
        if port is None and _refusal(address, candidate) is not None:
            continue
        names = dict.fromkeys(("localhost", "127.0.0.1", address))
        try:
            return pn.serve(
                pages,
                port=candidate,
                address=address,
                websocket_origin=[f"{name}:{candidate}" for name in names] + origins,
                prefix=prefix,
                show=show,
                start=False,
                title="Explorer",
            )
        except OSError as error:
            if port is not None:
                raise _port_refused(address, port, error) from error
            logger.info("port %s: %s", candidate, error)  # another program took it since it was looked at
    raise BadParameter("--port", f"{_FIRST_PORT} to {_FIRST_PORT + _TRIED_PORTS - 1}", "every one of them is taken; name a free one.")


def _check_port(address: str, port: int) -> None:
    if not 0 < port <= _LAST_PORT:
        raise BadParameter("--port", port, f"give 1 to {_LAST_PORT:,}.")
    refusal = _refusal(address, port)
    if refusal is not None:
        raise _port_refused(address, port, refusal)


def _port_refused(address: str, port: int, error: OSError) -> BadParameter:
    reason = (error.strerror or str(error)).lower()
    return BadParameter("--port", port, f"{address} cannot be listened on there ({reason}). Name another port or address.")


def _refusal(address: str, port: int) -> OSError | None:
    """Why nobody can listen there, or None."""
    try:
        families = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, where in families:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(where)
    except OSError as error:
        return error
    return None
