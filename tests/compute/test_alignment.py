"""Alignment against known similarities, with noise and rows scattered at random, and against the textbook where nothing is wrong."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes

from explorer.compute.alignment import IDENTITY, Similarity, align, local_agreement
from explorer.compute.procrustes import LARGEST_SCALE
from explorer.errors import BadParameter

SIMILARITIES = st.builds(
    Similarity.of,
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(-3, 3).map(lambda power: 10.0**power),
    reflected=st.booleans(),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
)


def clusters(n: int, seed: int, categories: int = 8) -> np.ndarray:
    """Clouds of several sizes around centers of a normal distribution."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, categories, n)
    places = rng.normal(size=(categories, 2)) * 4
    return (places[codes] + rng.normal(size=(n, 2)) * rng.uniform(0.2, 1, categories)[codes, None]).astype(np.float32)


def radius(layout: np.ndarray) -> float:
    """Root mean square distance from the mean."""
    return float(np.sqrt(((layout - layout.mean(axis=0)) ** 2).sum(axis=1).mean()))


@given(
    true=SIMILARITIES,
    seed=st.integers(0, 10_000),
    n=st.integers(60, 600),
    far=st.sampled_from([1.0, 3.0, 1e3, 1e12]),
    where=st.sampled_from(["moving", "fixed", "both"]),
)
@settings(deadline=None, max_examples=40)
def test_a_known_similarity_is_found_under_noise_and_with_a_tenth_of_the_rows_anywhere(true, seed, n, far, where):
    moving = clusters(n, seed)
    rng = np.random.default_rng(seed + 1)
    size = radius(moving)
    fixed = true.apply((moving + 0.02 * size * rng.normal(size=moving.shape)).astype(np.float32))
    wanted = true.apply(moving)
    astray = rng.permutation(n)[: n // 10]
    if where != "fixed":
        moving[astray] = rng.uniform(-2, 2, (len(astray), 2)) * size * far
    if where != "moving":
        fixed[astray] = fixed.mean(axis=0) + rng.uniform(-2, 2, (len(astray), 2)) * size * true.scale * far
    found = align(moving, fixed)
    clean = np.setdiff1d(np.arange(n), astray)
    off = np.hypot(*(found.apply(moving)[clean] - wanted[clean]).T) / (size * true.scale)
    assert off.max() < 0.05  # of the radius; the noise itself is 0.02 on each axis of each row
    assert off.mean() < 0.015
    assert found.reflected == true.reflected
    assert found.scale == pytest.approx(true.scale, rel=0.02)


@given(true=SIMILARITIES, seed=st.integers(0, 10_000), n=st.integers(3, 40))
@settings(deadline=None, max_examples=60)
def test_what_is_similar_is_laid_over_exactly(true, seed, n):
    moving = np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)
    assume(np.linalg.svd(moving - moving.mean(axis=0), compute_uv=False)[1] > 0.1)  # on a line, a reflection is a rotation
    fixed = true.apply(moving)
    found = align(moving, fixed)
    tolerance = 1e-5 * (true.scale * radius(moving) + max(map(abs, true.shift)))
    np.testing.assert_allclose(found.apply(moving), fixed, atol=tolerance)
    assert found.scale == pytest.approx(true.scale, rel=1e-2 if true.scale < 0.1 else 1e-4)  # float32 near a shift of 50


@given(true=SIMILARITIES, seed=st.integers(0, 1_000))
@settings(deadline=None, max_examples=40)
def test_the_other_way_around_is_the_inverse(true, seed):
    moving = clusters(300, seed)
    rng = np.random.default_rng(seed)
    fixed = true.apply((moving + rng.normal(size=moving.shape)).astype(np.float32))
    there, back = align(moving, fixed), align(fixed, moving)
    roundtrip = back.after(there)
    assert roundtrip.scale == pytest.approx(1, abs=0.05)
    assert abs(roundtrip.angle) < 0.05
    assert not roundtrip.reflected


