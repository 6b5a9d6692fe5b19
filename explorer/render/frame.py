"""One picture of a map: ``render(request) -> Frame``, a pure function for worker threads; it never caches, waits or touches a widget.

``FrameRequest(index, view, width, height, color, normalization, selected=None, shown=None, point_px=None, pixel_ratio=1.0, step=1,
stands_for=1, row_ids=False, background=None, depth=None)`` with ``index`` a :class:`LayoutIndex`, or :class:`explorer.render.rows.Rows`
that are not in memory, ``color`` one of ``Density``, ``ByCategory``, ``ByNumber``, ``selected`` and ``shown`` a :class:`RowMask` (all of
:mod:`explorer.render.color`, prepared once), ``normalization`` a :class:`Normalization` (measured once a layout).
``Frame(rgba uint8 (h, w, 4) straight alpha, row_ids int32 (h, w) or None, n_visible, view, point_px)``. :func:`warm` compiles every kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadParameter
from explorer.render.accumulate import gather_visible, packed, splat, sum_colors, sum_numbers, widen
from explorer.render.color import ByCategory, ByNumber, Color, Density, RowMask, rgb
from explorer.render.depth import GROWTH, inks_of, leveled, paint, sum_deep_colors, sum_deep_numbers, visibility
from explorer.render.layout_index import BLOCK, LayoutIndex, frozen
from explorer.render.normalization import Normalization
from explorer.render.rows import PixelSums, Rows, Wanted
from explorer.render.shade import BLUE, COUNT, GREEN, RED, shade_density, shade_mixed, shade_numbers
from explorer.render.view import View

__all__ = ["Frame", "FrameRequest", "render", "warm"]

_INK = 0.30  # share of the picture that discs would cover if none overlapped
_SMALLEST_DISC_PX = 0.7  # radius; smaller ones are drawn as single pixels
_LARGEST_DISC_PX = 4.0
_FEW = 64  # so few rows are discs in the smallest picture
_MOST_DISCS = 400_000  # where a size was asked for: more rows than this are drawn as single pixels, which then overlap anyway
_DISC_OPACITY = 0.88  # of a row drawn as a large disc
_CONTEXT = 0.30  # opacity of unselected rows, relative to selected ones

_NOTHING = frozen(np.zeros(1, np.uint8))
_EVERY = frozen(np.ones(1, bool))
_FLAT = np.empty(0, np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameRequest:
    """What to draw; every array is shared and read only.

    Attributes
    ----------
    index : LayoutIndex or Rows
        The rows: in memory, or elsewhere. Those elsewhere bring their own colors, are all shown and none is selected, and ``step`` is 1.
    view : View
        The part of the map; anything, also inverted or empty, is made sane. Use ``view.fitted(width, height)`` for equal scale.
    width, height : int
        Pixels of the picture, at least 1 each.
    color : Density, ByCategory or ByNumber
        What gives a row its color.
    normalization : Normalization
        Opacity by count.
    selected : RowMask, optional
        Rows that keep their color; the others fade to gray and stay.
    shown : RowMask, optional
        Rows that are drawn at all.
    point_px : float, optional
        Diameter of a row in pixels; 1 draws single pixels exactly as Datashader. By default it grows as fewer rows are visible.
    always_discs : bool
        Draw discs of ``point_px`` however many rows are visible: for a picture that may take seconds.
    pixel_ratio : float
        Device pixels a CSS pixel: bounds of automatic sizes are multiplied by it.
    step : int
        Draw every ``step``-th row, a spatially fair sample, with the opacity of all rows; for pictures while something moves.
    stands_for : int
        Of how many rows each row of the index is one, where it is a sample itself: they are as dark and as large as all of them.
    row_ids : bool
        Also note a row for each pixel, selected ones first.
    background : str, optional
        ``"#rrggbb"``: draw an opaque picture on this color; on a transparent ground by default.
    wanted : callable, optional
        Says whether the picture is still wanted; asked where rows are elsewhere, which may take long.
    depth : ndarray of shape (m,), float32, optional
        How near each row of an index in memory is, in its order: -1 farthest to 1 nearest. Far rows are pale, near ones lie over them, are
        larger where they are discs, and are those that ``row_ids`` notes. A flat picture by default.
    """

    index: LayoutIndex | Rows
    view: View
    width: int
    height: int
    color: Color
    normalization: Normalization
    selected: RowMask | None = None
    shown: RowMask | None = None
    point_px: float | None = None
    always_discs: bool = False
    pixel_ratio: float = 1.0
    step: int = 1
    stands_for: int = 1
    row_ids: bool = False
    background: str | None = None
    wanted: Wanted | None = None
    depth: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Frame:
    """A drawn picture.

    Attributes
    ----------
    rgba : ndarray of shape (height, width, 4), uint8
        Straight (not premultiplied) alpha, 255 throughout where a background was asked for; line 0 is the top.
    row_ids : ndarray of shape (height, width), int32, or None
        Row number at the pixel where its row lies, -1 where there is none.
    n_visible : int
        Rows in the view that were read (shown ones, every ``step``-th).
    view : View
        What the picture shows, as drawn.
    point_px : float
        Diameter of a row as drawn.
    """

    rgba: NDArray[np.uint8]
    row_ids: NDArray[np.int32] | None
    n_visible: int
    view: View
    point_px: float


def render(request: FrameRequest) -> Frame:
    """Draw a picture of the rows in a view.

    Pure and thread-safe; the kernels run without the GIL. Cost is that of the rows in the blocks the view touches, plus that of the pixels.

    Parameters
    ----------
    request : FrameRequest
        What to draw.

    Returns
    -------
    Frame
        The picture; empty where the view shows no row.

    Raises
    ------
    BadParameter
        If the background is not ``"#rrggbb"``, or there is not one depth for each row.
    PictureOvertaken
        If it is not wanted any more.
    """
    picture = _Picture(request)
    sought = _sought(picture)
    if not isinstance(request.index, LayoutIndex):
        near = None if sought is None else request.index.near(sought.view, request.color, sought.most, wanted=request.wanted)
        if near is None:
            return _draw_pixels(picture, request.index.sums(
                picture.view, picture.width, picture.height, picture.color, row_ids=request.row_ids, wanted=request.wanted
            ))  # fmt: skip
        picture = _Picture(replace(request, index=near.index, color=near.color, depth=None))
    found = None if sought is None else _few_rows(picture, picture.indexed, sought)
    return _draw_pixels(picture, _index_sums(picture, picture.indexed)) if found is None else _draw_discs(picture, picture.indexed, *found)


def warm() -> None:
    """Compile every kernel, or load it from numba's cache, by drawing tiny pictures, flat and with depth; for the start of a server."""
    from explorer.render.camera import Camera
    from explorer.render.cloud import Cloud
    from explorer.render.course import Course
    from explorer.render.encode import encode_jpeg
    from explorer.render.inside import rows_inside

    places = np.array([[0, 0], [1, 1], [2, 1]], np.float32)
    index = LayoutIndex.build(places)
    Course.between(index, lambda rows: places[rows]).at(0.5)
    front = Camera.facing(3)
    turned, depths = Cloud.build(np.pad(places, ((0, 0), (0, 1)))).seen(Camera.between(front, front.spun(0.2), 0.5))
    lut = np.zeros((256, 3), np.uint8)
    normalization = Normalization.of(index, width=4, height=4)
    colors: list[Color] = [
        Density(lut), ByCategory.of(index, np.zeros(3, np.uint8), lut), ByNumber.of(index, np.zeros(3, np.float32), low=0, high=1, lut=lut)
    ]  # fmt: skip
    for color in colors:
        for point_px in (1.0, 4.0):
            request = FrameRequest(
                index=index,
                view=index.home,
                width=4,
                height=4,
                color=color,
                normalization=normalization,
                point_px=point_px,
                row_ids=True,
                background="#ffffff",
            )
            frame = render(request)
            for ratio in (1.0, 2.0):
                render(replace(request, index=turned, depth=depths, pixel_ratio=ratio))
    encode_jpeg(frame)
    RowMask.of(index, rows_inside(index, [0, 3, 0], [0, 0, 3]))


