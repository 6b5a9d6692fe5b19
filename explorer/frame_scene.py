"""What is on the map of a Dask DataFrame, frozen at a moment: its rows where they are, and a sample in memory for pictures in motion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from explorer.coloring import Coloring
from explorer.errors import UnknownChoice
from explorer.render.color import ByCategory, ByNumber, Color, Density
from explorer.render.dask_survey import Columns, Survey, survey
from explorer.render.frame import FrameRequest
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import NORMALIZATIONS, Normalization, NormalizationName
from explorer.render.palette import COLORMAPS, PALETTES, Palette, colormap
from explorer.render.rows import Rows, Wanted
from explorer.render.view import View

__all__ = ["FrameScene", "Look", "Surveyed", "surveyed"]

_LISTED = 1_000  # categories in a legend
_NOTHING = np.zeros(0, np.uint8)


class Look(NamedTuple):
    """How a map looks; checked by :meth:`checked`.

    ``cmap`` is the color map of numbers and of density, ``palette`` the palette of categories, empty for the default each; ``density`` how
    the number of rows in a pixel becomes opacity; ``point_size`` the diameter of a row in pixels, none for automatic.
    """

    cmap: str = ""
    palette: str = ""
    density: NormalizationName = "log"
    point_size: float | None = None

    def checked(self) -> Look:
        """Return it.

        Raises
        ------
        UnknownChoice
            If there is no such color map, palette or normalization.
        """
        for what, value, choices in (
            ("color map", self.cmap, COLORMAPS),
            ("palette", self.palette, list(PALETTES)),
            ("normalization", self.density, NORMALIZATIONS),
        ):
            if value and value not in choices:
                raise UnknownChoice(what, value, choices)
        return self


@dataclass(frozen=True, eq=False)
class FrameScene:
    """What a picture is drawn from; see :class:`explorer.picture.Drawable`. Each row of the index ``stands_for`` so many."""

    index: LayoutIndex | Rows
    color: Color
    normalization: Normalization
    point_size: float | None
    stands_for: int = 1
    wanted: Wanted | None = None
    name: str = "Dask DataFrame"
    title: str = ""
    in_progress: bool = False

    @property
    def n_indexed(self) -> int:
        """How many rows a picture reads at most."""
        return len(self.index)

    @property
    def home(self) -> View:
        """The first view."""
        return self.index.home

    @property
    def told(self) -> Mapping[str, Any]:
        """What a browser is told of how it is seen: it is flat."""
        return {}

    def request(self, view: View, width: int, height: int, **how: Any) -> FrameRequest:
        """Say what :func:`explorer.render.frame.render` needs to draw a part of this."""
        return FrameRequest(
            index=self.index,
            view=view,
            width=width,
            height=height,
            color=self.color,
            normalization=self.normalization,
            stands_for=self.stands_for,
            wanted=self.wanted,
            **how,
        )


class Surveyed(NamedTuple):
    """A frame that can be drawn: every row at rest, a sample of them while something moves; and what its colors say."""

    every_row: FrameScene
    sample: FrameScene
    coloring: Coloring
    found: Survey


def surveyed(frame: Any, columns: Columns, look: Look, *, report: Callable[[str], object] = lambda _: None) -> Surveyed:
    """Find out what has to be known of a frame before it is drawn; for a thread, as it goes over the frame several times.

    Raises
    ------
    ExplorerError
        As :func:`explorer.render.dask_survey.survey` does.
    """
    found = survey(frame, columns, report=report)
    coloring = _coloring(found, columns, look)
    color: Color = Density(coloring.lut)
    if coloring.kind == "category":
        color = ByCategory(_NOTHING, coloring.lut)
    elif coloring.kind == "number":
        color = ByNumber(np.zeros(0, np.float32), coloring.low, coloring.high, coloring.lut)
    assert found.rows.grid is not None
    normalization = Normalization.from_counts(found.rows.grid.counts.ravel(), look.density)
    sample = found.rows.indexed(found.sample, color)
    title = f"{columns.x}, {columns.y}"
    return Surveyed(
        FrameScene(found.rows, color, normalization, look.point_size, title=title),
        FrameScene(sample.index, sample.color, normalization, look.point_size, stands_for=found.stands_for, title=title),
        coloring,
        found,
    )


def _coloring(found: Survey, columns: Columns, look: Look) -> Coloring:
    """Decide the colors, as :func:`explorer.coloring.coloring` does; without a column to color by, they say how many rows there are."""
    none = np.zeros(0, np.float32)
    missing = int(found.counts[-1])
    if columns.kind == "category":
        palette = Palette.of(found.names, found.counts[:-1], name=look.palette)
        most_common = np.argsort(-found.counts[:-1], kind="stable")[:_LISTED].tolist()
        amounts = tuple(found.counts[:-1].tolist())
        return Coloring(
            str(columns.color), "category", _NOTHING, none, palette.lut, palette, None, amounts, found.names, tuple(most_common), missing
        )  # fmt: skip
    lut, (low, high) = colormap(look.cmap or COLORMAPS[0]), found.limits
    if columns.kind == "none":
        return Coloring(None, "none", _NOTHING, none, lut)
    values = np.broadcast_to(np.float32(np.nan), found.rows.n_rows)  # their number, without taking memory: the rows are elsewhere
    ends = low, (low + high) / 2, high
    return Coloring(str(columns.color), "number", _NOTHING, values, lut, n_missing=missing, low=low, high=high, ends=ends)
