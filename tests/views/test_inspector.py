from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.data.dataset import Dataset, open_dataset
from explorer.session import Session
from explorer.views.inspector import Inspector


@pytest.fixture
def pointed() -> list[int | None]:
    return []


@pytest.fixture
def inspector(session: Session, loop: Any, toolkit: Any, pointed: list[int | None]) -> Inspector:
    return Inspector(session, toolkit, later=loop, on_point=pointed.append)


def content(inspector: Inspector) -> dict[str, Any]:
    json.dumps(inspector.component.content)  # it goes to a browser
    return inspector.component.content


def test_before_anything_is_clicked_it_says_what_to_do(inspector: Inspector, opened: Callable[..., Dataset]):
    opened()
    assert list(content(inspector)) == ["hint"]
    assert not inspector._controls.visible


def test_a_clicked_row_and_its_true_neighbors(inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any):
    data = opened()
    session.inspection.row = 3
    assert content(inspector)["source"] == "Looking for its nearest neighbors …"
    loop.until(lambda: session.neighbors is not None)
    shown = content(inspector)
    assert shown["card"]["title"] == "word 3"
    assert shown["source"] == "Nearest in the original 5-dimensional space, cosine distance (exact search)"
    assert [near["row"] for near in shown["neighbors"]] == session.neighbors.rows.tolist()
    assert [near["label"] for near in shown["neighbors"]] == [f"word {row}" for row in session.neighbors.rows]
    assert [near["color"] for near in shown["neighbors"]] == [session.scene.coloring.color_of(row) for row in session.neighbors.rows]
    assert all(type(near["row"]) is int for near in shown["neighbors"])
    assert data.color == "kind"


def test_controls_set_how_many_and_by_which_distance_and_follow(
    inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any
):
    opened()
    session.inspection.row = 3
    k, metric = inspector._controls
    k.value = 4
    metric.value = "euclidean"
    loop.until(lambda: session.neighbors is not None and session.neighbors.metric == "euclidean")
    assert len(content(inspector)["neighbors"]) == 4
    session.inspection.param.update(k=7, metric="cosine")
    assert (k.value, metric.value) == (7, "cosine")
    loop.until(lambda: len(content(inspector).get("neighbors", [])) == 7)


def test_two_values_set_quickly_end_with_the_last(inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any):
    opened()
    k = inspector._controls[0]
    k.value = 4
    k.value = 5
    loop.run()
    assert (session.inspection.k, k.value) == (5, 5)


def test_a_neighbor_is_looked_at_and_pointed_at(
    inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any, pointed: list[int | None]
):
    opened()
    for row in (5, None):
        inspector.component._handle_msg({"type": "point", "row": row})
    inspector.component._handle_msg({"type": "look", "row": 5})
    assert session.inspection.row is None  # not before the loop turns
    loop.run()
    assert pointed == [5, None]
    assert session.inspection.row == 5


@pytest.mark.parametrize(
    "message",
    [
        None,
        7,
        [],
        {},
        {"type": "look"},
        {"type": "look", "row": None},
        {"type": "look", "row": "5"},
        {"type": "look", "row": 5.0},
        {"type": "look", "row": True},
        {"type": "look", "row": -1},
        {"type": "look", "row": {"row": 5}},
        {"type": "look", "row": float("nan")},
        {"type": "open", "row": 5},
        {"type": {}, "row": 5},
        {"type": "point", "row": "5"},
    ],
    ids=str,
)
def test_nonsense_from_a_browser_looks_at_nothing(
    inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any, message: Any, pointed: list[int | None]
):
    opened()
    inspector.component._handle_msg(message)
    loop.run()
    assert (session.inspection.row, session.error, pointed) == (None, "", [])


@pytest.mark.parametrize("row", [40, 10**9, 10**30])
def test_a_row_that_is_not_there_breaks_nothing(
    inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any, row: int
):
    opened()
    inspector.component._handle_msg({"type": "look", "row": row})
    inspector.component._handle_msg({"type": "point", "row": row})
    loop.run()
    assert session.inspection.row is None
    assert f"There is no row {row}" in session.error
    inspector.component._handle_msg({"type": "look", "row": 39})
    loop.until(lambda: session.neighbors is not None)
    assert content(inspector)["card"]["title"] == "word 39"


def test_markup_stays_text(inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any):
    evil = "<img src=x onerror=alert(1)>"
    opened(word=[f"{evil} {i}" for i in range(40)])
    session.inspection.row = 3
    loop.until(lambda: session.neighbors is not None)
    assert content(inspector)["card"]["title"] == f"{evil} 3"
    assert content(inspector)["neighbors"][0]["label"].startswith(evil)


def test_why_a_row_has_no_neighbors(inspector: Inspector, session: Session, loop: Any, make_table: Callable[..., Any]):
    places = open_dataset(make_table().drop_columns("embedding"), name="Places")
    vectors = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    vectors[4] = 0
    hollow = open_dataset(make_table().drop_columns("embedding"), vectors=vectors, name="Hollow")
    for data, said in ((places, "coordinates only"), (hollow, "all zero or not finite")):
        session.open(data)
        loop.until(lambda data=data: session.scene is not None and session.scene.dataset is data)
        session.inspection.row = 4
        loop.run()
        assert said in content(inspector)["source"]
        assert "neighbors" not in content(inspector)