class _Picture:
    """A request made ready for the kernels."""

    def __init__(self, request: FrameRequest) -> None:
        self.request = request
        self.width, self.height, self.step = (max(int(size), 1) for size in (request.width, request.height, request.step))
        self.view = request.view.sane()
        self.ratio = max(request.pixel_ratio, 0.1)
        self.color = request.color
        self.ground = np.zeros(4) if request.background is None else np.array([*rgb(request.background), 255.0])
        self.rows_each = self.step * max(request.stands_for, 1)
        self.shown, self.shown_bits = _optional(request.shown)
        self.chosen, self.chosen_bits = _optional(request.selected)
        self.has_context = request.selected is not None or isinstance(request.color, ByNumber)
        self.depth = None if request.depth is None else frozen(np.asarray(request.depth, np.float32))
        if self.depth is not None and isinstance(request.index, LayoutIndex) and self.depth.shape != request.index.x.shape:
            raise BadParameter("depth", f"{self.depth.size} depths", f"give one for each of the {len(request.index)} rows of the index.")

    @property
    def indexed(self) -> LayoutIndex:
        """The rows, where they are in memory."""
        assert isinstance(self.request.index, LayoutIndex)
        return self.request.index

    @property
    def pixels_a_unit(self) -> tuple[float, float]:
        return self.width / self.view.span[0], self.height / self.view.span[1]

    def frame(
        self,
        sums: NDArray[Any],
        context: NDArray[Any],
        ids: NDArray[np.int32] | None,
        n_visible: int,
        point_px: float,
        rows_each: float,
        lost: int,
        clear: NDArray[np.float32] = _FLAT,
    ) -> Frame:
        """Shade the sums; ``rows_each`` is how many rows of a pixel of usual size each counted one stands for."""
        table = self.request.normalization.table
        if point_px > 1:
            rise = min((point_px / 2 - _SMALLEST_DISC_PX) / (2 * self.request.pixel_ratio), 1.0)
            least = table[1] + (max(_DISC_OPACITY, table[1]) - table[1]) * max(rise, 0.0)
            table = np.maximum(table, np.float32(least))
            table[0] = 0
        out = np.empty((self.width * self.height, 4), np.uint8)
        out.view(np.uint32)[:] = self.ground.astype(np.uint8).view(np.uint32)
        ground = frozen((self.ground * (1, 1, 1, 1 / 255)).astype(np.float32))
        args = sums, context, np.float32(rows_each), frozen(table), frozen(table * np.float32(_CONTEXT)), ground, clear
        if isinstance(self.color, Density):
            shade_density(*args, frozen(self.color.lut), out)
        elif isinstance(self.color, ByNumber) and point_px <= 1:
            shade_numbers(*args, *_limits(self.color), frozen(self.color.lut), out)
        else:
            shade_mixed(*args, lost, out)
        size = self.height, self.width
        return Frame(out.reshape(*size, 4), None if ids is None else ids.reshape(size), int(n_visible), self.view, point_px)


