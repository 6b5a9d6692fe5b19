"""Several maps of one session: each its own layout, all the same colors, selection and filters."""

from __future__ import annotations

import gc
import json
import time
import weakref
from itertools import count, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.compute.alignment import IDENTITY
from explorer.compute.projections import Layout
from explorer.journey import OnTheWay
from explorer.plane import Plane
from explorer.scene import Run, Shown
from explorer.session import Session
from explorer.session_state import state_from_json, state_to_json
from explorer.views.status import status_text
from tests.conftest import Loop

seeds = count(1000)


@pytest.fixture
def session(loop: Loop) -> Session:
    made = Session(schedule=loop)
    places = np.random.default_rng(next(seeds)).normal(size=(50, 6)).astype(np.float32)
    frame = pd.DataFrame(places, columns=["umap_1", "umap_2", "tsne_1", "tsne_2", "pca_1", "pca_2"])
    made.open(frame.assign(kind=["a", "b"] * 25), color="kind")
    loop.until(lambda: made.scene is not None)
    return made


def titles(session: Session) -> list[str | None]:
    return [None if plane.run is None else plane.run.title for plane in session.planes]


def test_each_further_map_begins_with_a_layout_that_no_other_shows(session: Session, loop: Loop):
    session.arrangement.n_maps = 3
    loop.until(lambda: all(plane.scene is not None for plane in session.planes))
    assert sorted(map(str, titles(session))) == sorted(run.title for run in session.runs)
    assert session.planes[0].scene is session.scene
    assert len({id(plane.scene.coloring) for plane in session.planes}) == 1, "the same colors, always"
    first = session.planes[0]
    session.arrangement.n_maps = 1
    assert session.planes == [first]


def test_selection_and_filters_are_on_every_map(session: Session, loop: Loop):
    session.arrangement.n_maps = 2
    loop.until(lambda: session.planes[1].scene is not None)
    session.selection.apply([1, 2, 3])
    passing = np.arange(50) < 40
    session.filters.put("few", "few", passing)
    loop.until(lambda: all(plane.scene.passing is passing and plane.scene.selected is not None for plane in session.planes))
    for plane in session.planes:
        assert plane.scene.n_shown == 40
        assert plane.scene.shown_mask is passing
    session.history.undo()
    loop.until(lambda: all(plane.scene.shown_mask is None for plane in session.planes))
    assert session.selection.count == 3


def test_hidden_categories_and_filters_are_both_left_out(session: Session, loop: Loop):
    session.filters.put("few", "few", np.arange(50) < 40)
    session.appearance.hidden = {"kind": ["b"]}
    loop.until(lambda: session.scene.n_shown == 20)
    session.filters.clear()
    loop.until(lambda: session.scene.n_shown == 25)


def test_another_dataset_empties_the_maps_and_the_filters(session: Session, loop: Loop):
    session.arrangement.n_maps = 2
    loop.until(lambda: session.planes[1].scene is not None)
    session.filters.put("few", "few", np.arange(50) < 40)
    session.open(pd.DataFrame({"x": np.arange(30.0), "y": np.arange(30.0)}))
    loop.until(lambda: session.dataset.n_rows == 30 and session.scene.dataset is session.dataset)
    assert session.scene.n_shown == 30
    assert session.planes[1].scene is None, "there is one layout only"
    assert not session.history.can_undo


# -- from one layout to another


def between(session: Session, loop: Loop, goal: str = "tsne", t: float = 0.5) -> Plane:
    """Have the first map stand on its way to a layout."""
    plane = session.planes[0]
    session.show(run_named(session, goal))
    loop.until(lambda: plane.journey is not None and plane.run.title == goal)
    plane.at = t
    plane.hold(t)
    loop.until(lambda: isinstance(plane.scene.shown, OnTheWay))
    return plane


def run_named(session: Session, title: str) -> Run:
    return next(run for run in session.runs if run.title == title)


def settled(session: Session, loop: Loop) -> None:
    """Wait until every thread has answered, and nothing more is asked."""
    plane = session.planes[0]
    loop.until(lambda: plane._taken == plane._staged and isinstance(plane.wanted, Shown))


