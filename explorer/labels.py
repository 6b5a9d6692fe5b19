"""What is written on a map: the names of groups of rows, each where its group is densest; knows no browser and draws nothing.

``category_labels(scene)`` names the categories that color the map, ``cluster_labels(scene, clusters)`` clusters in layers of which each is
finer than the one before; ``wanted_labels`` says which of them a person wants.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any, Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.coloring import Coloring, ranks
from explorer.compute.clusters import ClusterTree
from explorer.compute.peaks import Peaks, peaks
from explorer.render.layout_index import LayoutIndex
from explorer.scene import Scene
from explorer.state.appearance import LabelChoice

__all__ = [
    "Clusters",
    "Label",
    "Labeler",
    "Level",
    "category_labels",
    "cluster_labels",
    "label_levels",
    "nested_levels",
    "told_labels",
    "wanted_labels",
]

USUAL: Final = 2, 60
"""Categories that are labeled where nobody has said whether they should be."""

_SAMPLE = 1_000_000  # rows that peaks are found from: of more, every k-th in Z-order, which is a fair sample
_INK = ""
_NO_COLOR = 0xFFFFFFFF
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
        ``"#rrggbb"`` of its group; "" is black on light and white on dark. What is drawn has enough contrast to the ground.
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
    parents : ndarray of shape (g,), int, or None
        The group of the level before that each is within; negative where there is none.
    names, colors : sequence of str
        What they are called, and ``"#rrggbb"`` of each; a group whose name is empty has no label.
    """

    peaks: Peaks
    parents: NDArray[np.integer] | None
    names: Sequence[str]
    colors: Sequence[str]


class Clusters(NamedTuple):
    """Clusters of a dataset, what they are called in each layer, and the columns of the layers, where there are some."""

    tree: ClusterTree
    names: tuple[tuple[str, ...], ...]
    columns: tuple[str | None, ...] = ()


Labeler: TypeAlias = Callable[[], list[Label]]
"""What makes the labels of a map: for a thread."""


def wanted_labels(scene: Scene, choice: LabelChoice, clusters: Clusters | None = None) -> Labeler | None:
    """Say what makes the labels that a person wants on a map; None where there are none.

    Parameters
    ----------
    scene : Scene
        What is on the map.
    choice : {"automatic", "categories", "clusters", "none"}
        Automatic are the clusters, where there are some, else the categories where there are neither too few nor too many.
    clusters : Clusters, optional
        Those of the dataset, where they are known.
    """
    if choice in ("automatic", "clusters") and clusters is not None and clusters.tree.layers:
        return partial(cluster_labels, scene, clusters)
    if scene.coloring.kind == "category" and (choice == "categories" or (choice == "automatic" and _usual(scene.coloring))):
        return partial(category_labels, scene)
    return None


def _usual(coloring: Coloring) -> bool:
    return USUAL[0] <= sum(count > 0 for count in coloring.counts) <= USUAL[1]


def cluster_labels(scene: Scene, clusters: Clusters) -> list[Label]:
    """Name clusters where their rows are that pass the filters, in all layers; for a thread.

    Where a layer colors the map, it is the coarsest that is named, and names have the colors of their rows.

    Returns
    -------
    list of Label
        The most important first; in black, or white where the ground is dark, unless a layer colors the map.
    """
    passing, index = scene.passing, scene.shown.index
    with _lock:
        found = None if passing is not None else _nested.setdefault(clusters.tree, WeakKeyDictionary()).get(index)
    if found is None:
        found = nested_levels(index, clusters.tree.layers, passing=passing)
        if passing is None:
            with _lock:
                _nested[clusters.tree][index] = found
    named = list(zip(found, clusters.names, clusters.tree.layers, strict=True))
    column = scene.coloring.column
    if column is None or column not in clusters.columns:
        return label_levels([Level(*where, names, [_INK] * len(names)) for where, names, _ in named])
    first, *finer = named[clusters.columns.index(column) :]
    (spots, _), names, layer = first
    hidden = {scene.coloring.label(code) for code in scene.coloring.most_common if scene.coloring.names[code] in scene.hidden}
    levels = [Level(spots, None, ["" if name in hidden else name for name in names], _colors(scene, layer, len(names)))]
    levels += [Level(*where, below, _colors(scene, rows, len(below))) for where, below, rows in finer]
    return label_levels(levels)


