"""Frames against Datashader and against plain NumPy."""

from dataclasses import replace

import datashader as ds
import datashader.transfer_functions as tf
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadParameter
from explorer.render.accumulate import packed, widen
from explorer.render.color import ByCategory, ByNumber, Density, RowMask
from explorer.render.frame import FrameRequest, render
from explorer.render.layout_index import LayoutIndex
from explorer.render.normalization import Normalization
from explorer.render.view import View

LUT = np.array([[230, 30, 40], [20, 160, 90], [60, 80, 220], [240, 200, 10]], np.uint8)
RAMP = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
WIDTH, HEIGHT = 40, 30


def cloud(n=3_000, seed=0):
    """A layout on a coarse grid, so that many rows lie on edges of pixels."""
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(size=(n, 2)) * 4).astype(np.float32) / 4


def request(coordinates, color, view, *, width=WIDTH, height=HEIGHT, point_px=1.0, selected=None, shown=None, **options):
    """A request whose masks and color are given in row order."""
    index = LayoutIndex.build(coordinates)
    masks = {name: None if mask is None else RowMask.of(index, mask) for name, mask in (("selected", selected), ("shown", shown))}
    normalization = Normalization.of(index, width=width, height=height)
    size = {"width": width, "height": height, "point_px": point_px}
    return FrameRequest(index=index, view=view, color=color(index), normalization=normalization, **size, **masks, **options)


def density(index):
    return Density(RAMP)


def by_code(codes, lut=LUT):
    return lambda index: ByCategory.of(index, codes, lut)


def by_value(values, low=-1.0, high=1.0):
    return lambda index: ByNumber.of(index, values, low=low, high=high, lut=RAMP)


def canvas(view):
    return ds.Canvas(WIDTH, HEIGHT, x_range=view[:2], y_range=view[2:])


VIEWS = [View(-4, 4, -3, 3), View(-0.75, 1.25, -1, 0.5), View(0.25, 0.2500001, -1, 1), View(-100, 100, -100, 100), View(7, 9, 7, 9)]


@pytest.mark.parametrize("view", VIEWS)
def test_opacity_is_that_of_datashaders_count(view):
    xy = cloud()
    asked = request(xy, density, view)
    count = canvas(view).points(pd.DataFrame(xy, columns=["x", "y"]), "x", "y", ds.count()).values[::-1]
    table = asked.normalization.table
    expected = np.floor(255 * table[np.minimum(count, len(table) - 1)].astype(np.float64) + 0.5)
    frame = render(asked)
    np.testing.assert_allclose(frame.rgba[..., 3], expected, atol=1)
    assert frame.n_visible == count.sum()


@pytest.mark.parametrize("view", VIEWS[:2])
def test_colors_are_mixed_as_datashader_mixes_categories(view):
    xy, codes = cloud(), np.random.default_rng(1).integers(0, 4, 3_000)
    frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "c": pd.Categorical.from_codes(codes, list("abcd"))})
    counts = canvas(view).points(frame, "x", "y", ds.by("c", ds.count()))
    key = {name: f"#{r:02x}{g:02x}{b:02x}" for name, (r, g, b) in zip("abcd", LUT, strict=True)}
    theirs = tf.shade(counts, color_key=key, how="log", color_baseline=0).to_pil(origin="upper")
    expected = np.asarray(theirs)[::-1]
    ours = render(request(xy, by_code(codes), view)).rgba
    drawn = np.asarray(counts.sum("c"))[::-1] > 0
    np.testing.assert_array_equal(ours[..., 3] > 0, drawn)
    np.testing.assert_allclose(ours[drawn][:, :3].astype(int), expected[drawn][:, :3].astype(int), atol=1)


