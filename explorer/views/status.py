"""The status line, the progress line and the last error, as plain text; reads the session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import panel as pn
import param

from explorer.compute.projection import PLANE
from explorer.session import Schedule, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.compute.projections import Layout

__all__ = ["ErrorMessage", "Message", "StatusLine", "status_text", "time_left"]

_MINUTES_FROM_S = 90


class Message(pn.custom.JSComponent):
    """A line of plain text; never markup, whatever it holds."""

    text = param.String(default="", doc="What it says; nothing is shown when empty.")
    kind: Literal["status", "error"] = param.Selector(default="status", objects=["status", "error"], doc="How it looks.")  # type: ignore[assignment]

    _esm = Path(__file__).with_name("message.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_close: Callable[[], object] | None = None, **params: Any) -> None:
        super().__init__(**params)
        self._on_close = on_close

    def _handle_msg(self, data: object) -> None:
        if self._on_close is not None and data == {"type": "close"}:
            self._on_close()


class StatusLine(pn.viewable.Viewer):
    """One line: how many rows are on the map, of how many, and how they got there."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self.message = Message(sizing_mode="stretch_width", margin=(4, 10))
        session.param.watch(self._update, ["dataset", "scene", "opening"])
        session.selection.param.watch(self._update, ["count"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.message

    def _update(self, *_: object) -> None:
        self.message.text = status_text(self._session)


def status_text(session: Session) -> str:
    """Say what is on the map."""
    if session.opening:
        return f"Opening {session.opening} …"
    dataset, scene = session.dataset, session.scene
    if dataset is None:
        return "No dataset is open."
    if scene is not None and scene.dataset is dataset:
        hidden = " shown" if scene.shown_mask is not None else ""
        selected = f", {session.selection.count:,} selected" if session.selection.count else ""
        parts = [f"{scene.n_shown:,} of {dataset.n_rows:,} rows{hidden}{selected}", scene.shown.run.title]
    else:
        parts = [f"{dataset.n_rows:,} rows"]
    if dataset.vectors is not None:
        parts.append(f"{dataset.n_dims:,} dimensions")
    if scene is not None and scene.dataset is dataset:
        parts += _variance(scene.shown.layout)
        parts += [remark.rstrip(".")] if (remark := scene.shown.layout.remark) else []
    left_out = dataset.n_rows - dataset.n_drawable
    if left_out:
        parts.append(f"{left_out:,} rows left out: vector missing, not finite or all zero")
    return " · ".join(parts)


def time_left(seconds: float) -> str:
    """Say how long something still takes."""
    left = max(1, round(seconds))
    return f"{left} s left" if left < _MINUTES_FROM_S else f"{left / 60:.0f} min left"


def _variance(layout: Layout) -> list[str]:
    """Say how much of the variance the two axes show, or all axes of a layout that has more, where that is known."""
    n_dims = layout.coordinates.shape[1]
    if n_dims > PLANE:
        parts = [layout.stats.get(f"explained_variance_{at}") for at in range(1, n_dims + 1)]
        return [] if None in parts else [f"{sum(part or 0.0 for part in parts):.1%} of the variance"]
    shares = [layout.stats.get(f"explained_variance_{layout.params.get(axis, axis)}") for axis in ("x", "y")]
    known = [f"{share:.1%}" for share in shares if share is not None]
    return [f"{' and '.join(known)} of the variance"] if len(known) == len(shares) else []


class ErrorMessage(pn.viewable.Viewer):
    """The last error as a sentence, until it is closed or something goes well.

    Parameters
    ----------
    session : Session
        Whose error.
    later : callable
        Runs a function on the thread that owns the widgets.
    """

    def __init__(self, session: Session, *, later: Schedule, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self.message = Message(
            kind="error",
            on_close=lambda: later(lambda: session.param.update(error="")),
            visible=False,
            sizing_mode="stretch_width",
            margin=(4, 10),
        )
        session.param.watch(self._update, ["error"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.message

    def _update(self, *_: object) -> None:
        self.message.param.update(text=self._session.error, visible=bool(self._session.error))
