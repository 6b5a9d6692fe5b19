"""A layout on the map while the real compute process makes it: stopped, canceled, left, and never in anybody's way."""

from __future__ import annotations

import gc
import re
import time
import weakref
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from explorer.compute.alignment import align
from explorer.compute.projections import PCA, TSNE
from explorer.data.dataset import Dataset, open_dataset
from explorer.jobs.job import Job
from explorer.jobs.live import LiveLayout
from explorer.jobs.runner import Runner
from explorer.live_map import LiveMap
from explorer.plane import Plane
from explorer.render.frame import render
from explorer.runs import run_of
from explorer.scene import InProgress, Scene
from explorer.session import Session
from explorer.session_state import state_to_json
from explorer.store.store import Store
from explorer.turning import Turned, alike
from tests.conftest import Loop

N = 500
LEFT_OUT = (3, 400)
seeds = count(50_000)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000))
    yield made
    made.close()


@pytest.fixture
def session(loop: Loop, jobs: Runner) -> Iterator[Session]:
    made = Session(schedule=loop, jobs=jobs)
    yield made
    made.close()


def rows(*, places: bool = True) -> Dataset:
    """Three groups of rows that nobody has seen, two of them left out."""
    rng = np.random.default_rng(next(seeds))
    vectors = (rng.normal(size=(3, 6))[np.arange(N) % 3] * 3 + rng.normal(size=(N, 6))).astype(np.float32)
    vectors[list(LEFT_OUT)] = np.nan
    columns: dict[str, Any] = {
        "embedding": pa.FixedSizeListArray.from_arrays(vectors.ravel(), 6),
        "kind": np.array(["a", "b", "c"])[np.arange(N) % 3],
    }
    if places:
        flat = np.nan_to_num(vectors[:, :2]) * (-5, 5) + 30
        columns |= {"x": flat[:, 0].astype(np.float32), "y": flat[:, 1].astype(np.float32)}
    return open_dataset(pa.table(columns), name="Noise", color="kind")


@pytest.fixture
def watching(session: Session, loop: Loop) -> Callable[..., Dataset]:
    """Open rows, run a t-SNE of a minute, and wait until it is on the map."""

    def watch(n_components: int = 2, **options: Any) -> Dataset:
        dataset = rows(**options)
        session.open(dataset)
        loop.until(lambda: session.scene is not None and session.scene.dataset is dataset)
        session.run(TSNE(n_iter=10_000, seed=next(seeds), n_components=n_components))
        loop.until(lambda: session.planes[0].live is not None)
        return dataset

    return watch


def next_live(session: Session, loop: Loop) -> Scene:
    """Wait for another layout on the map."""
    before = session.planes[0].live
    loop.until(lambda: session.planes[0].live is not before)
    return session.planes[0].live


def test_a_layout_in_space_forms_as_it_looks_like_what_was_there_and_can_be_turned_in_the_end(
    session: Session, loop: Loop, watching: Callable[..., Dataset]
):
    watching(n_components=3)
    plane, before = session.planes[0], session.scene
    for _ in range(3):
        scene = next_live(session, loop)
    assert scene.told == {}
    every = np.arange(N)
    still = align(scene.shown.places(every), before.shown.places(every))
    assert abs(np.degrees(np.arctan2(still.matrix[1][0], still.matrix[0][0]))) < 20, "it is not turned"
    assert 0.5 < np.hypot(*still.matrix[0]) < 2, "it has the size of what was there, in whose view it is drawn"
    assert scene.shown.place(LEFT_OUT[0]) is None
    session.stop()
    loop.until(lambda: plane.live is None and isinstance(plane.scene.shown, Turned))
    assert plane.scene.shown.run.title.startswith("t-SNE, 3-D")
    found = alike(plane.scene.shown.layout.coordinates.astype(np.float64), before.shown.places(every).astype(np.float64))
    assert plane.scene.shown.camera.basis == pytest.approx(found.basis, abs=0.05)


def test_what_is_computed_is_on_the_map_as_it_forms_and_lies_like_what_was_there(
    session: Session, loop: Loop, watching: Callable[..., Dataset]
):
    watching()
    plane, before = session.planes[0], session.scene
    for _ in range(3):
        scene = next_live(session, loop)
    assert isinstance(scene.shown, InProgress)
    assert scene.shown.run.title.startswith("t-SNE, n_iter 10000")
    assert scene.coloring is before.coloring
    assert (session.scene, plane.scene) == (before, before), "what was there is there when it is over"
    index = scene.shown.index
    assert len(index) == N - len(LEFT_OUT)
    np.testing.assert_array_equal(scene.color.slots, scene.coloring.slots[index.rows])
    assert scene.shown.place(LEFT_OUT[0]) is None
    every = np.arange(N)
    still = align(scene.shown.places(every), before.shown.places(every))
    angle = np.degrees(np.arctan2(still.matrix[1][0], still.matrix[0][0]))
    assert abs(angle) < 20, "it is not turned"
    assert np.linalg.det(still.matrix) > 0, "nor mirrored"
    assert 0.5 < np.hypot(*still.matrix[0]) < 2
    assert render(scene.request(index.home, 60, 40, background="#ffffff")).rgba.std() > 5
    loop.until(lambda: "iteration" in session.detail)
    told = re.match(r"iteration ([\d,]+) of ([\d,]+)", session.detail)
    done, total = (int(number.replace(",", "")) for number in told.groups())
    assert done < total
    assert 10_000 < total <= 10_250, "those of the early exaggeration among them, which ends when it helps no more"