@pytest.mark.parametrize("view", VIEWS[:2])
def test_a_number_shows_datashaders_mean(view):
    xy, values = cloud(), np.random.default_rng(2).normal(size=3_000).astype(np.float32)
    values[::7] = np.nan
    frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "v": values})
    mean = canvas(view).points(frame, "x", "y", ds.mean("v")).values[::-1]
    ours = render(request(xy, by_value(values), view)).rgba
    has_value = np.isfinite(mean)
    level = np.clip((mean[has_value] + 1) / 2 * 255, 0, 255)
    only_numbers = render(request(xy, by_value(values), view, shown=np.isfinite(values))).rgba[..., 0].astype(float)
    np.testing.assert_allclose(only_numbers[has_value], level, atol=1.01)
    assert (ours[has_value][:, 3] > 0).all()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), n=st.integers(0, 5_000), width=st.integers(1, 50), height=st.integers(1, 50), step=st.integers(1, 9),
    masks=st.booleans(), reach=st.floats(0.01, 20),
)  # fmt: skip
def test_every_pixel_is_what_numpy_counts(seed, n, width, height, step, masks, reach):
    rng = np.random.default_rng(seed)
    xy = rng.normal(size=(n, 2)).astype(np.float32)
    codes, selected, shown = rng.integers(0, 4, n), rng.random(n) < 0.5, rng.random(n) < 0.7
    view = View(-reach, reach, -reach / 2, reach)
    options = {"selected": selected, "shown": shown} if masks else {}
    asked = request(xy, by_code(codes), view, width=width, height=height, step=step, row_ids=True, **options)
    frame = render(asked)

    rows = asked.index.rows[::step]
    x, y = xy[rows].astype(np.float64).T
    keep = (x >= view.x0) & (x <= view.x1) & (y >= view.y0) & (y <= view.y1)
    if masks:
        keep &= shown[rows]
    rows, x, y = rows[keep], x[keep], y[keep]
    sx, sy = width / (view.x1 - view.x0), height / (view.y1 - view.y0)
    px = np.minimum((x * sx + -view.x0 * sx).astype(int), width - 1)
    py = height - 1 - np.minimum((y * sy + -view.y0 * sy).astype(int), height - 1)
    chosen = selected[rows] if masks else np.ones(len(rows), bool)
    mixed, count = np.zeros((height, width, 3)), np.zeros((height, width))
    np.add.at(mixed, (py[chosen], px[chosen]), LUT[codes[rows[chosen]]])
    np.add.at(count, (py[chosen], px[chosen]), 1)
    any_row = np.zeros((height, width), bool)
    any_row[py, px] = True

    assert frame.n_visible == len(rows)
    np.testing.assert_array_equal(frame.rgba[..., 3] > 0, any_row)
    np.testing.assert_array_equal(frame.row_ids >= 0, any_row)
    if not masks and count.any():
        np.testing.assert_allclose(frame.rgba[count > 0][:, :3], mixed[count > 0] / count[count > 0][:, None], atol=1)
    place = dict(zip(rows.tolist(), zip(py, px, strict=True), strict=True))
    for line, column in np.argwhere(frame.row_ids >= 0):
        row = int(frame.row_ids[line, column])
        assert place[row] == (line, column)
        assert (not masks) or selected[row] or count[line, column] == 0


def test_unselected_rows_fade_to_gray_and_stay():
    xy = np.array([[0, 0], [1, 1]], np.float32)
    view = View(-0.5, 1.5, -0.5, 1.5)
    frame = render(request(xy, by_code(np.array([0, 1])), view, width=2, height=2, selected=np.array([True, False])))
    assert frame.rgba[1, 0, :3].tolist() == LUT[0].tolist()
    red, green, blue, alpha = frame.rgba[0, 1].astype(int)
    assert red == green == blue
    assert 0 < alpha < frame.rgba[1, 0, 3] / 2


def test_hidden_rows_vanish_and_have_no_id():
    xy = np.array([[0, 0], [1, 1]], np.float32)
    asked = request(xy, density, View(-0.5, 1.5, -0.5, 1.5), width=2, height=2, shown=np.array([False, True]), row_ids=True)
    frame = render(asked)
    assert frame.row_ids.tolist() == [[-1, 1], [-1, -1]]
    assert frame.rgba[1, 0].tolist() == [0, 0, 0, 0]
    assert frame.n_visible == 1


def test_a_row_without_a_value_is_gray():
    xy = np.array([[0, 0], [1, 1]], np.float32)
    for point_px in (1.0, 6.0):
        asked = request(xy, by_value(np.array([np.nan, 1.0])), View(-0.5, 1.5, -0.5, 1.5), width=20, height=20, point_px=point_px)
        rgba = render(asked).rgba
        assert rgba[15 if point_px > 1 else 14, 5, :3].tolist() == [0x88] * 3
        assert rgba[..., :3].max() == 255


def test_a_number_column_of_one_value_is_drawn():
    for point_px in (1.0, 6.0):
        asked = request(cloud(50), by_value(np.full(50, 3.0), low=3.0, high=3.0), View(-4, 4, -3, 3), point_px=point_px)
        assert render(asked).rgba[..., 3].max() > 0


