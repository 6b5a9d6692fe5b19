"""The quality of a session's layouts: measured in the real compute process, once, by itself where that is quick."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer import assessment
from explorer.appraisal import PAIR_BINS
from explorer.assessment import NEIGHBORHOOD
from explorer.compute.graph_columns import label_disagreement
from explorer.compute.neighbors import neighbor_graph
from explorer.compute.preservation import preservation
from explorer.compute.projections import PCA
from explorer.data.dataset import Dataset, GivenGraph, GivenLayout, open_dataset
from explorer.jobs.runner import Runner
from explorer.session import Session
from explorer.session_state import state_from_json, state_to_json
from explorer.store.store import Store
from tests.conftest import Loop
from tests.views.conftest import table

N = 120
KEPT = "kept of 15: given"
COLUMNS = ["kept of 5: given", KEPT, "kept of 30: given", "false: given", "missing: given"]
AROUND = ["distance to last neighbor", "in-degree", "local dimension"]


def rows(*, seed: int = 0, graph: bool = True) -> Dataset:
    """Rows with a layout, and the neighbor graph or not."""
    dataset = open_dataset(table(N, seed=seed), name=f"rows {seed}", color="kind")
    places = np.array(dataset.vectors[:, :2])
    found = neighbor_graph(np.array(dataset.vectors), k=30, metric="cosine")
    given = GivenGraph(found.indices, found.distances, "cosine") if graph else None
    return dataclasses.replace(dataset, layouts=(GivenLayout("given", places, None, {}),), graph=given)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=100))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assessment, "_REST_S", 0.02)


@pytest.fixture
def show(loop: Loop, jobs: Runner) -> Iterator[Callable[..., Session]]:
    """Open rows in a session of their own, as a page does that shows quality, or not."""
    made: list[Session] = []

    def show_(dataset: Dataset, *, begin: bool = True) -> Session:
        session = Session(schedule=loop, jobs=jobs)
        made.append(session)
        if begin:
            session.assessment.begin()
        session.open(dataset)
        loop.until(lambda: session.scene is not None and session.scene.dataset is dataset)
        return session

    yield show_
    for session in made:
        session.close()


def idle(session: Session) -> bool:
    return not session.assessment.measuring and not session.assessment.waiting


def test_a_layout_with_a_graph_is_measured_by_itself_and_has_columns(show: Callable[..., Session], loop: Loop):
    dataset = rows()
    session = show(dataset)
    loop.until(lambda: "given" in session.assessment.known and AROUND[0] in session.columns and idle(session))
    found = session.assessment.known["given"]
    direct = preservation(dataset.graph.indices, dataset.layouts[0].coordinates)
    assert found.kept[15] == pytest.approx(direct.kept[15].mean(), abs=1e-6)
    assert (found.false, found.missing) == pytest.approx((direct.false.mean(), direct.missing.mean()), abs=1e-6)
    assert found.chance[15] == pytest.approx(15 / (N - 1))
    assert found.kept[15] > 2 * found.chance[15]
    assert found.whole["trustworthiness"] > found.control["trustworthiness"]
    assert (found.k, found.metric, found.pairs.shape, found.pairs.sum()) == (15, "cosine", (PAIR_BINS, PAIR_BINS), N * 100)
    assert session.columns[:3] == ["word", "kind", "score"]
    assert {*COLUMNS, *AROUND} <= {*session.columns}
    assert "component" not in session.columns, "there is one only, which tells nobody anything"
    np.testing.assert_array_equal(dataset.numbers(KEPT), direct.kept[15])
    assert "neighbors" in dataset.meanings[KEPT]
    assert session.assessment.column("given", "kept 15") == KEPT
    assert session.assessment.neighborhood_column("in_degree") == "in-degree"
    assert (session.assessment.graph.metric, session.assessment.graph.k, session.error) == ("cosine", 30, "")


def test_what_is_in_the_store_is_there_without_measuring_and_twice_open_once_measured(
    show: Callable[..., Session], loop: Loop, jobs: Runner, monkeypatch: pytest.MonkeyPatch
):
    first = show(rows(seed=1))
    second = show(first.dataset)
    loop.until(lambda: all("given" in session.assessment.known and idle(session) for session in (first, second)))
    assert second.columns == first.columns == list(dict.fromkeys(first.columns))
    monkeypatch.setattr(jobs, "submit_quality", None)
    later = show(rows(seed=1))
    loop.until(lambda: "given" in later.assessment.known)
    assert KEPT in later.columns


def test_without_a_graph_nothing_is_measured_before_somebody_asks(show: Callable[..., Session], loop: Loop, jobs: Runner):
    session = show(rows(seed=2, graph=False))
    loop.until(lambda: session.assessment._looked == {"given"})
    for _ in range(10):
        loop.run()
    assert (session.assessment.known, session.assessment.graph, idle(session)) == ({}, None, True)
    said: list[str] = []
    session.assessment.param.watch(lambda event: said.append(event.new), ["measuring"])
    session.assessment.measure("given")
    loop.until(lambda: "given" in session.assessment.known and AROUND[0] in session.columns and idle(session))
    assert said[:2] == ["given", ""]
    assert NEIGHBORHOOD in said
    assert session.assessment.graph.recall == 1.0
    assert jobs.stored_graph(session.dataset, "cosine", 30) is not None


def test_many_rows_wait_for_somebody_to_ask(show: Callable[..., Session], loop: Loop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assessment, "AUTOMATIC_ROWS", N - 1)
    session = show(rows(seed=3))
    loop.until(lambda: session.assessment.graph is not None)
    assert (session.assessment.known, idle(session)) == ({}, True)
    session.assessment.measure("given")
    loop.until(lambda: "given" in session.assessment.known)


def test_nobody_who_shows_no_quality_measures(show: Callable[..., Session], loop: Loop):
    session = show(rows(seed=4), begin=False)
    loop.run()
    assert (session.assessment._looked, idle(session)) == (set(), True)


def test_measuring_makes_room_for_a_layout_and_goes_on_after_it(show: Callable[..., Session], loop: Loop):
    session = show(rows(seed=5))
    loop.until(lambda: session.assessment.waiting)
    session.run(PCA())
    session.assessment._next()
    assert (session.assessment.measuring, bool(session.running)) == ("", True)
    loop.until(lambda: {"given", "PCA"} <= session.assessment.known.keys())
    assert session.error == ""
    assert "kept of 15: PCA" in session.columns


def test_stop_and_closing_end_it(show: Callable[..., Session], loop: Loop):
    session = show(rows(seed=6, graph=False))
    loop.until(lambda: session.assessment._looked)
    session.assessment.measure("given")
    loop.until(lambda: session.assessment._job is not None)
    job = session.assessment._job
    session.assessment.stop()
    assert job.state == "canceled"
    assert idle(session)
    session.assessment.measure("given")
    loop.until(lambda: session.assessment._job is not None)
    job = session.assessment._job
    session.close()
    assert job.state == "canceled"


def test_another_dataset_forgets_what_was_known(show: Callable[..., Session], loop: Loop):
    session = show(rows(seed=7))
    loop.until(lambda: "given" in session.assessment.known)
    bare = open_dataset(pd.DataFrame({"x": np.arange(9.0), "y": np.arange(9.0)}))
    session.open(bare)
    loop.until(lambda: session.dataset is bare)
    assert (session.assessment.known, session.assessment.graph, idle(session)) == ({}, None, True)
    session.assessment.measure("x, y")
    assert idle(session)


def test_maps_are_colored_by_neighbors_of_other_categories_and_as_before(show: Callable[..., Session], loop: Loop):
    dataset = rows(seed=8)
    session = show(dataset)
    session.assessment.toggle_disagreement("kind")
    loop.until(lambda: session.appearance.color_by == "other kind near")
    codes, _ = dataset.codes("kind")
    graph = neighbor_graph(np.array(dataset.vectors), k=30, metric="cosine")
    np.testing.assert_array_equal(dataset.numbers("other kind near"), label_disagreement(graph, codes))
    session.assessment.toggle_disagreement("kind")
    assert session.appearance.color_by == "kind"
    bare = show(rows(seed=9, graph=False))
    bare.assessment.toggle_disagreement("kind")
    loop.until(lambda: bare.error)
    assert "measure a layout first" in bare.error


@pytest.mark.parametrize("column", [KEPT, "in-degree", "other kind near"])
def test_a_saved_session_is_colored_by_it_again(show: Callable[..., Session], loop: Loop, column: str):
    session = show(rows(seed=10))
    loop.until(lambda: {KEPT, "in-degree"} <= {*session.columns})
    if column not in session.columns:
        session.assessment.toggle_disagreement("kind")
        loop.until(lambda: column in session.columns)
    session.appearance.color_by = column
    session.histograms.columns = [column]
    saved = json.loads(json.dumps(state_to_json(session)))
    later = show(rows(seed=10), begin=False)
    state_from_json(later, saved)
    loop.until(lambda: later.appearance.color_by == column)
    assert (later.histograms.columns, later.error) == ([column], "")


def test_a_layout_that_is_gone_says_so(show: Callable[..., Session], loop: Loop):
    session = show(rows(seed=11, graph=False))
    gone: Any = session.runs[0]._replace(title="UMAP", method="umap", given=None)
    session.runs = [*session.runs, gone]
    session.assessment.measure("UMAP")
    loop.until(lambda: session.error)
    assert session.error == "This layout is no longer in the store. Run it again."
    assert session.assessment.failed == {"UMAP": session.error}
