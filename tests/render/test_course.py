"""How rows travel between two layouts: where they begin, where they end, and that nothing is lost or jumps on the way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.compute.similarity import Similarity
from explorer.render.course import Course, moved, progress, smooth
from explorer.render.layout_index import BLOCK, LayoutIndex
from explorer.render.view import View

Places = NDArray[np.float32]

TIMES = (0.0, 0.2, 0.35, 0.5, 0.65, 0.9, 1.0)


def pair(seed: int, n: int, *, missing: float = 0.0, size: float = 1.0) -> tuple[Places, Places]:
    """Two layouts with some structure, of which each has rows that the other one has not."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(3, 2)) * 4
    group = rng.integers(0, 3, n)
    one = middles[group] + rng.normal(size=(n, 2))
    other = middles[::-1][group] * (1, -1) + rng.normal(size=(n, 2)) + one * 0.5
    found = (one * size).astype(np.float32), (other * size).astype(np.float32)
    for places in found:
        places[rng.random(n) < missing, rng.integers(0, 2)] = rng.choice([np.nan, np.inf, -np.inf])
    return found


def course_of(one: Places, other: Places, *, most: int | None = None, like: Course | None = None) -> Course:
    return Course.between(LayoutIndex.build(one), lambda rows: other[rows], most=most, like=like)


def tolerance(*layouts: Places) -> float:
    """What float32 can tell apart, of the largest number that is anywhere on the way."""
    most = max((float(np.abs(each[np.isfinite(each)]).max(initial=0)) for each in layouts), default=0)
    return max(most, 1e-30) * 2e-6


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(0, 3 * BLOCK), missing=st.floats(0, 1), size=st.sampled_from([1e-6, 1.0, 1e6]))
def test_rows_begin_where_they_are_and_end_where_they_go(seed: int, n: int, missing: float, size: float):
    one, other = pair(seed, n, missing=missing, size=size)
    course = course_of(one, other)
    both = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
    np.testing.assert_array_equal(np.sort(course.rows), np.flatnonzero(both))
    first, last = course.at(0), course.at(1)
    np.testing.assert_array_equal(np.stack([first.x, first.y], axis=1), one[course.rows])
    np.testing.assert_allclose(np.stack([last.x, last.y], axis=1), other[course.rows], atol=tolerance(one, other), rtol=0)
    for index in (first, last):
        assert index.n_rows == n
        assert index.rows is course.rows


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 3 * BLOCK), t=st.floats(0, 1))
def test_the_box_of_a_block_holds_its_rows_at_every_time(seed: int, n: int, t: float):
    index = course_of(*pair(seed, n)).at(t)
    assert len(index.boxes) == -(-n // BLOCK)
    for b, box in enumerate(index.boxes):
        x, y = index.x[b * BLOCK : (b + 1) * BLOCK], index.y[b * BLOCK : (b + 1) * BLOCK]
        assert box.tolist() == [x.min(), x.max(), y.min(), y.max()]


def placed_plainly(course: Course, other: Places, t: float) -> NDArray[np.float64]:
    """Place rows with NumPy alone: drift between the middles of cells, and the rest."""
    cells, home = course.drift.shape[0], course.start.home.sane()
    places = np.stack([course.x, course.y], axis=1).astype(np.float64)
    low = np.array([home.x0, home.y0])
    at = np.clip((places - low) / np.array(home.span) * cells - 0.5, 0, cells - 1)
    corner = np.minimum(at.astype(int), cells - 2)
    (right, up), (column, line) = (at - corner).T, corner.T
    drift = course.drift.astype(np.float64)
    below = drift[line, column] * (1 - right)[:, None] + drift[line, column + 1] * right[:, None]
    above = drift[line + 1, column] * (1 - right)[:, None] + drift[line + 1, column + 1] * right[:, None]
    lead = below * (1 - up)[:, None] + above * up[:, None]
    together, apart = progress(t)
    return places + together * lead + apart * (other[course.rows] - places - lead)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 2000), missing=st.floats(0, 0.5), t=st.sampled_from(TIMES))
def test_rows_are_where_plain_numpy_puts_them(seed: int, n: int, missing: float, t: float):
    one, other = pair(seed, n, missing=missing)
    course = course_of(one, other)
    index = course.at(t)
    expected = placed_plainly(course, other, t)
    np.testing.assert_allclose(np.stack([index.x, index.y], axis=1), expected, atol=10 * tolerance(one, other), rtol=0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 2000), missing=st.floats(0, 0.5), t=st.sampled_from(TIMES))