def test_few_rows_are_drawn_as_discs_at_their_place():
    xy = np.array([[0.5, 0.25]], np.float32)
    frame = render(request(xy, by_code(np.array([2])), View(0, 1, 0, 1), width=101, height=101, point_px=None, row_ids=True))
    lines, columns = np.nonzero(frame.rgba[..., 3])
    assert frame.point_px > 4
    assert abs(lines.mean() - 75) < 1
    assert abs(columns.mean() - 50) < 1
    assert np.ptp(columns) + 1 <= frame.point_px + 2
    assert frame.rgba[75, 50, :3].tolist() == LUT[2].tolist()
    assert np.argwhere(frame.row_ids == 0).tolist() == [[75, 50]]
    assert frame.n_visible == 1


def test_a_disc_reaches_into_the_view_from_outside_but_is_not_counted():
    xy = np.array([[-0.02, 0.5]], np.float32)
    frame = render(request(xy, by_code(np.array([0])), View(0, 1, 0, 1), width=100, height=100, point_px=8.0, row_ids=True))
    assert frame.rgba[50, 0, 3] > 0
    assert frame.n_visible == 0
    assert (frame.row_ids == -1).all()


def test_points_grow_as_fewer_rows_are_visible():
    xy = np.random.default_rng(0).random((40_000, 2)).astype(np.float32)
    sizes = []
    for side in (1.0, 0.5, 0.1, 0.01):
        frame = render(request(xy, density, View(0, side, 0, side), width=300, height=300, point_px=None))
        sizes.append(frame.point_px)
    assert sizes == sorted(sizes)
    assert sizes[0] == 1
    assert sizes[-1] == 8


def test_a_single_row_is_clearly_visible():
    for point_px in (1.0, None):
        frame = render(request(np.array([[0, 0]], np.float32), density, View(-1, 1, -1, 1), width=51, height=51, point_px=point_px))
        assert frame.rgba[..., 3].max() >= 0.45 * 255


def test_every_kth_row_keeps_the_brightness_of_all():
    xy = np.repeat(np.array([[0.5, 0.5]], np.float32), 1_000, axis=0)
    full = render(request(xy, density, View(0, 1, 0, 1), width=1, height=1))
    sample = render(request(xy, density, View(0, 1, 0, 1), width=1, height=1, step=10))
    assert sample.n_visible == 100
    assert sample.rgba.tolist() == full.rgba.tolist()


@pytest.mark.parametrize("view", [
    View(1, -1, 1, -1), View(0, 0, 0, 0), View(np.nan, np.nan, 0, 1), View(-np.inf, np.inf, -np.inf, np.inf),
    View(1e30, 1e31, 0, 1), View(0, 1e-40, 0, 1e-40),
])  # fmt: skip
@pytest.mark.parametrize(("width", "height"), [(0, 0), (1, 1), (10, 3), (1, 200)])
@pytest.mark.parametrize("point_px", [None, 1.0, 5.0])
def test_any_view_and_any_size_give_a_picture(view, width, height, point_px):
    xy = cloud(200)
    xy[3] = np.nan
    xy[4] = np.inf
    frame = render(request(xy, by_code(np.zeros(200, int)), view, width=width, height=height, point_px=point_px, row_ids=True))
    assert frame.rgba.shape == (max(height, 1), max(width, 1), 4)
    assert frame.row_ids.shape == frame.rgba.shape[:2]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_layout_of_hardly_any_row_is_drawn(n):
    xy = np.zeros((n, 2), np.float32)
    for point_px in (None, 1.0):
        index_view = LayoutIndex.build(xy).home.fitted(30, 20)
        frame = render(request(xy, density, index_view, point_px=point_px, row_ids=True))
        assert frame.n_visible == n
        assert (frame.rgba[..., 3].max() > 0) == (n > 0)


def test_infinite_values_are_gray_like_missing_ones():
    xy = np.array([[0, 0], [1, 1]], np.float32)
    rgba = render(request(xy, by_value(np.array([np.inf, 0.0])), View(-0.5, 1.5, -0.5, 1.5), width=2, height=2)).rgba
    assert rgba[1, 0, :3].tolist() == [0x88] * 3
    assert rgba[0, 1, :3].tolist() == [128] * 3


def test_a_wide_view_of_far_more_rows_than_discs_stays_single_pixels_with_a_mask():
    xy = np.random.default_rng(0).random((30_000, 2)).astype(np.float32)
    shown = np.arange(30_000) < 20
    everything = render(request(xy, density, View(0, 1, 0, 1), width=100, height=100, point_px=None))
    few = render(request(xy, density, View(0, 1, 0, 1), width=100, height=100, point_px=None, shown=shown))
    assert everything.point_px == 1
    assert few.point_px > 4


def test_colors_of_more_rows_than_fit_lose_a_bit_and_stay():
    lut, lost = packed(LUT, 40_000_000)
    assert lost == 2
    assert (lut[0, 0] >> np.uint64(32)) << np.uint64(2) == LUT[0, 0] & 0xFC
    assert packed(LUT, 10_000_000)[1] == 0


