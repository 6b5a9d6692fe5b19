"""What has contours on a map: which groups of its rows, and the lines around them; knows no browser and draws nothing.

``wanted_outlines(scene, choice, clusters)`` gives what finds them, in a thread; those of one layout are found once for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray

from explorer.cluster_words import layer_key
from explorer.coloring import ranks
from explorer.compute.contours import Region, contours
from explorer.labels import Clusters
from explorer.measured import measured
from explorer.render.layout_index import LayoutIndex
from explorer.scene import Scene
from explorer.state.appearance import ContourChoice

__all__ = ["MOST", "Outline", "Outliner", "category_outlines", "cluster_outlines", "wanted_outlines"]

MOST: Final = 30
"""Groups of a map that have contours: those with the most rows."""

_SAMPLE = 1_000_000  # rows that they are found from: of more, every k-th in Z-order, which is a fair sample
_KEPT = 4  # for one layout
_INK = ""


class Outline(NamedTuple):
    """The contours of a group that hold one share of its rows.

    Attributes
    ----------
    name : str
        What the group is called; text, never markup.
    color : str
        ``"#rrggbb"`` of it; "" is black on light and white on dark. What is drawn has enough contrast to the ground.
    slot : int
        Place of its color in the map's; -1 where it has none of its own there.
    share : float
        How many of its rows are inside, about.
    lines : tuple of ndarray of shape (p, 2), float32
        Closed lines in layout units, the first point again at the end.
    """

    name: str
    color: str
    slot: int
    share: float
    lines: tuple[NDArray[np.float32], ...]


Outliner: TypeAlias = Callable[[], list[Outline]]
"""What finds the outlines of a map: for a thread."""


def wanted_outlines(scene: Scene, choice: ContourChoice, clusters: Clusters | None = None) -> Outliner | None:
    """Say what finds the outlines that a person wants on a map; None where there are none.

    Parameters
    ----------
    scene : Scene
        What is on the map.
    choice : {"none", "categories", "clusters"}
        Where the map is colored by a layer of clusters, those are the clusters.
    clusters : Clusters, optional
        Those of the dataset, where they are known.
    """
    by_category = scene.coloring.kind == "category"
    if choice == "clusters" and clusters is not None and clusters.tree.layers:
        layers = (measured(scene.dataset, layer_key(layer)) for layer in range(len(clusters.tree.layers)))
        if by_category and scene.coloring.column in layers:
            return partial(category_outlines, scene)
        return partial(cluster_outlines, scene, clusters)
    return partial(category_outlines, scene) if choice == "categories" and by_category else None


def category_outlines(scene: Scene) -> list[Outline]:
    """Find the contours of the categories that color a map, where their rows are that are shown; for a thread.

    Returns
    -------
    list of Outline
        In their colors, those with the most rows first; none where the map is not colored by categories.
    """
    coloring = scene.coloring
    if coloring.kind != "category" or coloring.palette is None:
        return []
    codes = coloring.most_common
    found = _regions(scene, coloring.slots if coloring.codes is None else coloring.codes, partial(ranks, coloring))
    return [
        Outline(
            coloring.label(codes[region.group]),
            coloring.category_color(codes[region.group]),
            int(coloring.palette.category_slots[codes[region.group]]),
            region.share,
            region.lines,
        )
        for region in found
    ]


def cluster_outlines(scene: Scene, clusters: Clusters) -> list[Outline]:
    """Find the contours of clusters, where their rows are that are shown; for a thread.

    Returns
    -------
    list of Outline
        Of the finest layer of at most ``MOST`` clusters, else of the largest of the coarsest one; in black, or white on dark: a color on
        the map means something else.
    """
    few = [at for at, parents in enumerate(clusters.tree.parents) if len(parents) <= MOST]
    at = few[-1] if few else 0
    layer, names = clusters.tree.layers[at], clusters.names[at]
    return [Outline(names[region.group], _INK, -1, region.share, region.lines) for region in _regions(scene, layer, layer.__getitem__)]


class _Known(NamedTuple):
    """What was found of a layout: of which groups, of which rows; both are forgotten when nobody else has them."""

    groups: ref[NDArray[np.integer]]
    shown: ref[NDArray[np.bool_]] | None
    regions: list[Region]


_known: WeakKeyDictionary[LayoutIndex, list[_Known]] = WeakKeyDictionary()
_lock = Lock()


def _regions(scene: Scene, groups: NDArray[np.integer], codes_of: Callable[[NDArray[np.int32]], NDArray[np.integer]]) -> list[Region]:
    """Find the contours of the largest groups, once for everybody; ``codes_of`` gives those of rows, negative where a row is in none."""
    index, shown = scene.shown.index, scene.shown_mask
    with _lock:
        for known in _known.get(index, []):
            if known.groups() is groups and (shown is None if known.shown is None else known.shown() is shown):
                return known.regions
    step = max(1, len(index) // _SAMPLE)
    rows, x, y = index.rows[::step], index.x[::step], index.y[::step]
    codes = codes_of(rows)
    counted = codes >= 0 if shown is None else (codes >= 0) & shown[rows]
    counts = np.bincount(codes[counted])
    largest = np.argsort(-counts, kind="stable")[:MOST]
    regions = contours(x[counted], y[counted], codes[counted], largest[counts[largest] > 0].tolist())
    with _lock:
        kept = _known.setdefault(index, [])
        kept.append(_Known(ref(groups), None if shown is None else ref(shown), regions))
        del kept[:-_KEPT]
    return regions