def test_single_rows_travel_as_all_of_them(seed: int, n: int, missing: float, t: float):
    one, other = pair(seed, n, missing=missing)
    course = course_of(one, other)
    index = course.at(t)
    ways = course.ways(one, other)
    assert ways.shape == (n, 6)
    both = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
    np.testing.assert_array_equal(np.isfinite(ways).all(axis=1), both)
    single = moved(ways[index.rows], t)
    np.testing.assert_allclose(single, np.stack([index.x, index.y], axis=1), atol=10 * tolerance(one, other), rtol=0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 3000), most=st.integers(0, 4000), missing=st.floats(0, 0.5))
def test_a_sample_is_a_part_and_says_of_how_many_rows_each_is_one(seed: int, n: int, most: int, missing: float):
    one, other = pair(seed, n, missing=missing)
    index = LayoutIndex.build(one)
    course = Course.between(index, lambda rows: other[rows], most=most)
    assert len(course) <= max(most, 1)
    assert len(set(course.rows.tolist())) == len(course) <= len(index)
    assert (len(index) - 1) // course.stands_for < max(most, 1), "as few as are wanted"
    np.testing.assert_array_equal(course.take(index.rows), course.rows)
    np.testing.assert_array_equal(course.take(index.x), course.at(0).x)


def test_a_sample_travels_like_the_others_where_it_is_told_so():
    one, other = pair(0, 5000)
    few = course_of(one, other, most=300)
    every = course_of(one, other, like=few)
    assert every.places is None
    assert every.drift is few.drift
    assert every.end_home == few.end_home
    where = np.argsort(every.rows)[np.sort(few.rows)]
    for t in TIMES:
        part, whole = few.at(t), every.at(t)
        np.testing.assert_array_equal(part.x[np.argsort(few.rows)], whole.x[where])
        np.testing.assert_array_equal(part.y[np.argsort(few.rows)], whole.y[where])
        assert part.home == whole.home


NOWHERE = np.full((5, 2), np.nan, np.float32)
ONE_SPOT = np.full((5, 2), 3.0, np.float32)
LINE = np.stack([np.arange(5), np.zeros(5)], axis=1).astype(np.float32)
HUGE = np.array([[-1e38, 0], [1e38, 0], [0, 1e38], [0, -1e38], [1, 1]], np.float32)
STRANGE = {"nowhere": NOWHERE, "one spot": ONE_SPOT, "a line": LINE, "huge": HUGE, "turned": -HUGE, "far away": LINE * np.float32(1e30)}


