"""How large a dataset may be that is opened here: what a file says of itself is held against the settings before it is read."""

from __future__ import annotations

from explorer import settings
from explorer.errors import TooLarge

__all__ = ["check_size"]


def check_size(source: str, *, rows: int = 0, columns: int = 0) -> None:
    """Refuse what has more rows or columns than the settings allow.

    Parameters
    ----------
    source : str
        What sentences call it.
    rows, columns : int
        How many it has, as far as that is known; 0 where it is not.

    Raises
    ------
    TooLarge
        With what it has and what it may have.
    """
    most_rows, most_columns = settings.max_rows(), settings.max_columns()
    if most_rows is not None and rows > most_rows:
        raise TooLarge(source, "rows", rows, most_rows, "EXPLORER_MAX_ROWS")
    if most_columns is not None and columns > most_columns:
        raise TooLarge(source, "columns", columns, most_columns, "EXPLORER_MAX_COLUMNS")
