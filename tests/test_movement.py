"""How far rows moved, as columns: measured in a thread after a map came to rest, once, and there for everybody who has the dataset open."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer import movement
from explorer.aligning import aligned
from explorer.compute.displacement import displacement
from explorer.compute.projections import Layout
from explorer.data.dataset import Dataset, GivenGraph, open_dataset
from explorer.data.export import rows_table
from explorer.jobs.runner import Runner
from explorer.movement import moved
from explorer.query.conditions import matching
from explorer.session import Session
from explorer.session_state import state_from_json, state_to_json
from explorer.store.store import Store
from tests.conftest import Loop

N = 60
COLUMN = "moved: umap → tsne"


def rows(**columns: Any) -> Dataset:
    """Three layouts of rows in two heaps; in the second, row 0 has gone to the other heap, and row 1 is on the first map only."""
    numbers = np.random.default_rng(4)
    umap = numbers.normal(size=(N, 2)) + np.where(np.arange(N) < N // 2, -10, 10)[:, None]
    tsne = umap @ [[0.0, 3.0], [-3.0, 0.0]] + [5, 5]
    tsne[0] = tsne[N - 1]
    tsne[1] = np.nan
    pca = numbers.normal(size=(N, 2))
    coordinates = np.column_stack([umap, tsne, pca]).astype(np.float32)
    frame = pd.DataFrame(coordinates, columns=["umap_1", "umap_2", "tsne_1", "tsne_2", "pca_1", "pca_2"])
    return open_dataset(frame.assign(kind=["a", "b"] * (N // 2), score=np.linspace(0, 1, N), **columns), color="kind")


@pytest.fixture
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=100))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movement, "_REST_S", 0.02)


@pytest.fixture
def session(loop: Loop, jobs: Runner) -> Iterator[Session]:
    made = Session(schedule=loop, jobs=jobs)
    show(made, loop, rows())
    yield made
    made.close()


def show(session: Session, loop: Loop, dataset: Dataset) -> None:
    session.open(dataset)
    loop.until(lambda: session.scene is not None and session.scene.dataset is dataset)


def run(session: Session, name: str) -> Any:
    return next(run for run in session.runs if run.title == name)


def go(session: Session, loop: Loop, name: str) -> None:
    session.show(run(session, name))
    loop.until(lambda: session.scene.shown.run.title == name)
    session.planes[0].at = 1.0  # as a browser says that has seen it
    session.planes[0].arrive()


def test_a_row_that_left_its_neighbors_moved_and_its_neighbors_did_not(jobs: Runner):
    dataset = rows()
    umap, tsne = (Layout(layout.coordinates, "given", {}) for layout in dataset.layouts[:2])
    values = moved(dataset, umap, tsne, jobs)
    assert np.isnan(values[1])
    assert np.isfinite(np.delete(values, 1)).all()
    assert np.nanargmax(values) == 0
    assert values[0] > 3 * np.nanmax(values[2:])


def test_true_neighbors_are_taken_where_there_is_a_graph_of_any_metric(jobs: Runner):
    dataset = rows()
    neighbors = (np.arange(N)[:, None] + np.arange(1, 21)) % N
    graph = GivenGraph(neighbors.astype(np.int32), np.ones((N, 20), np.float32), "euclidean")
    umap, tsne = (Layout(layout.coordinates, "given", {}) for layout in dataset.layouts[:2])
    found = moved(dataclasses.replace(dataset, graph=graph), umap, tsne, jobs)
    turned = aligned(tsne, umap, None).apply(tsne.coordinates)
    np.testing.assert_array_equal(found, displacement(umap.coordinates, turned, neighbors=graph.indices))
    assert not np.array_equal(found, moved(dataset, umap, tsne, jobs), equal_nan=True)


def test_after_a_switch_there_is_a_column_and_it_is_made_once(session: Session, loop: Loop):
    dataset = session.dataset
    before = dataset.table
    go(session, loop, "tsne")
    loop.until(lambda: COLUMN in session.columns)
    assert session.columns == ["kind", "score", COLUMN] == dataset.table.column_names == list(dataset.roles)
    assert dataset.roles[COLUMN] == "number"
    assert "neighbors" in dataset.meanings[COLUMN]
    assert before.column_names == ["kind", "score"]
    umap, tsne = (Layout(layout.coordinates, "given", {}) for layout in dataset.layouts[:2])
    np.testing.assert_array_equal(dataset.numbers(COLUMN), moved(dataset, umap, tsne, session._runner))
    assert dataset.table.column(COLUMN).null_count == 1
    assert dataset.row(1)[COLUMN] is None
    assert (session.appearance.color_by, session.error) == ("kind", "")
    go(session, loop, "umap")
    go(session, loop, "pca")
    loop.until(lambda: len(session.columns) == 4)
    assert session.columns[3] == "moved: umap → pca"


def test_a_column_of_the_data_that_has_this_name_stays(loop: Loop, jobs: Runner):
    session = Session(schedule=loop, jobs=jobs)
    show(session, loop, rows(**{COLUMN: np.arange(N)}))
    go(session, loop, "tsne")
    loop.until(lambda: len(session.columns) == 4)
    assert session.columns[2:] == [COLUMN, f"{COLUMN} (2)"]
    assert session.dataset.numbers(COLUMN).tolist() == list(range(N))
    assert session.movement.column("tsne", "umap") == f"{COLUMN} (2)"
    session.close()


def test_a_pair_chosen_in_the_bar_is_measured_too(session: Session, loop: Loop):
    session.planes[0].journey_between(run(session, "pca"), run(session, "tsne"), session.dataset)
    loop.until(lambda: "moved: pca → tsne" in session.columns)
    assert session.scene.shown.run.title == "pca"


def test_a_journey_that_began_on_the_way_has_no_column_and_one_that_was_left_at_once_has_none(
    session: Session, loop: Loop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(movement, "_REST_S", 0.5)
    go(session, loop, "tsne")
    session.planes[0].at = 0.5
    session.show(run(session, "pca"))
    loop.until(lambda: session.scene.shown.run.title == "pca")
    assert session.planes[0].journey.start.run.title == "umap → tsne, 50%"
    session.planes[0].at = 1.0
    session.planes[0].arrive()
    go(session, loop, "umap")
    loop.until(lambda: len(session.columns) > 2)
    assert session.columns[2:] == ["moved: pca → umap"]


def test_back_and_forth_within_a_moment_is_measured_all_the_same(session: Session, loop: Loop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(movement, "_REST_S", 0.3)
    go(session, loop, "tsne")
    go(session, loop, "umap")
    loop.until(lambda: len(session.columns) > 2)
    assert session.columns[2:] == ["moved: tsne → umap"]


def test_who_has_the_same_dataset_open_gets_the_column(session: Session, loop: Loop, jobs: Runner):
    other, elsewhere = Session(schedule=loop, jobs=jobs), Session(schedule=loop, jobs=jobs)
    show(other, loop, session.dataset)
    show(elsewhere, loop, rows())
    go(session, loop, "tsne")
    loop.until(lambda: COLUMN in other.columns)
    assert COLUMN not in elsewhere.columns
    go(other, loop, "tsne")
    other.movement.toggle_color(run(other, "tsne"), run(other, "umap"))
    assert other.appearance.color_by == COLUMN
    assert session.appearance.color_by == "kind"
    other.close()
    elsewhere.close()


def test_a_session_whose_loop_was_closed_keeps_nobody_from_the_column(session: Session, loop: Loop, jobs: Runner):
    closed = False

    def schedule(function: Any) -> None:
        if closed:
            message = "Event loop is closed"
            raise RuntimeError(message)
        loop(function)

    other = Session(schedule=schedule, jobs=jobs)
    show(other, loop, session.dataset)
    closed = True
    go(session, loop, "tsne")
    loop.until(lambda: COLUMN in session.columns)
    assert (session.error, other.columns) == ("", ["kind", "score"])


def test_the_map_is_colored_when_it_is_measured_and_as_before_when_that_is_taken_back(session: Session, loop: Loop):
    start, goal = run(session, "umap"), run(session, "tsne")
    session.appearance.color_by = "score"
    session.movement.toggle_color(start, goal)
    assert session.movement.awaited == {"umap", "tsne"}
    loop.until(lambda: session.scene.coloring.column == COLUMN)
    coloring = session.scene.coloring
    assert (coloring.kind, coloring.n_missing, session.movement.awaited) == ("number", 1, None)
    session.movement.toggle_color(goal, start)
    loop.until(lambda: session.scene.coloring.column == "score")
    session.movement.toggle_color(start, goal)
    session.movement.toggle_color(start, run(session, "pca"))
    loop.until(lambda: session.scene.coloring.column == "moved: umap → pca")
    session.movement.toggle_color(start, run(session, "pca"))
    assert session.appearance.color_by == "score"


def test_a_color_that_was_chosen_meanwhile_stays_and_waiting_can_be_given_up(session: Session, loop: Loop):
    start, goal = run(session, "umap"), run(session, "tsne")
    session.movement.toggle_color(start, goal)
    session.appearance.color_by = "score"
    assert session.movement.awaited is None
    loop.until(lambda: COLUMN in session.columns)
    session.movement.toggle_color(start, run(session, "pca"))
    session.movement.toggle_color(start, run(session, "pca"))
    loop.until(lambda: len(session.columns) == 4)
    assert session.appearance.color_by == "score"


def test_a_layout_that_is_gone_says_so(session: Session, loop: Loop):
    gone = run(session, "umap")._replace(title="UMAP", method="umap", given=None)
    session.movement.toggle_color(run(session, "tsne"), gone)
    loop.until(lambda: session.error)
    assert session.error == "One of these layouts is no longer in the store. Run it again."
    assert (session.movement.awaited, session.columns) == (None, ["kind", "score"])


def test_what_was_waited_for_when_another_dataset_came_is_forgotten(session: Session, loop: Loop):
    old, new = session.dataset, rows()
    session.movement.toggle_color(run(session, "umap"), run(session, "tsne"))
    show(session, loop, new)
    loop.until(lambda: True)
    assert (session.movement.awaited, session.appearance.color_by, session.columns) == (None, "kind", ["kind", "score"])
    assert new is session.dataset
    assert old.table.num_columns in (2, 3)


def test_rows_are_filtered_queried_and_exported_by_it(session: Session, loop: Loop):
    go(session, loop, "tsne")
    loop.until(lambda: COLUMN in session.columns)
    dataset = session.dataset
    found = matching(dataset, f'`{COLUMN}` > 0.5 and kind == "a"')
    assert np.flatnonzero(found).tolist() == [0]
    assert np.flatnonzero(matching(dataset, f"`{COLUMN}` is None")).tolist() == [1]
    table = rows_table(dataset, np.array([1, 0]))
    assert table.column_names == ["row", "kind", "score", COLUMN]
    assert table.column(COLUMN).to_pylist()[0] is None
    assert dataset.frame([0])[COLUMN].iloc[0] == dataset.numbers(COLUMN)[0]


def test_a_saved_session_is_colored_by_it_again(session: Session, loop: Loop, jobs: Runner):
    session.movement.toggle_color(run(session, "umap"), run(session, "tsne"))
    loop.until(lambda: session.appearance.color_by == COLUMN)
    session.histograms.columns = [COLUMN]
    saved = json.loads(json.dumps(state_to_json(session)))
    later = Session(schedule=loop, jobs=jobs)
    show(later, loop, rows())
    state_from_json(later, saved)
    assert later.appearance.color_by == "kind"
    loop.until(lambda: later.scene.coloring.column == COLUMN)
    assert (later.histograms.columns, later.error) == ([COLUMN], "")
    later.movement.toggle_color(run(later, "umap"), run(later, "tsne"))
    assert later.appearance.color_by == "kind"
    later.close()
