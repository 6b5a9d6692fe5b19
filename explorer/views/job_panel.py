"""What is computed on this machine: a small button beside the status line, and the list that it opens; reads the session's list of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from explorer.job_list import Listed
from explorer.session import Session
from explorer.views.status import time_left

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["JobPanel", "how_far"]

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_TEENS = range(10, 14)


class JobPanelComponent(pn.custom.JSComponent):
    """The button and the list in the browser; see ``job_panel.js``."""

    content = param.Dict(default={"jobs": [], "running": 0, "waiting": 0}, doc="jobs: number, title, whose, own, percent and text of each.")

    _esm = Path(__file__).with_name("job_panel.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("job_panel.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class JobPanel(pn.viewable.Viewer):
    """What a session may know of what is computed; nothing is shown while nothing is.

    Parameters
    ----------
    session : Session
        Whose list it shows.
    held : bool
        Whether somebody else has the list begin, when the browser can follow.
    """

    def __init__(self, session: Session, *, held: bool = False, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self.component = JobPanelComponent(on_message=self._on_message, margin=(2, 4))
        session.jobs.param.watch(self._update, ["listed", "n_running", "n_waiting"])
        if not held:
            session.jobs.begin()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _on_message(self, message: object) -> None:
        if isinstance(message, dict) and message.get("type") == "cancel":
            self._session.soon(self._session.jobs.cancel, message.get("number"))

    def _update(self, *_: object) -> None:
        jobs = self._session.jobs
        told = [[each.number, each.title, each.whose, each.own, each.percent, how_far(each)] for each in jobs.listed]
        self.component.content = {"jobs": told, "running": jobs.n_running, "waiting": jobs.n_waiting}


def how_far(job: Listed) -> str:
    """Say how far a computation is: percent and time left, or its place in the queue."""
    if job.place == 1:
        return "next in the queue"
    if job.place:
        ending = "th" if job.place % 100 in _TEENS else _ENDINGS.get(job.place % 10, "th")
        return f"{job.place}{ending} in the queue"
    return f"{job.percent}%" if job.seconds_left is None else f"{job.percent}% · {time_left(job.seconds_left)}"
