"""Which rows were looked at, one after the other, with a way back and forward; never what they say."""

from __future__ import annotations

import param

__all__ = ["Visits"]

_MOST = 100


class Visits(param.Parameterized):
    """The rows that were looked at, at most 100, and where among them one is."""

    can_go_back = param.Boolean(default=False, doc="Whether there is an earlier row.")
    can_go_forward = param.Boolean(default=False, doc="Whether one went back from a later row.")

    def __init__(self, **params: object) -> None:
        super().__init__(**params)
        self._rows: list[int] = []
        self._at = -1
        self._away = True  # no row is looked at: back is to the one that was last

    def visit(self, row: int | None) -> None:
        """Note that a row is looked at, or none; rows that one went back from are forgotten, unless it is the one that one is at."""
        self._away = row is None
        if row is not None and not (self._rows and self._rows[self._at] == row):
            self._rows = [*self._rows[: self._at + 1], row][-_MOST:]
            self._at = len(self._rows) - 1
        self._tell()

    def back(self) -> int | None:
        """Go back, and say to which row; None where there is none."""
        if not self.can_go_back:
            return None
        return self._go(0 if self._away else -1)

    def forward(self) -> int | None:
        """Go forward, and say to which row; None where there is none."""
        if not self.can_go_forward:
            return None
        return self._go(1)

    def clear(self) -> None:
        """Forget everything."""
        self._rows, self._at, self._away = [], -1, True
        self._tell()

    def _go(self, steps: int) -> int:
        self._at, self._away = self._at + steps, False
        self._tell()
        return self._rows[self._at]

    def _tell(self) -> None:
        self.param.update(
            can_go_back=self._at > 0 or (self._away and bool(self._rows)),
            can_go_forward=self._at + 1 < len(self._rows),
        )
