"""Labels of a picture: none lies over another, none is cut off, and the first ones have their place first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.render.label_places import APART, GAP, Box, place_labels

BOX = st.builds(
    Box, st.floats(-50, 950), st.floats(-50, 750), st.floats(1, 220), st.floats(8, 24), st.integers(0, 30)
)  # fmt: skip


@given(st.lists(BOX, max_size=60))
def test_no_two_overlap_none_is_cut_off_and_whoever_has_no_place_has_a_reason(asking: list[Box]):
    placed = place_labels(asking, 900, 700)
    assert [at for at, *_ in placed] == sorted(at for at, *_ in placed)
    edges = []
    for at, x, y in placed:
        box = asking[at]
        assert x - box.width / 2 >= 0
        assert x + box.width / 2 <= 900
        assert y - box.height / 2 >= 0
        assert y + box.height / 2 <= 700
        edges.append((x - box.width / 2, x + box.width / 2, y - box.height / 2, y + box.height / 2))
    for at, one in enumerate(edges):
        for other in edges[:at]:
            apart = max(one[0] - other[1], other[0] - one[1], one[2] - other[3], other[2] - one[3])
            assert apart >= min(GAP) - 1e-6
    for at, box in enumerate(asking):
        if at in {each for each, *_ in placed} or not (0 <= box.x <= 900 and 0 <= box.y <= 700):
            continue
        before = [(asking[other], x, y) for other, x, y in placed if other < at]
        x = min(max(box.x, box.width / 2 + 4), 900 - box.width / 2 - 4)
        y = min(max(box.y, box.height / 2 + 4), 700 - box.height / 2 - 4)
        assert any(_in_the_way(box, x, y, *other) for other in before)


def _in_the_way(box: Box, x: float, y: float, other: Box, other_x: float, other_y: float) -> bool:
    right, down = abs(x - other_x), abs(y - other_y)
    wide, high = (box.width + other.width) / 2 + 2 * GAP[0], (box.height + other.height) / 2 + 2 * GAP[1]
    return (right < wide + 1e-6 and down < high + 1e-6) or (box.group == other.group and right**2 + down**2 < APART**2)


def test_a_group_is_named_again_only_far_from_where_it_is_named():
    boxes = [Box(100, 100, 60, 16, "a"), Box(200, 200, 60, 16, "a"), Box(600, 100, 60, 16, "a"), Box(200, 200, 60, 16, "b")]
    assert [at for at, *_ in place_labels(boxes, 900, 700)] == [0, 2, 3]


def test_what_is_wider_than_the_map_is_not_written():
    assert place_labels([Box(50, 50, 120, 16, 0)], 100, 100) == []
