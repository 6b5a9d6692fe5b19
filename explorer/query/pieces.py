"""Work on a long column in pieces, on two threads, stopped where nobody waits for it any more; never what is done with a piece."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["PIECE_ROWS", "Stop", "never", "work_through"]

PIECE_ROWS = 65_536  # some milliseconds of searching: so long it takes to notice that somebody asks for something else

Stop = Callable[[], bool]
"""Says whether the answer is still wanted; asked from any thread, between pieces."""

_helpers = ThreadPoolExecutor(2, thread_name_prefix="explorer-query")


def never() -> bool:
    """Stop never."""
    return False


def work_through(pieces: Iterable[slice], work: Callable[[slice], None], *, should_stop: Stop = never) -> bool:
    """Work on each piece once, here and in one more thread where one is free.

    Parameters
    ----------
    pieces : iterable of slice
        Of rows.
    work : callable
        Called with each piece, from two threads at once.
    should_stop : callable
        Asked before each piece.

    Returns
    -------
    bool
        Whether every piece was worked on; False where it was stopped.
    """
    left = deque(pieces)

    def take() -> None:
        while left and not should_stop():
            try:
                piece = left.popleft()
            except IndexError:  # the other thread was quicker
                return
            work(piece)

    helper = _helpers.submit(take)
    try:
        take()
    except BaseException:
        left.clear()
        raise
    finally:
        done = helper.cancel() or helper.exception() is None
    if not done:
        helper.result()
    return not left
