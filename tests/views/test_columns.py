"""Panels of a dataset that gains a column: they offer it, and what was set stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views.color_controls import ColorControls
from explorer.views.histogram import HistogramView
from explorer.views.inspector import Inspector
from explorer.views.plain import PlainToolkit
from explorer.views.search import SearchView
from explorer.views.table import Table

NEW = "moved: UMAP → t-SNE"


@pytest.fixture
def gain(session: Session, loop: Any, opened: Callable[..., Dataset]) -> Callable[[], Dataset]:
    """Open rows; calling this adds a column, as a session hears of it."""
    dataset = opened()

    def add() -> Dataset:
        name = dataset.add_column(NEW, np.linspace(0, 2, dataset.n_rows, dtype=np.float32))
        assert name == NEW
        session.hear(dataset)
        loop.run()
        return dataset

    return add


def test_it_can_color_and_the_color_stays(session: Session, loop: Any, toolkit: Any, gain: Callable[[], Dataset]):
    controls = ColorControls(session, toolkit)
    session.appearance.color_by = "score"
    gain()
    loop.until(lambda: NEW in controls.column.options.values())  # columns that come one after another are offered together
    assert list(controls.column.options.values()) == ["", "kind", "score", NEW]
    assert controls.column.value == session.appearance.color_by == "score"


def test_it_can_have_a_histogram_and_those_there_are_stay(session: Session, loop: Any, gain: Callable[[], Dataset]):
    view = HistogramView(session, PlainToolkit(), later=loop)
    loop.until(lambda: len(view.component.content.get("columns", [])) == 2)
    content = view.component.content
    gain()
    assert view.component.choices == ["kind", "score", NEW]
    assert view.component.content is content
    session.histograms.columns = ["score", NEW]
    loop.until(lambda: [column["name"] for column in view.component.content["columns"]] == ["score", NEW])
    browser = {"of": view.component.content["version"], "column": NEW}
    view.component._handle_msg({"type": "act", "of": browser["of"], "act": "filter"})
    view.component._handle_msg({"type": "brush", **browser, "start": 0, "end": 1, "mode": "replace", "first": True, "number": 1})
    loop.until(lambda: session.scene.passing is not None)
    assert 0 < session.scene.n_shown < 40


def test_a_histogram_that_was_chosen_before_there_is_such_a_column_comes_with_it(session: Session, loop: Any, gain: Callable[[], Dataset]):
    view = HistogramView(session, PlainToolkit(), later=loop)
    session.histograms.columns = ["score", NEW]
    loop.until(lambda: [column["name"] for column in view.component.content.get("columns", [])] == ["score"])
    assert (view.component.content["chosen"], session.error) == (["score"], "")
    gain()
    loop.until(lambda: [column["name"] for column in view.component.content["columns"]] == ["score", NEW])


def test_the_table_shows_it_where_no_columns_were_chosen(session: Session, loop: Any, gain: Callable[[], Dataset]):
    view = Table(session, later=loop, on_point=lambda row: None)
    got: list[Any] = []
    view.component._send_msg = got.append  # type: ignore[method-assign, assignment]
    top = view.component.listing["top"]
    dataset = gain()
    listing = view.component.listing
    assert [column["name"] for column in listing["columns"]] == view.component.offered == ["word", "kind", "score", NEW]
    assert listing["top"] == top, "it stays where it was scrolled to"
    dataset.add_column("later", np.zeros(40, np.float32))  # of which nobody has heard yet
    asked = {"type": "page", "client": "here", "version": listing["version"], "id": 1, "start": 0, "count": 2}
    view.component._handle_msg(asked)
    loop.until(lambda: got)
    assert json.loads(got[0]["page"])["cells"][0] == ["word 0", "a", "0", "0"]


def test_the_table_keeps_chosen_columns_and_is_sorted_by_what_was_wanted_before(session: Session, loop: Any, gain: Callable[[], Dataset]):
    view = Table(session, later=loop, on_point=lambda row: None)
    session.table.param.update(columns=["score"], sort=[[NEW, True]])
    before = view.component.listing["version"]
    gain()
    loop.until(lambda: view.component.listing["version"] != before)
    assert [column["name"] for column in view.component.listing["columns"]] == ["score"]
    assert view._listing.part(0, 2).tolist() == [39, 38]


def test_search_and_query_know_it_and_what_was_found_stays(session: Session, loop: Any, gain: Callable[[], Dataset]):
    view = SearchView(session, PlainToolkit(), later=loop)
    of = view.component.content["version"]
    view.component._handle_msg({"type": "search", "of": of, "asked": 1, "text": "word 1", "mode": "contains", "case": False, "column": ""})
    loop.until(lambda: view.component.found.get("n"))
    found = view.component.found
    gain()
    assert view.component.columns == ["word", "kind", "score", NEW]
    assert {"name": NEW, "role": "number"} in view.component.names
    assert (view.component.content["version"], view.component.found) == (of, found)
    view.component._handle_msg({"type": "query", "of": of, "asked": 2, "text": f"`{NEW}` >= 1.99"})
    loop.until(lambda: view.component.met.get("any"))
    assert view.component.met["note"] == "1 row"


def test_the_clicked_row_says_it(session: Session, loop: Any, toolkit: Any, gain: Callable[[], Dataset]):
    view = Inspector(session, toolkit, later=loop, on_point=lambda row: None)
    session.inspection.row = 39
    gain()
    assert (NEW, "2") in [tuple(field) for field in view.component.content["card"]["fields"]]