def test_rows_travel_to_another_layout_and_the_map_is_there_at_once(session: Session, loop: Loop):
    plane, first = session.planes[0], session.scene
    session.show(run_named(session, "tsne"))
    loop.until(lambda: session.scene is not first)
    journey = plane.journey
    assert (journey.start, journey.goal.run.title, plane.plays) == (first.shown, "tsne", True)
    assert session.scene.shown.run.title == "tsne"
    assert session.scene.shown.frame == journey.goal.frame != IDENTITY
    assert journey.goal_normalization is session.scene.normalization
    np.testing.assert_allclose(journey.standing(1).places(np.arange(50)), session.scene.shown.places(np.arange(50)), atol=1e-5)
    session.show(first.shown.run)
    loop.until(lambda: session.scene.shown is first.shown)
    assert plane.journey is not journey


def test_what_is_on_the_map_already_is_no_journey(session: Session, loop: Loop):
    session.show(session.runs[0])
    settled(session, loop)
    assert session.planes[0].journey is None


@pytest.mark.parametrize("seen", [0.0, 0.4, 1.0])
def test_of_ten_quick_toggles_the_last_one_wins_and_nothing_is_kept_of_the_others(session: Session, loop: Loop, seen: float):
    plane, kept = session.planes[0], []
    titles = [run.title for run in session.runs]
    plane.param.watch(lambda event: kept.append(weakref.ref(event.new)) if event.new is not None else None, ["journey"])
    for press in range(10):
        session.show_next()
        assert plane.run.title == titles[(press + 1) % 3]
        if press in (1, 4, 6):
            loop.until(lambda: plane.journey is not None)  # here the way was found before the next press
            plane.at = seen  # and a browser is somewhere on it
    settled(session, loop)
    assert (session.error, plane.run.title, session.scene.shown.run.title) == ("", titles[1], titles[1])
    assert plane.journey.goal.run.title == titles[1]
    plane.at = 1.0
    plane.arrive()
    session.show(run_named(session, titles[0]))
    settled(session, loop)
    gc.collect()
    assert [ref() for ref in kept if ref() is not None] in ([], [plane.journey])


def test_a_toggle_on_the_way_begins_where_rows_are(session: Session, loop: Loop):
    plane, rows = session.planes[0], np.arange(50)
    session.show(run_named(session, "tsne"))
    loop.until(lambda: session.scene.shown.run.title == "tsne")
    plane.at = 0.6
    here = plane.journey.standing(0.6).places(rows)
    session.show(run_named(session, "pca"))
    loop.until(lambda: session.scene.shown.run.title == "pca")
    np.testing.assert_allclose(plane.journey.standing(0).places(rows), here, atol=1e-5)
    plane.arrive()
    assert plane.journey is None, "the way from there is not taken again"


def test_a_toggle_before_a_browser_has_seen_the_first_begins_where_the_first_began(session: Session, loop: Loop):
    plane, rows, first = session.planes[0], np.arange(50), session.scene.shown
    session.show(run_named(session, "tsne"))
    loop.until(lambda: session.scene.shown.run.title == "tsne")
    session.show(run_named(session, "pca"))
    loop.until(lambda: session.scene.shown.run.title == "pca")
    np.testing.assert_allclose(plane.journey.standing(0).places(rows), first.places(rows), atol=1e-5)


def test_between_two_layouts_the_map_is_described_by_both(session: Session, loop: Loop):
    start = session.scene.shown.run.title
    plane = between(session, loop)
    assert [run.title for run in plane.layouts] == [start, "tsne"]
    assert session.describe_maps()().count("\n\n") == 1
    session.show(run_named(session, "tsne"))
    settled(session, loop)
    assert [run.title for run in plane.layouts] == ["tsne"]


def test_back_to_where_it_came_from_in_the_middle(session: Session, loop: Loop):
    plane, first = session.planes[0], session.scene.shown
    session.show(run_named(session, "tsne"))
    loop.until(lambda: session.scene.shown.run.title == "tsne")
    plane.at = 0.3
    session.show(first.run)
    settled(session, loop)
    assert session.scene.shown is first
    assert isinstance(plane.journey.start, OnTheWay)