def test_memory_mapped_arrays_draw_the_same_picture(tmp_path):
    asked = request(cloud(), by_code(np.random.default_rng(1).integers(0, 4, 3_000)), View(-4, 4, -3, 3))
    for name, array in asked.index.arrays().items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in tmp_path.iterdir()}
    again = FrameRequest(**{**vars(asked), "index": LayoutIndex.from_arrays(mapped)})
    np.testing.assert_array_equal(render(again).rgba, render(asked).rgba)


def test_a_number_has_the_same_color_as_a_disc_and_as_a_pixel():
    values = np.linspace(-1.2, 1.2, 9)
    xy = np.column_stack([np.arange(9), np.zeros(9)]).astype(np.float32)
    pixels, discs = (
        render(request(xy, by_value(values), View(-0.5, 8.5, -0.5, 0.5), width=90, height=10, point_px=size)).rgba for size in (1.0, 6.0)
    )
    np.testing.assert_allclose(discs[5, 5::10, 0].astype(int), pixels[4, 5::10, 0].astype(int), atol=1)


def test_limits_that_are_hardly_apart_draw_all_the_same():
    for point_px in (1.0, 6.0):
        asked = request(cloud(50), by_value(np.zeros(50), low=0.0, high=1e-42), View(-4, 4, -3, 3), point_px=point_px)
        assert render(asked).rgba[..., 3].max() > 0


@pytest.mark.parametrize("across", [1, 2, 3])
def test_widening_gives_each_row_a_square_of_pixels(across):
    sums = np.random.default_rng(0).integers(0, 9, (7, 5, 2)).astype(np.uint64)
    expected = np.zeros_like(sums)
    for y, x in np.ndindex(7, 5):
        expected[y, x] = sums[max(y - across + 1, 0) : y + 1, max(x - across + 1, 0) : x + 1].sum(axis=(0, 1))
    widen(sums, across)
    np.testing.assert_array_equal(sums, expected)


@pytest.mark.parametrize(
    "color", [density, by_code(np.arange(3_000) % 4), by_value(np.linspace(-2, 2, 3_000))], ids=["density", "category", "number"]
)
@pytest.mark.parametrize("background", ["#ffffff", "#121212", "#3080f0"])
@pytest.mark.parametrize("point_px", [1.0, 3.0])
def test_on_a_background_a_picture_is_the_transparent_one_blended_with_it(color, background, point_px):
    made = {"point_px": point_px, "selected": np.arange(3_000) % 3 > 0}
    opaque, clear = (render(request(cloud(), color, VIEWS[0], background=ground, **made)).rgba for ground in (background, None))
    assert (opaque[..., 3] == 255).all()
    alpha = clear[..., 3:] / 255
    ground = np.array([int(background[i : i + 2], 16) for i in (1, 3, 5)])
    np.testing.assert_allclose(opaque[..., :3], clear[..., :3] * alpha + ground * (1 - alpha), atol=1.5)


@pytest.mark.parametrize("background", ["white", "#fff", "#gggggg", "", "#-11111"])
def test_a_background_that_is_no_color_is_refused(background):
    with pytest.raises(BadParameter, match="#rrggbb"):
        render(request(cloud(), density, VIEWS[0], background=background))


@pytest.mark.parametrize("selected", [False, True])
def test_a_row_that_stands_for_many_is_as_dark_as_they_are(selected):
    one = cloud(400)
    every = np.repeat(one, 7, axis=0)
    chosen = np.arange(len(one)) % 3 == 0 if selected else None
    look = {"width": WIDTH, "height": HEIGHT, "view": View(-4, 4, -3, 3)}
    whole = request(every, by_code(np.repeat(np.arange(400) % 4, 7)), selected=None if chosen is None else np.repeat(chosen, 7), **look)
    sample = request(one, by_code(np.arange(400) % 4), selected=chosen, stands_for=7, **look)
    sample = replace(sample, normalization=whole.normalization)
    few, many = render(sample).rgba.astype(int), render(whole).rgba.astype(int)
    assert np.abs(few - many).max() <= 1


def test_a_row_that_stands_for_many_is_as_small_as_they_are():
    rows = np.random.default_rng(0).random((40, 2)).astype(np.float32)
    sizes = [
        render(request(rows, density, View(0, 1, 0, 1), width=300, height=200, point_px=None, stands_for=n)).point_px for n in (1, 50, 5000)
    ]
    assert sizes[0] > sizes[1] > sizes[2] == 1.0
