"""Looking at a row that is listed somewhere: it is clicked, and the maps move to it, as one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.state.inspection import row_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.session import Session

__all__ = ["visit"]


def visit(session: Session, row: int, fly: Callable[[int], None] | None) -> None:
    """Look at a row, as if it was clicked.

    Parameters
    ----------
    session : Session
        Where it is looked at.
    row : int
        One of the open dataset.
    fly : callable, optional
        Moves the maps to it.
    """
    with session.history.together(row_words("row", None, row)):
        session.inspection.row = row
        if fly is not None:
            fly(row)
