"""A map as one HTML file: everything in it, nothing fetched, no script but its own; runs in any thread."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

import numpy as np

from explorer.compute.progress import Report, ShouldStop, Stopped, ignore, never
from explorer.data.export import check_target, unfinished
from explorer.labels import Labeler, told_labels
from explorer.map_page.rows import ROWS_MOST, columns_of, packed
from explorer.map_page.tiles import TILE, levels_for, n_tiles, square_of, tiles
from explorer.outlines import Outline, Outliner
from explorer.picture_outlines import CONTRAST
from explorer.render.contrast import readable
from explorer.scene import Scene

__all__ = ["LABELS", "MapPage", "about_bytes", "save_map_page", "write_map_page"]

LABELS: Final = Path(__file__).with_name("labels.js")
"""The script that writes names on a map, here and in a page that is served."""

_PAGE: Final = Path(__file__).with_name("page.html")
_SCRIPT: Final = Path(__file__).with_name("page.js")
_BLANK: Final = re.compile(r"\{\{(\w+)\}\}")
_LISTED: Final = 200  # categories
_GROUNDS: Final = "#ffffff", "#121212"  # of the page, light and dark
_STEPS: Final = 65_535  # of the side of the square, for points of contours
_TILE_MOST: Final = 90_000  # bytes of a tile that is full, in letters
_LEVEL_BYTES, _LEVEL_POWER = 1_030, 0.7  # of the tiles of a level, as measured from 1,000 to 1,000,000 rows
_KNOWN_BYTES: Final = 55  # of a row's columns, compressed, in letters


class MapPage(NamedTuple):
    """What was written: rows on the map, how many of them are known one by one, tiles, and bytes."""

    n_rows: int
    n_known: int
    n_tiles: int
    n_bytes: int


def about_bytes(n_rows: int) -> int:
    """Say about how large the page of a map of so many rows will be."""
    deepest = levels_for(n_rows)
    pictures = sum(min(_TILE_MOST * 4**level, round(_LEVEL_BYTES * n_rows**_LEVEL_POWER)) for level in range(deepest + 1))
    return pictures + (_KNOWN_BYTES * n_rows if n_rows <= ROWS_MOST else 0)


def save_map_page(path: str | os.PathLike[str], scene: Scene, **options: Any) -> MapPage:
    """Write a page, see :func:`write_map_page`; the file appears complete or not at all.

    Raises
    ------
    UnknownFormat
        If the path does not end with .html.
    Unwritable
        If there is no such folder, or it takes no file.
    """
    check_target(path, endings=(".html",))
    with unfinished(path) as file, file.open("w", encoding="utf-8", newline="\n") as out:
        return write_map_page(out, scene, **options)


def write_map_page(
    file: TextIO,
    scene: Scene,
    *,
    title: str | None = None,
    notes: Sequence[str] = (),
    rows: bool = True,
    labels: Labeler | None = None,
    contours: Outliner | None = None,
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> MapPage:
    """Write a page with a map.

    Every text goes into the page as data, and is shown by ``textContent``; the page's own policy allows no script but its own, and nothing
    that is not in the file.

    Parameters
    ----------
    file : text file
        Open for writing, in UTF-8.
    scene : Scene
        What is on the map, in its colors, without what is filtered or hidden.
    title : str, optional
        The first line; the dataset's name by default.
    notes : sequence of str
        Paragraphs below the legend: how the map was made.
    rows : bool
        Whether the rows are in the file, for search and cards, where they are 200,000 at the most.
    labels : callable, optional
        Gives what is named on the map, as far as it has room; see :func:`explorer.labels.wanted_labels`.
    contours : callable, optional
        Gives what has lines around it; see :func:`explorer.outlines.wanted_outlines`.
    report, should_stop
        Called at each tile.
    """
    script = '"use strict";\n' + LABELS.read_text("utf-8") + _SCRIPT.read_text("utf-8")
    name = scene.dataset.name if title is None else title
    known = columns_of(scene) if rows else None
    deepest = levels_for(scene.n_shown)
    about = {
        "title": name,
        "layout": scene.shown.run.title,
        "column": scene.coloring.column,
        "rows": scene.n_shown,
        "all": scene.dataset.n_rows,
        "home": _home(scene),
        "square": _square(scene),
        "labels": {} if labels is None else told_labels(labels()),
        "tile": TILE,
        "deepest": deepest,
        "legend": _legend(scene),
        "contours": [] if contours is None else _contours(scene, contours()),
        "notes": list(notes),
        "known": None if known is None else known.head,
    }
    blanks = {
        "name": escape(name),
        "script": script,
        "script_hash": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "about": _as_data(about),
        "rows": "" if known is None else packed(known.body),
    }
    before, after = _PAGE.read_text("utf-8").split("{{tiles}}\n")
    file.write(_filled(before, blanks))
    made, most = 0, n_tiles(deepest)
    for tile in tiles(scene, deepest):
        if should_stop():
            raise Stopped
        place = f"{tile.level}/{tile.column}/{tile.line}"
        file.write(f'<script type="image/webp" data-place="{place}">{packed(tile.data)}</script>\n')
        made += 1
        report("web page", min(made / most, 1.0))
    file.write(_filled(after, blanks))
    return MapPage(scene.n_shown, 0 if known is None else known.head["n"], made, file.tell())


def _home(scene: Scene) -> list[float]:
    """Say where on the square the first view is: left, top, right, bottom, each from 0 to 1."""
    home, square = scene.home.sane(), square_of(scene)
    size = square.span[0]
    return [(home.x0 - square.x0) / size, (square.y1 - home.y1) / size, (home.x1 - square.x0) / size, (square.y1 - home.y0) / size]


def _square(scene: Scene) -> list[float]:
    """Say where the square is, in layout units: left, top, and its side."""
    square = square_of(scene)
    return [square.x0, square.y1, square.span[0]]


def _contours(scene: Scene, outlines: Sequence[Outline]) -> list[dict[str, Any]]:
    """Tell the page of contours: their colors on light and on dark, their share of the rows, and points on the square."""
    square = square_of(scene)
    corner, size = np.array([square.x0, square.y1]), square.span[0]
    return [
        {
            "slot": outline.slot,
            "colors": [readable(outline.color, ground, contrast=CONTRAST) for ground in _GROUNDS],
            "share": outline.share,
            "lines": [np.round((line - corner) * (1, -1) / size * _STEPS).astype(int).ravel().tolist() for line in outline.lines],
        }
        for outline in outlines
    ]


def _legend(scene: Scene) -> dict[str, Any]:
    coloring, hidden = scene.coloring, scene.hidden
    if coloring.kind == "number":
        stops = coloring.lut[np.linspace(0, len(coloring.lut) - 1, 12).astype(int)].tolist()
        return {"words": [word for word in coloring.bar_words if word], "colors": ["#{:02x}{:02x}{:02x}".format(*stop) for stop in stops]}
    if coloring.palette is None:
        return {}
    codes = [code for code in coloring.most_common if coloring.names[code] not in hidden]
    entries = [
        [coloring.label(code), coloring.category_color(code), coloring.counts[code], int(coloring.palette.category_slots[code])]
        for code in codes[:_LISTED]
    ]
    return {
        "entries": entries,
        "more": max(coloring.n_shown(hidden) - (coloring.n_missing > 0) - len(entries), 0),
        "missing": coloring.n_missing,
    }


def _as_data(value: object) -> str:
    """Write JSON that cannot end the element that it is in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _filled(page: str, blanks: dict[str, str]) -> str:
    """Fill in everything in one go, so that what is filled in is never looked at again."""
    return _BLANK.sub(lambda found: blanks[found[1]], page)
