"""Everything a map's pictures depend on, frozen at a moment; knows no session, no browser and no widget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.coloring import Coloring, shown_mask
from explorer.compute.alignment import IDENTITY, Similarity
from explorer.compute.layout_rows import flat
from explorer.compute.projections import Layout
from explorer.render.color import ByCategory, ByNumber, Color, RowMask
from explorer.render.frame import FrameRequest
from explorer.render.gather import gather
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import Normalization, NormalizationName
from explorer.render.view import View
from explorer.state.appearance import NOTHING_HIDDEN, Hidden

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["InProgress", "Placed", "Run", "Scene", "Shown", "stage", "staged_already"]


class Run(NamedTuple):
    """A layout that can be shown at once: it came with the data, or is in the store."""

    title: str
    method: str | None
    settings: Mapping[str, Any]
    given: int | None  # position in ``layouts`` of the vectors' dataset; None for a layout of the store
    of: str = ""  # the other vectors of the same rows, by name, where it is a layout of those


@dataclass(frozen=True, eq=False)
class Placed:
    """A layout, and how it is turned to lie like the one that was on screen before; the layout itself stays as it was computed."""

    run: Run
    layout: Layout
    frame: Similarity = field(default=IDENTITY, kw_only=True)

    def places(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Say where rows are on the map, shape (len(rows), 2); not finite where a row is not on it."""
        return self.seen(gather(self.layout.coordinates, rows))

    def seen(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Say where points, (k, c) in the layout's own coordinates, are on the map; shape (k, 2)."""
        found = flat(points)
        return found if self.frame == IDENTITY else self.frame.apply(found)

    @property
    def written(self) -> Layout:
        """As a file has it: as it was computed, however it is turned here."""
        return self.layout

    def place(self, row: int) -> tuple[float, float] | None:
        """Say where a row is on the map; None where it is not on it."""
        x, y = map(float, self.places(np.array([row]))[0])
        return (x, y) if math.isfinite(x) and math.isfinite(y) else None


@dataclass(frozen=True, eq=False)
class Shown(Placed):
    """The layout on the map, with its index for drawing, which is turned as well."""

    index: LayoutIndex

    @property
    def ordered(self) -> LayoutIndex:
        """What has the rows in the order of the index, one for all that share that: colors are brought into it once."""
        return self.index

    @property
    def nearness(self) -> NDArray[np.float32] | None:
        """How near each row of the index is to who looks, -1 to 1; none of a flat layout."""
        return None

    def in_space(self, row: int) -> list[float]:
        """Say where a row is in a layout of more than two dimensions; nothing of a flat one, which has one view."""
        return []

    @property
    def told(self) -> dict[str, Any]:
        """What a browser is told with each picture of how the layout is seen; nothing of a flat one."""
        return {}


@dataclass(frozen=True, eq=False)
class InProgress(Shown):
    """A layout in the middle of its computation."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What is on a map: rows, colors, opacity, selection, filter; immutable.

    ``selection_mask``, ``passing`` and ``shown_mask`` are bool of shape (n_rows,), None where nothing is selected, filtered, hidden;
    ``shown_mask`` is of rows that pass the filters and are in no hidden category; ``selected`` and ``shown_rows`` are ready to draw.
    Each row of the index ``stands_for`` so many, where it is a sample. ``depth_cue`` is whether far rows of more than two dimensions pale.
    """

    dataset: Dataset
    shown: Shown
    coloring: Coloring
    color: Color
    normalization: Normalization
    selected: RowMask | None
    selection_mask: NDArray[np.bool_] | None
    point_size: float | None
    hidden: Hidden = NOTHING_HIDDEN
    passing: NDArray[np.bool_] | None = None
    shown_mask: NDArray[np.bool_] | None = None
    shown_rows: RowMask | None = None
    stands_for: int = 1
    depth_cue: bool = True

    @property
    def name(self) -> str:
        """What the dataset is called."""
        return self.dataset.name

    @property
    def title(self) -> str:
        """What the layout is called."""
        return self.shown.run.title

    @property
    def in_progress(self) -> bool:
        """Whether the layout is being computed."""
        return isinstance(self.shown, InProgress)

    @property
    def n_indexed(self) -> int:
        """How many rows the layout has."""
        return len(self.shown.index)

    @property
    def home(self) -> View:
        """The first view."""
        return self.shown.index.home

    @property
    def told(self) -> dict[str, Any]:
        """What a browser is told with each picture of how the layout is seen."""
        return self.shown.told

    def request(self, view: View, width: int, height: int, **how: Any) -> FrameRequest:
        """Say what :func:`explorer.render.frame.render` needs to draw a part of this; ``how`` is the rest of what a request has."""
        return FrameRequest(
            index=self.shown.index,
            view=view,
            width=width,
            height=height,
            color=self.color,
            normalization=self.normalization,
            selected=self.selected,
            shown=self.shown_rows,
            stands_for=self.stands_for,
            depth=self.shown.nearness if self.depth_cue else None,
            **how,
        )

    @cached_property
    def n_shown(self) -> int:
        """How many rows the map has, those in hidden categories left out."""
        return len(self.shown.index) if self.shown_rows is None else int(np.count_nonzero(self.shown_rows.flags))


def stage(
    dataset: Dataset,
    shown: Shown,
    coloring: Coloring,
    *,
    density: NormalizationName,
    point_size: float | None,
    mask: NDArray[np.bool_] | None,
    passing: NDArray[np.bool_] | None = None,
    hidden: Hidden = NOTHING_HIDDEN,
    depth_cue: bool = True,
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
    passing : ndarray of shape (n_rows,), bool, or None
        The rows that the filters leave; None where there is no filter.
    hidden : Hidden
        The categories of ``coloring`` that are not drawn.
    depth_cue : bool
        Whether far rows of a layout of more than two dimensions pale.
    before : Scene, optional
        The scene on screen.
    """
    index = shown.ordered
    known = before if before is not None and before.shown.ordered is index else None
    if before is not None and before.coloring is coloring and before.hidden == hidden and before.passing is passing:
        drawn = before.shown_mask
    else:
        drawn = _both(shown_mask(coloring, hidden), passing)
    return Scene(
        dataset,
        shown,
        coloring,
        _color(index, coloring, known),
        _normalization(index, density),
        _row_mask(index, mask, None if known is None else (known.selection_mask, known.selected)),
        mask,
        point_size,
        hidden,
        passing,
        drawn,
        _row_mask(index, drawn, None if known is None else (known.shown_mask, known.shown_rows)),
        depth_cue=depth_cue,
    )


def _both(one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return one & other if one is not None and other is not None else other if one is None else one


def staged_already(shown: Shown, coloring: Coloring, density: NormalizationName) -> bool:
    """Whether somebody has these colors on this layout, so that :func:`stage` takes no time."""
    with _lock:
        return shown.ordered in _in_order.get(coloring, {}) and density in _measured.get(shown.ordered, {})


_measured: WeakKeyDictionary[LayoutIndex, dict[NormalizationName, Normalization]] = WeakKeyDictionary()
_in_order: WeakKeyDictionary[Coloring, WeakKeyDictionary[LayoutIndex, Color]] = WeakKeyDictionary()
_lock = Lock()


def _normalization(index: LayoutIndex, how: NormalizationName) -> Normalization:
    """Measure a layout once for everybody."""
    with _lock:
        found = _measured.setdefault(index, {}).get(how)
    if found is None:
        found = Normalization.of(index, how)
        with _lock:
            _measured[index][how] = found
    return found


def _color(index: LayoutIndex, coloring: Coloring, known: Scene | None) -> Color:
    """Bring the colors into index order, once for everybody who has this column on this layout."""
    with _lock:
        made = _in_order.setdefault(coloring, WeakKeyDictionary()).get(index)
    if made is None:
        made = _ordered(index, coloring, known)
        with _lock:
            made = _in_order.setdefault(coloring, WeakKeyDictionary()).setdefault(index, made)
    return made


def _ordered(index: LayoutIndex, coloring: Coloring, known: Scene | None) -> Color:
    """Bring the colors into index order; where the scene before has the same rows in other colors, they are."""
    if coloring.kind == "number":
        if known is not None and isinstance(known.color, ByNumber) and known.coloring.values is coloring.values:
            return replace(known.color, lut=coloring.lut)
        return ByNumber.of(index, coloring.values, low=coloring.low, high=coloring.high, lut=coloring.lut)
    if known is not None and isinstance(known.color, ByCategory) and known.coloring.slots is coloring.slots:
        return replace(known.color, lut=coloring.lut)
    return ByCategory.of(index, coloring.slots, coloring.lut)


def _row_mask(
    index: LayoutIndex, mask: NDArray[np.bool_] | None, known: tuple[NDArray[np.bool_] | None, RowMask | None] | None
) -> RowMask | None:
    """Bring a mask into index order, unless that was done before."""
    if mask is None:
        return None
    return known[1] if known is not None and known[0] is mask else RowMask.of(index, mask)
