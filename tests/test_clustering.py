"""A session's clusters: found in the real compute process when somebody asks, with names, as columns, renamed, selected, restored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest

from explorer.data.dataset import Dataset, open_dataset
from explorer.jobs.runner import Runner
from explorer.picture_words import entries_of
from explorer.render.palette import PALETTES
from explorer.session import Session
from explorer.session_state import state_from_json, state_to_json
from explorer.store.store import Store
from tests.conftest import Loop

KINDS = ["bird with wings", "fish with fins", "tree with leaves", "stone", "river", "book", "city", "song"]


def groups(seed: int) -> Dataset:
    rng = np.random.default_rng(seed)
    vectors = np.repeat(np.eye(8) * 20, 30, axis=0) + rng.normal(size=(240, 8))
    frame = pd.DataFrame(
        {"text": [f"some {kind} number {i} of the many that there are here" for i, kind in enumerate(np.repeat(KINDS, 30))]}
    )
    frame["embedding"] = list(vectors.astype(np.float32))
    return open_dataset(frame, name=f"groups {seed}", text="text")


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=100))
    yield made
    made.close()


@pytest.fixture
def show(loop: Loop, jobs: Runner) -> Iterator[Callable[[Dataset], Session]]:
    made: list[Session] = []

    def show_(dataset: Dataset) -> Session:
        session = Session(schedule=loop, jobs=jobs)
        made.append(session)
        session.clustering.begin()
        session.open(dataset)
        loop.until(lambda: session.dataset is dataset and session.scene is not None)
        return session

    yield show_
    for session in made:
        session.close()


def test_clusters_are_found_named_and_colored_by(loop: Loop, show: Callable[[Dataset], Session]) -> None:
    session = show(groups(0))
    clustering = session.clustering
    assert clustering.tree is None
    clustering.find()
    loop.until(lambda: clustering.tree is not None)
    assert not clustering.running
    assert len(clustering.names[0]) == 8
    assert all(any(kind.split()[0] in name for name in clustering.names[0]) for kind in KINDS)
    column = clustering.column(0)
    assert column is not None
    assert column.startswith("clusters")
    assert session.dataset.roles[column] == "category"
    codes, names = session.dataset.codes(column)
    assert sorted(names) == sorted(clustering.names[0])
    assert names[codes[0]] == clustering.names[0][clustering.tree.layers[0][0]]
    before = session.appearance.color_by
    clustering.toggle_color(0)
    assert session.appearance.color_by == column
    clustering.toggle_color(0)
    assert session.appearance.color_by == before
    other = show(groups(0))  # found once, for everybody
    loop.until(lambda: other.clustering.tree is not None)
    assert other.clustering.names == clustering.names


def test_a_cluster_is_renamed_selected_and_restored(loop: Loop, show: Callable[[Dataset], Session]) -> None:
    dataset = groups(1)
    session = show(dataset)
    clustering = session.clustering
    clustering.find()
    loop.until(lambda: clustering.tree is not None)
    found = clustering.names[0][2]
    clustering.rename(0, 2, "  my   own ")
    assert clustering.names[0][2] == "my own"
    assert session.history.undoes == "name a cluster my own"
    session.history.undo()
    assert clustering.names[0][2] == found
    session.history.redo()
    assert clustering.names[0][2] == "my own"
    clustering.rename(9, 2, "nowhere")
    clustering.rename(0, 99, "nowhere")
    clustering.select(0, 2)
    assert session.selection.made_by == "cluster my own"
    np.testing.assert_array_equal(session.selection.mask, clustering.tree.layers[0] == 2)
    saved = json.loads(json.dumps(state_to_json(session)))
    clustering.rename(0, 2, "")
    assert clustering.names[0][2] == found
    state_from_json(session, saved)
    assert clustering.names[0][2] == "my own"
    other = show(dataset)
    assert other.clustering.naming.renamed == {}


def test_a_name_that_somebody_gives_is_in_their_legend_and_in_no_other(loop: Loop, show: Callable[[Dataset], Session]) -> None:
    dataset = groups(1)
    session, other = show(dataset), show(dataset)
    for each in (session, other):
        each.clustering.find()
    loop.until(lambda: session.clustering.tree is not None and other.clustering.tree is not None)
    column = session.clustering.column(0)
    for each in (session, other):
        each.clustering.toggle_color(0)
    loop.until(lambda: session.scene.coloring.column == other.scene.coloring.column == column)
    session.clustering.rename(0, 2, "<b>mine</b>")
    loop.until(lambda: bool(session.scene.coloring.given))
    found = other.clustering.names[0][2]
    labels = [{each.scene.coloring.label(code) for code in each.scene.coloring.most_common} for each in (session, other)]
    assert labels[0] - labels[1] == {"<b>mine</b>"}
    assert labels[1] - labels[0] == {found}
    assert "<b>mine</b>" in {entry.name for entry in entries_of(session.scene)}
    session.appearance.palette = next(name for name in PALETTES if name != session.scene.coloring.palette_name)
    loop.until(lambda: session.scene.coloring.palette_name == session.appearance.palette)
    assert session.scene.coloring.given == {found: "<b>mine</b>"}
    session.clustering.rename(0, 2, "")
    loop.until(lambda: not session.scene.coloring.given)
    other.appearance.palette = session.appearance.palette
    loop.until(lambda: other.scene.coloring.palette_name == other.appearance.palette)
    assert not other.scene.coloring.given


def test_a_saved_color_by_clusters_is_found_again(loop: Loop, show: Callable[[Dataset], Session]) -> None:
    session = show(groups(2))
    session.clustering.find()
    loop.until(lambda: session.clustering.tree is not None)
    session.clustering.toggle_color(0)
    saved = json.loads(json.dumps(state_to_json(session)))
    other = show(groups(2))
    state_from_json(other, saved)
    loop.until(lambda: other.appearance.color_by == session.clustering.column(0))
    assert other.history.undoes == "set what was kept", "the color that came later is no step of its own"


def test_a_search_that_is_stopped_can_begin_again(loop: Loop, show: Callable[[Dataset], Session]) -> None:
    session = show(groups(3))
    session.clustering.find()
    session.clustering.stop()
    assert not session.clustering.running
    session.clustering.find()
    loop.until(lambda: session.clustering.tree is not None)
    session.open(groups(4))
    loop.until(lambda: session.dataset.name == "groups 4")
    assert session.clustering.tree is None
    assert session.clustering.names == []
