"""Several maps of one session: each its own layout, all the same colors, selection and filters."""

from __future__ import annotations

from itertools import count

import numpy as np
import pandas as pd
import pytest

from explorer.session import Session
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