@pytest.mark.parametrize("one", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("other", STRANGE.values(), ids=STRANGE)
@pytest.mark.filterwarnings("error")
def test_strange_layouts_are_traveled_without_an_error(one: Places, other: Places):
    course = course_of(one, other)
    assert len(course) == (0 if one is NOWHERE or other is NOWHERE else 5)
    for t in TIMES:
        index = course.at(t)
        assert len(index) == len(course)
        for view in (index.home, index.home.sane(), course.view_after(index.home), course.view_after(course.start.home)):
            assert np.isfinite(view.sane()).all()
            assert min(view.sane().span) > 0
    first = course.at(0)
    np.testing.assert_array_equal(np.stack([first.x, first.y], axis=1), one[course.rows])
    assert course.ways(one, other).shape == (5, 6)
    assert course.ways(np.empty((0, 2)), np.empty((0, 2))).shape == (0, 6)


def test_no_rows_and_a_single_row_travel():
    nothing = np.empty((0, 2), np.float32)
    assert len(course_of(nothing, nothing).at(0.5)) == 0
    alone = course_of(np.array([[1, 2]], np.float32), np.array([[5, -2]], np.float32))
    for t in TIMES:
        index, done = alone.at(t), progress(t)[0]  # it is its own neighborhood
        assert (float(index.x[0]), float(index.y[0])) == pytest.approx((1 + 4 * done, 2 - 4 * done), abs=1e-5)


def test_what_neighbors_have_in_common_comes_first():
    one, _ = pair(1, 4000)
    turned = Similarity(((0.0, -1.0), (1.0, 0.0)), (3.0, 1.0)).apply(one)
    inside = np.random.default_rng(0).normal(size=one.shape).astype(np.float32) * 0.3
    course = course_of(one, turned + inside)
    early = course.at(0.35)
    come = np.stack([early.x, early.y], axis=1) - one[course.rows]
    along = np.median(np.linalg.norm(come, axis=1) / np.linalg.norm((turned - one)[course.rows], axis=1))
    assert along > 0.4, "at a third of the time, nearly half of what they share is done"
    still = come - progress(0.35)[0] * np.stack([course.lead_x, course.lead_y], axis=1)
    np.testing.assert_allclose(still, 0, atol=1e-5, err_msg="and nothing of the rest")


@given(st.lists(st.floats(-0.5, 1.5), min_size=2, max_size=30))
def test_time_goes_forward_only(times: list[float]):
    done = np.array([progress(t) for t in sorted(times)])
    assert (np.diff(done, axis=0) >= 0).all()
    assert (done >= 0).all()
    assert (done <= 1).all()
    np.testing.assert_allclose([progress(1 - t) for t in sorted(times)], 1 - done[:, ::-1], atol=1e-12)


def test_rows_start_and_stop_gently():
    assert progress(0) == (0, 0)
    assert progress(1) == (1, 1)
    step = 1e-4
    together, apart = (np.gradient([progress(t)[which] for t in np.arange(0, 1 + step / 2, step)], step) for which in (0, 1))
    for speed in (together, apart):
        assert abs(speed[0]) < 0.01
        assert abs(speed[-1]) < 0.01
        assert np.abs(np.diff(speed)).max() < 0.01, "no jump of speed"


def test_the_whole_map_stays_the_whole_map():
    one, other = pair(2, 4000)
    course = course_of(one, other * 3 + 100)
    home = course.start.home
    assert course.view_after(home) == course.end_home
    fitted = home.fitted(900, 300)
    after = course.view_after(fitted)
    assert after.center == pytest.approx(course.end_home.center)
    assert min(of / ours for of, ours in zip(after.span, course.end_home.span, strict=True)) == pytest.approx(1, rel=1e-6)
    wide = home.padded(1)
    assert course.view_after(wide).span == pytest.approx([3 * side for side in course.end_home.span])
    end = course_of(other * 3 + 100, one).start.home
    assert course.end_home == pytest.approx(end, rel=0.02), "as the second layout shows itself"


@pytest.mark.parametrize("t", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_the_whole_map_stays_the_whole_map_for_who_turns_around_on_the_way(t: float):
    one, other = pair(2, 4000)
    other = other * np.float32(3) + np.float32(100)
    course = course_of(one, other)
    first, last = course.start.home.fitted(900, 500), course.view_after(course.start.home.fitted(900, 500))
    seen = View(*(begin + (end - begin) * smooth(t) for begin, end in zip(first, last, strict=True))).fitted(900, 500)
    between = course.at(t)
    back = Course.between(between, lambda rows: one[rows])
    assert back.view_after(seen).fitted(900, 500).span == pytest.approx(back.end_home.fitted(900, 500).span, rel=0.25)
    assert back.view_after(seen).fitted(900, 500).span[0] >= back.end_home.fitted(900, 500).span[0]


def test_the_whole_map_goes_from_one_home_to_the_other():
    course = course_of(*pair(2, 400))
    first, last = course.start.home, course.end_home
    assert (course.home_at(0), course.home_at(1)) == (first, pytest.approx(last))
    assert course.home_at(0.5) == pytest.approx([(one + other) / 2 for one, other in zip(first, last, strict=True)])


def test_a_part_of_the_map_is_followed_where_its_rows_go():
    rng = np.random.default_rng(3)
    one = np.concatenate([rng.normal(size=(2000, 2)), rng.normal(size=(2000, 2)) + 20]).astype(np.float32)
    other = one + np.where(np.arange(4000)[:, None] < 2000, (100, 0), (0, 50)).astype(np.float32)
    course = course_of(one, other)
    view = View(18, 22, 18, 22)
    after = course.view_after(view)
    assert after.center == pytest.approx((20, 70), abs=0.5)
    assert after.span == pytest.approx(view.span, rel=0.05)
    other[2000:] += (one[2000:] - 20) * 9  # ten times as wide
    assert course_of(one, other).view_after(view).span == pytest.approx([4 * side for side in view.span]), "but not without end"
    empty = View(500, 510, 500, 510)
    assert course.view_after(empty) == empty


@given(st.tuples(*[st.floats(width=64)] * 4))
@pytest.mark.filterwarnings("error")
def test_any_view_can_be_looked_at_afterwards(numbers: tuple[float, float, float, float]):
    after = COURSE.view_after(View(*numbers))
    assert np.isfinite(after).all()
    assert min(after.span) > 0


COURSE = course_of(*pair(4, 500))
