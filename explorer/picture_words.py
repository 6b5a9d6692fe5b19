"""The words of a picture file: a strip with its title, and one with its legend; never the map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.lettering import Lettering, one_line, shortened, text_width
from explorer.scene import Scene

__all__ = [
    "FAINT",
    "LINE",
    "MARGIN",
    "TEXT",
    "TITLE",
    "Entry",
    "Words",
    "entries_of",
    "facts",
    "legend_strip",
    "notes_of",
    "title_strip",
    "wrapped",
]

# Sizes in pixels of the screen, which a picture has more or fewer of.
TITLE, TEXT, MARGIN, LINE = 17.0, 12.0, 12.0, 19.0
_LEAST = 0.75  # words are not drawn smaller than this part of their size on screen
_GAP, _SWATCH, _BAR = 18.0, 11.0, 260.0
_NAME_MOST = 220.0
_NARROWEST = 120  # pixels; in a narrower picture there is no room for words
_MEASURED = 100  # entries whose widths decide how wide a column is
FAINT: Final = 0.72  # opacity
_SPACE = " · "


class Words(NamedTuple):
    """How words are drawn in a picture: its width in pixels, how many of them make one of the screen, ``"#rrggbb"`` of the text."""

    width: int
    scale: float
    ink: str

    def px(self, size: float) -> float:
        """Say how many pixels a size on screen has here."""
        return size * max(self.scale, _LEAST)

    def strip(self, height: float) -> Lettering:
        """Begin a strip as wide as the picture."""
        return Lettering(self.width, math.ceil(height), ink=self.ink)

    @property
    def room(self) -> float:
        """How many pixels wide a line may be."""
        return self.width - 2 * self.px(MARGIN)


class Entry(NamedTuple):
    """A category of a legend: its name, its color of shape (1, 3), and how many rows it has, as text."""

    name: str
    color: NDArray[np.uint8]  # (1, 3)
    amount: str


def title_strip(words: Words, scene: Scene, rows: NDArray[np.integer], title: str) -> NDArray[np.uint8] | None:
    """Write the title, and under it which layout the picture shows, what colors it, how many rows it has; none where there is no room.

    Returns
    -------
    ndarray of shape (lines, width, 4), uint8, or None
        Straight alpha.
    """
    if words.width < _NARROWEST:
        return None
    parts = facts(scene, rows)
    size, line, margin = words.px(TEXT), words.px(LINE), words.px(MARGIN)
    lines = wrapped(parts, words.room, size)
    strip = words.strip(margin + words.px(TITLE) + line * len(lines) + 0.6 * margin)
    baseline = margin + words.px(TITLE) * 0.85
    strip.text(margin, baseline, shortened(title, words.room, words.px(TITLE)), size=words.px(TITLE))
    for text in lines:
        baseline += line
        strip.text(margin, baseline, text, size=size, opacity=FAINT)
    return strip.rgba


def facts(scene: Scene, rows: NDArray[np.integer]) -> list[str]:
    """Say which layout a picture shows, what colors it, how many rows it has, how many of them are selected."""
    parts = [scene.shown.run.title]
    if scene.coloring.column:
        parts.append(f"colored by {scene.coloring.column}")
    parts.append(f"{len(rows):,} of {scene.dataset.n_rows:,} rows")
    if scene.selection_mask is not None:
        parts.append(f"{int(np.count_nonzero(scene.selection_mask[rows])):,} of them selected")
    return parts


def legend_strip(words: Words, scene: Scene, *, most_height: float) -> NDArray[np.uint8] | None:
    """Explain the colors: categories with their counts, the most common first, as many as fit, or a color bar.

    Parameters
    ----------
    words : Words
        How they are drawn.
    scene : Scene
        What is explained.
    most_height : float
        Pixels that the entries may take; there is always one line of them.

    Returns
    -------
    ndarray of shape (lines, width, 4), uint8, or None
        Straight alpha; none where all rows have one color, or the picture is too narrow.
    """
    coloring = scene.coloring
    if coloring.column is None or words.width < _NARROWEST:
        return None
    if coloring.kind == "number":
        return _color_bar(words, scene)
    return _categories(words, scene, most_height)


def wrapped(parts: Sequence[str], width: float, size: float) -> list[str]:
    """Set parts into lines; a part that is longer than a line is cut."""
    lines: list[str] = []
    for part in (shortened(part, width, size) for part in parts):
        longer = lines[-1] + _SPACE + part if lines else ""
        if longer and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _categories(words: Words, scene: Scene, most_height: float) -> NDArray[np.uint8]:
    entries = entries_of(scene)
    size, line, margin, swatch = (words.px(length) for length in (TEXT, LINE, MARGIN, _SWATCH))
    grid = _grid(words, entries, most_height)
    listed = entries if len(entries) <= grid.n_cells else entries[: grid.n_cells - 1]
    feet = wrapped(notes_of(scene), words.room, size)
    strip = words.strip(margin + line * (1 + grid.n_lines + len(feet)))
    first = _write_head(strip, words, str(scene.coloring.column))
    for place in range(min(len(entries), grid.n_cells)):
        left, baseline = margin + place // grid.n_lines * grid.pitch, first + place % grid.n_lines * line
        if place == len(listed):
            strip.text(left, baseline, f"and {_n_categories(scene) - len(listed):,} more", size=size, opacity=FAINT)
            break
        entry = listed[place]
        strip.box(left, baseline - 0.9 * swatch, entry.color, width=swatch, height=swatch)
        strip.text(left + 1.6 * swatch, baseline, shortened(entry.name, grid.name_width, size), size=size)
        end = left + 1.6 * swatch + grid.name_width + grid.count_width
        strip.text(end - text_width(entry.amount, size), baseline, entry.amount, size=size, opacity=FAINT)
    _write_feet(strip, words, feet, first + line * grid.n_lines)
    return strip.rgba


class _Grid(NamedTuple):
    """Where entries lie, column by column; widths in pixels."""

    n_columns: int
    n_lines: int
    pitch: float
    name_width: float
    count_width: float

    @property
    def n_cells(self) -> int:
        return self.n_columns * self.n_lines


def _grid(words: Words, entries: Sequence[Entry], most_height: float) -> _Grid:
    """Make columns as wide as the widest name needs, and as few lines as they allow."""
    size, swatch, gap = words.px(TEXT), words.px(_SWATCH), words.px(_GAP)
    measured = entries[:_MEASURED]
    count_width = max((text_width(entry.amount, size) for entry in measured), default=0.0) + swatch
    least = 1.6 * swatch + count_width
    name_width = max((text_width(entry.name, size) for entry in measured), default=0.0)
    name_width = min(name_width, words.px(_NAME_MOST), max(words.room - least, 0.0))
    pitch = least + name_width + gap
    n_columns = max(int((words.room + gap) // pitch), 1)
    n_lines = min(max(int(most_height // words.px(LINE)), 1), math.ceil(len(entries) / n_columns))
    return _Grid(n_columns, n_lines, pitch, name_width, count_width)


def _color_bar(words: Words, scene: Scene) -> NDArray[np.uint8]:
    coloring = scene.coloring
    size, line, margin, swatch = (words.px(length) for length in (TEXT, LINE, MARGIN, _SWATCH))
    feet = wrapped(notes_of(scene), words.room, size)
    strip = words.strip(margin + line * (2.8 + len(feet)))
    first = _write_head(strip, words, str(coloring.column))
    width = min(words.px(_BAR), words.room)
    low, middle, high = coloring.bar_words
    strip.box(margin, first - 0.9 * swatch, coloring.lut, width=width, height=swatch)
    strip.text(margin, first + 0.8 * line, low, size=size, opacity=FAINT)
    if middle:
        strip.text(margin + (width - text_width(middle, size)) / 2, first + 0.8 * line, middle, size=size, opacity=FAINT)
    if high:
        strip.text(margin + width - text_width(high, size), first + 0.8 * line, high, size=size, opacity=FAINT)
    _write_feet(strip, words, feet, first + 1.8 * line)
    return strip.rgba


def _write_head(strip: Lettering, words: Words, text: str) -> float:
    """Write the column's name; returns the next line's baseline."""
    baseline = words.px(0.4 * MARGIN + 0.7 * LINE)
    strip.text(words.px(MARGIN), baseline, shortened(text, words.room, words.px(TEXT)), size=words.px(TEXT))
    return baseline + words.px(LINE)


def _write_feet(strip: Lettering, words: Words, feet: Sequence[str], baseline: float) -> None:
    for place, text in enumerate(feet):
        strip.text(words.px(MARGIN), baseline + place * words.px(LINE), text, size=words.px(TEXT), opacity=FAINT)


def entries_of(scene: Scene) -> list[Entry]:
    """List the categories that are drawn, the most common first."""
    coloring = scene.coloring
    palette = coloring.palette
    if palette is None:
        return []
    return [
        Entry(one_line(coloring.label(code)), palette.lut[[palette.category_slots[code]]], f"{coloring.counts[code]:,}")
        for code in coloring.most_common
        if coloring.names[code] not in scene.hidden
    ]


def _n_categories(scene: Scene) -> int:
    """Count the categories that are drawn."""
    return scene.coloring.n_shown(scene.hidden) - (scene.coloring.n_missing > 0 and None not in scene.hidden)


def notes_of(scene: Scene) -> list[str]:
    """Say what the legend leaves out."""
    coloring = scene.coloring
    n_other = coloring.palette.n_other if coloring.palette is not None else 0
    notes = [f"{n_other:,} rarer categories share one gray"] if n_other else []
    if coloring.n_missing and None not in scene.hidden:
        notes.append(f"{coloring.n_missing:,} rows have no value (gray)")
    n_hidden = coloring.n_entries - coloring.n_shown(scene.hidden)
    if n_hidden:
        notes.append(f"{n_hidden:,} hidden")
    return notes