def two_maps(session: Session, loop: Loop) -> list[Plane]:
    dataset = rows()
    session.open(dataset)
    loop.until(lambda: session.scene is not None and session.scene.dataset is dataset)
    session.run_now(PCA())
    session.arrangement.n_maps = 2
    loop.until(lambda: session.planes[1].settled)
    return session.planes


def test_a_layout_comes_on_the_map_where_it_was_asked_for(session: Session, loop: Loop):
    first, second = two_maps(session, loop)
    on_first = first.run
    session.change_dimensions(second)
    assert session.running == "PCA"
    loop.until(lambda: second.settled and isinstance(second.scene.shown, Turned) and not session.running)
    assert (first.run, second.run.title) == (on_first, "PCA, 3-D")


def test_a_layout_forms_on_the_map_where_it_was_asked_for_and_on_the_first_once_that_is_gone(session: Session, loop: Loop):
    first, second = two_maps(session, loop)
    session.run(TSNE(n_iter=10_000, seed=next(seeds)), plane=second)
    loop.until(lambda: second.live is not None)
    assert first.live is None
    session.cancel()
    assert (second.live, session.running) == (None, "")
    session.run(TSNE(n_iter=10_000, seed=next(seeds)), plane=second)
    loop.until(lambda: second.live is not None)
    session.arrangement.n_maps = 1
    loop.until(lambda: first.live is not None)
    session.stop()
    loop.until(lambda: first.live is None and first.run.method == "tsne" and not session.running)


def test_colors_selection_and_filters_are_those_of_the_map(session: Session, loop: Loop, watching: Callable[..., Dataset]):
    watching()
    session.selection.apply(range(50))
    session.filters.put("few", "few", np.arange(N) < 200)
    session.appearance.color_by = None
    loop.until(lambda: session.planes[0].live.coloring.column is None and session.planes[0].live.selected is not None)
    scene = session.planes[0].live
    loop.until(lambda: session.planes[0].live.shown_rows is not None)
    scene = session.planes[0].live
    assert scene.n_shown == 200 - 1
    assert int(scene.selected.flags.sum()) == 50 - 1
    assert isinstance(session.planes[0].scene.shown, type(session.scene.shown))
    assert not isinstance(session.scene.shown, InProgress)


def test_stop_keeps_the_layout_as_it_is(session: Session, loop: Loop, watching: Callable[..., Dataset]):
    watching()
    plane = session.planes[0]
    loop.until(lambda: "iteration" in session.detail)
    finished: list[tuple[bool, bool]] = []
    plane.param.watch(lambda event: finished.append((event.new is None, isinstance(plane.scene.shown, InProgress))), ["live"])
    finished.clear()
    session.stop()
    loop.until(lambda: not session.running)
    assert finished[-1] == (True, False)
    assert session.error == ""
    title = session.scene.shown.run.title
    assert title.startswith("t-SNE, n_iter 10000, seed")
    assert "stopped at" in title
    assert title in [run.title for run in session.runs]
    assert plane.live is None
    assert len(session.scene.shown.index) == N - len(LEFT_OUT)
    first = next(run for run in session.runs if run.given is not None)
    session.show(first)
    loop.until(lambda: session.scene.shown.run == first)
    session.show(next(run for run in session.runs if run.title == title))
    loop.until(lambda: session.scene.shown.run.title == title)


def test_how_far_rows_moved_is_measured_of_a_layout_that_formed_on_the_map(session: Session, loop: Loop, watching: Callable[..., Dataset]):
    watching()
    plane, before = session.planes[0], session.scene.shown.run
    assert plane.passage is None
    session.stop()
    loop.until(lambda: not session.running)
    after = session.scene.shown.run
    assert plane.passage == (before, after)
    loop.until(lambda: f"moved: {before.title} → {after.title}" in session.columns)
    session.show(before)
    loop.until(lambda: session.scene.shown.run == before)
    assert plane.passage == (after, before)


def test_cancel_shows_what_was_there_before(session: Session, loop: Loop, watching: Callable[..., Dataset]):
    watching()
    plane, before, runs = session.planes[0], session.scene, list(session.runs)
    session.cancel()
    assert (plane.live, session.scene, session.running, session.detail) == (None, before, "", "")
    time.sleep(0.3)
    loop.run()
    assert (plane.live, session.runs, session.error) == (None, runs, "")