def test_clean_layouts_are_aligned_as_the_textbook_does():
    moving = clusters(500, 3)
    rng = np.random.default_rng(0)
    fixed = Similarity.of(angle=2, scale=3, reflected=True, shift=(5, -7)).apply(moving)
    exact = align(moving, fixed, weights=np.ones(500))
    ours = exact.apply(moving).astype(np.float64)
    standard, theirs, disparity = procrustes(fixed, moving)
    assert disparity == pytest.approx(0, abs=1e-9)
    centered = ours - ours.mean(axis=0)
    np.testing.assert_allclose(centered / np.linalg.norm(centered), theirs, atol=1e-6)
    np.testing.assert_allclose(theirs, standard, atol=1e-6)

    noisy = (fixed + rng.normal(size=fixed.shape) * 0.2).astype(np.float32)
    found = align(moving, noisy, weights=np.ones(500))
    x, y = (layout - layout.mean(axis=0) for layout in (moving.astype(np.float64), noisy.astype(np.float64)))
    u, _, vt = np.linalg.svd(y.T @ x)
    np.testing.assert_allclose(np.array(found.matrix) / found.scale, u @ vt, atol=1e-3)
    assert found.scale == pytest.approx(np.linalg.norm(y) / np.linalg.norm(x), rel=2e-3)


def test_a_cluster_that_jumped_does_not_tilt_the_rest():
    moving = clusters(2_000, 5)
    true = Similarity.of(angle=-1, scale=2)
    fixed = true.apply(moving)
    jumped = moving[:, 0] > np.quantile(moving[:, 0], 0.7)
    fixed[jumped] += np.float32(30)
    found = align(moving, fixed)
    np.testing.assert_allclose(found.apply(moving)[~jumped], true.apply(moving)[~jumped], atol=1e-3)


@given(seed=st.integers(0, 1_000), scale=st.sampled_from([1e-3, 1.0, 1e3]))
@settings(deadline=None, max_examples=30)
def test_layouts_that_share_nothing_keep_their_size(seed, scale):
    rng = np.random.default_rng(seed)
    moving = rng.normal(size=(500, 2)).astype(np.float32)
    fixed = (rng.normal(size=(500, 2)) * scale).astype(np.float32)
    assert scale / 1.5 < align(moving, fixed).scale < scale * 1.5


def test_one_cluster_that_kept_its_shape_does_not_blow_up_the_rest():
    rng = np.random.default_rng(0)
    places = rng.normal(size=(20, 2)) * 10
    codes = np.repeat(np.arange(20), 50)
    codes[:700] = 0
    inside = rng.normal(size=(1_000, 2))
    moving = (places[codes] + inside * 0.1).astype(np.float32)
    fixed = (places[codes] + inside * 4).astype(np.float32)
    sizes = [np.hypot(*(layout - np.median(layout, axis=0)).T) for layout in (moving, fixed)]
    nearest = [np.sort(size)[:850].mean() for size in sizes]
    assert align(moving, fixed).scale <= LARGEST_SCALE * nearest[1] / nearest[0] * 1.001


def test_weights_decide_what_counts():
    moving = clusters(400, 1)
    first, second = Similarity.of(angle=0.3), Similarity.of(angle=2.0)
    half = np.arange(400) % 2 == 0
    fixed = np.where(half[:, None], first.apply(moving), second.apply(moving))
    for true, weights in ((first, half), (second, ~half)):
        assert align(moving, fixed, weights=weights.astype(np.float32)).angle == pytest.approx(true.angle, abs=1e-4)
    weights = np.where(half, 1.0, np.nan)
    weights[1] = -5
    assert align(moving, fixed, weights=weights).angle == pytest.approx(0.3, abs=1e-4)
    assert math.isfinite(align(moving, fixed, weights=np.zeros(400)).angle)
    with pytest.raises(BadParameter, match="give one for each of the 400 rows"):
        align(moving, fixed, weights=np.ones(3))


def test_rows_that_are_not_finite_are_left_out():
    moving = clusters(300, 2)
    true = Similarity.of(angle=1, scale=0.5, shift=(3, 4))
    fixed = true.apply(moving)
    moving[::7], fixed[3::7, 1], fixed[5] = np.nan, np.inf, -np.inf
    found = align(moving, fixed)
    assert found.angle == pytest.approx(1, abs=1e-5)
    moved = found.apply(moving)
    assert np.isnan(moved[::7]).all()
    both = np.isfinite(moving).all(axis=1) & np.isfinite(fixed).all(axis=1)
    np.testing.assert_allclose(moved[both], fixed[both], atol=1e-4)