def test_the_map_can_be_put_anywhere_between_two_layouts(session: Session, loop: Loop):
    plane, dataset = session.planes[0], session.dataset
    plane.journey_between(run_named(session, "pca"), run_named(session, "tsne"), dataset)
    loop.until(lambda: plane.journey is not None)
    assert (session.scene.shown.run.title, plane.plays) == ("pca", False)
    for t, title in [
        (0.25, "pca → tsne, 25%"),
        (0.75, "pca → tsne, 75%"),
        (1.0, "tsne"),
        (0.5, "pca → tsne, 50%"),
        (0.0, "pca"),
        (-3, "pca"),
    ]:
        plane.hold(t)
        loop.until(lambda title=title: session.scene.shown.run.title == title)
        settled(session, loop)
        assert plane.journey.goal.run.title == "tsne"
        assert session.scene.n_shown == 50
        assert status_text(session).startswith(f"50 of 50 rows · {title}")
    assert session.error == ""


def test_the_last_place_that_was_asked_for_is_held(session: Session, loop: Loop):
    plane = between(session, loop)
    for places, title in [
        ((0.2, 0.4, 0.6), "umap → tsne, 60%"),
        ((0.3, 0.0), "umap"),
        ((0.3, 1.0), "tsne"),
        ((1.0, 0.7), "umap → tsne, 70%"),
    ]:
        for t in places:
            plane.hold(t)
        settled(session, loop)
        assert session.scene.shown.run.title == title


def test_a_layout_that_is_chosen_wins_over_a_place_that_is_held_a_moment_later(session: Session, loop: Loop):
    plane = between(session, loop)
    session.show(run_named(session, "pca"))
    plane.hold(0.5)  # what a browser says that has not heard of it yet
    plane.hold(1.0)
    settled(session, loop)
    assert session.scene.shown.run.title == "pca"
    assert session.error == ""


def test_a_held_place_is_left_by_a_toggle(session: Session, loop: Loop):
    plane, rows = between(session, loop, t=0.45), np.arange(50)
    here = session.scene.shown.places(rows)
    session.show(run_named(session, "pca"))
    loop.until(lambda: session.scene.shown.run.title == "pca")
    np.testing.assert_allclose(plane.journey.standing(0).places(rows), here, atol=1e-5)
    session.show_next()
    settled(session, loop)
    assert session.scene.shown.run in session.runs


def test_a_held_place_keeps_up_with_what_is_set(session: Session, loop: Loop):
    plane = between(session, loop)
    shown = session.scene.shown
    session.appearance.color_by = None
    session.selection.apply([1, 2, 3])
    session.filters.put("few", "few", np.arange(50) < 40)
    session.appearance.density = "linear"
    loop.until(lambda: session.scene.n_shown == 40 and session.scene.normalization.how == "linear")
    settled(session, loop)
    assert session.scene.shown is shown
    assert (session.scene.coloring.column, int(session.scene.selected.flags.sum())) == (None, 3)
    assert plane.journey is not None
    moving = plane.journey.scene_at(0.2, session.scene)
    assert moving.n_shown == 40
    session.appearance.color_by = "kind"
    plane.hold(0.7)
    loop.until(lambda: session.scene.shown.t == 0.7)
    settled(session, loop)
    assert session.scene.coloring.column == "kind"
    assert session.scene.n_shown == 40


def test_what_is_set_while_rows_travel_stops_nothing(session: Session, loop: Loop):
    plane = session.planes[0]
    session.show(run_named(session, "tsne"))
    loop.until(lambda: session.scene.shown.run.title == "tsne")
    journey = plane.journey
    plane.at = 0.5
    session.appearance.color_by = None
    session.selection.apply([4])
    loop.until(lambda: session.scene.selected is not None)
    settled(session, loop)
    assert plane.journey is journey
    assert session.scene.shown.run.title == "tsne"
    assert journey.scene_at(0.5, session.scene).selected is not None


def test_a_session_on_the_way_is_written_and_read(session: Session, loop: Loop):
    between(session, loop)
    session.selection.apply([1, 2])
    state = json.loads(json.dumps(state_to_json(session)))
    session.selection.clear()
    state_from_json(session, state)
    settled(session, loop)
    assert session.selection.count == 2
    assert session.error == ""


