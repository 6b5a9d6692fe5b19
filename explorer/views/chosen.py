"""What a person chose on a map, as Python reads and sets it in a notebook: the clicked row and the selection."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from explorer.errors import UnknownRow

if TYPE_CHECKING:
    import pandas as pd

    from explorer.session import Session

__all__ = ["Chosen"]


class _Live(param.Parameter):  # type: ignore[type-arg, unused-ignore]  # generic for type checkers only
    """A parameter whose value is the session's: read there, set there; watchers hear of it when it changes there."""

    def __get__(self, obj: Any, objtype: Any = None) -> Any:
        return self if obj is None else getattr(obj, f"_read_{self.name}")()

    def __set__(self, obj: Any, val: Any) -> None:
        getattr(obj, f"_write_{self.name}")(val)

    def tell(self, obj: param.Parameterized) -> None:
        """Call the watchers, with the value as it is now; where there are none, it is not even read."""
        if obj.param.watchers.get(self.name):
            super().__set__(obj, getattr(obj, f"_read_{self.name}")())


class Chosen(pn.viewable.Viewer):
    """What shows a session, and gives and takes what is chosen there.

    Parameters
    ----------
    session : Session
        Whose.
    """

    clicked: int | None = _Live(doc="The number of the row that was clicked last; may be set, to none as well.")  # type: ignore[assignment]
    selection: NDArray[np.int64] = _Live(  # type: ignore[assignment]
        doc="The selected row numbers, ascending; may be set to any row numbers or to a mask."
    )

    def __init__(self, session: Session, **params: Any) -> None:
        self._session = session
        super().__init__(**params)
        session.selection.param.watch(lambda _: self._tell("selection"), ["version"])
        session.inspection.param.watch(lambda _: self._tell("clicked"), ["row"])

    @property
    def selected(self) -> pd.DataFrame:
        """The selected rows' metadata, indexed by row number, ascending; empty where nothing is selected."""
        dataset = self._session.dataset
        if dataset is None:
            import pandas as pd

            return pd.DataFrame(index=pd.Index([], name="row"))
        frame: pd.DataFrame = dataset.frame(self._session.selection.rows)
        return frame

    def _read_clicked(self) -> int | None:
        row: int | None = self._session.inspection.row
        return row

    def _write_clicked(self, row: int | None) -> None:
        n = 0 if self._session.dataset is None else self._session.dataset.n_rows
        if row is not None and not 0 <= row < n:
            raise UnknownRow(row, n)
        self._session.inspection.row = None if row is None else operator.index(row)

    def _read_selection(self) -> NDArray[np.int64]:
        return self._session.selection.rows

    def _write_selection(self, rows: Any) -> None:
        self._session.selection.apply(rows)

    def _tell(self, name: str) -> None:
        live = self.param[name]
        assert isinstance(live, _Live)
        live.tell(self)
