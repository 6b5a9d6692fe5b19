"""Clouds of rows against plain NumPy: where a camera sees them, how near, and that nothing is lost or breathes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.errors import BadParameter
from explorer.render.camera import Camera
from explorer.render.cloud import Cloud
from explorer.render.layout_index import BLOCK, LayoutIndex

Places = NDArray[np.float32]


def layout(seed: int, n: int, d: int, *, missing: float = 0.0, size: float = 1.0, away: float = 0.0) -> Places:
    """A layout with some structure, some of whose rows are not in it."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(4, d)) * 4
    places = ((middles[rng.integers(0, 4, n)] + rng.normal(size=(n, d))) * size + away).astype(np.float32)
    places[rng.random(n) < missing, rng.integers(0, d)] = rng.choice([np.nan, np.inf, -np.inf])
    return places


def camera_of(seed: int, d: int, perspective: float) -> Camera:
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0][:3]
    if d == 3:
        basis *= np.linalg.det(basis)
    return Camera(basis, perspective)


def seen_plainly(cloud: Cloud, places: Places, camera: Camera) -> NDArray[np.float64]:
    """Turn rows with NumPy alone: x, y and depth, (m, 3) in the cloud's order."""
    x, y, depth = camera.basis @ (places[cloud.rows].astype(np.float64) - cloud.center).T
    depth = np.clip(depth / cloud.radius, -1, 1)
    scale = np.sqrt(1 - camera.perspective**2) / (1 - camera.perspective * depth)
    return np.stack([x * scale + cloud.center[0], y * scale + cloud.center[1], depth], axis=1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000), n=st.integers(0, 3 * BLOCK), d=st.integers(3, 9), missing=st.floats(0, 1),
    size=st.sampled_from([1e-6, 1.0, 1e6]), perspective=st.floats(0, 0.9), step=st.integers(1, 7),
)  # fmt: skip
def test_rows_are_where_plain_numpy_sees_them(seed, n, d, missing, size, perspective, step):
    places = layout(seed, n, d, missing=missing, size=size)
    cloud, camera = Cloud.build(places), camera_of(seed, d, perspective)
    np.testing.assert_array_equal(np.sort(cloud.rows), np.flatnonzero(np.isfinite(places).all(axis=1)))
    index, depths = cloud.seen(camera, step)
    expected = seen_plainly(cloud, places, camera)[::step]
    np.testing.assert_array_equal(index.rows, cloud.rows[::step])
    assert index.n_rows == n
    tolerance = 1e-5 * max(cloud.reach, 1e-30)
    np.testing.assert_allclose(index.x, expected[:, 0], atol=tolerance)
    np.testing.assert_allclose(index.y, expected[:, 1], atol=tolerance)
    np.testing.assert_allclose(depths, expected[:, 2], atol=1e-5)
    np.testing.assert_array_equal(cloud.depths(camera, step), depths)
    np.testing.assert_array_equal(cloud.at(camera, step).x, index.x)
    sampled = cloud.sample(step)
    assert sampled.stands_for == step
    for one, other in zip(sampled.seen(camera), (index, depths), strict=True):
        np.testing.assert_array_equal(*(getattr(each, "x", each) for each in (one, other)))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 3 * BLOCK), step=st.integers(1, 5))
def test_the_box_of_a_block_holds_its_rows_from_everywhere(seed: int, n: int, step: int):
    index = Cloud.build(layout(seed, n, 3)).at(camera_of(seed, 3, 0.4), step)
    assert len(index.boxes) == -(-len(index) // BLOCK)
    for b, box in enumerate(index.boxes):
        x, y = index.x[b * BLOCK : (b + 1) * BLOCK], index.y[b * BLOCK : (b + 1) * BLOCK]
        assert box.tolist() == [x.min(), x.max(), y.min(), y.max()]


def test_from_the_front_without_perspective_rows_are_at_their_first_two_coordinates():
    places = layout(1, 3_000, 4, away=100.0)
    cloud = Cloud.build(places)
    index = cloud.at(Camera.facing(4, perspective=0))
    np.testing.assert_allclose(index.x, places[cloud.rows, 0], rtol=1e-6)
    np.testing.assert_allclose(index.y, places[cloud.rows, 1], rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), perspective=st.floats(0, 0.9))