def test_the_place_between_two_layouts_is_written_and_read(session: Session, loop: Loop):
    plane = between(session, loop)
    plane.at = 0.4
    state = json.loads(json.dumps(state_to_json(session)))
    (way,) = state["ways"]
    assert way == {"from": plane.journey.start.run.title, "to": plane.journey.goal.run.title, "at": 0.4}
    session.show(run_named(session, way["to"]))
    settled(session, loop)
    before = plane.journey
    state_from_json(session, state)
    loop.until(lambda: plane.journey is not None and plane.journey is not before)
    assert (plane.at, plane.plays, plane.journey.goal.run.title) == (0.4, False, way["to"])


def test_another_dataset_in_the_middle_ends_the_journey(session: Session, loop: Loop):
    plane = between(session, loop, goal="umap" if session.scene.shown.run.title != "umap" else "tsne")
    old = weakref.ref(plane.journey)
    frame = pd.DataFrame(np.random.default_rng(next(seeds)).normal(size=(30, 4)), columns=["tsne_1", "tsne_2", "umap_1", "umap_2"])
    session.open(frame)
    loop.until(lambda: session.dataset.n_rows == 30)
    plane.hold(0.3)  # what a browser says that has not heard of it yet
    plane.hold(1.0)
    loop.until(lambda: session.scene.dataset is session.dataset)
    settled(session, loop)
    assert (plane.journey, session.error, session.scene.n_shown) == (None, "", 30)
    gc.collect()
    assert old() is None


@pytest.mark.parametrize("goal", ["umap", "tsne"])
def test_a_dataset_with_layouts_of_the_same_names_is_another_one(session: Session, loop: Loop, goal: str):
    plane = session.planes[0]
    session.show(run_named(session, "tsne"))
    loop.until(lambda: session.scene.shown.run.title == "tsne")
    session.show(run_named(session, goal))
    settled(session, loop)
    plane.at = 0.3
    frame = pd.DataFrame(
        np.random.default_rng(next(seeds)).normal(size=(30, 6)), columns=[f"{m}_{i}" for m in ("umap", "tsne", "pca") for i in (1, 2)]
    )
    session.open(frame)
    loop.until(lambda: session.scene.dataset is session.dataset and session.dataset.n_rows == 30)
    settled(session, loop)
    assert plane.journey is None, "no row of the one travels to a place of the other"
    session.show(session.scene.shown.run)
    settled(session, loop)
    assert plane.journey is None
    session.show_next()
    loop.until(lambda: plane.journey is not None)
    assert plane.journey.start.index.n_rows == 30


def test_a_layout_of_other_rows_is_refused_with_a_sentence(session: Session, loop: Loop, monkeypatch: pytest.MonkeyPatch):
    plane, first = session.planes[0], session.scene

    def load(*_: object) -> Layout:
        return Layout(np.zeros((49, 2), np.float32), "tsne", {})

    monkeypatch.setattr("explorer.staging.load", load)
    session.show(run_named(session, "tsne"))
    loop.until(lambda: session.error)
    assert "49" in session.error
    assert "50" in session.error
    assert (session.scene, plane.journey, plane.run) == (first, None, first.shown.run)
    session.error = ""
    plane.journey_between(first.shown.run, run_named(session, "tsne"), session.dataset)
    loop.until(lambda: session.error)
    assert session.scene.shown is first.shown


def test_a_layout_that_is_gone_is_said_to_be_gone(session: Session, loop: Loop, monkeypatch: pytest.MonkeyPatch):
    plane, first = session.planes[0], session.scene
    monkeypatch.setattr("explorer.staging.load", lambda *_: None)
    for ask in (
        lambda: session.show(run_named(session, "tsne")),
        lambda: plane.journey_between(first.shown.run, run_named(session, "pca"), session.dataset),
    ):
        ask()
        loop.until(lambda: session.error)
        assert session.error == "This layout is no longer in the store. Run it again."
        assert plane.run == first.shown.run
        session.error = ""
    session.appearance.color_by = None
    loop.until(lambda: session.scene.coloring.column is None)


