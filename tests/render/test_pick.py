"""Picking a row from the row ids of a frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.render.pick import nearest_row


def ids(places, shape=(10, 12)):
    made = np.full(shape, -1, np.int32)
    for row, (line, column) in places.items():
        made[line, column] = row
    return made


@given(
    st.dictionaries(st.integers(0, 99), st.tuples(st.integers(0, 9), st.integers(0, 11)), max_size=8),
    st.floats(-5, 17),
    st.floats(-5, 15),
    st.floats(0.5, 8),
)
def test_the_nearest_row_within_the_radius_is_found(places, px, py, radius):
    made = ids(places)
    found = nearest_row(made, px, py, radius)
    lines, columns = np.nonzero(made >= 0)
    distances = np.hypot(columns + 0.5 - px, lines + 0.5 - py)
    if len(lines) and distances.min() <= radius - 1e-6:
        line, column = np.argwhere(made == found)[0]
        assert np.hypot(column + 0.5 - px, line + 0.5 - py) == pytest.approx(distances.min())
    elif not len(lines) or distances.min() > radius + 1:
        assert found == -1


def test_the_pointers_own_pixel_counts_at_any_radius():
    assert nearest_row(ids({7: (3, 4)}), 4.05, 3.05, 0.1) == 7


@pytest.mark.parametrize(("px", "py"), [(-100, 5), (5, 1e9), (np.nan, 5), (np.inf, 5)])
def test_a_place_outside_the_picture_has_no_row(px, py):
    assert nearest_row(ids({7: (3, 4)}), px, py, 5) == -1
