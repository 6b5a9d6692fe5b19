"""How good the layouts are, and how much of them is chance; colors the maps by what was measured, has measured what was not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import panel as pn
import param

from explorer import settings
from explorer.appraisal import NEIGHBORHOODS
from explorer.compute.preservation import PRESERVED_K
from explorer.session import Session
from explorer.steadiness import KEPT, WOBBLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.appraisal import Appraisal

__all__ = ["QualityView"]

_NO_VECTORS: Final = "This dataset has coordinates only: without vectors nobody can say what a map keeps of them."
_READ_ONLY: Final = "This server is read-only: it shows what has been measured, and measures nothing."
_NO_LAYOUT: Final = "There is no layout to measure yet."
_SHORT: Final = {
    "distance": "Outliers",
    "in_degree": "Hubs",
    "dimension": "Dimension",
    "duplicates": "Near-duplicates",
    "component": "Pieces",
}


class QualityComponent(pn.custom.JSComponent):
    """The panel in the browser; see ``quality.js``."""

    content = param.Dict(default={}, doc="See QualityView: plain numbers and text all of it.")
    progress = param.Dict(default={}, doc="title, fraction: what is being measured.")
    runs = param.Dict(default={}, doc="title, stage, fraction: what is being run again.")

    _esm = Path(__file__).with_name("quality.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css"), Path(__file__).with_name("quality.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class QualityView(pn.viewable.Viewer):
    """The figures of every layout, one below the other, with what chance gives; once it is there, layouts are measured.

    Parameters
    ----------
    session : Session
        Whose layouts.
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self.component = QualityComponent(
            on_message=lambda message: session.soon(self._take, message), sizing_mode="stretch_width", margin=(0, 10)
        )
        session.param.watch(self._update, ["dataset", "runs", "columns", "scene"])
        session.appearance.param.watch(self._update, ["color_by"])
        session.assessment.param.watch(self._update, ["known", "failed", "graph", "waiting", "measuring"])
        session.assessment.param.watch(self._update_progress, ["measuring", "fraction"])
        session.steadiness.param.watch(self._update, ["known", "failed", "waiting", "measuring"])
        session.steadiness.param.watch(self._update_runs, ["measuring", "stage", "fraction"])
        self._update()
        session.assessment.begin()
        session.steadiness.begin()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    # -- from the browser

    def _take(self, message: object) -> None:
        if not isinstance(message, dict) or self._session.dataset is None:
            return
        assessment, steadiness = self._session.assessment, self._session.steadiness
        kind, title = message.get("type"), message.get("title")
        if kind in ("measure", "run_again") and isinstance(title, str):
            (assessment if kind == "measure" else steadiness).measure(title)
        elif kind in ("stop", "stop_runs"):
            (assessment if kind == "stop" else steadiness).stop()
        elif kind == "color":
            column = self._column(title, message.get("what"))
            if column is not None:
                self._session.colors.toggle(column)
        elif kind == "disagreement" and message.get("column") == self._category():
            assessment.toggle_disagreement(str(message["column"]))

    def _column(self, title: object, what: object) -> str | None:
        """Name a measured column: of a layout, or of the neighbor graph where there is no title."""
        assessment = self._session.assessment
        if not isinstance(what, str):
            return None
        if what in (WOBBLE, KEPT):
            return self._session.steadiness.column(str(title), what)
        return assessment.column(title, what) if isinstance(title, str) else assessment.neighborhood_column(what)

    # -- from the session

    def _update(self, *_: object) -> None:
        content = self._content()
        if content != self.component.content:
            self.component.content = content

    def _update_progress(self, *_: object) -> None:
        assessment = self._session.assessment
        self.component.progress = {"title": assessment.measuring, "fraction": round(assessment.fraction, 2)}

    def _update_runs(self, *_: object) -> None:
        steadiness = self._session.steadiness
        self.component.runs = {"title": steadiness.measuring, "stage": steadiness.stage, "fraction": round(steadiness.fraction, 2)}

    def _content(self) -> dict[str, Any]:
        session, assessment = self._session, self._session.assessment
        dataset, color = session.dataset, session.appearance.color_by
        if dataset is None or dataset.vectors is None:
            return {"hint": _NO_VECTORS if dataset is not None else "Open a dataset first."}
        titles = list(dict.fromkeys(run.title for run in session.runs))
        if not titles:
            return {"hint": _NO_LAYOUT}
        waiting = [*assessment.waiting, assessment.measuring]
        on_map = "" if session.scene is None else session.scene.shown.run.title
        return {
            "layouts": [
                {
                    "title": title,
                    "state": "known" if title in assessment.known else "waiting" if title in waiting else "unknown",
                    "failed": assessment.failed.get(title, ""),
                    "on_map": title == on_map,
                    "colors": self._colors(title, color),
                    "steady": self._steady(title),
                    **self._figures(assessment.known.get(title)),
                }
                for title in titles
            ],
            "graph": self._graph(),
            "neighborhoods": self._neighborhoods(color),
            "pairs": self._pairs(on_map),
            "fixed": settings.read_only(),
        }

    def _colors(self, title: str, color: str | None) -> list[str]:
        """Say which of the columns of a layout color the maps."""
        listed = ["false", "missing", *(f"kept {k}" for k in PRESERVED_K), WOBBLE, KEPT]
        return [] if color is None else [what for what in listed if self._column(title, what) == color]

    def _steady(self, title: str) -> dict[str, Any]:
        steadiness = self._session.steadiness
        why = steadiness.why_not(title)
        if why:
            return {"state": "fixed", "why": why}
        found = steadiness.known.get(title)
        if found is not None:
            return {"state": "known", **found._asdict()}
        waits = title in (*steadiness.waiting, steadiness.measuring)
        return {"state": "waiting" if waits else "unknown", "why": steadiness.failed.get(title, "")}

    def _figures(self, appraisal: Appraisal | None) -> dict[str, Any]:
        if appraisal is None:
            return {}
        return {
            "kept": [[k, appraisal.kept[k], appraisal.chance[k]] for k in sorted(appraisal.kept)],
            "false": appraisal.false,
            "missing": appraisal.missing,
            "whole": dict(appraisal.whole),
            "control": dict(appraisal.control),
            "metric": appraisal.metric,
            "remark": appraisal.remark,
        }

    def _graph(self) -> str:
        graph = self._session.assessment.graph
        if graph is None and settings.read_only():
            return _READ_ONLY
        if graph is None:
            return "There is no neighbor graph yet; measuring computes it."
        found = "" if math.isnan(graph.recall) else f", {graph.recall:.1%} of the true ones found"
        return f"By the {graph.k} nearest neighbors, {graph.metric} distance{found}."

    def _neighborhoods(self, color: str | None) -> list[dict[str, Any]]:
        """Say what the neighbor graph can color the maps by."""
        assessment, category = self._session.assessment, self._category()
        listed = [(what, assessment.neighborhood_column(what)) for what in NEIGHBORHOODS]
        found: list[dict[str, Any]] = [
            {"what": what, "name": _SHORT[what], "meaning": NEIGHBORHOODS[what][1], "on": column == color}
            for what, column in listed
            if column is not None
        ]
        if assessment.graph is not None and category is not None:
            on = color is not None and assessment.disagreement_column(category) == color
            meaning = f"Which share of each row's neighbors has another {category}"
            found.append({"column": category, "name": f"Other {category}", "meaning": meaning, "on": on})
        return found

    def _category(self) -> str | None:
        """Which column of categories neighbors are compared by: the one that colors the maps, or did before something measured."""
        dataset, colors = self._session.dataset, (self._session.appearance.color_by, self._session.colors.before)
        return None if dataset is None else next((name for name in colors if dataset.roles.get(name) == "category"), None)

    def _pairs(self, title: str) -> dict[str, Any] | None:
        appraisal = self._session.assessment.known.get(title)
        if appraisal is None or not appraisal.pairs.any():
            return None
        return {"title": title, "counts": appraisal.pairs.tolist(), "correlation": appraisal.whole["correlation"]}