def test_another_computation_takes_the_place_of_the_first(session: Session, loop: Loop, watching: Callable[..., Dataset]):
    watching()
    first = session.planes[0].live.shown.run
    session.run(TSNE(n_iter=10_000, seed=next(seeds)))
    assert session.planes[0].live is None
    loop.until(lambda: session.planes[0].live is not None)
    assert session.planes[0].live.shown.run != first
    session.run(PCA())
    loop.until(lambda: not session.running)
    assert session.scene.shown.run.title == "PCA"
    assert session.planes[0].live is None


def test_another_layout_can_be_looked_at_meanwhile(session: Session, loop: Loop, watching: Callable[..., Dataset]):
    watching()
    plane = session.planes[0]
    session.run(PCA())
    loop.until(lambda: not session.running)
    session.run(TSNE(n_iter=10_000, seed=next(seeds)))
    loop.until(lambda: plane.live is not None)
    session.show_next()
    wanted = plane.run
    loop.until(lambda: session.scene.shown.run == wanted)
    time.sleep(0.4)
    loop.run()
    assert plane.live is None
    assert session.running, "it goes on"
    session.stop()
    loop.until(lambda: not session.running)
    assert "stopped at" in session.scene.shown.run.title
    assert session.error == ""


def test_another_dataset_ends_it(session: Session, loop: Loop, watching: Callable[..., Dataset]):
    watching()
    scenes: list[Scene] = []
    other = rows()
    session.planes[0].param.watch(lambda event: scenes.append(event.new), ["live"])
    session.open(other)
    loop.until(lambda: session.scene.dataset is other)
    time.sleep(0.3)
    loop.run()
    assert session.planes[0].live is None
    assert not [scene for scene in scenes[-1:] if scene is not None]
    assert (session.running, session.error) == ("", "")


def test_the_first_layout_of_all_is_not_waited_for(session: Session, loop: Loop):
    dataset = rows(places=False)
    session.open(dataset)
    loop.until(lambda: session.running == "PCA")
    session.run(TSNE(n_iter=300, seed=next(seeds)))  # before anything is on the map
    loop.until(lambda: session.scene is not None)
    assert session.scene.shown.layout.method == "tsne"
    assert (session.planes[0].live, session.error) == (None, "")


def test_a_session_with_a_live_map_is_written(session: Session, watching: Callable[..., Dataset]):
    watching()
    assert state_to_json(session)["maps"] == [session.scene.shown.run.title]


@pytest.mark.parametrize("how", ["close", "cancel and close"])
def test_a_session_that_is_closed_while_it_watches_is_forgotten(loop: Loop, jobs: Runner, how: str):
    session = Session(schedule=loop, jobs=jobs)
    session.open(rows())
    loop.until(lambda: session.scene is not None)
    session.run(TSNE(n_iter=10_000, seed=next(seeds)))
    loop.until(lambda: session.planes[0].live is not None)
    refs = [weakref.ref(made) for made in (session, session.planes[0], session.planes[0].live, session.scene, session.dataset)]
    if how != "close":
        session.cancel()
        assert session._live is None
    session.close()
    session = None
    end = time.monotonic() + 30
    while any(ref() is not None for ref in refs):
        assert time.monotonic() < end, [type(ref()).__name__ for ref in refs if ref() is not None]
        loop.run()
        gc.collect()
        time.sleep(0.02)


def test_nothing_is_put_on_the_map_after_the_end(session: Session, loop: Loop, watching: Callable[..., Dataset]):
    watching()
    live: list[object] = []
    session.run(TSNE(n_iter=400, seed=next(seeds)))
    loop.until(lambda: session.planes[0].live is not None)
    loop.until(lambda: not session.running)
    session.planes[0].param.watch(lambda event: live.append(event.new), ["live"])
    time.sleep(0.3)
    loop.run()
    assert not live
    assert session.planes[0].live is None
    assert session.scene.shown.layout.method == "tsne"


def test_rows_that_are_nowhere_for_a_while_do_not_mix_up_the_colors(session: Session, loop: Loop, jobs: Runner):
    dataset = rows()
    session.open(dataset)
    loop.until(lambda: session.scene is not None)
    live = LiveMap(session, session.planes[0], run_of("tsne", TSNE().settings()), Job("t-SNE", lambda _: None))
    places = np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32)
    for missing in (slice(0, 50), slice(0, 0), slice(100, 150), slice(0, N)):
        coordinates = places.copy()
        coordinates[missing] = np.nan
        scene = live._scene(LiveLayout(1, coordinates, "t-SNE", 1, 10, None), session.scene)
        rows_there = scene.shown.index.rows
        assert len(rows_there) == np.isfinite(coordinates[:, 0]).sum()
        np.testing.assert_array_equal(scene.color.slots, session.scene.coloring.slots[rows_there])
        np.testing.assert_allclose(scene.shown.places(rows_there), np.stack([scene.shown.index.x, scene.shown.index.y], axis=1))