def _colors(scene: Scene, layer: NDArray[np.integer], n: int) -> list[str]:
    """Give each group the color of one of its rows: on a map that a coarser layer colors, all of them have the same."""
    one = np.full(n, -1, np.int64)
    grouped = np.flatnonzero(layer >= 0)
    one[layer[grouped]] = grouped
    return [scene.coloring.color_of(row) if row >= 0 else _INK for row in one.tolist()]


def category_labels(scene: Scene) -> list[Label]:
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
    return label_levels([Level(_peaks_of(scene), None, names, colors)])


def nested_levels(
    index: LayoutIndex, layers: Sequence[NDArray[np.integer]], *, passing: NDArray[np.bool_] | None = None
) -> list[tuple[Peaks, NDArray[np.integer] | None]]:
    """Find where the groups of several layers are, and within which of the layer before each lies: for a thread.

    Parameters
    ----------
    index : LayoutIndex
        The layout on the map.
    layers : sequence of ndarray of shape (n_rows,), int
        Each row's group, the coarsest layer first; negative where it is in none.
    passing : ndarray of shape (n_rows,), bool, optional
        The rows that count; all of them by default.

    Returns
    -------
    list of tuple of Peaks and ndarray
        The beginning of each :class:`Level`.
    """
    step = max(1, len(index) // _SAMPLE)
    rows, x, y = index.rows[::step], index.x[::step], index.y[::step]
    if passing is not None:
        kept = passing[rows]
        rows, x, y = rows[kept], x[kept], y[kept]
    found: list[tuple[Peaks, NDArray[np.integer] | None]] = []
    coarser = None
    for layer in layers:
        codes, n = layer[rows], int(layer.max(initial=-1)) + 1
        parents = None
        if coarser is not None:
            both = (codes >= 0) & (coarser >= 0)
            parents = np.full(n, -1, np.int32)
            parents[codes[both]] = coarser[both]  # one for all rows of a group, where layers are nested
        found.append((peaks(x, y, codes, n), parents))
        coarser = codes
    return found


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


def told_labels(labels: Sequence[Label]) -> dict[str, Any]:
    """Write what can be written on a map for ``map_page/labels.js``: two texts, however many labels there are; for a thread.

    Returns
    -------
    dict
        ``names``: of the groups, one a line. ``numbers``: in base64, one after the other, ``x``, ``y``, ``size``, ``comes`` and ``goes`` of
        all labels, the most important first, as float32; then the line of their groups' names and their colors, 0xRRGGBB, or 0xFFFFFFFF
        where a label has none, as uint32; all little-endian. Nothing where there are no labels.
    """
    if not labels:
        return {}
    x, y, texts, colors, sizes, levels, groups, comes, goes = zip(*labels, strict=True)
    lines: dict[tuple[int, int], int] = {}
    names: list[str] = []
    of_group = np.empty(len(labels), "<u4")
    for at, group in enumerate(zip(levels, groups, strict=True)):
        line = lines.setdefault(group, len(lines))
        if line == len(names):
            names.append(texts[at])
        of_group[at] = line
    codes = {color: int(color[1:], 16) if color else _NO_COLOR for color in set(colors)}
    floats = np.array([x, y, sizes, comes, goes], "<f4")
    numbers = floats.tobytes() + of_group.tobytes() + np.array([codes[color] for color in colors], "<u4").tobytes()
    return {"names": "\n".join(names), "numbers": base64.b64encode(numbers).decode("ascii")}


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"


_Nested: TypeAlias = list[tuple[Peaks, NDArray[np.integer] | None]]
_nested: WeakKeyDictionary[ClusterTree, WeakKeyDictionary[LayoutIndex, _Nested]] = WeakKeyDictionary()
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
    return peaks(x, y, ranks(coloring, rows), len(coloring.most_common))
