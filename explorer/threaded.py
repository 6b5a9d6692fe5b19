"""What whoever works for a session asks of it: threads, and the way back to the thread that owns its params."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Protocol, TypeVar

__all__ = ["Threaded"]

_Made = TypeVar("_Made")


class Threaded(Protocol):
    """A session, as far as it lends its threads; see :meth:`explorer.session.Session.in_thread`."""

    def in_thread(
        self,
        what: str,
        number: int,
        latest: Callable[[], int],
        make: Callable[[], _Made],
        take: Callable[[_Made, int], None],
        fail: Callable[[str, int], None],
        *,
        threads: Executor = ...,
    ) -> Future[None]:
        """Make something in a thread, unless it is no longer asked for, and bring it or the error's sentence back."""
        ...

    def soon(self, function: Callable[..., object], *values: object) -> Any:
        """Run a function on the thread that owns the params."""
        ...
