"""How much of a session's layouts is chance: measured in the real compute process, when somebody asks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer.compute.projections import PCA, TSNE, UMAP
from explorer.data.dataset import Dataset, GivenLayout, open_dataset
from explorer.jobs.runner import Runner
from explorer.session import Session
from explorer.session_state import state_from_json, state_to_json
from explorer.steadiness import KEPT, WOBBLE
from explorer.store.store import Store
from tests.conftest import Loop
from tests.views.conftest import table

N = 120
UMAP_ = UMAP(n_epochs=10)
TITLE = "UMAP, n_epochs 10"
COLUMNS = [f"{TITLE}: wobble", f"{TITLE}: kept over runs"]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=100))
    yield made
    made.close()


@pytest.fixture
def rows(jobs: Runner) -> Callable[..., Dataset]:
    """Rows with a UMAP and a PCA in the store."""

    def rows_(*, seed: int, n: int = N, long: bool = False) -> Dataset:
        dataset = open_dataset(table(n, seed=seed), name=f"rows {seed}", color="kind")
        for projection in (TSNE(n_iter=600) if long else UMAP_, PCA()):
            jobs.submit_layout(dataset, projection).result(60)
        return dataset

    return rows_


@pytest.fixture
def show(loop: Loop, jobs: Runner) -> Iterator[Callable[..., Session]]:
    """Open rows in a session of their own, as a page does that shows quality, or not."""
    made: list[Session] = []

    def show_(dataset: Dataset, *, begin: bool = True) -> Session:
        session = Session(schedule=loop, jobs=jobs)
        made.append(session)
        if begin:
            session.steadiness.begin()
        session.open(dataset)
        loop.until(lambda: session.scene is not None and session.scene.dataset is dataset)
        return session

    yield show_
    for session in made:
        session.close()


def idle(session: Session) -> bool:
    return not session.steadiness.measuring and not session.steadiness.waiting


def test_a_layout_is_measured_when_somebody_asks_and_gives_columns(show: Callable[..., Session], rows: Any, loop: Loop):
    dataset = rows(seed=0)
    session = show(dataset)
    loop.until(lambda: session.steadiness._looked == {TITLE})
    assert (session.steadiness.known, idle(session)) == ({}, True)
    stages: list[str] = []
    session.steadiness.param.watch(lambda event: stages.append(event.new), ["stage"])
    session.steadiness.measure(TITLE)
    assert session.steadiness.measuring == TITLE
    loop.until(lambda: TITLE in session.steadiness.known and idle(session))
    assert {f"run {number} of 4" for number in (2, 3, 4)} <= {*stages}
    found = session.steadiness.known[TITLE]
    assert found.runs == 4
    assert 0 < found.wobble < found.control < 1
    assert found.chance == pytest.approx(15 / (N - 1))
    assert found.chance < found.kept < 1
    assert {*COLUMNS} <= {*session.columns}
    assert [session.steadiness.column(TITLE, what) for what in (WOBBLE, KEPT)] == COLUMNS
    assert np.median(dataset.numbers(COLUMNS[0])) == pytest.approx(found.wobble)
    assert "width" in dataset.meanings[COLUMNS[0]]
    assert [run.title for run in session.runs] == [TITLE, "x, y", "PCA"], "the runs are in nobody's list"
    assert session.error == ""


def test_what_is_in_the_store_is_there_without_measuring(show: Callable[..., Session], rows: Any, loop: Loop):
    first = show(rows(seed=1))
    first.steadiness.measure(TITLE)
    loop.until(lambda: TITLE in first.steadiness.known)
    for dataset in (rows(seed=1), first.dataset):
        later = show(dataset)
        loop.until(lambda later=later: TITLE in later.steadiness.known)
        assert later.steadiness.known == first.steadiness.known
        assert {*COLUMNS} <= {*later.columns}


def test_what_has_no_chance_in_it_is_not_measured(show: Callable[..., Session], rows: Any):
    session = show(rows(seed=2))
    assert session.steadiness.why_not("PCA") == "PCA has no chance in it: every run is the same."
    assert session.steadiness.why_not("x, y") == "Nobody knows how it was made."
    assert session.steadiness.why_not(TITLE) == ""
    for title in ("PCA", "x, y", "mars"):
        session.steadiness.measure(title)
        assert idle(session)


def test_the_graph_that_it_needed_is_there_for_the_quality(show: Callable[..., Session], loop: Loop):
    dataset = open_dataset(table(N, seed=8), name="rows 8")
    places = np.array(dataset.vectors[:, :2])
    session = show(dataclasses.replace(dataset, layouts=(GivenLayout("umap", places, "umap", UMAP_.settings()),)))
    session.assessment.begin()
    loop.until(lambda: session.assessment._looked == {TITLE})
    assert session.assessment.graph is None
    session.steadiness.measure(TITLE)
    loop.until(lambda: session.assessment.graph is not None)
    assert session.assessment.graph.metric == "cosine"


def test_measuring_makes_room_for_a_layout_and_goes_on_after_it(show: Callable[..., Session], rows: Any, loop: Loop):
    session = show(rows(seed=3))
    session.steadiness.measure(TITLE)
    loop.until(lambda: session.steadiness._job is not None)
    job = session.steadiness._job
    session.run(PCA(x=2, y=3))
    assert (session.steadiness.measuring, session.steadiness.waiting) == ("", [TITLE])
    assert job.state in {"canceled", "done"}
    loop.until(lambda: TITLE in session.steadiness.known)
    assert (session.error, idle(session)) == ("", True)


def test_stop_and_closing_end_it(show: Callable[..., Session], rows: Any, loop: Loop):
    session = show(rows(seed=4, n=200, long=True))
    title = "t-SNE, n_iter 600"
    for end in (session.steadiness.stop, session.close):
        session.steadiness.measure(title)
        loop.until(lambda: session.steadiness.stage == "run 1 of 4")
        job = session.steadiness._job
        end()
        assert job.state == "canceled"
        loop.run()
    assert session.steadiness.known == {}


def test_another_dataset_forgets_what_was_known(show: Callable[..., Session], rows: Any, loop: Loop):
    session = show(rows(seed=5))
    session.steadiness.measure(TITLE)
    loop.until(lambda: TITLE in session.steadiness.known)
    bare = open_dataset(pd.DataFrame({"x": np.arange(9.0), "y": np.arange(9.0)}))
    session.open(bare)
    loop.until(lambda: session.dataset is bare)
    assert (session.steadiness.known, idle(session)) == ({}, True)
    session.steadiness.measure("x, y")
    assert idle(session)


def test_a_saved_session_is_colored_by_it_again(show: Callable[..., Session], rows: Any, loop: Loop):
    session = show(rows(seed=6))
    session.steadiness.measure(TITLE)
    loop.until(lambda: {*COLUMNS} <= {*session.columns})
    session.appearance.color_by = COLUMNS[0]
    session.histograms.columns = [COLUMNS[1]]
    saved = json.loads(json.dumps(state_to_json(session)))
    later = show(rows(seed=6), begin=False)
    state_from_json(later, saved)
    loop.until(lambda: later.appearance.color_by == COLUMNS[0])
    assert (later.histograms.columns, later.error) == ([COLUMNS[1]], "")


def test_a_layout_that_is_gone_says_so(show: Callable[..., Session], rows: Any, loop: Loop):
    session = show(rows(seed=7))
    gone: Any = session.runs[0]._replace(title="UMAP", settings=UMAP().settings(), given=None)
    session.runs = [*session.runs, gone]
    session.steadiness.measure("UMAP")
    loop.until(lambda: session.error)
    assert session.error == "This layout is no longer in the store. Run it again."
    assert (session.steadiness.failed, idle(session)) == ({"UMAP": session.error}, True)
