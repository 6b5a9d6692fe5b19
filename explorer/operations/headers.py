"""Headers that protect the pages of a server, on each of its answers."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from bokeh.settings import settings as bokeh_settings
from tornado.web import OutputTransform

from explorer import settings

if TYPE_CHECKING:
    from tornado.httputil import HTTPHeaders, HTTPServerRequest

__all__ = ["page_policy", "protecting"]

_PAGE_POLICY = (
    "default-src 'self'",
    # Bokeh writes a script into the page, and makes functions from text; Panel loads components from blobs. The page itself narrows
    # this to scripts with its nonce (views/page.html), so that markup which got into it by mistake would still run nothing.
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob: http: https:",  # columns of pictures may lead anywhere
    "font-src 'self' data:",
    "connect-src 'self' blob:",  # its websocket; what loads Panel's components reads them before
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
)


def page_policy() -> str:
    """Return the Content-Security-Policy of a page, but for who may frame it."""
    return "; ".join(_PAGE_POLICY)


def protecting(pages: Collection[str]) -> type[OutputTransform]:
    """Make what adds the headers to every answer of a Tornado application.

    Parameters
    ----------
    pages : collection of str
        Paths of Explorer's pages: these get the whole policy. Others, which may be of other applications, get no more of it than who may
        frame them.
    """
    origins = settings.embedding_origins()
    framing = "frame-ancestors " + " ".join(("'self'", *origins))
    # Where somebody had Bokeh's scripts come from elsewhere (BOKEH_RESOURCES), a policy that allows only this server's would stop the page.
    whole = f"{page_policy()}; {framing}" if bokeh_settings.resources(default="server").startswith("server") else framing
    always = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
    if not origins:
        always["X-Frame-Options"] = "SAMEORIGIN"  # which cannot name anybody else

    class Protecting(OutputTransform):
        """Adds the headers that an answer does not have yet."""

        def __init__(self, request: HTTPServerRequest) -> None:
            self._page = request.path.rstrip("/") in pages

        def transform_first_chunk(
            self,
            status_code: int,
            headers: HTTPHeaders,
            chunk: bytes,
            finishing: bool,  # noqa: FBT001  # as Tornado calls it
        ) -> tuple[int, HTTPHeaders, bytes]:
            for name, value in {**always, "Content-Security-Policy": whole if self._page else framing}.items():
                if name not in headers:
                    headers[name] = value
            return status_code, headers, chunk

    return Protecting
