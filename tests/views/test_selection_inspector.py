from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.data.dataset import Dataset
from explorer.selection_summary import Common, Difference, SelectionSummary, Word
from explorer.session import Session
from explorer.views.selection_inspector import SelectionInspector, selection_content


@pytest.fixture
def pointed() -> list[int | None]:
    return []


@pytest.fixture
def inspector(session: Session, loop: Any, pointed: list[int | None]) -> SelectionInspector:
    return SelectionInspector(session, later=loop, on_point=pointed.append)


def content(inspector: SelectionInspector) -> dict[str, Any]:
    json.dumps(inspector.component.content, allow_nan=False)  # it goes to a browser
    return inspector.component.content


def describe(session: Session, loop: Any, rows: Any) -> None:
    session.selection.apply(rows)
    loop.until(lambda: session.inquiry.described == session.selection.version)


def some_kind(data: Dataset) -> tuple[str, list[int]]:
    kinds = data.frame()["kind"]
    kind = kinds.value_counts().index[0]
    return kind, np.flatnonzero(kinds == kind).tolist()


def say(inspector: SelectionInspector, loop: Any, **message: Any) -> None:
    inspector.component._handle_msg({"of": inspector.component.content["version"], **message})
    loop.run()


def test_before_anything_is_selected_it_says_what_to_do(inspector: SelectionInspector, opened: Callable[..., Dataset]):
    opened()
    assert content(inspector)["hint"].startswith("Select rows")


def test_a_selection_is_counted_at_once_and_described_in_a_moment(
    inspector: SelectionInspector, opened: Callable[..., Dataset], session: Session, loop: Any
):
    data = opened()
    kind, rows = some_kind(data)
    session.selection.apply(rows)
    assert content(inspector)["stale"]
    loop.until(lambda: not content(inspector)["stale"])
    assert content(inspector)["columns"][0]["column"] == "kind"
    assert content(inspector)["columns"][0]["categories"][0]["name"] == kind
    assert [medoid["row"] for medoid in content(inspector)["medoids"]] == session.inquiry.summary.medoids.tolist()
    assert content(inspector)["closeness"].startswith("Mean cosine distance of two of them")


def test_why_there_is_no_comparison(inspector: SelectionInspector, opened: Callable[..., Dataset], session: Session, loop: Any):
    opened()
    describe(session, loop, [3])
    assert content(inspector)["note"].startswith("Select two rows or more")
    describe(session, loop, range(40))
    assert content(inspector)["note"].startswith("All rows are selected")
    describe(session, loop, [])
    assert "hint" in content(inspector)


def test_a_category_is_selected_filtered_and_colors(
    inspector: SelectionInspector, opened: Callable[..., Dataset], session: Session, loop: Any
):
    rows = some_kind(opened())[1]
    describe(session, loop, rows[:-1])
    say(inspector, loop, type="select", what="category", code=0, mode="replace")
    loop.until(lambda: session.selection.count == len(rows))
    loop.until(lambda: not content(inspector)["stale"])
    say(inspector, loop, type="filter", what="category", code=0)
    loop.until(lambda: session.filters.mask is not None)
    assert np.flatnonzero(session.filters.mask).tolist() == rows
    session.appearance.color_by = None
    say(inspector, loop, type="color", column="kind")
    assert session.appearance.color_by == "kind"


def test_a_medoid_is_looked_at_and_pointed_at(
    inspector: SelectionInspector, opened: Callable[..., Dataset], session: Session, loop: Any, pointed: list[int | None]
):
    opened()
    describe(session, loop, range(10))
    row = int(session.inquiry.summary.medoids[0])
    say(inspector, loop, type="point", row=row)
    say(inspector, loop, type="look", row=row)
    assert (pointed, session.inspection.row) == ([row], row)


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"type": {}},
        {"type": "look", "row": 39_000},
        {"type": "look", "row": "3"},
        {"type": "color", "column": "x"},
        {"type": "color", "column": ["kind"]},
        {"type": "select", "what": "category", "code": 99, "mode": "replace"},
        {"type": "select", "what": "category", "code": -1, "mode": "replace"},
        {"type": "select", "what": "category", "code": True, "mode": "replace"},
        {"type": "select", "what": "category", "code": 0, "mode": "all"},
        {"type": "select", "what": "word", "at": 10**30, "mode": "add"},
        {"type": "filter", "what": "nothing", "code": 0},
        {"type": "point", "row": True},
        {"type": "select", "what": "category", "code": 0, "mode": "replace", "of": -3},
    ],
    ids=str,
)
def test_nonsense_from_a_browser_does_nothing(
    inspector: SelectionInspector, opened: Callable[..., Dataset], session: Session, loop: Any, message: Any, pointed: list[int | None]
):
    opened()
    describe(session, loop, range(10))
    before = session.selection.version
    if isinstance(message, dict) and message:
        message = {"of": content(inspector)["version"], **message}
    inspector.component._handle_msg(message)
    loop.run()
    assert (session.selection.version, session.inspection.row, session.error, pointed) == (before, None, "", [])
    assert (session.inquiry.working, session.filters.mask) == ("", None)


def test_every_number_is_written_for_a_person(opened: Callable[..., Dataset]):
    inf, nan = float("inf"), float("nan")
    summary = SelectionSummary(
        30_000,
        100_000,
        categories=(Common("kind", None, 3, 0.0004, 0.0, 90.0, 80.0, inf), Common("kind", "", 3, 0.99999, 0.5, 1.0, 0.5, 2.0)),
        differences=(Difference("score", 2.0, 1.0, 10, inf, inf, inf), Difference("score", 1234.5678, 1.0, 10, -0.5, -0.7, -0.3)),
        mean_distance=nan,
        words=(Word("word", 3, 0.5, 0.01, 9.0),),
        text="word",
        n_texts=20_000,
    )
    made = selection_content(opened(), summary)
    json.dumps(made, allow_nan=False)
    assert [line["name"] for line in made["columns"][0]["categories"]] == ["no value", "(empty)"]
    assert [line["at"] for line in made["numbers"]] == [100, pytest.approx(41.67)]
    assert made["numbers"][1]["says"] == "Mean 1,235, of the others 1: -0.50 standard deviations (-0.70 to -0.30)."
    assert made["words"][0]["told"] == "In 50% of the selected texts and 1.0% of the others."
    assert made["closeness"] == ""
    assert made["foot"] == "Distances and words are of a sample of 20,000 of them."


def test_nothing_special_is_said(opened: Callable[..., Dataset]):
    made = selection_content(opened(), SelectionSummary(5, 40, n_columns=3))
    assert made["note"] == "Nothing sets these rows apart from the others beyond chance."
