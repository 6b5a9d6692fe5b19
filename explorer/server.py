"""Serves the page to browsers, for the command line; ``panel serve explorer`` goes by main.py instead."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import panel as pn

from explorer.app import create_page, warm
from explorer.errors import BadParameter

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from explorer.data.dataset import Dataset

__all__ = ["pages", "serve"]

_FIRST_PORT = 5006
_TRIED_PORTS = 100
_LAST_PORT = 65535


def serve(
    datasets: Sequence[Dataset],
    *,
    port: int | None = None,
    address: str = "localhost",
    threads: int = 4,
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
    threads : int
        Threads that answer people's events.
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
    listen_on = _free_port(address) if port is None else _checked_port(address, port)
    if threads < 1:
        raise BadParameter("--num-threads", threads, "give 1 or more.")

    sources: list[Dataset | None] = [*datasets] or [None]
    for source in sources:
        warm(source)
    pn.config.nthreads = threads  # type: ignore[misc]  # a property that Panel's own serve command sets, too
    pn.serve(
        pages(sources),
        port=listen_on,
        address=address,
        websocket_origin=[f"{host}:{listen_on}" for host in dict.fromkeys(("localhost", "127.0.0.1", address))] + list(origins),
        prefix=prefix,
        show=show,
        title="Explorer",
    )


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


def _free_port(address: str) -> int:
    for port in range(_FIRST_PORT, _FIRST_PORT + _TRIED_PORTS):
        if _refusal(address, port) is None:
            return port
    raise BadParameter("--port", f"{_FIRST_PORT} to {_FIRST_PORT + _TRIED_PORTS - 1}", "every one of them is taken; name a free one.")


def _checked_port(address: str, port: int) -> int:
    if not 0 < port <= _LAST_PORT:
        raise BadParameter("--port", port, f"give 1 to {_LAST_PORT:,}.")
    refusal = _refusal(address, port)
    if refusal is not None:
        raise BadParameter("--port", port, f"{address} cannot be listened on there ({refusal}). Name another port or address.")
    return port


def _refusal(address: str, port: int) -> str | None:
    """Why nobody can listen there, or None."""
    try:
        families = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, where in families:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(where)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None
