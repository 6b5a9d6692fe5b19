"""A layout in space is turned to lie like another one: what was done to it is found again, though some rows went elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.compute.orientation import orientation
from explorer.errors import BadParameter


def cloud(n: int, d: int, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(1.5, 0.5, d)


def turned(d: int, seed: int) -> NDArray[np.float64]:
    return np.asarray(np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(d, d)))[0])


@settings(deadline=None, max_examples=40)
@given(d=st.integers(2, 6), seed=st.integers(0, 500), scale=st.floats(0.1, 10), elsewhere=st.sampled_from([0.0, 0.1]))
def test_what_was_done_to_a_layout_is_found_again(d: int, seed: int, scale: float, elsewhere: float):
    fixed = cloud(400, d, seed)
    moving = np.asarray((fixed @ turned(d, seed).T) / scale + 7, np.float32)
    away = np.random.default_rng(seed).random(400) < elsewhere
    moving[away] += np.float32(5 / scale) * np.random.default_rng(seed).normal(size=(int(away.sum()), d)).astype(np.float32)
    found = orientation(moving, fixed.astype(np.float32))
    np.testing.assert_allclose(found.basis @ found.basis.T, np.eye(d), atol=1e-9)
    assert found.scale == pytest.approx(scale, rel=0.02)
    np.testing.assert_allclose(found.apply(moving)[~away], fixed[~away], atol=0.1)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 500))
def test_a_layout_in_space_is_seen_as_the_flat_one_shows_it(seed: int):
    space = cloud(400, 3, seed)
    flat = space[:, :2].astype(np.float32)
    moving = np.asarray(space @ turned(3, seed).T, np.float32)
    found = orientation(moving, flat)
    assert np.linalg.det(found.basis) == pytest.approx(1)
    seen = found.apply(moving)
    np.testing.assert_allclose(seen[:, :2], flat, atol=0.05)
    assert np.abs(np.corrcoef(seen[:, 2], space[:, 2])[0, 1]) > 0.99


def test_little_or_nothing_in_common_leaves_the_axes_as_they_are():
    one, nothing = np.zeros((5, 3), np.float32), np.full((5, 3), np.nan, np.float32)
    for found in (orientation(one, one), orientation(one, nothing)):
        np.testing.assert_array_equal(found.basis, np.eye(3))
    assert np.isnan(orientation(one, one).apply(nothing)).all()


def test_layouts_that_cannot_lie_alike_are_refused():
    with pytest.raises(BadParameter, match="same rows"):
        orientation(np.zeros((3, 3), np.float32), np.zeros((4, 3), np.float32))
    with pytest.raises(BadParameter, match="needs as many"):
        orientation(np.zeros((3, 2), np.float32), np.zeros((3, 3), np.float32))
