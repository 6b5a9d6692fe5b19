"""What the table shows: which rows, which columns, in which order; never the rows themselves."""

from __future__ import annotations

from typing import Any, Literal

import param

from explorer.state.state import State

__all__ = ["TableChoice", "table_words"]


class _Columns(param.List):  # type: ignore[type-arg, unused-ignore]  # generic for type checkers only
    """A list of [column, descending]."""

    def _validate(self, val: object) -> None:
        super()._validate(val)
        for entry in val if isinstance(val, list) else ():
            if not (isinstance(entry, (list, tuple)) and len(entry) == 2 and isinstance(entry[0], str) and isinstance(entry[1], bool)):  # noqa: PLR2004
                message = f"an order is a list of [column, descending], not {entry!r:.100}"
                raise ValueError(message)


class TableChoice(State):
    """What a person chose for the table; columns that a dataset does not have are passed over."""

    which: Literal["auto", "selected", "shown", "all"] = param.Selector(  # type: ignore[assignment]
        default="auto",
        objects=["auto", "selected", "shown", "all"],
        doc="Which rows are listed: the selected ones where there is a selection and else the shown ones (auto), or always these.",
    )
    columns = param.List(default=[], item_type=str, doc="Columns that are shown, in this order; the first ones where empty.")
    sort = _Columns(default=[], doc="Columns that order the rows, the most significant first, each with whether it is descending.")

    def sorted_by(self, column: str, *, further: bool) -> None:
        """Turn one column to the next of ascending, descending and no order.

        Parameters
        ----------
        column : str
            Its name.
        further : bool
            Whether the other columns that order the rows stay, before it.
        """
        order = [(name, down) for name, down in self.sort if further or name == column]
        at = next((at for at, (name, _) in enumerate(order) if name == column), None)
        if at is None:
            order.append((column, False))
        elif order[at][1]:
            order.pop(at)
        else:
            order[at] = (column, True)
        self.sort = [[name, down] for name, down in order]


def table_words(name: str, before: Any, after: Any) -> str:
    """Say what a change of a param of :class:`TableChoice` is called, as in "order by year"."""
    if name == "sort":
        order = " and ".join(f"{column}, descending" if down else column for column, down in after)
        return f"order the table by {order}" if order else "no order of the table"
    if name == "columns":
        changed = set(before) ^ set(after)
        one = next(iter(changed)) if before and len(changed) == 1 else None
        return "columns of the table" if one is None else f"{one} in the table" if one in after else f"no {one} in the table"
    listed = {"auto": "selected rows, else the shown ones", "selected": "the selected rows", "shown": "the shown rows", "all": "every row"}
    return f"{listed[after]} in the table"