def test_what_says_nothing_gives_the_translation_of_the_medians():
    nothing = np.full((5, 2), np.nan, np.float32)
    cloud = clusters(5, 0)
    assert align(nothing, cloud) == align(cloud[:0], cloud[:0]) == IDENTITY
    one = nothing.copy()
    one[2] = (3, 4)
    assert align(one, cloud) == Similarity(IDENTITY.matrix, (float(cloud[2, 0]) - 3, float(cloud[2, 1]) - 4))
    constant = np.full((5, 2), 7, np.float32)
    medians = tuple(np.median(cloud.astype(np.float64), axis=0))
    assert align(constant, cloud).of_place(7, 7) == pytest.approx(medians)
    assert align(cloud, constant).of_place(*medians) == pytest.approx((7, 7))
    assert align(constant, constant).matrix == align(cloud, constant).matrix == IDENTITY.matrix


def test_two_rows_are_laid_over_each_other():
    found = align(np.array([[0, 0], [1, 0]], np.float32), np.array([[5, 5], [5, 8]], np.float32))
    assert found.of_place(0, 0) == pytest.approx((5, 5), abs=1e-5)
    assert found.of_place(1, 0) == pytest.approx((5, 8), abs=1e-5)
    assert not found.reflected


def test_rows_on_a_line_and_rows_in_one_place_are_no_obstacle():
    line = np.stack([np.arange(50), np.zeros(50)], axis=1).astype(np.float32)
    true = Similarity.of(angle=0.7, scale=3, shift=(1, 2))
    found = align(line, true.apply(line))
    np.testing.assert_allclose(found.apply(line), true.apply(line), atol=1e-4)
    assert not found.reflected
    heap = np.zeros((100, 2), np.float32)
    heap[:10] = clusters(10, 0)
    np.testing.assert_allclose(align(heap, true.apply(heap)).apply(heap), true.apply(heap), atol=0.1)


def test_layouts_of_different_rows_are_refused():
    with pytest.raises(BadParameter, match="rows=3 and 4 is not allowed: two layouts can be compared if they are of the same rows"):
        align(np.zeros((3, 2), np.float32), np.zeros((4, 2), np.float32))
    with pytest.raises(BadParameter, match="a layout has two columns"):
        align(np.zeros((3, 3), np.float32), np.zeros((3, 3), np.float32))