@pytest.mark.parametrize(
    ("recall", "said"),
    [(1.0, "(neighbor graph)"), (float("nan"), "(neighbor graph)"), (0.9876, "(neighbor graph, 98.8% of true neighbors found)")],
)
def test_neighbors_from_a_graph_say_how_true_they_are(
    inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any, recall: float, said: str
):
    opened()
    session.inspection.row = 3
    loop.until(lambda: session.neighbors is not None)
    session.neighbors = session.neighbors._replace(found_by="graph", recall=recall)
    assert content(inspector)["source"].endswith(said)


def test_neighbors_are_described_once_for_as_long_as_their_colors_stay(
    inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any
):
    opened()
    session.inspection.row = 3
    loop.until(lambda: session.neighbors is not None)
    before, scene = content(inspector)["neighbors"], session.scene
    session.selection.apply([1, 2])
    loop.until(lambda: session.scene is not scene)
    assert content(inspector)["neighbors"] is before
    session.appearance.color_by = None
    loop.until(lambda: session.scene.coloring is not scene.coloring)
    assert [near["color"] for near in content(inspector)["neighbors"]] != [near["color"] for near in before]


def test_large_images_of_many_neighbors_are_not_all_sent(inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any):
    opened(image=[b"\x89PNG\r\n\x1a\n" + bytes(200_000)] * 40)
    session.inspection.param.update(row=3, k=20)
    loop.until(lambda: session.neighbors is not None)
    shown = content(inspector)
    assert shown["card"]["image"]
    assert [bool(near["image"]) for near in shown["neighbors"]] == [True] * 4 + [False] * 16


def test_what_the_map_kept_lost_and_added(inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any):
    opened()
    session.inspection.row = 3
    loop.until(lambda: inspector.component.maps)
    made, (shown,) = session.inquiry.on_maps[session.planes[0]], inspector.component.maps
    json.dumps(shown, allow_nan=False)
    assert shown["title"] == session.scene.shown.run.title
    assert shown["kept"] == made.kept.tolist()
    assert shown["ranks"] == made.ranks.tolist()
    assert [near["row"] for near in shown["falses"]] == made.false.tolist()
    session.inspection.row = 4
    loop.until(lambda: session.neighbors is not None and session.neighbors.row == 4)
    assert inspector.component.maps == [] or inspector.component.maps[0] is not shown


def test_rows_like_some_are_listed(inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any):
    opened()
    inspector.component._handle_msg({"type": "give", "row": 3, "side": "liked"})
    inspector.component._handle_msg({"type": "give", "row": 4, "side": "disliked"})
    loop.until(lambda: inspector.component.tray.get("found"))
    tray = inspector.component.tray
    json.dumps(tray, allow_nan=False)
    assert (tray["liked"], tray["disliked"]) == ([{"row": 3, "label": "word 3"}], [{"row": 4, "label": "word 4"}])
    assert [near["row"] for near in tray["found"]] == session.inquiry.alike.rows.tolist()
    inspector.component._handle_msg({"type": "select", "what": "alike", "mode": "replace"})
    loop.run()
    assert session.selection.count == 10
    inspector.component._handle_msg({"type": "forget"})
    loop.run()
    assert inspector.component.tray == {}


def test_neighbors_are_selected_and_the_way_back_is_gone(inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any):
    opened()
    for row in (3, 4):
        inspector.component._handle_msg({"type": "look", "row": row})
    loop.until(lambda: session.neighbors is not None and session.neighbors.row == 4)
    inspector.component._handle_msg({"type": "select", "what": "neighbors", "mode": "add"})
    loop.run()
    assert session.selection.count == 11
    assert inspector.component.ways == {"can_go_back": True, "can_go_forward": False}
    inspector.component._handle_msg({"type": "back"})
    loop.run()
    assert session.inspection.row == 3
    inspector.component._handle_msg({"type": "forward"})
    loop.run()
    assert session.inspection.row == 4


@pytest.mark.parametrize(
    "message",
    [
        {"type": "give", "row": 3},
        {"type": "give", "row": 3, "side": "loved"},
        {"type": "give", "side": "liked"},
        {"type": "select", "what": "neighbors"},
        {"type": "select", "what": "neighbors", "mode": {}},
        {"type": "select", "what": "everything", "mode": "add"},
        {"type": "back"},
        {"type": "forward"},
    ],
    ids=str,
)
def test_more_nonsense_does_nothing(inspector: Inspector, opened: Callable[..., Dataset], session: Session, loop: Any, message: Any):
    opened()
    inspector.component._handle_msg(message)
    loop.run()
    assert (session.inspection.row, session.inspection.liked, session.selection.count, session.error) == (None, [], 0, "")
