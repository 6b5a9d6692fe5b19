"""Which color stands for what, on every panel and under every filter; colors only, no rows.

``Palette.of(categories, counts=None, *, name="") -> Palette`` with ``.categories``, ``.colors`` (``{category: "#rrggbb"}``), ``.lut``
uint8 (s, 3), ``.slots(codes)`` uint8, ``.n_other``, ``.named(name)``; ``colormap(name) -> uint8 (256, 3)`` for the names in
``COLORMAPS``; ``limits(values) -> Limits(low, high)``; ``counts(codes, n) -> (n + 1,)``.

Every color of the default palette has a contrast (WCAG) of at least 2.0 with white and 2.6 with #121212, so the same palette serves both
themes. The first twelve stay apart for people with protanopia and deuteranopia (at least 0.089 apart in OKLab, simulated after Machado
2009); each further one is the color farthest from all before it. They were picked once from colorcet's Glasbey families and are written
down here so that they never change. The other palettes are well-known short ones, without their grays, blacks and pale yellows, which
one of the themes would swallow; they go on with the default's colors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from operator import le
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.errors import UnknownChoice
from explorer.render.gather import PIECE, gather

__all__ = [
    "COLORMAPS",
    "DISTINCT",
    "MISSING_COLOR",
    "OTHER_COLOR",
    "PALETTES",
    "Limits",
    "Palette",
    "colormap",
    "counts",
    "limits",
]

DISTINCT: Final = 254
"""Categories that have a color of their own; with "other" and "missing" a row's color fits into a byte."""
OTHER_COLOR: Final = "#9a9a9a"
MISSING_COLOR: Final = "#7b7f86"

PALETTES: Final[Mapping[str, str]] = {
    "color-blind safe": "",  # the default, all of it written down below
    "Okabe-Ito": "0072b2 e69f00 009e73 cc79a7 56b4e9 d55e00",
    "Tableau": "4e79a7 f28e2b e15759 59a14f b07aa1 76b7b2 9c755f ff9da7",
    "Category10": "1f77b4 ff7f0e 2ca02c d62728 9467bd 8c564b e377c2 17becf bcbd22",
}
"""Names for a selector, and the first colors of each."""

_MAPS: Final[Mapping[str, str]] = {
    "blue-yellow": "CET_CBL2",  # color-blind safe, the default
    "bmy": "bmy",
    "bgy": "bgy",
    "fire": "fire",
    "kbc": "kbc",
    "blue-red": "CET_D8",  # diverging
}
_REVERSED = ", reversed"

COLORMAPS: Final = (*_MAPS, *(name + _REVERSED for name in _MAPS))
"""Names for a selector: color maps of colorcet, all perceptually uniform, in both directions."""

_NAMES = 1 << 14  # names taken in one call
_CONTRAST = 2.0  # of a color map's ends with white and with #121212
_DARK_LUMINANCE = 0.0060  # of #121212
_LINEAR_BELOW = 0.04045  # of sRGB's curve
_TO_CONES = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]
])  # fmt: skip  # Ottosson 2020
_TO_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]
])  # fmt: skip


