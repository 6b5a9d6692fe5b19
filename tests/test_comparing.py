"""Two sets of vectors of the same rows in a session: layouts of both, what they share, and both on maps; with a real compute process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from explorer.address import address_of, differing, encoded, entry_name, reopening
from explorer.app import Explorer
from explorer.comparing import JACCARD, Category, Comparing, _count, column_key, mean_by_category
from explorer.compute.neighbors import NeighborGraph, nearest_rows
from explorer.compute.projections import PCA, UMAP
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import BadState, ComparisonGone
from explorer.jobs.runner import Runner
from explorer.measured import Column, add_measured, measured
from explorer.runs import runs_of
from explorer.session import Session
from explorer.session_state import state_from_json, state_to_json
from explorer.sharing import Sharing
from explorer.store.store import Store
from explorer.views.comparison import ComparisonView
from explorer.views.controls import DataControls
from explorer.views.material import MaterialToolkit

N = 90
Followed = Callable[[str, Dataset], Session]
KINDS = np.array(["same", "moved", "apart"])[np.arange(N) % 3]


def vectors(seed: int, d: int = 8) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(N, d)).astype(np.float32)


def others() -> NDArray[np.float32]:
    """The same vectors, but for one kind, whose rows are elsewhere; one row has none."""
    made = vectors(0).copy()
    made[KINDS == "moved"] = vectors(1)[KINDS == "moved"]
    made[7] = np.nan
    return made


def data(*, compared: bool = True) -> Dataset:
    frame = pd.DataFrame({"word": [f"<b>{i}</b>" for i in range(N)], "kind": KINDS, "a": list(vectors(0)), "b": list(others())})
    return open_dataset(frame, vectors="a", color="kind", label="word", **({"compare": "b"} if compared else {}))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(store=Store(tmp_path_factory.mktemp("store")))
    yield made
    made.close()


@pytest.fixture
def session(loop: Any, jobs: Runner) -> Iterator[Session]:
    made = Session(schedule=loop, jobs=jobs)
    yield made
    made.close()


@pytest.fixture
def opened(session: Session, loop: Any) -> Callable[..., Dataset]:
    def open_(**how: Any) -> Dataset:
        dataset = data(**how)
        session.open(dataset)
        loop.until(lambda: session.scene is not None and session.scene.dataset is dataset)
        return dataset

    return open_


def brute(dataset: Dataset, k: int) -> NDArray[np.float64]:
    """Count the shared neighbors with nothing but NumPy."""
    near = []
    for each in (dataset, dataset.other):
        assert each is not None
        assert each.vectors is not None
        unit = each.vectors / np.linalg.norm(each.vectors, axis=1, keepdims=True)
        cosine = unit @ unit.T
        np.fill_diagonal(cosine, -np.inf)
        near.append(np.argsort(-np.where(np.isnan(cosine), -np.inf, cosine), axis=1)[:, :k])
    made = np.array([len(set(one) & set(other)) / k for one, other in zip(*near, strict=True)])
    made[7] = np.nan
    return made


@pytest.mark.parametrize("missed", [5, 60])
def test_rows_of_which_a_graph_missed_neighbors_are_not_those_that_changed_most(missed: int):
    dataset, true, numbers = data(), {size: brute(data(), size) for size in (5, 15, 30)}, np.random.default_rng(missed)
    graphs = []
    for each in (dataset, dataset.other):
        whole = np.zeros((N, 30), np.int32)
        for row in np.flatnonzero(each.drawable):
            whole[row] = nearest_rows(each.vectors, int(row), k=30, drawable=each.drawable)[0]
        wrong = numbers.choice(N, missed, replace=False)
        whole[wrong] = [numbers.choice(N, 30, replace=False) for _ in wrong]
        whole[~each.drawable] = -1
        graphs.append(NeighborGraph(whole, np.zeros((N, 30), np.float32), "cosine", 0.9))
    found, _ = _count(dataset, graphs, "")
    order = np.lexsort([true[30], true[5], true[15]])[:30]
    assert [(row, share) for row, share in found.changed] == [(row, pytest.approx(true[15][row])) for row in order.tolist()]
    column = dataset.numbers("shared of 15: a ↔ b")
    assert [column[row] for row, _ in found.changed] == pytest.approx([share for _, share in found.changed]), "the map shows it, too"


def test_what_both_share_is_measured_and_becomes_columns(session: Session, loop: Any, opened: Callable[..., Dataset]):
    dataset, comparing = opened(), session.comparing
    assert comparing.possible
    assert comparing.names == ("a", "b")
    comparing.begin()
    loop.until(lambda: comparing.findings is not None)
    found, true = comparing.findings, brute(dataset, 15)
    name = comparing.column(15)
    assert name == "shared of 15: a ↔ b"
    np.testing.assert_allclose(dataset.numbers(name), true, atol=1e-6)
    assert found.shares[15] == pytest.approx(np.nanmean(true), abs=1e-6)
    assert (found.n, found.k, sorted(found.shares)) == (N - 1, 15, [5, 15, 30])
    assert found.chance[30] == pytest.approx(30 / (N - 1))
    listed = [each.share for each in found.changed]
    assert listed == sorted(listed)
    assert found.changed[0].share == pytest.approx(np.nanmin(true), abs=1e-6)
    assert 7 not in [each.row for each in found.changed]
    assert comparing.categories[0].name == "moved"
    assert sum(each.n for each in comparing.categories) == N - 1
    assert comparing.column(JACCARD) in session.columns
    assert "by both" in dataset.meanings[name]
    session.colors.show(name)
    loop.until(lambda: session.scene.coloring.column == name)
    session.inspection.metric = "euclidean"
    loop.until(lambda: comparing.findings is not None and comparing.findings.metric == "euclidean")
    assert comparing.column(5) == "shared of 5: a ↔ b (2)"


def test_layouts_of_both_lie_side_by_side_and_are_ends_of_one_way(
    session: Session, loop: Any, opened: Callable[..., Dataset], jobs: Runner
):
    dataset = opened()
    session.choice.method = "pca"
    session.comparing.side_by_side()
    loop.until(lambda: [plane.scene and plane.scene.shown.run.title for plane in session.planes] == ["PCA", "PCA · b"])
    one, other = (plane.scene.shown for plane in session.planes)
    assert dataset.other is not None
    assert jobs.stored_layout(dataset.other, PCA()) is not None, "kept under the fingerprint of its own vectors"
    np.testing.assert_array_equal(np.isfinite(other.layout.coordinates[:, 0]), dataset.other.drawable)
    there = np.flatnonzero((KINDS == "same") & dataset.other.drawable)
    apart = np.linalg.norm(one.places(there) - other.places(there), axis=1)
    flipped = np.linalg.norm(one.places(there) + other.places(there) - 2 * one.places(there).mean(axis=0), axis=1)
    assert np.median(apart) < np.median(flipped), "they lie alike"
    session.planes[0].journey_between(one.run, other.run, dataset)
    loop.until(lambda: session.planes[0].journey is not None and session.planes[0].journey.start.run == one.run)
    journey = session.planes[0].journey
    assert (journey.start.run, journey.goal.run) == (one.run, other.run)
    assert [run.title for run in runs_of(dataset, jobs)] == ["PCA", "PCA · b"]


def test_another_column_of_the_file_is_compared_from_the_page(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(compared=False)
    controls = DataControls(session, MaterialToolkit())
    assert controls.compare.visible
    assert list(controls.compare.options) == ["— none —", "b"]
    controls.compare.value = "b"
    loop.until(lambda: session.comparing.possible)
    assert session.comparing.names == ("a", "b")
    assert controls.compare.value == "b"
    controls.compare.value = "— none —"
    loop.until(lambda: not session.comparing.possible)
    assert session.dataset.other is None
    assert session.error == ""


def test_no_column_is_there_twice_when_what_is_compared_is_chosen_on_the_page(session: Session, loop: Any, opened: Callable[..., Dataset]):
    dataset = opened(compared=False)
    add_measured(dataset, {("clusters", 0): Column("clusters (coarse)", np.arange(N, dtype=np.float32), "")})
    session.appearance.color_by = "clusters (coarse)"
    for name in ("b", ""):
        session.compare(name)
        loop.until(
            lambda name=name: (
                session.scene is not None and session.scene.dataset is session.dataset and session.comparing.possible == bool(name)
            )
        )
        assert "clusters (coarse)" not in session.dataset.roles, "it is measured again"
        add_measured(session.dataset, {("clusters", 0): Column("clusters (coarse)", np.arange(N, dtype=np.float32), "")})
        assert [name for name in session.dataset.table.column_names if name.startswith("clusters")] == ["clusters (coarse)"]
    assert session.error == ""


def test_a_chosen_set_of_vectors_is_laid_out_and_remembered(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    session.choice.vectors = "b"
    session.run(UMAP(n_neighbors=5, n_epochs=30))
    loop.until(lambda: session.scene.shown.run.method == "umap")
    assert session.scene.shown.run.of == "b"
    state = state_to_json(session)
    session.choice.vectors = "a"
    state_from_json(session, state)
    assert session.choice.vectors == "b"
    session.run_now(PCA(), of="b")
    assert session.scene.shown.run.title == "PCA · b"
    loop.until(lambda: True)
    opened(compared=False)
    assert not session.comparing.possible
    assert session.choice.vectors == "", "there is nothing to choose"
    assert all(not run.of for run in session.runs)


def test_the_clicked_row_has_neighbors_by_both_and_each_map_is_judged_by_its_own(
    session: Session, loop: Any, opened: Callable[..., Dataset]
):
    opened()
    session.choice.method = "pca"
    session.comparing.side_by_side()
    loop.until(lambda: len(session.planes) == 2 and all(plane.scene is not None for plane in session.planes))
    session.inspection.row = 4

    def judged() -> bool:
        known = session.inquiry.on_maps
        theirs = [known[plane].of if plane in known else None for plane in session.planes]
        return None not in theirs and theirs[0] is session.neighbors and theirs[1] is session.other_neighbors

    loop.until(judged)
    session.inspection.row = 7  # it has no vector there
    loop.until(lambda: session.neighbors is not None and session.neighbors.row == 7)
    assert session.other_neighbors is None
    session.inspection.row = None
    loop.until(lambda: session.neighbors is None)
    assert session.other_neighbors is None


def test_measuring_can_be_stopped_and_starts_again(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    comparing: Comparing = session.comparing
    session.inspection.metric = "manhattan"
    comparing.measure()
    assert comparing.working
    comparing.stop()
    assert (comparing.working, comparing.findings) == ("", None)
    comparing.measure()
    loop.until(lambda: comparing.findings is not None)
    assert comparing.working == comparing.problem == ""


def test_the_panel_says_it_and_takes_only_what_makes_sense(session: Session, loop: Any, opened: Callable[..., Dataset]):
    dataset = opened()
    flown: list[int] = []
    view = ComparisonView(session, on_fly=flown.append)
    component = view.component
    loop.until(lambda: component.content.get("figures"))
    assert component.content["names"] == ["a", "b"]
    assert component.content["categories"][0][0] == "moved"
    row, title, _ = component.content["rows"][0]
    assert title == f"<b>{row}</b>", "text, to be set as such"
    component._handle_msg({"type": "look", "row": row})
    loop.until(lambda: component.near)
    assert flown == [row]
    near = component.near
    assert len(near["both"]) + len(near["one"]) == near["k"] == len(near["both"]) + len(near["other"])
    component._handle_msg({"type": "category", "at": 0})
    loop.until(lambda: session.selection.count)
    assert session.selection.count == N // 3
    component._handle_msg({"type": "color", "what": "15"})
    loop.until(lambda: session.appearance.color_by == session.comparing.column(15))
    assert component.content["colors"] == ["15"]
    for odd in (None, [], {}, {"type": "look", "row": N}, {"type": "look", "row": True}, {"type": "category", "at": 9}, {"type": "color"}):
        component._handle_msg(odd)
    component._handle_msg({"type": "sum up", "column": "word"})
    loop.run()
    assert session.comparing.category == "kind"
    assert session.inspection.row == row
    assert measured(dataset, column_key(dataset.other, "cosine", 5)) is not None


def test_means_by_category():
    codes, shares = np.array([0, 0, 1, -1, 2], np.int32), np.array([0.5, 1.0, 0.25, 1.0, np.nan], np.float32)
    assert mean_by_category(codes, ["x", "y", "z"], shares) == [Category("y", 1, 0.25), Category("x", 2, 0.75), Category(None, 1, 1.0)]


def linked(session: Session) -> tuple[str, ...]:
    """What a page's address and a bookmark hold of a session, and nothing but text."""
    session.catalog = session.intake.catalog()
    state = json.loads(json.dumps(differing(session)()))
    return address_of(state, entry_name(session)).text, encoded(state)