def test_constant_layouts_and_rows_that_are_nowhere_are_traveled(loop: Loop):
    session = Session(schedule=loop)
    places = np.random.default_rng(next(seeds)).normal(size=(50, 8)).astype(np.float32)
    places[:, 2:4] = 1.0
    places[:30, 4] = np.nan
    places[:, 6:] = np.nan
    places[0, 6:] = 0.0
    session.open(pd.DataFrame(places, columns=["umap_1", "umap_2", "tsne_1", "tsne_2", "pca_1", "pca_2", "x", "y"]))
    loop.until(lambda: session.scene is not None)
    plane, n = session.planes[0], {"umap": 50, "tsne": 50, "pca": 20, "x, y": 1}
    for start, goal in permutations(session.runs, 2):
        session.show(start)
        settled(session, loop)
        plane.at = 1.0  # a browser has seen all of it
        session.show(goal)
        settled(session, loop)
        plane.hold(0.4)
        settled(session, loop)
        assert session.error == ""
        assert session.scene.n_shown == np.isfinite(places[:, [2 * list(n).index(run.title) for run in (start, goal)]]).all(axis=1).sum()
        plane.hold(1.0)
        settled(session, loop)
        plane.at = 1.0
        assert session.scene.n_shown == n[goal.title]
    session.close()


@pytest.mark.parametrize("when", ["asked", "on the way", "held"])
def test_a_session_that_is_closed_in_the_middle_is_forgotten(loop: Loop, when: str):
    session = Session(schedule=loop)
    places = np.random.default_rng(next(seeds)).normal(size=(50, 4)).astype(np.float32)
    session.open(pd.DataFrame(places, columns=["umap_1", "umap_2", "tsne_1", "tsne_2"]))
    loop.until(lambda: session.scene is not None)
    if when == "held":
        between(session, loop)
        session.planes[0].hold(0.6)
    else:
        session.show_next()
        if when == "on the way":
            loop.until(lambda: session.planes[0].journey is not None)
            session.planes[0].at = 0.5
            session.show_next()
    refs = [weakref.ref(made) for made in (session, session.planes[0], session.planes[0].journey, session.scene) if made is not None]
    session.close()
    session = None
    end = time.monotonic() + 20
    while any(ref() is not None for ref in refs):
        assert time.monotonic() < end, [type(ref()).__name__ for ref in refs if ref() is not None]
        loop.run()
        gc.collect()
        time.sleep(0.01)


actions = st.one_of(
    st.tuples(st.just("show"), st.integers(0, 2)),
    st.tuples(st.just("hold"), st.sampled_from([0.0, 0.2, 0.5, 1.0])),
    st.tuples(st.just("at"), st.sampled_from([0.0, 0.3, 0.7, 1.0])),
    st.tuples(st.just("between"), st.permutations([0, 1, 2])),
    st.tuples(st.sampled_from(["next", "color", "select", "arrive", "wait", "some"]), st.none()),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(actions, max_size=12), st.integers(0, 2))
def test_whatever_is_asked_for_the_last_layout_that_is_chosen_is_shown(session: Session, loop: Loop, asked: list, last: int):
    plane = session.planes[0]
    for kind, value in asked:
        if kind == "show":
            session.show(session.runs[value])
        elif kind == "next":
            session.show_next()
        elif kind == "hold":
            plane.hold(value)
        elif kind == "at":
            plane.at = value
        elif kind == "between":
            plane.journey_between(session.runs[value[0]], session.runs[value[1]], session.dataset)
        elif kind == "color":
            session.appearance.color_by = None if session.appearance.color_by else "kind"
        elif kind == "select":
            session.selection.apply([len(asked)])
        elif kind == "arrive":
            plane.arrive()
        elif kind == "wait":
            settled(session, loop)
        else:
            loop.run()
    session.show(session.runs[last])
    settled(session, loop)
    assert session.error == ""
    assert (session.scene.shown.run, plane.run) == (session.runs[last], session.runs[last])
    assert session.scene.coloring.column == session.appearance.color_by
    assert plane.journey is None or plane.journey.goal.run == session.runs[last] or plane.journey.start is session.scene.shown
