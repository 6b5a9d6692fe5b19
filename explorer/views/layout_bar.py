"""Which layout is on a map and how good it is, and the way between two of them: held anywhere, played and looped; what moved on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import panel as pn
import param

from explorer.plane import Plane
from explorer.session import Session
from explorer.views.traveling import TRAVEL_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.scene import Run

__all__ = ["LayoutBar"]


class LayoutBarComponent(pn.custom.JSComponent):
    """The bar in the browser; see ``layout_bar.js``."""

    content = param.Dict(
        default={"titles": [], "kept": {}, "title": "", "start": "", "goal": "", "ms": TRAVEL_MS, "moved": "unknown", "why_not": ""},
        doc="See LayoutBar.",
    )
    plane = param.String(default="", doc="The map that this belongs to, for what in the browser speaks to it.")

    _esm = Path(__file__).with_name("layout_bar.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("layout_bar.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class LayoutBar(pn.viewable.Viewer):
    """The bar of one map: the names of the layouts there are, which one is on the map, and both ends of the way.

    Parameters
    ----------
    session : Session
        Whose map.
    plane : Plane
        Which map.
    """

    def __init__(self, session: Session, plane: Plane, **params: Any) -> None:
        super().__init__(**params)
        self._session, self._plane = session, plane
        self.component = LayoutBarComponent(
            on_message=lambda message: session.soon(self._take, message),
            plane=str(id(plane)),
            margin=0,
            sizing_mode="stretch_width",
        )
        session.param.watch(self._update, ["runs", "columns"])
        session.appearance.param.watch(self._update, ["color_by"])
        session.movement.param.watch(self._update, ["awaited"])
        session.assessment.param.watch(self._update, ["known"])
        plane.param.watch(self._update, ["scene", "journey"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _take(self, message: object) -> None:
        dataset = self._session.dataset
        if not isinstance(message, dict) or dataset is None:
            return
        if message.get("type") == "show":
            run = self._run(message.get("title"))
            if run is not None:
                self._session.standing.note_show(self._plane, run)
                self._plane.travel(run, dataset)
        elif message.get("type") in ("between", "color"):
            start, goal = self._run(message.get("start")), self._run(message.get("goal"))
            if start is None or goal is None or start == goal:
                return
            if message["type"] == "between":
                self._session.standing.note_show(self._plane, start)
                self._plane.journey_between(start, goal, dataset)
            else:
                self._session.movement.toggle_color(start, goal)

    def _run(self, title: object) -> Run | None:
        return next((run for run in self._session.runs if run.title == title), None)

    def _update(self, *_: object) -> None:
        scene, journey = self._plane.scene, self._plane.journey
        titles = list(dict.fromkeys(run.title for run in self._session.runs))
        title = "" if scene is None else scene.shown.run.title
        if journey is not None:
            start, goal = journey.start.run.title, journey.goal.run.title
        elif self._plane.passage is not None and all(run.title in titles for run in self._plane.passage):  # formed on the map: the way back
            goal, start = (run.title for run in self._plane.passage)
        else:
            start = title if title in titles else next(iter(titles), "")
            goal = next((other for other in [*titles[titles.index(start) + 1 :], *titles] if other != start), "") if titles else ""
        moved = self._moved(start, goal) if start in titles and goal in titles else "unknown"
        content = {
            "titles": titles,
            "kept": self._kept(titles),
            "title": title,
            "start": start,
            "goal": goal,
            "ms": TRAVEL_MS,
            "moved": moved,
            "why_not": self._why_not(start, goal),
        }
        if content != self.component.content:
            self.component.content = content

    def _kept(self, titles: list[str]) -> dict[str, list[float]]:
        """Say how much of the true neighborhoods each measured layout keeps: k, the share, and what chance gives."""
        known = self._session.assessment.known
        return {
            title: [known[title].k, known[title].kept[known[title].k], known[title].chance[known[title].k]]
            for title in titles
            if title in known
        }

    def _why_not(self, start: str, goal: str) -> str:
        """Say why what moved between the two ends is not measured; "" where it is."""
        one, other = self._run(start), self._run(goal)
        return "" if one is None or other is None else self._session.movement.why_not(one, other)

    def _moved(self, start: str, goal: str) -> Literal["color", "awaited", ""]:
        """Say whether the maps are colored by how far rows moved between the two ends, or will be when that is measured."""
        movement, column = self._session.movement, self._session.movement.column(start, goal)
        if column is not None and self._session.appearance.color_by == column:
            return "color"
        return "awaited" if movement.awaited == {start, goal} else ""
