"""Text into pixels, in whatever script it is written, with the fonts that are there; with ``tracing`` all that names Matplotlib.

Text is never markup here: a dollar or a backslash in it is drawn as such. Letters that DejaVu Sans, which comes with Matplotlib, does not
have are taken from the machine's fonts; for a script that is in none of them, Matplotlib's last resort draws a box that names it.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

__all__ = ["Lettering", "one_line", "shortened", "text_width"]

_FONT: Final = "DejaVu Sans"
_LONGEST = 300  # characters of a line; nobody reads more, and measuring takes time
_DPI = 72  # so that a point is a pixel

_families: dict[str, str] = {}  # the font that has a letter
_families_lock = Lock()


class Lettering:
    """A transparent strip of text and colored boxes; all places are in pixels from the top left.

    Parameters
    ----------
    width, height : int
        Pixels.
    ink : str
        ``"#rrggbb"`` of the text.
    """

    def __init__(self, width: int, height: int, *, ink: str) -> None:
        self._renderer = _renderer(width, height)
        self._height = height
        self._ink = ink
        self._boxes: list[tuple[slice, slice, NDArray[np.uint8]]] = []

    def text(self, x: float, baseline: float, text: str, *, size: float, opacity: float = 1.0, bold: bool = False) -> None:
        """Write one line, as it is; ``size`` in pixels."""
        drawable, font = _prepared(text, size, bold=bold)
        pen = self._renderer.new_gc()
        pen.set_foreground(self._ink)
        pen.set_alpha(opacity)
        self._renderer.draw_text(pen, x, baseline, drawable, font, 0.0)

    def box(self, x: float, y: float, colors: NDArray[np.uint8], *, width: float, height: float) -> None:
        """Fill a box with colors, uint8 (c, 3), from left to right."""
        left, right = round(x), max(round(x + width), round(x) + 1)
        places = np.arange(right - left) * len(colors) // (right - left)
        self._boxes.append((slice(round(y), max(round(y + height), round(y) + 1)), slice(left, right), colors[places]))

    @property
    def rgba(self) -> NDArray[np.uint8]:
        """The strip, uint8 (height, width, 4) with straight alpha."""
        drawn = np.array(self._renderer.buffer_rgba())
        for lines, columns, colors in self._boxes:
            drawn[lines, columns, :3] = colors[: drawn[:1, columns].shape[1]]
            drawn[lines, columns, 3] = 255
        return drawn


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Measure one line, in pixels; takes half a millisecond to two, once."""
    drawable, font = _prepared(text, size, bold=bold)
    width, _, _ = _renderer(1, 1).get_text_width_height_descent(drawable, font, ismath=False)
    return float(width)


def shortened(text: str, width: float, size: float) -> str:
    """Cut a line with an ellipsis where it is wider than ``width`` pixels; empty where not even that fits."""
    text = one_line(text)
    if text_width(text, size) <= width:
        return text
    fits, too_long = -1, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if text_width(text[:middle].rstrip() + "…", size) <= width:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + "…" if fits >= 0 else ""


def one_line(text: str) -> str:
    """Make one printable line of a text."""
    return " ".join("".join(letter if letter.isprintable() or letter in "\u200c\u200d" else " " for letter in text[:_LONGEST]).split())


def _renderer(width: int, height: int) -> RendererAgg:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(width, height, _DPI)


def _prepared(text: str, size: float, *, bold: bool) -> tuple[str, FontProperties]:
    """Make one line of a text and find the fonts for it."""
    from matplotlib.font_manager import FontProperties

    line = one_line(text)
    with _families_lock:
        unknown = set(line) - _families.keys()
        if unknown:
            _find_families(unknown)
        others = dict.fromkeys(_families[letter] for letter in line)
    return line, FontProperties(family=list(dict.fromkeys([_FONT, *others])), size=size, weight="bold" if bold else "normal")


def _find_families(letters: set[str]) -> None:
    """Note for each letter which font has it; a letter that is in none costs a look into every font, once."""
    from matplotlib.font_manager import FontProperties, fontManager
    from matplotlib.ft2font import FT2Font

    usual = {entry.name for entry in fontManager.ttflist if (entry.weight, entry.style, entry.stretch) == (400, "normal", "normal")}
    missing = set(letters)
    for name in (_FONT, *sorted(usual, key=lambda name: ("Last Resort" in name, "Sans" not in name, "Mono" in name, name))):
        if not missing:
            return
        try:
            font = FT2Font(fontManager.findfont(FontProperties(family=[name]), fallback_to_default=False))
        except (OSError, RuntimeError, ValueError):  # gone, or broken
            continue
        found = {letter for letter in missing if font.scalable and font.get_char_index(ord(letter))}
        _families.update(dict.fromkeys(found, name))
        missing -= found
    _families.update(dict.fromkeys(missing, _FONT))
