"""The legend of what colors the map; reads the scene and sets one component."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from explorer.coloring import Coloring
from explorer.session import Session

__all__ = ["Legend", "legend_content"]

_STOPS = 16  # colors of a color bar's gradient


class LegendComponent(pn.custom.JSComponent):
    """The legend in the browser; see ``legend.js``."""

    content = param.Dict(default={}, doc="title, entries of [name, color, count], bar, note: plain text all of it.")

    _esm = Path(__file__).with_name("legend.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css")]  # type: ignore[list-item]  # as Panel allows


class Legend(pn.viewable.Viewer):
    """Categories with their counts, or the color bar of a number column."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self._session = session
        self._coloring: Coloring | None = None
        self.component = LegendComponent(sizing_mode="stretch_width", margin=(0, 10))
        session.param.watch(self._update, ["scene"])
        self._update()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    def _update(self, *_: object) -> None:
        coloring = None if self._session.scene is None else self._session.scene.coloring
        if coloring is not self._coloring:
            self._coloring = coloring
            self.component.content = {} if coloring is None else legend_content(coloring)


def legend_content(coloring: Coloring) -> dict[str, Any]:
    """Say what the colors mean, as plain JSON; the most common categories first."""
    missing = f"{coloring.n_missing:,} rows have no value (gray)." if coloring.n_missing else ""
    if coloring.kind == "none":
        return {"title": "One color", "entries": [], "note": "Choose a column under Color to tell rows apart."}
    if coloring.kind == "number":
        stops = [int(stop * 255 / (_STOPS - 1)) for stop in range(_STOPS)]
        bar = {
            "colors": ["#{:02x}{:02x}{:02x}".format(*coloring.lut[stop]) for stop in stops],
            "low": f"≤ {coloring.low:,.4g}",
            "high": f"≥ {coloring.high:,.4g}",
        }
        return {"title": coloring.column, "entries": [], "bar": bar, "note": " ".join(["Mean of the rows in a pixel.", missing]).strip()}
    colors = coloring.palette.colors if coloring.palette else {}
    listed, n = coloring.most_common, len(coloring.names)
    entries = [[coloring.names[code] or "(empty)", colors[coloring.names[code]], f"{coloring.counts[code]:,}"] for code in listed]
    other = coloring.palette.n_other if coloring.palette else 0
    cut = f"The {len(listed):,} most common of {n:,} are listed." if n > len(listed) else ""
    notes = [f"{other:,} rarer categories share one gray." if other else "", cut, missing]
    return {"title": coloring.column, "entries": entries, "note": " ".join(note for note in notes if note)}
