"""What is written on a map: the names of groups of rows, each where its group is densest; knows no browser and draws nothing.

``labels_of(scene) -> list[Label]`` names the categories that color the map; ``label_levels(nested_levels(index, layers, ...))`` any
groups, in several layers of which each is finer than the one before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Lock
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.coloring import Coloring
from explorer.compute.peaks import Peaks, peaks
from explorer.render.layout_index import LayoutIndex
from explorer.scene import Scene

__all__ = ["Label", "Level", "label_levels", "labels_of", "labels_wanted", "nested_levels"]

USUAL: Final = 2, 60
"""Categories that are labeled where nobody has said whether they should be."""

_SAMPLE = 1_000_000  # rows that peaks are found from: of more, every k-th in Z-order, which is a fair sample
_LONGEST = 32  # characters
_FINE_PX, _COARSE_PX, _LARGER_PX = 12.0, 14.0, 2.0  # sizes of letters; so much larger is the name of the largest group of a level
_SHORT, _SHORT_PX = 4, 2.0  # a name of fewer letters is larger by so much for each: a single digit is lost among points
_GIVES_WAY_PX = 480.0  # a group that is so large on screen leaves its place to those within it
_COMES_PX = 170.0  # a group is named when the one that it is within is so large on screen


class Label(NamedTuple):
    """A name on the map.

    Attributes
    ----------
    x, y : float
        Its middle, in layout units.
    text : str
        One line; text, never markup.
    color : str
        ``"#rrggbb"`` of its group. What is drawn has enough contrast to the ground.
    size : float
        Of its letters, in CSS pixels.
    level, group : int
        What it names: a group may have several labels, in several places.
    comes, goes : float
        Layout units in a CSS pixel, at most and at least, at which it is shown: the nearer one looks, the fewer there are.
    """

    x: float
    y: float
    text: str
    color: str
    size: float
    level: int = 0
    group: int = 0
    comes: float = math.inf
    goes: float = 0.0


class Level(NamedTuple):
    """Groups of rows that are named on one level.

    Attributes
    ----------
    peaks : Peaks
        Where they are.
    names, colors : sequence of str
        What they are called, and ``"#rrggbb"`` of each; a group whose name is empty has no label.
    parents : ndarray of shape (g,), int, optional
        The group of the level before that each is within; negative where there is none.
    """

    peaks: Peaks
    names: Sequence[str]
    colors: Sequence[str]
    parents: NDArray[np.integer] | None = None


def labels_wanted(coloring: Coloring, *, choice: bool | None) -> bool:
    """Say whether there are labels: what a person chose, or whether there are neither too few categories nor too many.

    Parameters
    ----------
    coloring : Coloring
        What colors the map.
    choice : bool or None
        None where nobody has chosen.
    """
    if coloring.kind != "category":
        return False
    return USUAL[0] <= sum(count > 0 for count in coloring.counts) <= USUAL[1] if choice is None else choice


def labels_of(scene: Scene) -> list[Label]:
    """Name the categories that color a map, those that are hidden left out; for a thread.

    Returns
    -------
    list of Label
        The most important first; of more than 1,000 categories, the most common. None where the map is not colored by categories.
    """
    coloring = scene.coloring
    if coloring.kind != "category" or coloring.palette is None:
        return []
    shown = [coloring.names[code] not in scene.hidden for code in coloring.most_common]
    names = [coloring.label(code) if is_shown else "" for code, is_shown in zip(coloring.most_common, shown, strict=True)]
    colors = [coloring.category_color(code) for code in coloring.most_common]
    return label_levels([Level(_peaks_of(scene), names, colors)])


def nested_levels(
    index: LayoutIndex, layers: Sequence[NDArray[np.integer]], names: Sequence[Sequence[str]], colors: Sequence[Sequence[str]]
) -> list[Level]:
    """Find where the groups of several layers are, and within which each of the finer ones lies: for :func:`label_levels`, in a thread.

    Parameters
    ----------
    index : LayoutIndex
        The layout on the map.
    layers : sequence of ndarray of shape (n_rows,), int
        Each row's group, the coarsest layer first; negative where it is in none.
    names, colors : sequence of sequence of str
        Of each layer's groups; a group without a name has no label.
    """
    step = max(1, len(index) // _SAMPLE)
    rows, x, y = index.rows[::step], index.x[::step], index.y[::step]
    levels: list[Level] = []
    coarser = None
    for layer, called, color in zip(layers, names, colors, strict=True):
        codes = layer[rows]
        parents = None
        if coarser is not None:
            both = (codes >= 0) & (coarser >= 0)
            parents = np.full(len(called), -1, np.int32)
            parents[codes[both]] = coarser[both]  # one for all rows of a group, where layers are nested
        levels.append(Level(peaks(x, y, codes, len(called)), called, color, parents))
        coarser = codes
    return levels


def label_levels(levels: Sequence[Level]) -> list[Label]:
    """Name groups in several levels.

    Parameters
    ----------
    levels : sequence of Level
        The coarsest first.

    Returns
    -------
    list of Label
        The most important first: by level, a group's highest peak before all others, then by the number of rows there.
    """
    ranked: list[tuple[tuple[int, bool, float], Label]] = []
    for at, level in enumerate(levels):
        found = level.peaks
        most = float(np.sqrt(max(1, int(found.counts.max(initial=0)))))
        is_first = np.diff(found.groups, prepend=-1) != 0
        finest = at == len(levels) - 1
        smallest = _FINE_PX if finest else _COARSE_PX
        spans = levels[at - 1].peaks.spans if at else None
        for peak, group in enumerate(found.groups.tolist()):
            text = _line(level.names[group])
            if not text:
                continue
            rows = float(found.counts[group])
            short = _SHORT_PX * max(0, _SHORT - len(text)) if len(levels) == 1 else 0.0
            parent = -1 if level.parents is None or spans is None else int(level.parents[group])
            x, y = map(float, found.places[peak])
            label = Label(
                x,
                y,
                text,
                level.colors[group],
                round(smallest + _LARGER_PX * math.sqrt(rows) / most + short, 1),
                at,
                group,
                math.inf if parent < 0 or spans is None else float(spans[parent]) / _COMES_PX,
                0.0 if finest else float(found.spans[group]) / _GIVES_WAY_PX,
            )
            ranked.append(((at, not is_first[peak], -rows * float(found.heights[peak])), label))
    ranked.sort(key=lambda each: each[0])
    return [label for _, label in ranked]


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"


_known: WeakKeyDictionary[Coloring, WeakKeyDictionary[LayoutIndex, Peaks]] = WeakKeyDictionary()
_lock = Lock()


def _peaks_of(scene: Scene) -> Peaks:
    """Find where the categories are, once for everybody; with filters, where the rows are that pass them."""
    coloring, index = scene.coloring, scene.shown.index
    if scene.passing is not None:
        return _find(coloring, index, scene.passing)
    with _lock:
        found = _known.setdefault(coloring, WeakKeyDictionary()).get(index)
    if found is None:
        found = _find(coloring, index, None)
        with _lock:
            _known[coloring][index] = found
    return found


def _find(coloring: Coloring, index: LayoutIndex, passing: NDArray[np.bool_] | None) -> Peaks:
    step = max(1, len(index) // _SAMPLE)
    rows, x, y = index.rows[::step], index.x[::step], index.y[::step]
    if passing is not None:
        kept = passing[rows]
        rows, x, y = rows[kept], x[kept], y[kept]
    n = len(coloring.names)
    places = np.full(n + 1, -1, np.int32)  # of each category among the most common; the last one is for rows without a value
    places[list(coloring.most_common)] = np.arange(len(coloring.most_common))
    if coloring.codes is not None:
        codes = places[coloring.codes[rows]]
    elif coloring.palette is not None:
        of_slot = np.full(len(coloring.lut), -1, np.int32)
        of_slot[coloring.palette.category_slots] = places
        codes = of_slot[coloring.slots[rows]]
    else:
        codes = np.full(len(rows), -1, np.int32)
    return peaks(x, y, codes, len(coloring.most_common))
