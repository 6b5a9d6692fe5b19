"""Who is being served: noted with each line that is logged meanwhile, in whichever thread. Knows no page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import NamedTuple

__all__ = ["NOBODY", "Visitor", "current", "short", "visiting"]


class Visitor(NamedTuple):
    """One person's page, as lines name it; "-" where there is nothing to say.

    ``session`` is :func:`short`, ``user`` the name that somebody has logged in with, ``address`` the machine, ``request`` what was asked
    for.
    """

    session: str = "-"
    user: str = "-"
    address: str = "-"
    request: str = "-"

    @property
    def login(self) -> str | None:
        """The name that somebody has logged in with, if anybody has."""
        return None if self.user == "-" else self.user


NOBODY = Visitor()
"""The server itself."""

_current: ContextVar[Visitor] = ContextVar("explorer-visitor", default=NOBODY)


def current() -> Visitor:
    """Return who is being served here and now."""
    return _current.get()


@contextmanager
def visiting(visitor: Visitor) -> Iterator[None]:
    """Say for whom is done what follows."""
    token = _current.set(visitor)
    try:
        yield
    finally:
        _current.reset(token)


def short(session_id: str) -> str:
    """Name a session in eight letters, from which its id, with which one could join it, is not found."""
    return blake2b(session_id.encode(), digest_size=4).hexdigest()