def _index_sums(picture: _Picture, index: LayoutIndex) -> PixelSums:
    """Add up the rows in each pixel, exactly as Datashader."""
    request, color, n_pixels = picture.request, picture.color, picture.width * picture.height
    context: NDArray[Any] = np.zeros(n_pixels if picture.has_context else 0, np.uint32)
    ids = np.full(n_pixels if request.row_ids else 0, -1, np.int32)
    rows = index.x, index.y, index.boxes, tuple(map(float, picture.view)), picture.width, picture.height, picture.step
    masks = picture.shown, picture.shown_bits, picture.chosen, picture.chosen_bits
    lost, amounts = 0, None
    if picture.depth is not None:
        amounts, context = np.zeros(n_pixels, np.float32), context.astype(np.float32)
        sums, n_visible = _deep_sums(picture, index, amounts, context, ids)
    elif isinstance(color, ByNumber):
        sums = np.zeros((n_pixels, 2))
        n_visible = sum_numbers(*rows, *masks, color.values, sums, context, ids)
    else:
        slots, bits, lut = (color.slots, -1, color.lut) if isinstance(color, ByCategory) else (_NOTHING, 0, np.zeros((1, 3), np.uint8))
        lut, lost = packed(lut, len(index))
        sums = np.zeros((n_pixels, 2), np.uint64)
        n_visible = sum_colors(*rows, *masks, slots, bits, lut, sums, context, ids)
    if request.row_ids and len(index):
        ids = np.where(ids >= 0, index.rows.take(ids, mode="clip"), np.int32(-1))
    return PixelSums(sums, context, ids, n_visible, lost, amounts)


