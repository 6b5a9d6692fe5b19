"""Pictures into one page of HTML: a strip of them, a slider, play and pause; it needs no other file and fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.animation.film import DARK, PAUSE_S, Film
from explorer.picture_file import ink_on

__all__ = ["encode_map", "write_strip"]

_PAGE: Final = Path(__file__).with_name("strip.html")
_SCRIPT: Final = Path(__file__).with_name("strip.js")
_QUALITY, _EFFORT = 82, 4  # of WebP, 0 to 100 and 0 to 6
_GAP = 4  # CSS pixels between map and legend
_BLANK = re.compile(r"\{\{(\w+)\}\}")


def encode_map(picture: NDArray[np.uint8]) -> bytes:
    """Encode a map, uint8 (height, width, 3), as a WebP file; without the GIL."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "WEBP", quality=_QUALITY, method=_EFFORT)
    return file.getvalue()


def write_strip(path: Path, maps: Iterable[bytes], film: Film, *, seconds: float, loop: bool) -> None:
    """Write the page.

    Every text is escaped, and the page's own policy forbids any script but its own and whatever is not in the file: a dataset's names
    are not to be trusted.

    Parameters
    ----------
    path : Path
        Where to.
    maps : iterable of bytes
        The maps of the way there, one at a time, as :func:`encode_map` has them.
    film : Film
        What is said of them: title, names, notes, legend.
    seconds : float
        How long the way takes.
    loop : bool
        Whether it is played there and back until somebody stops it.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    script = _SCRIPT.read_text("utf-8")
    place, (first, last) = film.sheet.map, film.names
    dark = film.ground == DARK
    way = f"{first} → {last}"
    texts = {
        "title": film.title,
        "name": f"{film.title}: {way}" if film.title else way,
        "first": first,
        "last": last,
        "notes": " · ".join(film.notes),
    }
    blanks = {
        **{name: escape(text) for name, text in texts.items()},
        "arrangement": "beside" if place.width < film.width else "below",
        "scheme": "dark" if dark else "light",
        "blend": "lighten" if dark else "darken",
        "ground": film.ground,
        "ink": ink_on(film.ground),
        "accent": "#1769b5",
        "page_width": str(film.width + _GAP),
        "gap": str(_GAP),
        "width": str(place.width),
        "height": str(place.height),
        "legend": _legend(film),
        "ms": f"{1000 * seconds:g}",
        "pause_ms": f"{1000 * PAUSE_S:g}",
        "loop": str(loop).lower(),
        "script": script,
        "script_hash": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    before, after = _PAGE.read_text("utf-8").split("{{frames}}\n")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_filled(before, blanks))
        for picture in maps:
            file.write(f'<img src="{_data_uri(picture)}" alt="" decoding="sync">\n')
        file.write(_filled(after, blanks))


def _filled(page: str, blanks: Mapping[str, str]) -> str:
    """Fill in everything in one go, so that what is filled in is never looked at again."""
    return _BLANK.sub(lambda found: blanks[found[1]], page)


def _legend(film: Film) -> str:
    if film.sheet.legend is None:
        return ""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(film.sheet.legend)).save(file, "WEBP", lossless=True)
    return f'<img class="legend" src="{_data_uri(file.getvalue())}" alt="{escape(f"The colors of {film.column}")}">'


def _data_uri(picture: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(picture).decode()
