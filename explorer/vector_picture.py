"""A map as an SVG file for print: the picture in it without loss at any width, contours as lines, and all words as text that stays text."""

from __future__ import annotations

import base64
import io
import math
import os
import re
from collections.abc import Sequence
from typing import Any, BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

from explorer.data.export import check_target, unfinished
from explorer.labels import Label, Labeler
from explorer.lettering import one_line, shortened, text_width
from explorer.outlines import Outline, Outliner
from explorer.picture_file import Background, Window, ink_on, write_picture
from explorer.picture_labels import HALO, HALO_OPACITY, label_spots
from explorer.picture_outlines import strokes
from explorer.picture_words import FAINT, LINE, MARGIN, TEXT, TITLE, Entry, entries_of, facts, notes_of, wrapped
from explorer.render.view import View
from explorer.scene import Scene
from explorer.tracing import path_commands
from explorer.view_rows import rows_in_view

__all__ = ["save_svg", "write_svg"]

_SWATCH: Final = 11.0
_GAP: Final = 18.0
_NAME_MOST: Final = 220.0
_BAR: Final = 260.0
_LINES: Final = 12  # of a legend, at the most
_FONT: Final = "'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif"
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def save_svg(path: str | os.PathLike[str], scene: Scene, window: Window, **options: Any) -> None:
    """Write an SVG file, see :func:`write_svg`; it appears complete or not at all.

    Raises
    ------
    BadParameter, UnknownChoice
        If there can be no such picture.
    UnknownFormat
        If the path does not end with .svg.
    Unwritable
        If there is no such folder, or it takes no file.
    """
    check_target(path, endings=(".svg",))
    with unfinished(path) as file, file.open("wb") as out:
        write_svg(out, scene, window, **options)


def write_svg(
    file: BinaryIO,
    scene: Scene,
    window: Window,
    *,
    width: int | None = None,
    background: Background = "page",
    title: str | None = None,
    legend: bool = True,
    labels: Labeler | None = None,
    contours: Outliner | None = None,
    **how: Any,
) -> None:
    """Write an SVG file of what a window shows.

    Parameters
    ----------
    file : binary file
        Open for writing.
    scene, window, width, background, title, legend, labels, contours
        As of :func:`explorer.picture_file.write_picture`; ``width`` is that of the picture in it. On paper the file is as large as the map
        is on screen, 96 pixels an inch, until it is scaled.
    **how
        ``report`` and ``should_stop``.
    """
    picture = io.BytesIO()
    write_picture(picture, scene, window, width=width, background=background, title="", legend=False, **how)
    across, down = max(window.width, 1.0), max(window.height, 1.0)
    ground = {"page": window.background, "white": "#ffffff", "transparent": None}[background]
    behind_words = ground or window.background
    view = window.view.sane().fitted(across, down)
    over = [] if contours is None else _lines(contours(), view, across, down, behind_words)
    over += [] if labels is None else _names(labels(), view, across, down, behind_words)
    name = scene.dataset.name if title is None else title
    sheet = _Sheet(across, ink_on(ground or window.background))
    if name:
        sheet.title(name, facts(scene, rows_in_view(scene, window.view)))
    top = sheet.height
    sheet.height += down
    if legend:
        sheet.legend(scene)
    height = math.ceil(sheet.height)
    data = base64.b64encode(picture.getvalue()).decode("ascii")
    behind = f'<rect width="100%" height="100%" fill="{ground}"/>\n' if ground else ""
    file.write(
        (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{across:g}" height="{height}" viewBox="0 0 {across:g} {height}" '
            f'role="img" aria-label={quoteattr(_clean(name or scene.dataset.name))}>\n'
            f"<title>{escape(_clean(name or scene.dataset.name))}</title>\n{behind}"
            f'<image x="0" y="{top:g}" width="{across:g}" height="{down:g}" preserveAspectRatio="none" '
            f'href="data:image/png;base64,{data}"/>\n{_laid_over(over, top, across, down)}'
            f'<g font-family="{_FONT}" fill="{sheet.ink}">\n' + "\n".join(sheet.parts) + "\n</g>\n</svg>\n"
        ).encode()
    )


def _laid_over(parts: Sequence[str], top: float, across: float, down: float) -> str:
    """Put what is drawn in the pixels of the map where the map is; nothing of it is beyond."""
    if not parts:
        return ""
    place = f'x="0" y="{top:g}" width="{across:g}" height="{down:g}" viewBox="0 0 {across:g} {down:g}" overflow="hidden"'
    return f"<svg {place}>\n" + "\n".join(parts) + "\n</svg>\n"


def _lines(outlines: Sequence[Outline], view: View, across: float, down: float, ground: str) -> list[str]:
    """Draw contours."""
    return [
        f'<path fill="none" stroke="{stroke.color}" stroke-width="{stroke.width:g}" stroke-opacity="{stroke.opacity:g}" '
        f'stroke-linejoin="round" d="{path_commands(stroke.lines)}"/>'
        for stroke in strokes(outlines, view, width=across, height=down, scale=1.0, ground=ground)
    ]


