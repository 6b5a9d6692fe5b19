"""Everything a map's pictures depend on, frozen at a moment; knows no session, no browser and no widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.coloring import Coloring
from explorer.compute.projections import Layout
from explorer.render.color import ByCategory, ByNumber, Color, RowMask
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import Normalization

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Run", "Scene", "Shown", "stage"]


class Run(NamedTuple):
    """A layout that can be shown at once: it came with the data, or is in the store."""

    title: str
    method: str | None
    settings: Mapping[str, Any]
    given: int | None  # position in ``dataset.layouts``; None for a layout of the store


@dataclass(frozen=True, eq=False)
class Shown:
    """The layout on the map, with its index for drawing."""

    run: Run
    layout: Layout
    index: LayoutIndex


@dataclass(frozen=True, eq=False)
class Scene:
    """What is on a map: rows, colors, opacity, selection; immutable."""

    dataset: Dataset
    shown: Shown
    coloring: Coloring
    color: Color
    normalization: Normalization
    selected: RowMask | None
    selection_mask: NDArray[np.bool_] | None
    point_size: float | None


def stage(
    dataset: Dataset,
    shown: Shown,
    coloring: Coloring,
    *,
    density: Literal["log", "equalized", "linear"],
    point_size: float | None,
    mask: NDArray[np.bool_] | None,
    before: Scene | None = None,
) -> Scene:
    """Prepare a scene; what an earlier scene already prepared is used again.

    Parameters
    ----------
    dataset, shown, coloring
        What is drawn.
    density : {"log", "equalized", "linear"}
        How the number of rows in a pixel becomes opacity.
    point_size : float or None
        Diameter of a row in pixels; None for automatic.
    mask : ndarray of shape (n_rows,), bool, or None
        The selected rows; None where nothing is selected.
    before : Scene, optional
        The scene on screen.
    """
    index = shown.index
    known = before if before is not None and before.shown is shown else None
    if known is not None and known.coloring is coloring:
        color = known.color
    elif coloring.kind == "number":
        color = ByNumber.of(index, coloring.values, low=coloring.low, high=coloring.high, lut=coloring.lut)
    else:
        color = ByCategory.of(index, coloring.slots, coloring.lut)
    same_density = known is not None and known.normalization.how == density
    normalization = known.normalization if known is not None and same_density else Normalization.of(index, density)
    if mask is None:
        selected = None
    elif known is not None and known.selection_mask is mask:
        selected = known.selected
    else:
        selected = RowMask.of(index, mask)
    return Scene(dataset, shown, coloring, color, normalization, selected, mask, point_size)
