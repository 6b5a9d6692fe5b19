"""Pictures with depth against plain NumPy: near rows weigh more, win their pixel's id and lie over far ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadParameter
from explorer.render import depth as kernels
from explorer.render.camera import Camera
from explorer.render.cloud import Cloud
from explorer.render.color import ByCategory, ByNumber, Density, RowMask
from explorer.render.depth import FARTHEST, GROWTH, visibility
from explorer.render.frame import FrameRequest, render, warm
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import Normalization
from explorer.render.view import View

LUT = np.array([[230, 30, 40], [20, 160, 90], [60, 80, 220], [240, 200, 10]], np.uint8)
RAMP = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
VIEW = View(-2, 2, -2, 2)


def request(xy, depths, *, codes=None, values=None, selected=None, shown=None, view=VIEW, width=20, height=20, point_px=1.0, **options):
    """A request of rows in the order they are in."""
    index = LayoutIndex.unsorted(np.asarray(xy, np.float32))
    color = Density(RAMP)
    if codes is not None:
        color = ByCategory.of(index, codes, LUT)
    elif values is not None:
        color = ByNumber.of(index, values, low=-1.0, high=1.0, lut=RAMP)
    masks = {name: None if mask is None else RowMask.of(index, mask) for name, mask in (("selected", selected), ("shown", shown))}
    normalization = Normalization.of(index, width=width, height=height)
    how = {"width": width, "height": height, "point_px": point_px, "depth": None if depths is None else np.asarray(depths, np.float32)}
    return FrameRequest(index=index, view=view, color=color, normalization=normalization, **how, **masks, **options)


def rows(seed, n):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)).astype(np.float32), rng.uniform(-1, 1, n).astype(np.float32), rng.integers(0, 4, n), rng


def pixels_of(xy, view, width, height):
    """The flat pixel number of each row, -1 outside the view."""
    x, y = xy.astype(np.float64).T
    sx, sy = width / (view.x1 - view.x0), height / (view.y1 - view.y0)
    px = np.minimum((x * sx - view.x0 * sx).astype(int), width - 1)
    py = height - 1 - np.minimum((y * sy - view.y0 * sy).astype(int), height - 1)
    return np.where((x >= view.x0) & (x <= view.x1) & (y >= view.y0) & (y <= view.y1), py * width + px, -1)


def test_visibility_rises_to_that_of_a_flat_picture():
    seen = visibility(np.linspace(-1, 1, 50, dtype=np.float32))
    assert (np.diff(seen) >= 0).all()
    assert seen[0] == pytest.approx(FARTHEST)
    assert seen[-1] == 1
    assert visibility(np.array([np.nan], np.float32)).tolist() == [FARTHEST]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 5_000), width=st.integers(1, 40), height=st.integers(1, 40), step=st.integers(1, 5),
       masks=st.booleans(), numbers=st.booleans())  # fmt: skip
def test_every_pixel_is_what_numpy_weighs(seed, n, width, height, step, masks, numbers):
    xy, depths, codes, rng = rows(seed, n)
    values, selected, shown = rng.uniform(-1, 1, n).astype(np.float32), rng.random(n) < 0.5, rng.random(n) < 0.7
    values[rng.random(n) < 0.2] = np.nan
    options = {"selected": selected, "shown": shown} if masks else {}
    options |= {"values": values} if numbers else {"codes": codes}
    asked = request(xy, depths, width=width, height=height, step=step, row_ids=True, **options)
    frame = render(asked)

    at = np.arange(n)[::step]
    pixels = pixels_of(xy[at], VIEW, width, height)
    keep = (pixels >= 0) & (shown[at] if masks else True)
    at, pixels = at[keep], pixels[keep]
    own = (selected[at] if masks else np.ones(len(at), bool)) & (np.isfinite(values[at]) if numbers else True)
    assert frame.n_visible == len(at)
    weights = visibility(depths[at]).astype(np.float64) ** 2
    n_pixels = width * height
    count = np.bincount(pixels[own], minlength=n_pixels)
    weight = np.bincount(pixels[own], weights[own], minlength=n_pixels)
    some = count > 0
    clear = np.sqrt(weight[some] / count[some])
    table = asked.normalization.table
    alpha = table[np.minimum(count[some] * step, len(table) - 1)] * clear
    rgba = frame.rgba.reshape(-1, 4).astype(float)
    if not (masks or numbers):
        np.testing.assert_allclose(rgba[some, 3], alpha * 255, atol=1)
        assert (rgba[~some, 3] == 0).all()
        for c in range(3):
            mixed = np.bincount(pixels[own], weights[own] * LUT[codes[at[own]], c], minlength=n_pixels)[some] / weight[some]
            np.testing.assert_allclose(rgba[some, c], mixed, atol=1)
    else:
        behind = np.bincount(pixels[~own], weights[~own], minlength=n_pixels) > 0
        np.testing.assert_array_equal(rgba[:, 3] > 0, some | behind)
        assert (rgba[some, 3] >= alpha * 255 - 1).all()
    if numbers:
        mean = np.bincount(pixels[own], weights[own] * values[at[own]], minlength=n_pixels)[some] / weight[some]
        alone = np.bincount(pixels[~own], minlength=n_pixels)[some] == 0
        np.testing.assert_allclose(rgba[some, 0][alone], ((mean + 1) / 2 * 255)[alone], atol=1.01)

    best = np.full(n_pixels, -1)
    for place in np.lexsort((depths[at], own)):
        best[pixels[place]] = at[place]
    np.testing.assert_array_equal(frame.row_ids.ravel(), best)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), ratio=st.sampled_from([0.5, 1.0, 2.0, 3.0]), kind=st.sampled_from(["density", "codes", "values"]))
def test_where_all_rows_are_near_the_picture_is_the_flat_one(seed, ratio, kind):
    xy, _, codes, rng = rows(seed, 3_000)
    options = {"density": {}, "codes": {"codes": codes}, "values": {"values": rng.uniform(-1, 1, 3_000).astype(np.float32)}}[kind]
    deep = request(xy, np.ones(3_000), pixel_ratio=ratio, background="#ffffff", selected=rng.random(3_000) < 0.5, **options)
    one, other = render(deep), render(replace(deep, depth=None))
    np.testing.assert_allclose(one.rgba.astype(int), other.rgba.astype(int), atol=1)


@pytest.mark.parametrize("point_px", [1.0, 6.0])
def test_far_rows_are_pale_and_still_seen(point_px):
    frame = render(request([[-1, 0], [1, 0]], [-1, 1], codes=np.zeros(2, int), point_px=point_px))
    far, near = frame.rgba[:, :10, 3].max(), frame.rgba[:, 10:, 3].max()
    assert 25 < far < 0.4 * near
    assert near == render(request([[-1, 0], [1, 0]], None, codes=np.zeros(2, int), point_px=point_px)).rgba[..., 3].max()


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("point_px", [1.0, 6.0])
def test_a_near_row_lies_over_a_far_one(order, point_px):
    codes, depths = np.array([0, 1])[order], np.array([-0.8, 0.8])[order]
    frame = render(request(np.full((2, 2), 0.01), depths, codes=codes, point_px=point_px, row_ids=True))
    assert frame.row_ids.max() == order.index(1)
    line, column = np.argwhere(frame.row_ids >= 0)[0]
    middle = frame.rgba[line, column, :3].astype(int)
    assert np.abs(middle - LUT[1]).max() < (30 if point_px == 1 else 2)
    if point_px > 1:  # the nearer disc covers the other wholly
        assert (np.abs(frame.rgba[frame.rgba[..., 3] > 100][:, :3].astype(int) - LUT[1]).max(axis=1) < 60).all()


def test_near_discs_are_larger():
    def across(depth):
        flat = None if depth is None else [depth]
        frame = render(request([[0, 0]], flat, codes=np.zeros(1, int), width=101, height=101, point_px=20.0, row_ids=False))
        return np.ptp(np.nonzero(frame.rgba[..., 3])[1]) + 1

    assert across(0) == across(None)
    assert across(1) == pytest.approx(20 * (1 + GROWTH), abs=2)
    assert across(-1) == pytest.approx(20 * (1 - GROWTH), abs=2)


def test_a_near_disc_reaches_into_the_view_from_farther_outside():
    asked = request([[-2.6, 0]], [1], codes=np.zeros(1, int), width=40, height=40, point_px=10.0)  # 6 pixels outside, 6.75 across
    assert render(asked).rgba[..., 3].max() > 0
    assert render(replace(asked, depth=None)).rgba[..., 3].max() == 0


@pytest.mark.parametrize("point_px", [1.0, 6.0])
def test_a_selected_row_wins_over_a_nearer_one(point_px):
    selected = np.array([True, False])
    frame = render(request(np.zeros((2, 2)), [-1, 1], codes=np.array([0, 1]), selected=selected, point_px=point_px, row_ids=True))
    assert frame.row_ids.max() == 0


@pytest.mark.parametrize("view", [View(1, -1, 1, -1), View(0, 0, 0, 0), View(np.nan, np.nan, 0, 1), View(0, 1e-40, 0, 1e-40), VIEW])
@pytest.mark.parametrize("point_px", [None, 1.0, 5.0])
@pytest.mark.parametrize("n", [0, 1, 300])
def test_any_view_gives_a_picture(view, point_px, n):
    xy, depths, codes, _ = rows(1, n)
    depths[:1] = np.nan
    frame = render(request(xy, depths, codes=codes, view=view, point_px=point_px, width=7, height=3, row_ids=True))
    assert frame.rgba.shape == (3, 7, 4)
    assert frame.row_ids.shape == (3, 7)


def test_another_number_of_depths_is_refused():
    with pytest.raises(BadParameter, match="2 depths"):
        render(request(np.zeros((3, 2)), [0, 1]))


def test_a_cloud_from_behind_has_its_other_side_in_front():
    rng = np.random.default_rng(0)
    places = np.concatenate([rng.normal(size=(500, 3)) * 0.1 + (0, 0, 1), rng.normal(size=(500, 3)) * 0.1 - (0, 0, 1)]).astype(np.float32)
    cloud, codes = Cloud.build(places), np.repeat([0, 1], 500)
    for camera, near in ((Camera.facing(3), 0), (Camera.facing(3).spun(np.pi), 1)):
        index, depths = cloud.seen(camera)
        asked = FrameRequest(
            index=index, view=index.home, width=30, height=30, color=ByCategory.of(index, codes, LUT),
            normalization=Normalization.of(index), point_px=1.0, row_ids=True, depth=depths,
        )  # fmt: skip
        frame = render(asked)
        ids = frame.row_ids[13:17, 13:17]
        assert (codes[ids[ids >= 0]] == near).mean() > 0.9
        assert np.abs(frame.rgba[15, 15, :3].astype(int) - LUT[near]).max() < 40


def test_nothing_is_compiled_once_all_is_warm():
    warm()
    compiled = [getattr(kernels, name) for name in ("sum_deep_colors", "sum_deep_numbers", "leveled", "paint")]
    before = [len(kernel.signatures) for kernel in compiled]
    xy, depths, codes, rng = rows(2, 500)
    for options in ({"codes": codes}, {"values": rng.random(500)}, {}):
        for point_px in (None, 1.0, 5.0):
            for masks in ({}, {"selected": codes > 1, "shown": codes != 2}):
                render(request(xy, depths, point_px=point_px, pixel_ratio=1.5, step=2, **options, **masks))
    assert before == [len(kernel.signatures) for kernel in compiled]
