"""Coloring the maps by something measured, and as before when that is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from explorer.measured import is_measured

if TYPE_CHECKING:
    import param

    from explorer.state.appearance import Appearance
    from explorer.state.history import History

__all__ = ["ColorToggle"]


class Colored(Protocol):
    """The session that has the dataset open."""

    dataset: Any
    appearance: Appearance
    history: History
    param: Any


class ColorToggle:
    """Remembers what colored the maps before it was something measured; only the thread that owns the session's params calls this."""

    def __init__(self, session: Colored) -> None:
        self._session = session
        self.before: str | None = None  # the last column that was not measured here
        self._recalled: str | None = None
        session.param.watch(self._on_dataset, ["dataset"])
        session.appearance.param.watch(self._on_color, ["color_by"])

    def toggle(self, column: str) -> None:
        """Color by a column; where that colors the maps already, by what did before."""
        self.back() if self._session.appearance.color_by == column else self.show(column)

    def show(self, column: str) -> None:
        """Color by a column."""
        if column != self._recalled:
            self._session.appearance.color_by = column
            return
        with self._session.history.unrecorded():
            self._session.appearance.color_by = column

    def recall(self, column: str) -> None:
        """Expect a column that is measured again for a session that is restored: that it colors the maps then is no step of a person's."""
        self._recalled = column

    def back(self) -> None:
        """Color by what did before."""
        self._session.appearance.color_by = self.before

    def _on_color(self, event: param.parameterized.Event) -> None:
        self._recalled = None
        dataset = self._session.dataset
        if dataset is not None and event.old in (None, *dataset.roles) and not is_measured(dataset, event.old):
            self.before = event.old

    def _on_dataset(self, *_: object) -> None:
        self.before, self._recalled = None if self._session.dataset is None else self._session.dataset.color, None