def _deep_sums(
    picture: _Picture, index: LayoutIndex, amounts: NDArray[np.float32], context: NDArray[np.float32], ids: NDArray[np.int32]
) -> tuple[NDArray[Any], int]:
    """Add up the rows in each pixel, weighted by how near they are; return the sums, and how many rows are visible."""
    color, n_pixels = picture.color, picture.width * picture.height
    rows = index.x, index.y, index.boxes, tuple(map(float, picture.view)), picture.width, picture.height, picture.step
    masks = picture.shown, picture.shown_bits, picture.chosen, picture.chosen_bits
    nearest = np.full(len(ids), -np.inf, np.float32)
    if isinstance(color, ByNumber):
        sums: NDArray[Any] = np.zeros((n_pixels, 2))
        return sums, sum_deep_numbers(*rows, *masks, color.values, picture.depth, sums, amounts, context, nearest, ids)
    slots, bits, lut = (color.slots, -1, color.lut) if isinstance(color, ByCategory) else (_NOTHING, 0, np.zeros((1, 3), np.uint8))
    sums = np.zeros((n_pixels, 4), np.float32)
    return sums, sum_deep_colors(*rows, *masks, slots, bits, inks_of(lut), picture.depth, sums, amounts, context, nearest, ids)


def _draw_pixels(picture: _Picture, found: PixelSums) -> Frame:
    """Draw one pixel a row; of a finer picture as many as a CSS pixel has, so that it is as dark as a coarse one."""
    request, (sums, context, ids, n_visible, lost, amounts) = picture.request, found
    across = max(1, round(request.pixel_ratio))
    if across > 1:
        widen(sums.reshape(picture.height, picture.width, -1), across)
        if picture.has_context:
            widen(context.reshape(picture.height, picture.width, 1), across)
        if amounts is not None:
            widen(amounts.reshape(picture.height, picture.width, 1), across)
    clear = _FLAT
    if amounts is not None:
        clear = np.zeros(len(amounts), np.float32)
        leveled(sums, amounts, 1 if isinstance(picture.color, ByNumber) else COUNT, clear)
    elif not isinstance(picture.color, ByNumber):
        sums = sums.view(np.uint32)
    rows_each = picture.rows_each * (request.pixel_ratio / across) ** 2
    if request.pixel_ratio < 1 and request.point_px is None:  # a picture of usual size might have larger discs
        area = len(sums) / request.pixel_ratio**2
        rows_each *= max(1.0, math.pi * _radius(area, n_visible * picture.rows_each, 1.0) ** 2)
    return picture.frame(sums, context, ids if request.row_ids else None, n_visible, 1.0, rows_each, lost, clear)


class _Sought(NamedTuple):
    """Which rows would be drawn as discs: those of a view that is wider by a radius, in pixels, where they are so many at the most."""

    view: View
    radius: float
    most: int


