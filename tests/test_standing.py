"""Where the maps stand is undone like everything else: layouts, the way between two, how they are seen, and what of them."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer import standing as standing_module
from explorer.render.view import View
from explorer.scene import Run
from explorer.session import Session
from explorer.session_state import state_from_json, state_to_json
from explorer.standing import stand_of
from tests.conftest import Loop

seeds = count(5000)


@pytest.fixture
def session(loop: Loop) -> Session:
    made = Session(schedule=loop)
    places = np.random.default_rng(next(seeds)).normal(size=(50, 7)).astype(np.float32)
    frame = pd.DataFrame(places, columns=["umap_1", "umap_2", "tsne_1", "tsne_2", "pca_1", "pca_2", "pca_3"])
    made.open(frame.assign(kind=["a", "b"] * 25), color="kind")
    loop.until(lambda: made.scene is not None)
    assert not made.history.can_undo, "nobody has done anything"
    return made


def run_named(session: Session, title: str) -> Run:
    return next(run for run in session.runs if run.title == title)


def settle(session: Session, loop: Loop) -> None:
    loop.until(lambda: all(plane.settled and plane._leaving != plane._staged for plane in session.planes))


def show(session: Session, loop: Loop, title: str) -> None:
    session.show(run_named(session, title))
    loop.until(lambda: session.scene.shown.run.title == title)
    settle(session, loop)
    session.planes[0].at = 1.0


def test_the_layout_that_was_shown_before_is_travelled_back_to(session: Session, loop: Loop):
    plane = session.planes[0]
    first = plane.run.title
    others = [run.title for run in session.runs if run.title != first]
    plane.viewport.view = (-1.0, 1.0, -0.5, 0.5)
    show(session, loop, others[0])
    plane.viewport.view = None
    assert session.history.undoes == f"show {others[0]}"
    session.show(run_named(session, others[0]))
    assert session.history.undoes == f"show {others[0]}", "it is there already"
    show(session, loop, others[1])
    session.history.undo()
    loop.until(lambda: session.scene.shown.run.title == others[0])
    settle(session, loop)
    assert (plane.journey.goal.run.title, plane.plays, plane.heading) == (others[0], True, ())
    plane.at = 1.0
    session.history.undo()
    loop.until(lambda: session.scene.shown.run.title == first)
    assert plane.heading == View(-1, 1, -0.5, 0.5), "it leads to the part that was looked at there"
    assert plane.viewport.view == (-1.0, 1.0, -0.5, 0.5)
    assert not session.history.can_undo
    assert session.history.redoes == f"show {others[0]}"
    settle(session, loop)
    session.history.redo()
    loop.until(lambda: session.scene.shown.run.title == others[0])


def test_the_maps_that_there_were_come_back_with_what_they_showed(session: Session, loop: Loop):
    session.arrangement.n_maps = 3
    loop.until(lambda: all(plane.scene is not None for plane in session.planes))
    settle(session, loop)
    before = [stand_of(plane) for plane in session.planes]
    session.planes[2].viewport.view = (0.0, 1.0, 0.0, 1.0)
    session.arrangement.n_maps = 1
    assert session.history.undoes == "one map"
    session.history.undo()
    loop.until(lambda: len(session.planes) == 3 and all(plane.scene is not None for plane in session.planes))
    settle(session, loop)
    assert [stand_of(plane).run for plane in session.planes] == [stand.run for stand in before]
    assert session.planes[2].viewport.view == (0.0, 1.0, 0.0, 1.0)
    session.history.undo()
    assert session.arrangement.n_maps == 1
    assert not session.history.can_undo


def test_the_place_on_the_way_between_two_layouts_is_told_to_the_browser(session: Session, loop: Loop):
    plane, told = session.planes[0], []
    start, goal = (run for run in session.runs if run.title in ("umap", "tsne"))
    plane.journey_between(start, goal, session.dataset)
    loop.until(lambda: plane.journey is not None)
    settle(session, loop)
    plane.param.watch(lambda event: told.append(event.new), ["called"])
    for t in (0.25, 0.75):
        session.standing.note_hand("way", f"at {t}")
        session.standing._at -= 60  # a minute ago
        plane.hold(t)
        loop.until(lambda t=t: getattr(session.scene.shown, "t", None) == t)
        settle(session, loop)
    session.history.undo()
    assert told == [0.25]
    plane.called = None
    plane.hold(0.25)  # as the browser says when it is there
    loop.until(lambda: session.scene.shown.t == 0.25)
    settle(session, loop)
    session.history.undo()
    assert told == [0.25, None, 0.0]
    plane.called = None
    show(session, loop, "pca")
    session.history.undo()
    loop.until(lambda: plane.journey is not None and plane.journey.goal.run == goal)
    assert (plane.journey.start.run, plane.at) == (start, 0.25), "it is on the way again"


def test_how_a_layout_of_three_dimensions_was_seen_is_undone(session: Session, loop: Loop):
    plane = session.planes[0]
    show(session, loop, "pca")
    camera = session.scene.shown.camera
    session.standing.note_hand("turn", "turn the map")
    plane.turn(camera.dragged(0.5, 0.2))
    settle(session, loop)
    assert session.scene.shown.camera != camera
    session.history.undo()
    settle(session, loop)
    assert session.scene.shown.camera.numbers() == pytest.approx(camera.numbers(), abs=1e-4)
    session.history.redo()
    settle(session, loop)
    assert session.scene.shown.camera.numbers() == pytest.approx(camera.dragged(0.5, 0.2).numbers(), abs=1e-4)


def test_what_a_hand_does_within_a_second_is_one_step_and_other_things_are_others(session: Session, monkeypatch: pytest.MonkeyPatch):
    clock, steps = [100.0], []
    monkeypatch.setattr(standing_module, "monotonic", lambda: clock[0])
    hand = session.standing.note_hand
    for seconds, act in [
        (0.0, lambda: hand("look", "zoom")),
        (0.5, lambda: hand("look", "move the map")),  # the same step
        (0.1, lambda: hand("turn", "turn the map")),
        (5.0, lambda: hand("turn", "turn the map")),
        (0.1, lambda: session.standing.note("show the whole map")),
        (0.1, lambda: hand("turn", "turn the map")),
        (0.1, lambda: session.selection.apply([1])),
        (0.1, lambda: hand("turn", "turn the map")),
    ]:
        clock[0] += seconds
        act()
    while session.history.can_undo:
        steps.append(session.history.undoes)
        session.history.undo()
    turn = "turn the map"
    assert steps[::-1] == ["move the map", turn, turn, "show the whole map", turn, "select by Python", turn]


def test_a_bookmark_brings_its_maps_and_is_undone_with_them(session: Session, loop: Loop):
    first = session.planes[0].run.title
    kept: dict[str, Any] = dict(state_to_json(session))
    other = next(run.title for run in session.runs if run.title != first)
    show(session, loop, other)
    session.history.clear()
    session.planes[0].viewport.view = (0.0, 2.0, 0.0, 1.0)
    state_from_json(session, kept)
    loop.until(lambda: session.scene.shown.run.title == first)
    settle(session, loop)
    assert session.planes[0].viewport.view is None
    session.history.undo()
    loop.until(lambda: session.scene.shown.run.title == other)
    assert session.planes[0].viewport.view == (0.0, 2.0, 0.0, 1.0)
    assert not session.history.can_undo


def test_a_clicked_row_is_undone_and_one_that_is_none_lets_go_of_nothing_for_good(session: Session):
    session.inspection.row = 3
    assert session.history.undoes == "look at row 3"
    session.inspection.row = 999
    assert session.inspection.row is None
    session.history.undo()
    assert session.inspection.row == 3
    session.history.undo()
    assert session.inspection.row is None
    assert not session.history.can_undo