@dataclass(frozen=True, eq=False)
class Palette:
    """The colors of a category column, made from the whole column, so that no filter moves them.

    Attributes
    ----------
    categories : tuple of str
        As given: a code is a place here.
    colors : dict of str to str
        ``"#rrggbb"`` of every category, also of those under "other".
    category_slots : ndarray of shape (c + 1,), uint8
        Each category's place in ``lut``; the last one is for missing values, so code -1 finds it.
    lut : ndarray of shape (s, 3), uint8
        The colors, then "other", then "missing".
    n_other : int
        How many categories share the color of "other".
    """

    categories: tuple[str, ...]
    colors: Mapping[str, str]
    category_slots: NDArray[np.uint8]
    lut: NDArray[np.uint8]
    n_other: int

    @classmethod
    def of(cls, categories: Sequence[str], counts: NDArray[np.integer] | None = None, *, name: str = "") -> Palette:
        """Give each category its color, by its place among the sorted names.

        Parameters
        ----------
        categories : sequence of str
            Names by code, as ``Dataset.codes`` returns them.
        counts : ndarray of shape (c,) or longer, optional
            Rows of each category. Beyond ``DISTINCT`` categories the most common keep their own color; without counts, the first by
            name do.
        name : str
            One of ``PALETTES``; empty for the default.

        Raises
        ------
        UnknownChoice
            If there is no palette of this name.
        """
        n = len(categories)
        amount = np.zeros(n, np.int64) if counts is None else np.asarray(counts, np.int64)[:n]
        by_name = _name_order(categories)
        kept = by_name[np.sort(np.argsort(-amount[by_name], kind="stable")[:DISTINCT])]
        slots = np.full(n + 1, len(kept), np.uint8)  # "other"
        slots[kept] = np.arange(len(kept))
        slots[n] = len(kept) + 1
        shades = _shades(len(kept), name)
        return cls(tuple(categories), _colors(categories, slots, shades), slots, _lut(shades), n - len(kept))

    def named(self, name: str) -> Palette:
        """Give the same categories the colors of another palette; each keeps its slot.

        Raises
        ------
        UnknownChoice
            If there is no palette of this name.
        """
        shades = _shades(len(self.lut) - 2, name)
        return replace(self, colors=_colors(self.categories, self.category_slots, shades), lut=_lut(shades))

    def slots(self, codes: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Return each row's place in ``lut`` from its category code, -1 where missing."""
        return gather(self.category_slots, codes)

    def color(self, code: int) -> str:
        """Return the color of a category by its code, -1 for missing, as "#rrggbb"."""
        return "#{:02x}{:02x}{:02x}".format(*self.lut[self.category_slots[code]])


def counts(codes: NDArray[np.integer], n: int) -> NDArray[np.int64]:
    """Count the rows of n categories; the last of the n + 1 counts is that of the missing ones (code -1)."""
    tally = np.zeros(n + 1, np.int64)
    for start in range(0, len(codes), PIECE):
        tally += np.bincount(np.asarray(codes[start : start + PIECE]) + 1, minlength=n + 1)
    return np.append(tally[1:], tally[0])


def _name_order(categories: Sequence[str]) -> NDArray[np.int64]:
    """Return the codes in the order of their names."""
    if all(map(le, categories, islice(categories, 1, None))):  # most often they are in order already
        return np.arange(len(categories))
    import pyarrow as pa
    import pyarrow.compute as pc

    order: NDArray[np.uint64] = pc.sort_indices(pa.array(categories, pa.large_string())).to_numpy()  # without the interpreter
    return order.astype(np.int64)


def _colors(categories: Sequence[str], slots: NDArray[np.uint8], shades: Sequence[str]) -> dict[str, str]:
    colors: dict[str, str] = {}
    by_slot = np.array(shades, object)
    for start in range(0, len(categories), _NAMES):
        names = categories[start : start + _NAMES]
        colors.update(zip(names, by_slot[slots[start : start + len(names)]].tolist(), strict=True))
    return colors


def _lut(shades: Sequence[str]) -> NDArray[np.uint8]:
    return np.array([_rgb(shade) for shade in shades], np.uint8)


def _shades(n: int, name: str) -> list[str]:
    """Return the colors of n categories, then those of "other" and of missing rows."""
    if name and name not in PALETTES:
        raise UnknownChoice("palette", name, list(PALETTES))
    return [*_sequence(name)[:n], OTHER_COLOR, MISSING_COLOR]


@cache
def _sequence(name: str) -> tuple[str, ...]:
    """Return a palette's colors: its own, then those of the default, each farthest from all before it."""
    own, rest = (PALETTES[name].split() if name else []), _PICKED.split()
    if own:
        places = _oklab(np.array([_rgb(f"#{shade}") for shade in (*own, *rest)], np.float64))
        nearest = np.linalg.norm(places[len(own) :, None] - places[None, : len(own)], axis=2).min(axis=1)
        order: list[int] = []
        while len(own) + len(order) < DISTINCT:
            order.append(int(nearest.argmax()))
            nearest = np.minimum(nearest, np.linalg.norm(places[len(own) :] - places[len(own) + order[-1]], axis=1))
        rest = [rest[at] for at in order]
    return tuple(f"#{shade}" for shade in (*own, *rest))


def _oklab(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return colors of shape (c, 3), 0 to 255, in OKLab, where distances are what people see."""
    response = np.cbrt(_linear(colors) @ _TO_CONES.T)
    return np.asarray(response @ _TO_LAB.T)


class Limits(NamedTuple):
    """The values at the two ends of a color map; ``low < high``."""

    low: float
    high: float


def limits(values: NDArray[np.floating]) -> Limits:
    """Return robust ends for a number column: its 1st and 99th percentile, of at most a million rows.

    NaN and infinities do not count. Where nearly all values are one, the ends are the least and the greatest; a constant column gets half a
    unit on either side, an empty one 0 and 1.
    """
    sample = np.asarray(values)[:: max(1, len(values) // 1_000_000)]
    sample = sample[np.isfinite(sample)].astype(np.float64)
    if not sample.size:
        return Limits(0.0, 1.0)
    for low, high in (np.percentile(sample, (1, 99)), (sample.min(), sample.max())):
        if high > low:
            return Limits(float(low), float(high))
    return Limits(float(low) - 0.5, float(low) + 0.5)


def colormap(name: str) -> NDArray[np.uint8]:
    """Return a color map's colors from low to high, of shape (256, 3), uint8.

    The ends that would vanish on white or on #121212 are cut off and the rest is stretched, which keeps it perceptually uniform.

    Raises
    ------
    UnknownChoice
        If it is none of ``COLORMAPS``.
    """
    if name not in COLORMAPS:
        raise UnknownChoice("color map", name, COLORMAPS)
    import colorcet

    forward = name.removesuffix(_REVERSED)
    colors = np.array([_rgb(shade) for shade in colorcet.palette[_MAPS[forward]]], np.float64)
    luminance = _luminance(colors)
    fits = (1.05 / (luminance + 0.05) >= _CONTRAST) & ((luminance + 0.05) / (_DARK_LUMINANCE + 0.05) >= _CONTRAST)
    first, *_, last = np.flatnonzero(fits)
    at = np.linspace(first, last, 256) if name == forward else np.linspace(last, first, 256)
    return np.stack([np.interp(at, np.arange(len(colors)), channel) for channel in colors.T], axis=1).round().astype(np.uint8)


def _luminance(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative luminance after WCAG 2."""
    return np.asarray(_linear(colors) @ np.array([0.2126, 0.7152, 0.0722]))


def _linear(colors: NDArray[np.float64]) -> NDArray[np.float64]:
    part = colors / 255
    return np.where(part <= _LINEAR_BELOW, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def _rgb(shade: str) -> tuple[int, int, int]:
    return int(shade[1:3], 16), int(shade[3:5], 16), int(shade[5:7], 16)


_PICKED: Final = """
4b89b5 e6a500 bc2d00 97aaff e23f87 00c1ba 7e6bfd 0e59c4 909101 2f704d 9c3190 f7807c ff82ed 9a6b74 605277 03c862 c169cd 019e70
d86600 876400 95b577 018700 7249bc c49abc 1ca1ff b10052 c3936e 876eb1 006b95 834d41 2ac3ff c87495 007ce2 3fa316 ff8001 cd85ff
ff62a1 629e99 b8496b 878ed1 8eba00 a08052 42807e eda590 006905 595d00 e25b64 6b8752 70aacf 915280 b15e00 c68500 ef90c6 5764a5
a17eff a754b8 b1a131 70ac50 00a3c8 c45646 d4b172 6469cf d82d54 524fd8 0e6262 9c3b4f e49cff e259ba c33489 c885cf 647200 01bd89
5b83fd ffa056 058750 ff604b bcbc21 774b95 9a4600 a877ac 75c6aa 00939e 916648 917900 ac93eb bc7c75 9e9762 e2412f d38c8e df824d
4d4db3 c35d9a e47ba7 677eca 1f77b3 755726 727046 69af85 00b35d ff97aa b364eb 8956af 876bd8 009744 a33b74 8990f9 13aca0 cfa3df
4b9077 8cb6e2 599000 a56089 8a85ae 5d91df 6eb3aa 017e99 64c674 a5a1cf f677c1 a736ae 774b62 876790 f46200 77975b dd7260 aa80cd
2b8ad4 007270 44badb 49a150 ac8ab1 e99560 d49a3a 0067b1 a34d95 b87500 6db3ff db72c8 008069 e29ab1 c6a3ff ff7e9c f46b7e a55b4f
b8ac7e c86e4b 3a5d91 95aa2a c1b556 8e7ccf ff7952 e6599c aa8726 a0ba52 875767 6466ef 247c2a ac413f c46970 ff9070 a82600 9c60a5
567b54 cd4f6b 9e6e31 93a14f 6b5bb6 79a1ff d1499e 54823b af016d b30034 4b5dc6 c3313a d35200 d89c89 5b72b5 5d95aa afbc82 67aa00
727ea5 8c5926 05aaeb 6d5b95 54a382 018cf0 729edb 016742 db6483 ca3d18 ff9703 46709e 79c18a a55b6b bd4fb8 e64970 af5dd1 904466
69953b 954d50 d48ab3 526236 446bd8 3b6d01 3a9cd8 0087b1 75bc4f 487031 dd8cd3 00b5c8 eb4d00 c879dd 6e6201 fd5664 db7e01 80793d
8e8e41 d6a166 b13662 ba6b2f ef958e a75423 00af89 b58346 0064d6 e4643b 8ea8e2 009789 4291ff 70c1bf 13cad1 b67789 7cb569 6b9cc3
aa6e66 666d9e a0a569 bc93d1 00753f c88556 69a56b 698cbd 797eff 38c1a1 eda84b e28c2d ac3f13 809c03 ba8c7e 8e8c5e 005d93 8e52c4
729a7c 3f8795
"""