def _names(labels: Sequence[Label], view: View, across: float, down: float, ground: str) -> list[str]:
    """Write what is named on the map, each name over a halo: not every program draws the outline of letters below them."""
    halo = f'fill="{ground}" stroke="{ground}" stroke-width="{2 * HALO:g}" stroke-linejoin="round" opacity="{HALO_OPACITY:g}"'
    parts = []
    for label, x, y, _, color in label_spots(labels, view, width=across, height=down, ground=ground):
        place = f'x="{x:.2f}" y="{y + 0.35 * label.size:.2f}" font-size="{label.size:g}"'
        text = escape(_clean(one_line(label.text)))
        parts += [f'<text {place} {halo} aria-hidden="true">{text}</text>', f'<text {place} fill="{color}">{text}</text>']
    return [f'<g font-family="{_FONT}" font-weight="bold" text-anchor="middle">', *parts, "</g>"] if parts else []


class _Sheet:
    """What is written around the map, from top to bottom."""

    def __init__(self, width: float, ink: str) -> None:
        self.width, self.ink, self.height = width, ink, 0.0
        self.parts: list[str] = []

    @property
    def room(self) -> float:
        return max(self.width - 2 * MARGIN, 1.0)

    def title(self, name: str, told: Sequence[str]) -> None:
        self.text(MARGIN, MARGIN + 0.85 * TITLE, shortened(name, self.room, TITLE), size=TITLE)
        baseline = MARGIN + 0.85 * TITLE
        for line in wrapped(told, self.room, TEXT):
            baseline += LINE
            self.text(MARGIN, baseline, line, opacity=FAINT)
        self.height = baseline + MARGIN

    def legend(self, scene: Scene) -> None:
        coloring = scene.coloring
        if coloring.column is None:
            return
        baseline = self.height + MARGIN + 0.5 * LINE
        self.text(MARGIN, baseline, shortened(coloring.column, self.room, TEXT), weight="bold")
        baseline += LINE
        baseline = self._bar(scene, baseline) if coloring.kind == "number" else self._entries(entries_of(scene), baseline)
        for line in wrapped(notes_of(scene), self.room, TEXT):
            self.text(MARGIN, baseline, line, opacity=FAINT)
            baseline += LINE
        self.height = baseline - 0.3 * LINE

    def _entries(self, found: Sequence[Entry], baseline: float) -> float:
        count_width = max((text_width(entry.amount, TEXT) for entry in found), default=0.0) + _SWATCH
        name_width = min(max((text_width(entry.name, TEXT) for entry in found), default=0.0), _NAME_MOST, self.room)
        pitch = 1.6 * _SWATCH + name_width + count_width + _GAP
        columns = max(int((self.room + _GAP) // pitch), 1)
        lines = min(math.ceil(len(found) / columns), _LINES) or 1
        listed = found if len(found) <= lines * columns else found[: lines * columns - 1]
        for place, entry in enumerate(listed):
            left, at = MARGIN + place // lines * pitch, baseline + place % lines * LINE
            red, green, blue = entry.color[0].tolist()
            self.box(left, at - 0.9 * _SWATCH, _SWATCH, f"#{red:02x}{green:02x}{blue:02x}")
            self.text(left + 1.6 * _SWATCH, at, shortened(entry.name, name_width, TEXT))
            self.text(left + pitch - _GAP, at, entry.amount, opacity=FAINT, anchor="end")
        if len(listed) < len(found):
            place = len(listed)
            left, at = MARGIN + place // lines * pitch, baseline + place % lines * LINE
            self.text(left, at, f"and {len(found) - len(listed):,} more", opacity=FAINT)
        return baseline + lines * LINE

    def _bar(self, scene: Scene, baseline: float) -> float:
        coloring, width = scene.coloring, min(_BAR, self.room)
        stops = "".join(
            f'<stop offset="{at / (len(coloring.lut) - 1):.4f}" stop-color="#{red:02x}{green:02x}{blue:02x}"/>'
            for at, (red, green, blue) in enumerate(coloring.lut.tolist())
        )
        self.parts.append(f'<linearGradient id="colors">{stops}</linearGradient>')
        self.parts.append(
            f'<rect x="{MARGIN:g}" y="{baseline - 0.9 * _SWATCH:.2f}" width="{width:g}" height="{_SWATCH:g}" fill="url(#colors)"/>'
        )
        low, middle, high = coloring.bar_words
        self.text(MARGIN, baseline + 0.8 * LINE, low, opacity=FAINT)
        if middle:
            self.text(MARGIN + width / 2, baseline + 0.8 * LINE, middle, opacity=FAINT, anchor="middle")
        if high:
            self.text(MARGIN + width, baseline + 0.8 * LINE, high, opacity=FAINT, anchor="end")
        return baseline + 1.8 * LINE

    def box(self, left: float, top: float, side: float, color: str) -> None:
        self.parts.append(f'<rect x="{left:.2f}" y="{top:.2f}" width="{side:g}" height="{side:g}" rx="2" fill="{color}"/>')

    def text(
        self,
        left: float,
        baseline: float,
        text: str,
        *,
        size: float = TEXT,
        opacity: float = 1.0,
        anchor: str = "start",
        weight: str = "normal",
    ) -> None:
        faint = f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
        end = f' text-anchor="{anchor}"' if anchor != "start" else ""
        bold = f' font-weight="{weight}"' if weight != "normal" else ""
        self.parts.append(f'<text x="{left:.2f}" y="{baseline:.2f}" font-size="{size:g}"{faint}{end}{bold}>{escape(_clean(text))}</text>')


def _clean(text: str) -> str:
    """Leave out what no XML may hold."""
    return _NOT_XML.sub("\ufffd", text)