@pytest.fixture
def followed(loop: Any, jobs: Runner) -> Iterator[Followed]:
    """Open rows in a new session, and follow a link there until all is set."""
    made = []

    def follow(link: str, rows: Dataset) -> Session:
        session = Session(schedule=loop, jobs=jobs)
        made.append(session)
        session.open(rows)
        sharing = Sharing(session)
        sharing.begin(link)
        loop.until(lambda: sharing.shared is not None and not sharing._waiting and not session.opening and session.scene is not None)
        return session

    yield follow
    for each in made:
        each.close()


def test_a_link_brings_back_the_column_that_was_compared_and_what_was_measured_of_it(
    session: Session, loop: Any, opened: Callable[..., Dataset], followed: Followed
):
    opened(compared=False)
    session.compare("b")
    loop.until(lambda: session.comparing.possible)
    session.run_now(PCA(), of="b")
    session.choice.vectors = "b"
    session.comparing.measure()
    loop.until(lambda: session.comparing.findings is not None)
    session.colors.show(session.comparing.column(15))
    elsewhere = [followed(link, data(compared=False)) for link in linked(session)]
    loop.until(lambda: all(each.appearance.color_by == "shared of 15: a ↔ b" for each in elsewhere))
    loop.until(lambda: all(each.planes[0].settled and each.scene.shown.run.title == "PCA · b" for each in elsewhere))
    assert {each.dataset.other.fingerprint for each in elsewhere} == {session.dataset.other.fingerprint}
    assert {(each.choice.vectors, each.error) for each in elsewhere} == {("b", "")}


