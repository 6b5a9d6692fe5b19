"""What a session finds out by itself and when asked: the maps' verdicts, rows like others, what is special about a selection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer.data.dataset import Dataset, open_dataset
from explorer.jobs.runner import Runner
from explorer.session import Session
from explorer.store.store import Store

N = 60


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"word": [f"word {i}" for i in range(N)], "kind": ["a", "b", "c"] * (N // 3), "size": np.arange(N) * 1.0})
    return frame.assign(x=rng.normal(size=N), y=rng.normal(size=N))


def data(name: str = "Words", seed: int = 0) -> Dataset:
    return open_dataset(frame(), vectors=np.random.default_rng(seed).normal(size=(N, 5)).astype(np.float32), label="word", name=name)


@pytest.fixture
def session(loop: Any, tmp_path: Path) -> Iterator[Session]:
    jobs = Runner(store=Store(tmp_path))
    made = Session(schedule=loop, jobs=jobs)
    yield made
    made.close()
    jobs.close()


@pytest.fixture
def opened(session: Session, loop: Any) -> Callable[..., Dataset]:
    def open_(**how: Any) -> Dataset:
        dataset = data(**how)
        session.open(dataset)
        loop.until(lambda: session.scene is not None and session.scene.dataset is dataset)
        return dataset

    return open_


def test_each_map_says_what_it_kept(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    session.inspection.row = 3
    loop.until(lambda: session.inquiry.on_maps)
    made = session.inquiry.on_maps[session.planes[0]]
    assert made.of is session.neighbors
    assert made.n_kept + made.n_lost == 10
    session.selection.apply([1, 2])  # another scene of the same layout
    loop.until(lambda: session.scene.selected is not None)
    assert session.inquiry.on_maps[session.planes[0]] is made
    session.inspection.k = 5
    loop.until(lambda: session.inquiry.on_maps[session.planes[0]].of is session.neighbors and len(session.neighbors.rows) == 5)
    session.inspection.row = None
    assert session.inquiry.on_maps == {}


def test_back_and_forward(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    for row in (3, 4, 5):
        session.inspection.row = row
    session.inquiry.go("back")
    assert session.inspection.row == 4
    session.inquiry.go("forward")
    assert session.inspection.row == 5
    session.inquiry.go("forward")
    assert session.inspection.row == 5
    opened(name="Others", seed=1)
    assert not session.inquiry.visits.can_go_back


def test_neighbors_and_theirs_are_selected(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    session.inquiry.select_neighbors()  # nothing was clicked
    assert session.selection.count == 0
    session.inspection.row = 3
    loop.until(lambda: session.neighbors is not None)
    session.inquiry.select_neighbors("add")
    assert session.selection.rows.tolist() == sorted([3, *session.neighbors.rows.tolist()])
    assert session.selection.made_by == "neighbors of row 3"
    session.inquiry.select_two_steps()
    assert session.inquiry.working
    loop.until(lambda: not session.inquiry.working)
    assert session.selection.count > 11
    session.selection.undo()
    assert session.selection.count == 11


def test_rows_like_some(session: Session, loop: Any, opened: Callable[..., Dataset]):
    dataset = opened()
    session.inspection.give(3, "liked")
    loop.until(lambda: session.inquiry.alike is not None)
    assert session.inquiry.alike.metric == "cosine"
    unit = dataset.vectors / np.linalg.norm(dataset.vectors, axis=1, keepdims=True)  # type: ignore[operator]
    assert session.inquiry.alike.rows.tolist() == np.argsort(-unit @ unit[3])[1:11].tolist()
    session.inquiry.select_alike()
    assert session.selection.count == 10
    before = session.inquiry.alike
    session.inspection.give(4, "disliked")
    loop.until(lambda: session.inquiry.alike is not before)
    session.inspection.give(3, "neither")
    session.inspection.give(4, "neither")
    assert session.inquiry.alike is None
    assert session.inquiry.alike_note == ""


def test_rows_that_the_data_does_not_have_are_taken_away(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    session.inspection.give(10**9, "liked")
    assert session.inspection.liked == []
    assert "There is no row" in session.error


def test_why_nothing_is_like_these(session: Session, loop: Any):
    flat = open_dataset(frame()[["word", "x", "y"]], name="Places")
    session.open(flat)
    loop.until(lambda: session.scene is not None)
    session.inspection.give(3, "liked")
    loop.until(lambda: "needs vectors" in session.inquiry.alike_note)
    assert session.inquiry.alike is None


def test_a_selection_is_described_and_the_last_one_counts(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    session.selection.apply(range(0, 30, 3))
    session.selection.apply(range(0, N, 3))
    loop.until(lambda: session.inquiry.described == session.selection.version and session.inquiry.summary is not None)
    loop.run()
    summary = session.inquiry.summary
    assert (summary.n, summary.categories[0].category) == (20, "a")
    session.selection.clear()
    assert session.inquiry.summary is None


def test_categories_and_words_are_selected_and_filtered(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    session.inquiry.choose_category("kind", "b", "select")
    loop.until(lambda: session.selection.count)
    assert session.selection.rows.tolist() == list(range(1, N, 3))
    assert session.selection.made_by == "kind = b"
    session.inquiry.choose_word("word", "7", "select", "add")
    loop.until(lambda: session.selection.count == 20)  # row 7 is a b
    session.inquiry.choose_category("kind", "c", "filter")
    loop.until(lambda: session.filters.mask is not None)
    assert [entry.label for entry in session.filters.entries.values()] == ["kind = c"]
    assert np.flatnonzero(session.filters.mask).tolist() == list(range(2, N, 3))
    session.inquiry.choose_category("nothing", "c", "select")
    loop.until(lambda: "has no column nothing" in session.error)
    assert session.inquiry.working == ""
    assert session.selection.count == 20


def test_another_dataset_forgets_all_of_it(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened()
    session.inspection.row = 3
    session.inspection.give(4, "liked")
    session.selection.apply([1, 2, 3])
    loop.until(lambda: session.inquiry.alike is not None and session.inquiry.summary is not None and session.inquiry.on_maps)
    opened(name="Others", seed=1)
    loop.run()
    inquiry = session.inquiry
    assert (inquiry.on_maps, inquiry.alike, inquiry.summary, session.inspection.liked) == ({}, None, None, [])