def _sought(picture: _Picture) -> _Sought | None:
    """Say which rows would be discs; none where single pixels are asked for."""
    point_px, area = picture.request.point_px, picture.width * picture.height
    if point_px is not None and point_px <= 1:
        return None
    radius = _LARGEST_DISC_PX * picture.ratio if point_px is None else point_px / 2
    most = max(int(_INK * area / (math.pi * _SMALLEST_DISC_PX**2)), _FEW) if point_px is None else _MOST_DISCS
    most = len(picture.request.index) if picture.request.always_discs else max(most // picture.rows_each, 1)  # sizes are those of all rows
    widest = radius if picture.depth is None else radius * (1 + GROWTH)
    margin_x, margin_y = ((widest + 1) / scale for scale in picture.pixels_a_unit)
    view = View(picture.view.x0 - margin_x, picture.view.x1 + margin_x, picture.view.y0 - margin_y, picture.view.y1 + margin_y)
    return _Sought(view, radius, most)


def _few_rows(picture: _Picture, index: LayoutIndex, sought: _Sought) -> tuple[NDArray[np.int64], float] | None:
    """Find the visible rows and their radius where there are so few that they are drawn as discs."""
    if picture.request.shown is None and _surely_visible(index, picture.view) > (sought.most + 1) * picture.step:
        return None
    view = tuple(map(float, sought.view))
    found = gather_visible(index.x, index.y, index.boxes, view, picture.step, picture.shown, picture.shown_bits, sought.most)
    if len(found) > sought.most:
        return None
    radius = sought.radius
    if picture.request.point_px is None:
        radius = max(_radius(picture.width * picture.height, len(found) * picture.rows_each, picture.ratio), _SMALLEST_DISC_PX)
    return found, radius


def _radius(area: float, n_rows: int, ratio: float) -> float:
    """Return the radius in pixels at which so many discs would cover their share of a picture."""
    return min(_LARGEST_DISC_PX * ratio, math.sqrt(_INK * area / (math.pi * max(n_rows, 1))))


def _surely_visible(index: LayoutIndex, view: View) -> int:
    """Count the rows of the blocks that lie inside a view; fast, and never more than are visible."""
    x0, x1, y0, y1 = np.array(view, np.float64)  # of float64, or NumPy would compare in float32
    boxes = index.boxes
    inside = (boxes[:, 0] >= x0) & (boxes[:, 1] <= x1) & (boxes[:, 2] >= y0) & (boxes[:, 3] <= y1)
    return max(int(np.count_nonzero(inside)) - 1, 0) * BLOCK  # the last block may be short


def _draw_discs(picture: _Picture, index: LayoutIndex, found: NDArray[np.int64], radius: float) -> Frame:
    """Draw an antialiased disc a row."""
    if picture.depth is not None:
        found = found[np.argsort(picture.depth.take(found), kind="stable")]  # far to near
    color, view, n_pixels = picture.color, picture.view, picture.width * picture.height
    (scale_x, scale_y), x, y = picture.pixels_a_unit, index.x.take(found).astype(np.float64), index.y.take(found).astype(np.float64)
    at_x, at_y = (x - view.x0) * scale_x, (view.y1 - y) * scale_y
    chosen = picture.chosen.take(found) if picture.chosen_bits else np.ones(len(found), bool)
    lut, slots = np.zeros((1, 3), np.uint8), np.zeros(len(found), np.uint8)
    if isinstance(color, ByCategory):
        lut, slots = color.lut, color.slots.take(found)
    elif isinstance(color, ByNumber):
        low, high = _limits(color)
        level = (color.values.take(found).astype(np.float64) - low) / (high - low) * 255
        chosen = chosen & ~np.isnan(level)
        lut, slots = color.lut, np.clip(np.nan_to_num(level), 0, 255).round().astype(np.uint8)
    inks = np.ones((len(lut), 4), np.float32)
    inks[:, [RED, GREEN, BLUE]] = lut
    sums = np.zeros((n_pixels, 4), np.float32)
    context = np.zeros(n_pixels if picture.has_context else 0, np.float32)
    centers = at_x.astype(np.float32), at_y.astype(np.float32)
    rows, size, clear = (*centers, inks.take(slots, axis=0), chosen), (picture.width, picture.height), _FLAT
    if picture.depth is None:
        splat(*rows, radius, *size, sums, context)
    else:
        depths, clear = picture.depth.take(found), np.zeros(n_pixels, np.float32)
        radii = (radius * (1 + GROWTH * np.clip(np.nan_to_num(depths, nan=-1), -1, 1))).astype(np.float32)
        paint(*rows, visibility(depths), radii, *size, sums, clear, context)
    inside = (x >= view.x0) & (x <= view.x1) & (y >= view.y0) & (y <= view.y1)
    ids = _ids_of(picture, found, at_x, at_y, inside, chosen) if picture.request.row_ids else None
    return picture.frame(sums, context, ids, int(np.count_nonzero(inside)), 2 * radius, picture.rows_each, 0, clear)


def _ids_of(
    picture: _Picture,
    found: NDArray[np.int64],
    at_x: NDArray[np.float64],
    at_y: NDArray[np.float64],
    inside: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Note each row at its own pixel."""
    ids = np.full(picture.width * picture.height, -1, np.int32)
    columns = np.minimum(at_x.astype(np.int64), picture.width - 1)
    lines = np.minimum(at_y.astype(np.int64), picture.height - 1)
    for which in (inside & ~chosen, inside & chosen):  # selected ones last, so that they win
        ids[lines[which] * picture.width + columns[which]] = picture.indexed.rows[found[which]]
    return ids


def _limits(color: ByNumber) -> tuple[float, float]:
    return (color.low, color.high) if color.high > color.low else (color.low - 0.5, color.low + 0.5)


def _optional(mask: RowMask | None) -> tuple[NDArray[np.bool_], int]:
    return (_EVERY, 0) if mask is None else (mask.flags, -1)