def test_a_link_without_a_comparison_takes_a_column_away_that_is_compared(
    session: Session, loop: Any, opened: Callable[..., Dataset], followed: Followed
):
    opened(compared=False)
    session.selection.apply([3, 4])
    elsewhere = followed(linked(session)[0], data())
    assert elsewhere.dataset.other is None
    assert elsewhere.selection.rows.tolist() == [3, 4]
    assert elsewhere.error == ""


def test_a_dataset_of_the_catalog_is_compared_from_the_page_and_a_link_brings_it_back_or_says_that_it_is_gone(
    session: Session, loop: Any, followed: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    for name, made in (("monday", vectors(0)), ("tuesday", others())):
        pd.DataFrame({"kind": KINDS, "vector": list(made)}).to_parquet(tmp_path / f"{name}.parquet")
    monday, tuesday = (tmp_path / f"{name}.parquet" for name in ("monday", "tuesday"))
    session.open_entry("monday")
    loop.until(lambda: session.scene is not None)
    controls = DataControls(session, MaterialToolkit())
    assert "monday" not in controls.compare.options
    controls.compare.value = controls.compare.options["Handwritten digits"]
    loop.until(lambda: "cannot be compared with monday: it has 1,797 rows instead of 90" in session.error)
    assert controls.compare.value == "— none —"
    session.selection.apply([5])
    session.selection.keep("five")
    session.filters.put("query", "kind", np.arange(90) < 60)
    session.inspection.row = 8
    controls.compare.value = controls.compare.options["tuesday"]
    loop.until(lambda: session.comparing.possible and not session.opening)
    assert (session.selection.rows.tolist(), session.selection.names, session.inspection.row) == ([5], ["five"], 8), "the same rows"
    assert list(session.filters.entries) == ["query"]
    loop.until(lambda: session.other_neighbors is not None)
    session.filters.clear()
    assert controls.compare.value == controls.compare.options["tuesday"]
    assert session.error == ""
    session.comparing.measure()
    loop.until(lambda: session.comparing.findings is not None)
    whole = state_to_json(session)
    session.colors.show(session.comparing.column(15))
    link = linked(session)[0]
    assert str(tmp_path) not in json.dumps(whole), "no path is told"
    elsewhere = followed(link, open_dataset(monday))
    assert elsewhere.comparing.names == session.comparing.names == ("monday", "tuesday")
    assert elsewhere.selection.rows.tolist() == [5]
    assert elsewhere.error == ""
    view = Explorer(monday)
    view.state = whole
    assert view.dataset.other.fingerprint == session.dataset.other.fingerprint
    with pytest.raises(BadState):
        view.state = {**whole, "compare": None, "views": [[1]]}
    assert view.dataset.other is not None, "nothing was changed"
    view._session.close()

    pd.DataFrame({"kind": KINDS, "vector": list(vectors(2))}).to_parquet(tuesday)
    elsewhere = followed(link, open_dataset(monday))
    assert elsewhere.comparing.possible
    assert elsewhere.error == "tuesday has other vectors by now than when this view was kept."
    tuesday.unlink()
    elsewhere = followed(link, open_dataset(monday))
    assert not elsewhere.comparing.possible
    assert elsewhere.selection.rows.tolist() == [5], "the rest is there"
    loop.until(lambda: elsewhere.planes[0].settled)
    assert elsewhere.error == str(ComparisonGone("tuesday", "That is not in the catalog here.")), "and nothing of a column that is gone too"
    assert elsewhere.appearance.color_by == "kind"


@pytest.mark.parametrize("told", [3, {}, {"column": 1, "entry": "", "title": "", "fingerprint": ""}])
def test_a_comparison_that_is_none_is_refused(told: Any, session: Session, loop: Any, opened: Callable[..., Dataset]):
    dataset = opened()
    with pytest.raises(BadState, match="is not with what"):
        reopening(session, encoded({"compare": told}))
    secret = {"column": "", "entry": "/etc/passwd", "title": "x", "fingerprint": "0"}
    read = reopening(session, encoded({"compare": secret}))
    assert read is not None
    with pytest.raises(ComparisonGone):
        read()
    assert session.dataset is dataset
