"""What is on the screen as an address, as Python and as a bookmark, and back again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.address import ROOM, decoded, encoded, restore
from explorer.bookmarks import Bookmarks
from explorer.crossfilter import first_columns
from explorer.data.dataset import Dataset
from explorer.errors import BadParameter, BadState
from explorer.jobs.runner import Runner
from explorer.render.view import View
from explorer.session import Session
from explorer.sharing import Shared
from explorer.views.share import ShareView

Opened = Callable[..., Dataset]


@pytest.fixture
def view(session: Session, loop: Any, opened: Opened) -> ShareView:
    with session.history.unrecorded():
        session.histograms.columns = first_columns(opened(400))  # as the page's histograms do
    made = ShareView(session, addressed=True)
    made.begin()
    loop.until(lambda: made.sharing.shared is not None)
    return made


def shared(view: ShareView, loop: Any) -> Shared:
    """What is written once nothing changes any more."""
    loop.until(lambda: not view.sharing._busy)
    found = view.sharing.shared
    assert isinstance(found, Shared)
    return found


def state_of(view: ShareView, loop: Any) -> str:
    return parse_qs(shared(view, loop).address.query).get("state", [""])[0]


def test_a_page_that_was_just_opened_has_no_state_in_its_address(view: ShareView, loop: Any):
    assert state_of(view, loop) == ""


def test_the_address_of_one_page_sets_another_one(view: ShareView, session: Session, loop: Any, jobs: Runner):
    session.appearance.param.update(color_by="score", colormap="fire", density="linear")
    session.selection.apply([1, 2, 3], made_by="a lasso")
    session.filters.put("query", "score < 0.5", np.arange(400) < 200)
    session.inspection.row = 7
    session.arrangement.param.update(n_maps=2, linked=False)
    session.planes[0].viewport.view = (-1.0, 1.0, -0.5, 0.5)
    text = state_of(view, loop)
    assert 0 < len(text) < ROOM

    other = Session(schedule=loop, jobs=jobs)
    other.open(session.dataset)
    loop.until(lambda: other.scene is not None)
    other.appearance.density = "equalized"
    restore(other, text)
    loop.until(lambda: other.planes[0].settled)
    assert (other.appearance.color_by, other.appearance.colormap, other.appearance.density) == ("score", "fire", "linear")
    assert (other.selection.rows.tolist(), other.selection.made_by) == ([1, 2, 3], "a lasso")
    assert [(entry.label, entry.count) for entry in other.filters.entries.values()] == [("score < 0.5", 200)]
    assert other.inspection.row == 7
    assert (other.arrangement.n_maps, other.arrangement.linked) == (2, False)
    assert other.planes[0].looking == View(-1, 1, -0.5, 0.5)
    restore(other, encoded({}))
    assert (other.appearance.color_by, other.appearance.density, other.selection.count, other.arrangement.n_maps) == ("kind", "log", 0, 1)
    assert not other.filters.entries
    other.close()


def test_what_is_too_large_for_an_address_is_left_out_and_named(view: ShareView, session: Session, loop: Any, opened: Opened):
    opened(100_000, seed=3)
    session.selection.apply(np.random.default_rng(0).random(100_000) < 0.5)
    session.appearance.density = "linear"
    loop.until(lambda: view.component.content["left_out"])
    assert view.component.content["left_out"] == ["the selection"]
    state = decoded(state_of(view, loop))
    assert "selection" not in state
    assert state["appearance"] == {"density": "linear"}
    assert "selection" in decoded(shared(view, loop).bookmark)


@pytest.mark.parametrize(
    "text", ["x", "!", "eJw", encoded({"choice": 3}), encoded({"appearance": {"density": "no"}}), encoded({"views": [[1, 2]]})]
)
def test_an_address_that_was_changed_is_refused_with_a_sentence(text: str, view: ShareView, session: Session, loop: Any):
    before = state_of(view, loop)
    view.begin(text)
    assert session.error.startswith("This state cannot be set: ")
    loop.run()
    assert state_of(view, loop) == before


def test_the_address_of_other_data_is_refused(view: ShareView, session: Session, loop: Any, opened: Opened):
    session.selection.apply([1])
    text = state_of(view, loop)
    opened(400, seed=5)
    with pytest.raises(BadState, match="belongs to 'Rows 0'"):
        restore(session, text)


def test_the_python_rebuilds_the_view(view: ShareView, session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch, jobs: Runner):
    import explorer

    session.appearance.param.update(color_by="score", density="linear")
    session.selection.apply([4, 5])
    lines = shared(view, loop).python
    assert "view = explorer.Explorer(data, color='score')\n" in lines
    monkeypatch.setattr("explorer.open_dataset", lambda name: session.dataset)
    names: dict[str, Any] = {}
    exec(compile(lines, "copied", "exec"), names)
    made = names["view"]
    assert isinstance(made, explorer.Explorer)
    assert made.selection.tolist() == [4, 5]
    assert made.state["appearance"] == session.appearance.as_json()


def test_a_bookmark_brings_back_what_was_on_the_screen(view: ShareView, session: Session, loop: Any):
    session.appearance.color_by = "score"
    session.selection.apply([8])
    loop.until(lambda: not view.sharing._busy)
    view.component._on_message({"type": "keep", "name": " eight  "})
    loop.run()
    session.appearance.color_by = "kind"
    session.selection.clear()
    view.component._on_message({"type": "open", "name": "eight"})
    loop.run()
    assert (session.appearance.color_by, session.selection.rows.tolist()) == ("score", [8])
    view.component._on_message({"type": "rename", "name": "eight", "new": "the eighth"})
    loop.run()
    assert [item["name"] for item in view.component.bookmarks] == ["the eighth"]
    view.component._on_message({"type": "delete", "name": "the eighth"})
    loop.run()
    assert not view.component.bookmarks
    view.component._on_message({"type": "undo"})
    loop.run()
    assert [item["name"] for item in view.component.bookmarks] == ["the eighth"]
    assert not view.component.can_undo


def test_a_deleted_bookmark_is_undone_by_the_key_as_well_and_once(view: ShareView, session: Session, loop: Any, opened: Opened):
    def names() -> list[str]:
        return [item["name"] for item in view.component.bookmarks]

    def act(**message: str) -> None:
        view.component._on_message(message)
        loop.run()

    loop.until(lambda: not view.sharing._busy)
    for name in ("one", "two"):
        act(type="keep", name=name)
    act(type="delete", name="one")
    act(type="delete", name="nobody")
    assert session.history.undoes == "delete the bookmark one"
    session.history.undo()
    assert names() == ["one", "two"]
    session.history.redo()
    assert names() == ["two"]
    session.history.undo()
    act(type="delete", name="two")
    act(type="undo")
    assert names() == ["one", "two"]
    assert session.history.undoes == "keep the bookmark two", "what the panel took back is no step any more"
    act(type="delete", name="two")
    session.appearance.color_by = "score"
    act(type="undo")
    assert names() == ["one", "two"]
    assert session.history.undoes == "color by score"
    act(type="delete", name="one")
    opened(seed=1)
    act(type="undo")
    assert names() == ["one", "two"]


def test_a_bookmark_that_is_opened_is_one_step_and_a_page_begins_with_none(view: ShareView, session: Session, loop: Any, opened: Opened):
    assert not session.history.can_undo
    session.appearance.color_by = "score"
    session.filters.put("query", "score < 0.5", np.arange(400) < 200)
    loop.until(lambda: not view.sharing._busy)
    view.component._on_message({"type": "keep", "name": "few"})
    loop.run()
    session.filters.clear()
    session.appearance.param.update(color_by="kind", density="linear")
    session.selection.apply([8])
    view.component._on_message({"type": "open", "name": "few"})
    loop.run()
    assert (session.appearance.color_by, session.appearance.density, session.selection.count) == ("score", "log", 0)
    assert session.history.undoes == "open the bookmark few"
    session.history.undo()
    assert (session.appearance.color_by, session.appearance.density, session.selection.rows.tolist()) == ("kind", "linear", [8])
    assert not session.filters.entries
    assert session.history.undoes == "select by Python"
    session.history.redo()
    assert list(session.filters.entries) == ["query"]
    opened(seed=1)
    assert not session.history.can_undo
    loop.until(lambda: not view.sharing._busy)
    assert not session.history.can_undo


def test_bookmarks_of_one_who_has_logged_in_are_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    Bookmarks("ann").add("one", "text", dataset="Digits", entry="digits")
    Bookmarks(None).add("two", "text", dataset="Digits", entry="digits")
    assert [item["name"] for item in Bookmarks("ann").items] == ["one"]
    assert Bookmarks("bob").items == Bookmarks(None).items == []
    (file,) = (tmp_path / "bookmarks").iterdir()
    file.write_text("{", "utf-8")
    assert Bookmarks("ann").items == []


def test_what_a_browser_kept_is_taken_where_it_makes_sense():
    bookmarks = Bookmarks()
    good = {"name": "one", "text": "x", "dataset": "Digits", "entry": ""}
    bookmarks.load([good, {"name": 3}, "no", {**good, "name": ""}, {**good, "name": "two", "text": "x" * 300_000}])
    assert bookmarks.items == [good]
    bookmarks.load({"no": "list"})
    assert bookmarks.items == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_bookmark_needs_a_name(name: str):
    with pytest.raises(BadParameter, match="1 to 80"):
        Bookmarks().add(name, "", dataset="", entry="")


def test_a_name_is_not_given_twice():
    bookmarks = Bookmarks()
    for name in ("one", "two"):
        bookmarks.add(name, "", dataset="", entry="")
    with pytest.raises(BadParameter, match="another bookmark"):
        bookmarks.rename("one", "two")
    bookmarks.add("one", "new", dataset="", entry="")
    assert [(item["name"], item["text"]) for item in bookmarks.items] == [("two", ""), ("one", "new")]
    assert json.dumps(bookmarks.items)


def test_that_another_dataset_was_opened_is_undone_with_everything_that_was_set(
    session: Session, loop: Any, make_table: Callable[..., pa.Table], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("one", "two"):
        pq.write_table(make_table(60 if name == "one" else 30), tmp_path / f"{name}.parquet")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))

    def is_open(name: str) -> bool:
        return session.dataset is not None and session.dataset.name == name and session.scene is not None and not sharing._busy

    made = ShareView(session, addressed=True)
    sharing = made.sharing
    made.begin()
    session.open_entry("one")
    loop.until(lambda: is_open("one"))
    assert not session.history.can_undo
    session.selection.apply([3, 4, 5], made_by="a lasso")
    session.selection.keep("three")
    session.filters.put("query", "score < 0.5", np.arange(60) < 30)
    session.appearance.color_by = "score"
    shared(made, loop)
    session.open_entry("two")
    loop.until(lambda: is_open("two") and session.history.can_undo)
    assert (session.history.undoes, session.selection.count) == ("open two", 0)
    session.selection.apply([1])
    shared(made, loop)
    session.history.undo()
    shared(made, loop)
    session.history.undo()
    loop.until(lambda: is_open("one") and session.selection.count)
    shared(made, loop)
    assert (session.selection.rows.tolist(), session.selection.names, session.appearance.color_by) == ([3, 4, 5], ["three"], "score")
    assert [entry.label for entry in session.filters.entries.values()] == ["score < 0.5"]
    assert not session.history.can_undo
    assert session.history.redoes == "open two"
    session.history.redo()
    loop.until(lambda: is_open("two"))
    shared(made, loop)
    assert session.selection.rows.tolist() == []
    assert session.history.undoes == "open two"
    (tmp_path / "one.parquet").unlink()
    session.history.undo()
    loop.until(lambda: session.error)
    assert "one" in session.error
    assert session.dataset.name == "two", "what is open stays"
    assert sharing._returning == ""
