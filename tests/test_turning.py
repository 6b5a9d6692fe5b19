"""Layouts of three dimensions and more on a map: where rows are seen, turning, going to two dimensions and back."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer import turning as turning_module
from explorer.address import address_of, differing, encoded, restore
from explorer.compute.projections import PCA, UMAP, Layout
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.layout_table import layout_dataset
from explorer.dimensions import counterpart
from explorer.errors import BadParameter, BadState
from explorer.journey import OnTheWay
from explorer.render.camera import Camera
from explorer.render.cloud import Cloud
from explorer.render.color import ByCategory, ByNumber, RowMask
from explorer.render.layout_index import LayoutIndex
from explorer.runs import dimensions_of, run_of
from explorer.scene import Run, Scene, Shown
from explorer.session import Session
from explorer.session_state import state_from_json, state_to_json
from explorer.turning import Pose, Solid, Turned, alike, turning
from tests.conftest import Loop

N = 400


def points(d: int = 3, *, seed: int = 0, n: int = N) -> NDArray[np.float32]:
    """Rows that vary less along each further dimension, so that there is one way to look at them."""
    return (np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(3, 1, d)).astype(np.float32)


def turned(coordinates: NDArray[np.float32], camera: Camera | None = None) -> Turned:
    return Turned.of(Run("Space", None, {}, 0), Layout(coordinates, "given", {}), Solid(Cloud.build(coordinates)), camera)


@pytest.fixture
def dataset() -> Dataset:
    """The same rows in two dimensions, in three and in six; the first of them is not in the others."""
    space, many = points(3), points(6, seed=1)
    space[0], many[0] = np.nan, np.nan
    names = pd.DataFrame({"kind": np.array(["a", "b"])[np.arange(N) % 2], "size": np.linspace(0, 1, N)})
    components = Layout(many, "pca", PCA(n_components=6).settings())
    return layout_dataset([("flat", points(2)), ("space", space), ("many", components)], data=names, color="kind", name="Rows")


@pytest.fixture
def session(loop: Loop, dataset: Dataset) -> Session:
    made = Session(schedule=loop)
    made.open_now(dataset)
    return made


def run_named(session: Session, title: str) -> Run:
    return next(run for run in session.runs if run.title == title)


def show(session: Session, loop: Loop, title: str) -> Scene:
    plane = session.planes[0]
    plane.stage(run_named(session, title), session.dataset)
    loop.until(lambda: plane.settled and plane.scene.title == title)
    scene: Scene = plane.scene
    return scene


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 7), st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 0.9), st.integers(0, 9))
def test_single_rows_are_where_the_picture_has_them(d: int, dx: float, dy: float, perspective: float, seed: int):
    coordinates = points(d, seed=seed, n=60)
    coordinates[seed] = np.nan
    seen = turned(coordinates, Camera.facing(d, perspective).dragged(dx, dy))
    assert seed not in seen.index.rows
    assert seen.places(seen.index.rows) == pytest.approx(np.stack([seen.index.x, seen.index.y], axis=1), abs=1e-4)
    assert seen.place(seed) is None
    assert seen.in_space(1 - seed % 2) == pytest.approx(coordinates[1 - seed % 2].tolist(), nan_ok=True)


def test_colors_are_brought_into_order_once_however_often_it_turns(session: Session, loop: Loop):
    scene = show(session, loop, "space")
    assert isinstance(scene.shown, Turned)
    camera = scene.shown.camera.dragged(0.4, -0.3)
    session.planes[0].turn(camera)
    loop.until(lambda: session.scene.shown is not scene.shown)
    assert session.scene.shown.camera == camera
    assert session.scene.color is scene.color
    assert session.scene.normalization is scene.normalization
    assert session.scene.home == scene.home, "the map keeps its size while it turns"


def test_while_it_turns_a_sample_stands_for_all_rows(session: Session, loop: Loop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turning_module, "_MOVING_ROWS", 100)
    chosen = np.arange(N) < 50
    session.selection.apply(chosen, mode="replace", made_by="a test")
    session.filters.put("few", "few", np.arange(N) < 300)
    scene = show(session, loop, "space")
    camera = Camera.facing(3).dragged(1.0, 0.2)
    seen = turning(scene, camera)
    rows = seen.shown.index.rows
    assert seen.stands_for == 4
    assert len(rows) == 100
    assert len(seen.shown.depths) == 100
    assert isinstance(seen.color, ByCategory)
    assert isinstance(seen.selected, RowMask)
    assert isinstance(seen.shown_rows, RowMask)
    assert (seen.selected.flags == chosen[rows]).all()
    assert (seen.shown_rows.flags == (rows < 300)).all()
    kinds = scene.color.slots[np.argsort(scene.shown.index.rows)]
    assert (seen.color.slots == kinds[rows - 1]).all(), "the first row is not in this layout"
    assert turning(scene, camera.spun(0.1)).color is seen.color, "thinned once"
    session.appearance.color_by = "size"
    loop.until(lambda: isinstance(session.scene.color, ByNumber))
    assert len(turning(session.scene, camera).color.values) == 100


def test_a_browser_says_how_it_sees_what_is_on_the_map_and_nothing_else():
    flat_camera = Camera.facing(5)
    seen = turned(points(5))
    wanted = flat_camera.dragged(0.3, 0.4)
    asked = seen.camera_of(Pose(seen.solid.number, wanted.numbers()))
    assert asked.basis == pytest.approx(wanted.basis, abs=1e-4)
    assert seen.camera_of(Pose(seen.solid.number, seen.camera.numbers())) is seen.camera
    assert seen.camera_of(Pose(seen.solid.number + 1, wanted.numbers())) is None, "it means another layout"
    with pytest.raises(BadParameter, match="numbers"):
        seen.camera_of(Pose(seen.solid.number, (0.4, 1.0)))
    space = turned(points(3))
    with pytest.raises(BadParameter, match="tour"):
        space.camera_of(Pose(space.solid.number, tour=1.0))


def test_a_tour_begins_where_the_map_stands_and_goes_on_where_it_was():
    seen = turned(points(6))
    number = seen.solid.number
    assert seen.camera_of(Pose(number, tour=3.0, lead=0.0)) == seen.camera
    there = seen.camera_of(Pose(number, tour=3.0))
    assert there.basis == pytest.approx(seen.solid.tour.at(3.0).basis)
    assert there.perspective == seen.camera.perspective
    later = seen.camera_of(Pose(number, tour=3.05))
    assert 0 < np.abs(later.basis - there.basis).max() < 0.2


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 6), st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 99))
def test_it_is_seen_as_another_layout_lies(d: int, dx: float, dy: float, seed: int):
    numbers = np.random.default_rng(seed)
    own = numbers.normal(size=(300, d))
    own = np.linalg.svd(own - own.mean(axis=0), full_matrices=False)[0] * 10  # as wide in each direction
    before = Camera.facing(d).dragged(dx, dy)
    other = 7 * own @ before.basis[:2].T + (100.0, -50.0)
    other[:5] = np.nan
    found = alike(own, other)
    assert found.basis[:2] == pytest.approx(before.basis[:2], abs=0.02)
    assert alike(own, np.full((300, 2), np.nan)) == Camera.facing(d)


def test_points_in_a_plane_have_a_third_direction_too():
    flat = np.zeros((50, 5))
    flat[:, :2] = np.random.default_rng(0).normal(size=(50, 2))
    basis = alike(flat, flat[:, :2]).basis
    assert basis @ basis.T == pytest.approx(np.eye(3))


def test_rows_travel_from_two_dimensions_to_three_and_back(session: Session, loop: Loop):
    plane = session.planes[0]
    show(session, loop, "flat")
    session.change_dimensions(plane)
    loop.until(lambda: plane.journey is not None and plane.settled and isinstance(plane.scene.shown, Turned))
    there, journey = plane.scene.shown, plane.journey
    assert (journey.start.run.title, journey.goal.run.title) == ("flat", "space")
    rows = np.arange(1, 50)
    assert journey.standing(1.0).places(rows) == pytest.approx(there.places(rows), abs=1e-4)
    assert journey.course.end_home == there.index.home
    arrived = journey.standing(1.0)
    assert dict(zip(arrived.index.rows, arrived.nearness, strict=True)) == pytest.approx(
        dict(zip(there.index.rows, there.nearness, strict=True)), abs=1e-4
    )
    assert (journey.standing(0.0).nearness == 0.5).all(), "a flat map has no depth"
    assert np.isnan(journey.standing(0.5).places(np.array([0]))).any(), "it is not in both"
    plane.turn(there.camera.dragged(0.5, 0.5))
    loop.until(lambda: plane.journey is None)
    turned_on = plane.scene.shown
    further = turned_on.camera.spun(0.2)
    plane.face(turned_on.solid.number, further)  # a browser turns it at this moment
    session.change_dimensions(plane)
    loop.until(lambda: plane.journey is not None and plane.settled and plane.scene.title == "flat")
    assert plane.journey.start.camera == further
    assert not isinstance(plane.scene.shown, Turned | OnTheWay)
    session.change_dimensions(plane)
    loop.until(lambda: plane.settled and plane.scene.title == "space")
    assert plane.scene.shown.camera == turned_on.camera, "it is seen as it stood last"


def test_how_it_is_seen_is_kept_in_json_and_in_an_address(session: Session, loop: Loop, dataset: Dataset):
    show(session, loop, "many")
    camera = Camera.facing(6, 0.0).dragged(0.3, 1.0)
    session.planes[0].turn(camera)
    loop.until(lambda: session.scene.shown.camera == camera)
    kept = json.loads(json.dumps(state_to_json(session)))
    text = address_of(differing(session)(), None).text
    assert kept["cameras"] == [list(camera.numbers())]
    other = Session(schedule=loop)
    other.open_now(dataset)
    state_from_json(other, kept)
    loop.until(lambda: other.scene.title == "many")
    assert other.scene.shown.camera.basis == pytest.approx(camera.basis, abs=1e-4)
    third = Session(schedule=loop)
    third.open_now(dataset)
    restore(third, text)
    loop.until(lambda: third.scene.title == "many")
    assert third.scene.shown.camera.basis == pytest.approx(camera.basis, abs=1e-4)
    kept["cameras"] = [list(Camera.facing(6).numbers())]
    state_from_json(third, kept)
    loop.until(lambda: third.scene.shown.camera.basis == pytest.approx(np.eye(3, 6)))
    with pytest.raises(BadState, match="camera"):
        state_from_json(third, {**kept, "cameras": [[0.4, 1.0]]})
    loop.run()
    assert third.scene.title == "many"


def test_a_place_on_the_way_from_a_turned_layout_is_kept_in_an_address(session: Session, loop: Loop, dataset: Dataset):
    show(session, loop, "space")
    plane, camera = session.planes[0], Camera.facing(3).dragged(0.3, 1.0)
    plane.turn(camera)
    loop.until(lambda: plane.scene.shown.camera == camera)
    plane.journey_between(run_named(session, "space"), run_named(session, "flat"), dataset)
    loop.until(lambda: plane.journey is not None and plane.settled)
    plane.at = 0.5
    plane.hold(0.5)
    loop.until(lambda: isinstance(plane.scene.shown, OnTheWay))
    other = Session(schedule=loop)
    other.open_now(dataset)
    restore(other, address_of(differing(session)(), None).text)
    loop.until(lambda: other.planes[0].journey is not None and other.planes[0].settled)
    assert other.planes[0].at == 0.5
    assert other.planes[0].journey.start.camera.basis == pytest.approx(plane.journey.start.camera.basis, abs=1e-4)
    assert not other.error, "both layouts are there"
    state = differing(session)()
    restore(other, encoded({**state, "ways": [{**state["ways"][0], "to": "gone"}]}))
    assert other.error.startswith("gone has not been computed on this machine")


def test_an_exported_picture_shows_it_as_it_is_seen_at_this_moment(session: Session, loop: Loop):
    scene = show(session, loop, "space")
    assert session.planes[0].as_seen()().shown is scene.shown
    camera = scene.shown.camera.spun(1.0)
    session.planes[0].face(scene.shown.solid.number, camera)
    see = session.planes[0].as_seen()
    session.planes[0].face(scene.shown.solid.number, camera.spun(1.0))
    assert see().shown.camera == camera


def test_layouts_of_more_dimensions_are_shared_by_who_looks_at_them(session: Session, loop: Loop, dataset: Dataset):
    scene = show(session, loop, "space")
    other = Session(schedule=loop)
    other.open_now(dataset)
    plane = other.planes[0]
    plane.stage(run_named(other, "space"), dataset)
    loop.until(lambda: plane.settled and plane.scene.title == "space")
    assert plane.scene.shown.solid is scene.shown.solid
    assert plane.scene.color is scene.color


def test_what_a_map_is_in_other_dimensions(dataset: Dataset):
    vectors = open_dataset(np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32))
    flat, space = run_of("umap", UMAP(seed=3).settings()), run_of("umap", UMAP(seed=3, n_components=3).settings())
    other, many = run_of("umap", UMAP(n_components=3).settings()), run_of("pca", PCA(n_components=9).settings())
    assert [dimensions_of(vectors, run) for run in (flat, space, many)] == [2, 3, 9]
    assert counterpart(flat, [flat, other, space], vectors).run == space
    assert counterpart(space, [other, flat], vectors).run == flat
    asked = counterpart(flat, [flat, other, many], vectors)
    assert asked.run is None
    assert asked.projection.settings() == space.settings
    assert asked.sentence == "Compute UMAP in 3-D and show it"
    back = counterpart(many, [many], vectors)
    assert back.projection.settings() == PCA().settings()
    third = counterpart(run_of("pca", PCA(x=2, y=5).settings()), [], vectors)
    assert third.projection.settings() == PCA(n_components=3).settings()
    unknown, in_space = Run("flat", None, {}, 0), Run("space", None, {}, 1)
    assert counterpart(unknown, [unknown, in_space], dataset).run == in_space
    alone = counterpart(unknown, [unknown], dataset)
    assert alone.run is None
    assert alone.projection is None
    assert "without vectors" in alone.sentence


def test_a_map_that_has_no_other_dimensions_says_so(loop: Loop):
    session = Session(schedule=loop)
    session.open_now(layout_dataset([("flat", points(2))]))
    session.change_dimensions(session.planes[0])
    assert "without vectors" in session.error


def test_flat_layouts_are_indexed_as_ever(session: Session, loop: Loop):
    scene = show(session, loop, "flat")
    assert type(scene.shown) is Shown
    assert isinstance(scene.shown.index, LayoutIndex)
    assert scene.shown.told == {}
    assert scene.shown.in_space(3) == []
    assert session.planes[0].camera is None