def test_many_rows_in_a_periodic_order_from_a_read_only_file(tmp_path):
    n = 450_000
    moving = clusters(n, 4)
    moving[1::2] += np.float32(20)  # every second row is in another part of the map
    true = Similarity.of(angle=0.5, scale=2, reflected=True, shift=(-4, 9))
    fixed = true.apply(moving)
    fixed[::10] = np.random.default_rng(0).uniform(-50, 50, (n // 10, 2))
    np.save(tmp_path / "moving.npy", moving)
    np.save(tmp_path / "fixed.npy", fixed)
    found = align(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("moving", "fixed")))
    assert found.angle == pytest.approx(true.angle, abs=1e-3)
    assert found.scale == pytest.approx(true.scale, rel=1e-3)
    assert found == align(moving, fixed)
    few = np.zeros(n, np.float32)
    few[::15_001] = 1
    fixed[::15_001] = moving[::15_001]
    assert align(moving, fixed, weights=few).angle == pytest.approx(0, abs=1e-6)


@given(first=SIMILARITIES, second=SIMILARITIES, x=st.floats(-10, 10), y=st.floats(-10, 10))
def test_similarities_compose_and_invert(first, second, x, y):
    both = second.after(first)
    wanted = second.of_place(*first.of_place(x, y))
    assert both.of_place(x, y) == pytest.approx(wanted, rel=1e-6, abs=1e-6 * max(1, *map(abs, wanted)))
    assert both.scale == pytest.approx(first.scale * second.scale)
    assert both.reflected == (first.reflected != second.reflected)
    assert first.inverse().of_place(*first.of_place(x, y)) == pytest.approx((x, y), abs=1e-6 / min(1, first.scale))
    assert first.inverse().inverse().of_place(x, y) == pytest.approx(first.of_place(x, y), rel=1e-6, abs=1e-6 * max(1, 1 / first.scale))
    assert first.after(IDENTITY).of_place(x, y) == first.of_place(x, y)
    place = np.array([[x, y]], np.float32)
    np.testing.assert_allclose(
        first.apply(place)[0], np.array(first.matrix) @ place[0].astype(np.float64) + first.shift, rtol=1e-5, atol=1e-4
    )


@given(angle=st.floats(-3.1, 3.1), scale=st.floats(0.01, 100), reflected=st.booleans())
def test_a_similarity_says_what_it_is_made_of(angle, scale, reflected):
    made = Similarity.of(angle=angle, scale=scale, reflected=reflected)
    assert (made.angle, made.scale, made.reflected) == (pytest.approx(angle), pytest.approx(scale), reflected)
    assert pickle.loads(pickle.dumps(made)) == made


def test_applying_leaves_the_layout_alone_and_takes_any_array():
    layout = clusters(20, 0)
    layout[3, 1] = np.inf
    kept = layout.copy()
    moved = IDENTITY.apply(layout)
    np.testing.assert_array_equal(layout, kept)
    assert moved.dtype == np.float32
    assert np.isnan(moved[3]).all()
    np.testing.assert_array_equal(np.delete(moved, 3, axis=0), np.delete(kept, 3, axis=0))
    wide = np.zeros((20, 5), np.float64)
    wide[:, 1::2] = layout
    np.testing.assert_array_equal(IDENTITY.apply(wide[:, 1::2]), moved)
    assert IDENTITY.apply(layout[:0]).shape == (0, 2)


@pytest.mark.parametrize("known", [True, False])
def test_rows_agree_where_their_neighborhood_is_the_same(known):
    n = 1_000
    one = clusters(n, 6)
    other = Similarity.of(angle=1.3, scale=5, reflected=True).apply(one)
    neighbors = np.argsort(((one[:, None] - one[None]) ** 2).sum(axis=-1), axis=1)[:, 1:21].astype(np.int32) if known else None
    assert local_agreement(one, one, neighbors=neighbors).min() > 0.999
    assert local_agreement(one, other, neighbors=neighbors).min() > 0.8  # the spreads of a turned layout differ a little
    astray = np.random.default_rng(0).permutation(n)[: n // 10]
    other[astray] = np.random.default_rng(1).uniform(other.min(), other.max(), (len(astray), 2))
    other[0], one[1] = np.nan, np.nan
    found = local_agreement(one, other, neighbors=neighbors)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert found[:2].tolist() == [0, 0]
    assert np.median(found[astray]) < 0.2
    assert np.median(np.delete(found, astray)) > 0.7


@given(seed=st.integers(0, 1_000), n=st.integers(2, 30), k=st.integers(1, 20))
@settings(deadline=None, max_examples=50)
def test_agreement_with_known_neighbors_is_the_index_of_jaccard(seed, n, k):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(2, n, 2)).astype(np.float32)
    neighbors = rng.integers(-1, n, (n, k)).astype(np.int32)
    one[rng.random(n) < 0.1] = np.nan
    both = np.isfinite(one[:, 0])
    near = []
    for layout in (one, other):
        used = layout[both].astype(np.float64)
        gaps = np.hypot(*(used - (np.median(used, axis=0) if len(used) else 0)).T)
        spread = np.sort(gaps)[: math.ceil(0.85 * len(used))].mean() if len(used) else 0
        wide = layout.astype(np.float64)
        squares = ((wide[:, None] - wide[None]) ** 2).sum(axis=-1)
        near.append(1 / (1 + (squares / (0.1 * spread) ** 2 if spread else squares * 0)))
    wanted = np.zeros(n)
    for i in np.flatnonzero(both):
        pairs = [j for j in neighbors[i, :15] if j >= 0 and both[j]]
        if pairs:
            wanted[i] = np.minimum(near[0][i, pairs], near[1][i, pairs]).sum() / np.maximum(near[0][i, pairs], near[1][i, pairs]).sum()
    np.testing.assert_allclose(local_agreement(one, other, neighbors=neighbors), wanted, rtol=1e-5)


def test_neighbors_of_other_rows_are_refused():
    layout = clusters(10, 0)
    with pytest.raises(BadParameter, match="give some for each of the 10 rows"):
        local_agreement(layout, layout, neighbors=np.zeros((9, 3), np.int32))
