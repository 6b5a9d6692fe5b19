"""Cameras: turned as a ball under the pointer, between each other the shortest way, and in JSON and back."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from explorer.errors import BadParameter
from explorer.render.camera import PERSPECTIVE_MOST, Camera, Way

DIMS = st.integers(3, 12)
TURNS = st.floats(-7, 7)


def some(d: int, seed: int, perspective: float = 0.3) -> Camera:
    """A camera in a direction that chance has chosen."""
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0][:3]
    if d == 3 and np.linalg.det(basis) < 0:
        basis[2] *= -1
    return Camera(basis, perspective)


def is_orthonormal(camera: Camera) -> bool:
    return np.allclose(camera.basis @ camera.basis.T, np.eye(3), atol=1e-12)


def test_facing_sees_the_first_dimensions():
    assert Camera.facing(5).basis.tolist() == np.eye(3, 5).tolist()
    assert Camera.facing(3) == Camera.facing(3)
    assert Camera.facing(3) != Camera.facing(3, perspective=0.1)
    assert len({Camera.facing(3), Camera.facing(3), Camera.facing(4)}) == 2


@settings(max_examples=60, deadline=None)
@given(d=DIMS, seed=st.integers(0, 1000), dx=TURNS, dy=TURNS)
def test_a_drag_is_a_turn_about_the_direction_across_it(d: int, seed: int, dx: float, dy: float):
    camera = some(d, seed)
    turned = camera.dragged(dx, dy)
    # on the screen: x to the right, y upward, z toward the viewer; what is nearest goes along with the pointer
    turn = Rotation.from_rotvec([-dy, dx, 0]).as_matrix()
    np.testing.assert_allclose(turned.basis, turn @ camera.basis, atol=1e-9)
    assert is_orthonormal(turned)
    np.testing.assert_allclose(turned.dragged(-dx, -dy).basis, camera.basis, atol=1e-9)


def test_what_is_nearest_goes_along_with_the_pointer():
    camera = some(3, 1)
    nearest = camera.basis[2]
    right, up, toward = camera.dragged(0.1, 0.0).basis @ nearest
    assert (right, up) == pytest.approx((math.sin(0.1), 0))
    assert toward == pytest.approx(math.cos(0.1))
    assert (camera.dragged(0.0, 0.1).basis @ nearest)[1] == pytest.approx(math.sin(0.1))
    np.testing.assert_allclose(camera.spun(0.1).basis, camera.dragged(0.1, 0).basis)


@pytest.mark.parametrize("drag", [(0, 0), (math.nan, 1), (math.inf, 0)])
def test_a_drag_to_nowhere_turns_nothing(drag: tuple[float, float]):
    camera = some(4, 2)
    assert camera.dragged(*drag) == camera


@settings(max_examples=60, deadline=None)
@given(d=DIMS, seed=st.integers(0, 1000), times=st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_the_way_between_cameras_is_steady_and_ends_at_both(d: int, seed: int, times: list[float]):
    start, end = some(d, seed, 0.1), some(d, seed + 5000, 0.5)
    way = Way.of(start, end)
    assert way.at(-1) == way.at(0) == start
    assert way.at(2) == way.at(1) == end
    for t, camera in ((0.0, start), (1.0, end)):
        close = way.at(t + (1e-9 if t == 0 else -1e-9))
        np.testing.assert_allclose(close.basis, camera.basis, atol=1e-6)
        assert close.perspective == pytest.approx(camera.perspective)
    for t in times:
        assert is_orthonormal(way.at(t))
    h = 1e-4
    paces = [np.linalg.norm(way.at(t + h).basis - way.at(t).basis) / h for t in (0.1, 0.4, 0.8)]
    assert max(paces) == pytest.approx(min(paces), rel=1e-3)
    np.testing.assert_allclose(Camera.between(start, end, 0.5).basis, Camera.between(end, start, 0.5).basis, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), t=st.floats(0, 1))
def test_between_two_cameras_in_space_is_the_turn_about_one_axis(seed: int, t: float):
    start, end = some(3, seed), some(3, seed + 5000)
    turn = Rotation.from_matrix(end.basis @ start.basis.T).as_rotvec()
    expected = Rotation.from_rotvec(t * turn).as_matrix() @ start.basis
    np.testing.assert_allclose(Camera.between(start, end, t).basis, expected, atol=1e-7)
    assert Way.of(start, end).length == pytest.approx(np.linalg.norm(turn), abs=1e-7)


@pytest.mark.parametrize("d", [3, 4, 9])
def test_half_a_turn_and_none_are_ways_too(d: int):
    camera = some(d, 3)
    assert Way.of(camera, camera).length == pytest.approx(0, abs=1e-6)
    half = Way.of(camera, camera.spun(math.pi))
    assert half.length == pytest.approx(math.pi)
    assert all(is_orthonormal(half.at(t)) for t in (0.2, 0.5, 0.9))


@pytest.mark.parametrize("d", [4, 7])
def test_a_mirrored_view_is_reached_through_another_dimension(d: int):
    camera = some(d, 4)
    mirrored = Camera(camera.basis * [[1], [1], [-1]], 0.3)
    way = Way.of(camera, mirrored)
    assert math.pi <= way.length + 1e-9 < 3 * math.pi
    steps = [way.at(t).basis for t in np.linspace(0, 1, 41)]
    assert max(np.abs(later - earlier).max() for earlier, later in pairwise(steps)) < 0.2


def test_cameras_of_different_dimensions_have_no_way():
    with pytest.raises(BadParameter, match="dimensions"):
        Camera.between(Camera.facing(3), Camera.facing(4), 0.5)


@settings(max_examples=40, deadline=None)
@given(d=DIMS, seed=st.integers(0, 1000), perspective=st.floats(0, PERSPECTIVE_MOST))
def test_a_camera_comes_back_from_json(d: int, seed: int, perspective: float):
    camera = some(d, seed, perspective)
    again = Camera.of_numbers(json.loads(json.dumps(camera.numbers())), d)
    np.testing.assert_allclose(again.basis, camera.basis, atol=5e-5)
    assert again.perspective == pytest.approx(perspective, abs=1e-5)
    assert is_orthonormal(again)
    assert Camera.of_numbers(again.numbers(), d).numbers() == again.numbers()


def test_numbers_in_space_are_seven():
    assert Camera.facing(3, 0.25).numbers() == (0.25, 1, 0, 0, 0, 1, 0)


@pytest.mark.parametrize("numbers", [
    (), (0.3,), (0.3, 1, 0, 0, 0, 1), (0.3, 1, 0, 0, 1, 0, 0), (0.3, 2, 0, 0, 0, 1, 0), (math.nan, 1, 0, 0, 0, 1, 0),
    (0.3, math.nan, 0, 0, 0, 1, 0), (0.3, "a", 0, 0, 0, 1, 0), (0.3, None, 0, 0, 0, 1, 0), (0.3, 10**400, 0, 0, 0, 1, 0),
])  # fmt: skip
def test_other_numbers_are_refused(numbers):
    with pytest.raises(BadParameter):
        Camera.of_numbers(numbers, 3)


@pytest.mark.parametrize("basis", [np.eye(2), np.eye(3, 2), np.zeros((3, 3)), np.ones(3), np.diag([1.0, 1, -1])])
def test_a_basis_that_is_none_is_refused(basis):
    with pytest.raises(BadParameter):
        Camera(basis)


def test_the_eye_never_comes_into_the_cloud():
    assert Camera.facing(3, 7.0).perspective == PERSPECTIVE_MOST
    assert Camera.facing(3, -1.0).perspective == 0


def test_a_camera_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        Camera.facing(3).basis[0, 0] = 2
