"""What a browser is told and sent while it turns a layout of three dimensions."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer.compute.projection import Layout
from explorer.compute.projections import PCA
from explorer.data.layout_table import layout_dataset
from explorer.render.camera import Camera
from explorer.session import Session
from explorer.turning import Turned
from explorer.views.map import Map
from tests.views.test_map import DRAW, NAN, Shown

N = 200
WIDE: dict[str, Any] = {**DRAW, "x0": -6.0, "x1": 6.0, "y0": -4.0, "y1": 4.0, "width": 300, "height": 200, "ratio": 1.0}


@pytest.fixture
def shown(session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """A map of a layout in space, with a browser that has its picture."""
    made = Shown(Map(session, later=loop), [])
    monkeypatch.setattr(made.map.layer, "_send_msg", made.sent.append)
    space = np.random.default_rng(3).normal(size=(N, 3)).astype(np.float32)
    session.open_now(layout_dataset([("space", space), ("flat", space[:, :2])], data=pd.DataFrame({"at": np.arange(N)}), color="at"))
    session.planes[0].stage_now(next(run for run in session.runs if run.title == "space"), session.dataset)
    loop.run()
    made.say(WIDE)
    loop.until(lambda: made.head.get("id") == 1)
    return made


def pose(shown: Shown, camera: Camera, **more: Any) -> dict[str, Any]:
    return {**WIDE, "solid": shown.map.layer.turn["solid"], "camera": list(camera.numbers()), **more}


def test_pictures_follow_the_camera_of_the_browser_and_the_map_stands_where_it_rests(shown: Shown, loop: Any, session: Session):
    told, before = shown.map.layer.turn, session.scene
    assert told["dims"] == 3
    assert shown.head["camera"] == told["camera"]
    camera = Camera.facing(3).dragged(0.7, 0.1)
    shown.say(pose(shown, camera, id=2, moving=True))
    loop.until(lambda: shown.head["id"] == 2)
    assert shown.head["moving"]
    assert shown.head["camera"] == pytest.approx(camera.numbers(), abs=1e-4)
    assert session.scene is before, "nothing is prepared while it turns"
    assert session.planes[0].camera.numbers() == pytest.approx(camera.numbers(), abs=1e-4)
    shown.say(pose(shown, camera, id=3))
    loop.until(lambda: shown.head["id"] == 3)
    assert not shown.head["moving"]
    assert shown.head["camera"] == pytest.approx(camera.numbers(), abs=1e-4)
    assert session.scene.shown.camera.basis == pytest.approx(camera.basis, abs=1e-4)
    assert shown.map.layer.turn["camera"] == shown.head["camera"]
    assert shown.map.layer.home == pytest.approx(list(before.home))


def heads(shown: Shown) -> list[list[dict[str, Any]]]:
    """The headers of the pictures that were sent, by message."""
    messages = [message["pictures"] for message in shown.sent if message["type"] == "pictures"]
    return [[json.loads(one[2 : 2 + int.from_bytes(one[:2], "big")]) for one in pictures] for pictures in messages]


def test_pictures_that_are_asked_for_together_come_together_each_by_its_camera(shown: Shown, loop: Any, session: Session):
    cameras = [Camera.facing(3).spun(0.1 * step) for step in range(1, 4)]
    then = [{"id": 3 + step, "camera": list(camera.numbers())} for step, camera in enumerate(cameras[1:])]
    shown.say(pose(shown, cameras[0], id=2, moving=True, then=then))
    loop.until(lambda: shown.head["id"] == 4)
    strip = heads(shown)[-1]
    assert [head["id"] for head in strip] == [2, 3, 4]
    for head, camera in zip(strip, cameras, strict=True):
        assert head["moving"]
        assert head["camera"] == pytest.approx(camera.numbers(), abs=1e-4)
    seen_first = session.planes[0].camera
    assert seen_first.numbers() == pytest.approx(cameras[0].numbers(), abs=1e-4), "what a link says is not ahead of what is seen"


def test_a_tour_is_asked_for_ahead_by_its_seconds(shown: Shown, loop: Any, session: Session):
    rows = np.random.default_rng(4).normal(size=(N, 5)).astype(np.float32)
    components = Layout(rows, "pca", PCA(n_components=5).settings())
    session.open_now(layout_dataset([("far", components)], data=pd.DataFrame({"at": np.arange(N)}), color="at"))
    loop.until(lambda: shown.map.layer.turn.get("dims") == 5)
    tour = [{"tour": seconds, "lead": 1} for seconds in (2.0, 2.1, 2.2)]
    then = [{"id": 12 + step, **each} for step, each in enumerate(tour[1:])]
    shown.say({**WIDE, "solid": shown.map.layer.turn["solid"], "id": 11, "moving": True, **tour[0], "then": then})
    loop.until(lambda: shown.head["id"] == 13)
    for head, each in zip(heads(shown)[-1], tour, strict=True):
        assert head["camera"] == pytest.approx(session.scene.shown.solid.tour.at(each["tour"]).numbers(), abs=1e-4)


def test_what_was_asked_for_ahead_is_not_drawn_for_one_who_has_stopped(shown: Shown, loop: Any, monkeypatch: pytest.MonkeyPatch):
    began, go_on = Event(), Event()
    monkeypatch.setattr("explorer.views.map._drawers", one_thread := ThreadPoolExecutor(1))
    one_thread.submit(lambda: (began.set(), go_on.wait()))
    began.wait()
    camera = Camera.facing(3).spun(0.1)
    ahead = list(camera.spun(0.1).numbers())
    shown.say(pose(shown, camera, id=2, moving=True, then=[{"id": 3, "camera": ahead}]))
    shown.say(pose(shown, camera.spun(0.2), id=4, moving=True, then=[{"id": 5, "camera": ahead}]))
    shown.say(pose(shown, camera, id=6))
    go_on.set()
    loop.until(lambda: shown.head["id"] == 6)
    one_thread.shutdown()
    assert [head["id"] for strip in heads(shown) for head in strip] == [1, 6]
    assert shown.head["camera"] == pytest.approx(camera.numbers(), abs=1e-4)


def test_a_tap_waits_for_the_picture_of_how_it_is_seen_now(shown: Shown, loop: Any, session: Session):
    camera = Camera.facing(3).dragged(0.7, 0.1)
    shown.say(pose(shown, camera, id=2, moving=True))
    loop.until(lambda: shown.head["id"] == 2)
    turned = session.scene.shown.facing(session.planes[0].camera)
    nearest = int(turned.index.rows[np.argmax(turned.depths)])
    x, y = turned.place(nearest)
    shown.say({"type": "tap", "client": "one", "x": x, "y": y})
    loop.run()
    assert session.inspection.row is None
    shown.say(pose(shown, camera, id=3))
    loop.until(lambda: session.inspection.row is not None)
    found = turned.place(session.inspection.row)
    assert np.hypot(found[0] - x, found[1] - y) < 0.4, "a row within a few pixels"


def test_marks_say_where_they_are_in_space(shown: Shown, loop: Any, session: Session):
    session.inspection.row = 7
    loop.until(lambda: shown.map.layer.marks)
    mark = shown.map.layer.marks[0]
    coordinates = session.scene.shown.layout.coordinates[7]
    assert mark["at"] == pytest.approx(coordinates.tolist())
    session.point(9)
    ring = next(message for message in reversed(shown.sent) if message["type"] == "ring")
    assert len(ring["at"]) == 3


def test_the_depth_cue_is_turned_off_by_the_browser_for_all_maps(shown: Shown, loop: Any, session: Session):
    shown.say({"type": "depth_cue", "client": "one", "on": False})
    loop.until(lambda: not session.scene.depth_cue)
    assert shown.map.layer.turn["depth_cue"] is False


def test_a_browser_asks_for_two_dimensions_and_hears_what_there_is(shown: Shown, loop: Any, session: Session):
    assert shown.map.layer.turn["other"] == "Show a map in 2-D: flat"
    shown.say({"type": "dimensions", "client": "one"})
    loop.until(lambda: session.scene.title == "flat" and session.planes[0].settled)
    assert shown.map.layer.turn == {"dims": 2, "other": "Show a map in 3-D: space", "possible": True}
    assert not isinstance(session.scene.shown, Turned)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"then": [{"camera": [0.4, 1]}]},
        {"then": 1},
        {"camera": [0.4, 1]},
        {"camera": [NAN] * 7},
        {"camera": [0.4] * 7},
        {"camera": "x"},
        {"camera": 3},
        {"tour": 1},
        {"solid": NAN},
    ],
)
def test_a_camera_that_makes_no_sense_is_left_out(nonsense: dict[str, Any], shown: Shown, loop: Any, session: Session):
    before = session.scene
    shown.say({**pose(shown, Camera.facing(3), id=2, moving=True), **nonsense})
    loop.run()
    shown.say({**WIDE, "id": 3})
    loop.until(lambda: shown.head["id"] == 3)
    assert session.scene is before
