"""Axes from some rows to others, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA as PlainPCA

from explorer.compute import axes_layout
from explorer.compute.progress import Stopped
from explorer.compute.projections import Axes
from explorer.errors import BadParameter


@given(seed=st.integers(0, 10_000), n=st.integers(6, 60), d=st.integers(2, 8), block=st.integers(3, 80), given_y=st.booleans())
@settings(deadline=None, max_examples=60)
def test_rows_lie_where_their_products_with_the_axes_say(seed: int, n: int, d: int, block: int, given_y: bool) -> None:  # noqa: FBT001
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n, d)).astype(np.float32) + np.float32(5)
    there, origin, above = (np.sort(random.choice(n, random.integers(1, 3), replace=False)).astype(np.int32) for _ in range(3))
    if set(there) == set(origin):
        return
    inputs = {"x_to": there, "x_from": origin, "y_to": above}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(axes_layout, "BLOCK", block)
        made = Axes(x_to="b", x_from="a", y_to="c" if given_y else "").fit(vectors, inputs=inputs)
    wide = vectors.astype(np.float64)
    x = wide[there].mean(axis=0) - wide[origin].mean(axis=0)
    x /= np.linalg.norm(x)
    centered = wide - wide.mean(axis=0)
    np.testing.assert_allclose(made.coordinates[:, 0], centered @ x, atol=1e-4)
    assert made.coordinates[there, 0].mean() > made.coordinates[origin, 0].mean()
    if given_y:
        y = wide[above].mean(axis=0) - wide.mean(axis=0)
        np.testing.assert_allclose(made.coordinates[:, 1], centered @ y / np.linalg.norm(y), atol=1e-4)
        assert made.stats["cosine_xy"] == pytest.approx(x @ y / np.linalg.norm(y), abs=1e-5)
    else:
        rest = centered - np.outer(centered @ x, x)
        most = PlainPCA(1).fit(rest).explained_variance_ratio_[0] * rest.var(axis=0).sum() if d > 1 else 0.0
        assert made.coordinates[:, 1].var() == pytest.approx(most, rel=1e-3, abs=1e-6)
        assert made.stats["cosine_xy"] == pytest.approx(0, abs=1e-5)
    total = centered.var(axis=0).sum()
    assert made.stats["explained_variance_x"] == pytest.approx((centered @ x).var() / total, rel=1e-3)
    assert made.coordinates.dtype == np.float32


@pytest.mark.parametrize(("params", "sentence"), [
    ({}, "x_to=nothing is not allowed: choose the rows"),
    ({"x_to": "a", "x_from": "a"}, "from these rows to themselves"),
    ({"x_to": "a", "y_from": "b"}, "choose the rows to which that axis should point"),
])  # fmt: skip
def test_axes_without_a_direction_are_refused(params: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadParameter, match=sentence):
        Axes(**params).check(10, 3)


def test_groups_with_one_middle_and_rows_that_are_all_alike_are_no_exception_and_stopping_stops() -> None:
    vectors = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [3, 3]], np.float32)
    rows = {"x_to": np.array([0, 1], np.int32), "x_from": np.array([2, 3], np.int32)}
    with pytest.raises(BadParameter, match="the middle of these rows is where the axis starts"):
        Axes(x_to="a", x_from="b").fit(vectors, inputs=rows)
    line = np.outer(np.arange(5), [1, 2]).astype(np.float32)
    flat = Axes(x_to="a").fit(line, inputs={"x_to": np.array([4], np.int32)})
    assert np.abs(flat.coordinates[:, 1]).max() < 1e-5
    with pytest.raises(Stopped):
        Axes(x_to="a").fit(line, inputs={"x_to": np.array([4], np.int32)}, should_stop=lambda: True)