def test_the_first_view_holds_every_row_from_everywhere_and_never_changes(seed: int, perspective: float):
    cloud = Cloud.build(layout(seed, 2_000, 3, away=5.0))
    index = cloud.at(camera_of(seed, 3, perspective))
    x0, x1, y0, y1 = index.home
    assert index.home == index.extent == cloud.home
    assert x0 <= index.x.min()
    assert index.x.max() <= x1
    assert y0 <= index.y.min()
    assert index.y.max() <= y1


def test_outliers_do_not_shrink_the_map():
    places = layout(2, 5_000, 3)
    usual = Cloud.build(places)
    places[:20] *= 1e6
    cloud = Cloud.build(places)
    assert cloud.radius < 1.5 * usual.radius
    index, depths = cloud.seen(camera_of(3, 3, 0.5))
    assert np.abs(depths).max() == 1
    x0, x1, y0, y1 = index.extent
    assert x0 <= index.x.min() <= index.x.max() <= x1
    assert y0 <= index.y.min() <= index.y.max() <= y1
    assert index.home.span[0] < 1e-3 * index.extent.span[0]


def test_many_far_rows_are_no_outliers():
    places = layout(2, 5_000, 3)
    places[:200] *= 100
    cloud = Cloud.build(places)
    assert cloud.radius == cloud.reach


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("value", [0.0, 3.0, 1e37, 3e38, 1e-44])
def test_hardly_any_row_is_a_cloud(n: int, value: float):
    places = np.full((n, 3), value, np.float32)
    places[1:] *= -1
    cloud = Cloud.build(places)
    index, depths = cloud.seen(camera_of(1, 3, 0.9))
    assert len(index) == len(depths) == len(cloud) == n
    assert np.isfinite(index.x).all()
    assert np.isfinite(index.y).all()
    assert np.isfinite(index.home).all()
    assert index.home.span[0] > 0


def test_every_kth_row_is_a_fair_sample_of_space():
    places = np.random.default_rng(0).random((40_000, 3)).astype(np.float32)
    sample = Cloud.build(places).sample(10)
    cells = (places[sample.rows] * 4).astype(int) @ [16, 4, 1]
    counts = np.bincount(cells, minlength=64)  # 62.5 rows each, where chance alone has a spread of 8
    assert abs(counts - 62.5).max() < 16


def test_neighbors_in_space_are_neighbors_in_memory():
    cloud = Cloud.build(np.random.default_rng(0).random((40_000, 3)).astype(np.float32))
    steps = np.linalg.norm(np.diff(cloud.places, axis=1), axis=0)
    assert np.median(steps) < 0.05  # in a cube of side 1; two rows by chance are 0.66 apart


def test_columns_come_into_the_order_of_the_cloud():
    places = layout(5, 3_000, 3, missing=0.2)
    cloud = Cloud.build(places)
    column = np.random.default_rng(1).random(3_000)
    np.testing.assert_array_equal(cloud.take(column), column[cloud.rows])
    assert not cloud.take(column).flags.writeable


def test_a_cloud_comes_back_from_its_arrays():
    cloud = Cloud.build(layout(6, 3_000, 5, missing=0.1)).sample(2)
    again = Cloud.from_arrays(cloud.arrays())
    camera = camera_of(6, 5, 0.3)
    for one, other in zip(again.seen(camera), cloud.seen(camera), strict=True):
        np.testing.assert_array_equal(*(getattr(each, "x", each) for each in (one, other)))
    assert (again.home, again.n_rows, again.stands_for) == (cloud.home, 3_000, 2)


def test_one_kind_of_array_for_the_kernels():
    cloud = Cloud.build(layout(7, 100, 3))
    index, depths = cloud.seen(Camera.facing(3))
    arrays = cloud.places, cloud.rows, index.x, index.y, index.rows, index.boxes, depths
    assert not any(array.flags.writeable for array in arrays)
    assert isinstance(index, LayoutIndex)


def test_other_dimensions_are_refused():
    with pytest.raises(BadParameter, match="2 dimensions"):
        Cloud.build(np.zeros((5, 2), np.float32))
    with pytest.raises(BadParameter, match="4 dimensions"):
        Cloud.build(np.zeros((5, 3), np.float32)).at(Camera.facing(4))
