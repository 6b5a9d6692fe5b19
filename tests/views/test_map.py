from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from explorer.data.dataset import Dataset
from explorer.picture import Picture, PictureRequest, draw
from explorer.scene import Scene
from explorer.session import Session
from explorer.views.map import Map

DRAW: dict[str, Any] = {
    "type": "draw",
    "client": "one",
    "id": 1,
    "x0": -4,
    "x1": 4.0,
    "y0": -4.0,
    "y1": 4.0,
    "width": 300,
    "height": 200.5,
    "ratio": 1.5,
    "moving": False,
    "background": "#121212",
}
NAN, INFINITE = float("nan"), float("inf")


class Shown(NamedTuple):
    """A map, and what came out of it."""

    map: Map
    sent: list[dict[str, Any]]

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What was sent; pictures, rings and names of rows left out."""
        return [message for message in self.sent if message["type"] not in ("pictures", "ring", "names")]

    @property
    def ring(self) -> tuple[float | None, float | None]:
        """Where the ring around the row under the pointer is."""
        return next(((message["x"], message["y"]) for message in reversed(self.sent) if message["type"] == "ring"), (None, None))

    def say(self, message: object) -> None:
        """Speak as a browser does."""
        self.map.layer._handle_msg(message)

    @property
    def head(self) -> dict[str, Any]:
        """The header of the picture that was sent last."""
        message = next((answer["pictures"][-1] for answer in reversed(self.sent) if answer["type"] == "pictures"), b"")
        return json.loads(message[2 : 2 + int.from_bytes(message[:2], "big")]) if message else {}


@pytest.fixture
def shown(session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch) -> Shown:
    made = Shown(Map(session, later=loop), [])
    monkeypatch.setattr(made.map.layer, "_send_msg", made.sent.append)
    return made


@pytest.fixture
def dataset(shown: Shown, opened: Callable[..., Dataset]) -> Dataset:
    return opened()


def place(session: Session, row: int) -> dict[str, float]:
    x, y = session.scene.shown.layout.coordinates[row].tolist()
    return {"x": x, "y": y}


def test_a_browser_gets_the_picture_that_it_asked_for(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    assert shown.map.layer.home == pytest.approx(list(session.scene.shown.index.home))
    shown.say(DRAW)
    loop.until(lambda: shown.head)
    assert (shown.head["client"], shown.head["id"], shown.head["type"], shown.head["moving"]) == ("one", 1, "image/webp", False)
    first = shown.head["push"]
    shown.say({**DRAW, "id": 2, "moving": True})
    loop.until(lambda: shown.head["id"] == 2)
    assert shown.head["type"] == "image/jpeg"
    assert shown.head["push"] > first


def test_a_tap_finds_the_row_and_beside_it_nothing(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    shown.say(DRAW)
    loop.until(lambda: shown.head)
    shown.say({"type": "tap", "client": "one", **place(session, 7)})
    loop.run()
    assert session.inspection.row == 7
    shown.say({"type": "tap", "client": "one", "x": 3.9, "y": 3.9})
    loop.run()
    assert session.inspection.row is None


def test_a_row_that_is_drawn_is_found_near_a_place_in_view(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    assert shown.map.row_near(0.3, 0.6) is None, "nobody looks"
    shown.say(DRAW)
    loop.until(lambda: shown.head)
    view = shown.map.asked.view
    at = view.x0 + 0.3 * view.span[0], view.y1 - 0.6 * view.span[1]
    away = np.hypot(*(session.scene.shown.layout.coordinates - at).T)
    nearest = int(np.argmin(away))
    assert shown.map.row_near(0.3, 0.6) == nearest
    kind = session.scene.coloring.names[dataset.codes("kind")[0][nearest]]
    session.appearance.hide_in("kind", session.appearance.hidden_in("kind").hide([kind]))
    loop.until(lambda: session.scene.shown_rows is not None)
    away[~session.scene.shown_mask] = np.inf
    assert shown.map.row_near(0.3, 0.6) == int(np.argmin(away)) != nearest
    session.appearance.hide_in("kind", session.appearance.hidden_in("kind").hide(session.scene.coloring.names))
    loop.until(lambda: not session.scene.n_shown)
    assert shown.map.row_near(0.3, 0.6) is None


def test_the_row_under_the_pointer_is_described_to_the_one_who_asked(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    shown.say({**DRAW, "client": "two"})
    loop.until(lambda: shown.head)
    shown.say({"type": "hover", "client": "two", **place(session, 3)})
    shown.say({"type": "hover", "client": "two", "x": 3.9, "y": 3.9})
    shown.say({"type": "hover", "client": "who has no picture yet", **place(session, 3)})
    loop.run()
    card, *nothing = shown.answers
    assert (card["type"], card["client"], card["row"], card["title"]) == ("card", "two", 3, "word 3")
    assert (card["x"], card["y"]) == pytest.approx(tuple(place(session, 3).values()))
    assert card["fields"][0] == ("kind", "a")
    assert [(answer["client"], answer["row"]) for answer in nothing] == [("two", None), ("who has no picture yet", None)]
    json.dumps(shown.answers)


def test_another_color_is_sent_unasked_and_sharp(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    shown.say({**DRAW, "moving": True})
    loop.until(lambda: shown.head)
    before = shown.head
    session.appearance.color_by = "score"
    loop.until(lambda: shown.head["push"] > before["push"])
    assert (shown.head["id"], shown.head["moving"]) == (before["id"], False)


def test_a_picture_of_what_is_no_longer_shown_is_dropped(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    before = session.scene
    shown.say(DRAW)
    loop.arrival()  # drawn, and not yet shown
    session.planes[0].scene = replace(before, point_size=9.0)
    loop.run()
    assert shown.head == {} or shown.map._clients["one"].rest.scene is session.planes[0].scene
    loop.until(lambda: shown.head)
    assert shown.map._clients["one"].rest.scene is session.planes[0].scene
    assert shown.head["push"] == 1


def test_a_request_that_is_overtaken_by_a_newer_one_is_not_drawn(
    shown: Shown, dataset: Dataset, loop: Any, monkeypatch: pytest.MonkeyPatch
):
    drawn, begun, go = [], Event(), Event()

    def slow(scene: Scene, asked: PictureRequest, **_: object) -> Picture:
        begun.set()
        assert go.wait(60)
        drawn.append((asked.client, asked.id))
        return draw(scene, asked)

    monkeypatch.setattr("explorer.views.map.draw", slow)
    with ThreadPoolExecutor(1) as one:
        monkeypatch.setattr("explorer.views.map._drawers", one)
        shown.say(DRAW)
        assert begun.wait(60)
        for client, number in (("one", 2), ("two", 1), ("one", 3)):
            shown.say({**DRAW, "client": client, "id": number})
        go.set()
    loop.until(lambda: shown.head.get("id") == 3)
    assert drawn == [("one", 1), ("two", 1), ("one", 3)]


def test_a_tap_waits_for_the_picture_of_where_it_is(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    aside = {**DRAW, "x0": 50.0, "x1": 58.0}
    shown.say(aside)
    loop.until(lambda: shown.head)
    shown.say({**DRAW, "id": 2, "moving": True})
    shown.say({"type": "tap", "client": "one", **place(session, 7)})
    shown.say({"type": "hover", "client": "one", **place(session, 7)})
    loop.until(lambda: shown.head["id"] == 2)
    assert (session.inspection.row, shown.answers) == (None, [])
    shown.say({**DRAW, "id": 3})
    loop.until(lambda: shown.head.get("id") == 3)
    assert (session.inspection.row, [answer["row"] for answer in shown.answers]) == (7, [7])


def test_another_layout_is_another_home_and_the_browser_asks_for_it(
    shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session
):
    opened(seed=1)
    home = shown.map.layer.home
    opened(seed=2)
    assert shown.map.layer.home != home
    assert shown.map.layer.home == pytest.approx(list(session.scene.shown.index.home))


def test_who_is_gone_gets_nothing_and_the_ninth_browser_takes_the_place_of_the_first(shown: Shown, dataset: Dataset, loop: Any):
    for i in range(9):
        shown.say({**DRAW, "client": f"browser {i}"})
    assert list(shown.map._clients) == [f"browser {i}" for i in range(1, 9)]
    for i in range(9):
        shown.say({"type": "gone", "client": f"browser {i}"})
    loop.run()
    assert not shown.map._clients
    shown.say({"type": "gone", "client": "nobody"})


NONSENSE: list[object] = [
    None,
    [],
    "draw",
    7,
    {},
    {"type": "draw"},
    {"type": "draw", "client": "one"},
    {"type": "gone"},
    {"type": "gone", "client": ["one"]},
    {"type": "hover", "client": "one"},
    {"type": "tap", "client": "one", "x": "left", "y": None},
    {"type": "tap", "client": "one", "x": {}, "y": 0},
    {"type": "tap", "client": "one", "x": NAN, "y": INFINITE},
    {"type": "hover", "client": "one", "x": 1e308, "y": -1e308},
    {"type": ["draw"], "client": "one"},
    {**DRAW, "client": "x" * 100_000},
    {**DRAW, "client": None},
    {**DRAW, "id": NAN},
    {**DRAW, "id": 10**400},
    {**DRAW, "x0": NAN},
    {**DRAW, "x0": INFINITE, "x1": -INFINITE},
    {**DRAW, "x0": 5, "x1": -5, "y0": 0, "y1": 0},
    {**DRAW, "x0": -1e308, "x1": 1e308},
    {**DRAW, "width": INFINITE},
    {**DRAW, "width": NAN, "height": NAN},
    {**DRAW, "width": 1e12, "height": 1},
    {**DRAW, "width": 0, "height": -5},
    {**DRAW, "ratio": NAN},
    {**DRAW, "ratio": -3},
    {**DRAW, "ratio": 1e9, "width": 20, "height": 20},
    {**DRAW, "moving": {"a": 1}},
    {**DRAW, "moving": True, "background": "red"},
    {**DRAW, "moving": True, "background": "#zzzzzz"},
    {**DRAW, "moving": True, "background": None},
    {**DRAW, "moving": True, "background": "#" + "0" * 100_000},
    {"type": "select", "client": "one"},
    {"type": "select", "client": "one", "shape": "lasso", "mode": "or", "x": [0, 1, 2], "y": [0, 1, 0]},
    {"type": "select", "client": "one", "shape": "lasso", "mode": "add", "x": [0, NAN, 2], "y": [0, 1, 0]},
    {"type": "select", "client": "one", "shape": ["lasso"], "mode": "add", "x": [0, 1, 2], "y": [0, 1, 0]},
]


@pytest.mark.parametrize("message", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_from_a_browser_breaks_nothing(shown: Shown, dataset: Dataset, loop: Any, session: Session, message: object):
    shown.say(message)
    shown.say({**DRAW, "id": 99})
    loop.until(lambda: shown.head.get("id") == 99)
    shown.say({"type": "tap", "client": "one", **place(session, 5)})
    loop.run()
    assert session.inspection.row == 5
    assert session.error == ""


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
messages = st.builds(
    lambda base, changes: {**base, **changes},
    st.sampled_from([DRAW, {"type": "hover", "client": "one", "x": 0, "y": 0}, {"type": "tap", "client": "one", "x": 0, "y": 0}]),
    st.dictionaries(st.sampled_from([*DRAW, "x", "y"]), anything, max_size=3),
)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(message=messages | anything)
def test_no_message_raises(shown: Shown, dataset: Dataset, loop: Any, session: Session, message: object):
    shown.say(message)
    loop.run()
    assert session.error == ""


def test_a_picture_that_cannot_be_drawn_is_an_error_that_is_told(
    shown: Shown, dataset: Dataset, loop: Any, session: Session, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("explorer.views.map.draw", lambda scene, asked: 1 / 0)
    shown.say(DRAW)
    loop.until(lambda: session.error)
    assert session.error == "A picture could not be drawn; the log has the details."


def test_the_clicked_row_and_its_neighbors_are_marked(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    session.inspection.param.update(row=4, k=20)
    loop.until(lambda: session.neighbors is not None)
    marks = shown.map.layer.marks
    assert marks[0] == {**place(session, 4), "row": 4, "kind": "row", "label": "word 4", "faint": False}
    assert [mark["row"] for mark in marks[:21]] == [4, *session.neighbors.rows]
    assert {mark["kind"] for mark in marks[1:21]} <= {"neighbor", "kept", "lost"}  # the latter once the map was looked at
    assert [bool(mark["label"]) for mark in marks[:21]] == [True] * 13 + [False] * 8
    session.inspection.row = None
    assert shown.map.layer.marks == []


@pytest.mark.parametrize("row", [-1, 40, 10**9, 10**30])
def test_a_row_that_is_not_there_is_pointed_at_by_nobody(shown: Shown, dataset: Dataset, session: Session, row: int):
    session.point(3)
    assert shown.ring == tuple(place(session, 3).values())
    session.point(row)
    assert shown.ring == (None, None)
    session.point(None)


def test_the_row_under_the_pointer_is_ringed_on_every_map(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    shown.say(DRAW)
    loop.until(lambda: shown.head)
    shown.say({"type": "hover", "client": "one", **place(session, 3)})
    loop.run()
    assert session.pointed == 3
    assert shown.ring == tuple(place(session, 3).values())
    shown.say({"type": "left", "client": "one"})
    loop.run()
    assert session.pointed is None
    assert shown.ring == (None, None)


SQUARE = {"x": [-4.0, 0.0, 0.0, -4.0], "y": [-4.0, -4.0, 4.0, 4.0]}
SELECT = {"type": "select", "client": "one", "shape": "lasso", "mode": "replace", **SQUARE}


def test_an_outline_selects_what_is_in_it_and_shown(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    x = session.scene.shown.layout.coordinates[:, 0]
    shown.say(SELECT)
    loop.until(lambda: session.selection.count)
    assert np.array_equal(session.selection.mask, x < 0)
    assert session.selection.made_by == "a lasso"
    session.filters.put("even", "even", np.arange(40) % 2 == 0)
    loop.until(lambda: session.scene.shown_mask is not None)
    shown.say({**SELECT, "shape": "box", "mode": "subtract"})
    loop.until(lambda: session.selection.made_by == "a box")
    assert np.array_equal(session.selection.mask, (x < 0) & (np.arange(40) % 2 == 1))
    session.history.undo()
    assert np.array_equal(session.selection.mask, x < 0)


def test_an_outline_of_two_corners_is_a_sentence_and_loses_nothing(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    session.selection.apply([1, 2])
    shown.say({**SELECT, "x": [0.0, 1.0], "y": [0.0, 1.0]})
    loop.until(lambda: session.error)
    assert "three corners" in session.error
    assert session.selection.count == 2


def test_the_selection_is_brought_into_view(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    shown.map.show_selection()
    session.selection.apply([3, 4])
    loop.until(lambda: session.scene.selected is not None)
    shown.map.show_selection()
    loop.until(lambda: any(message["type"] == "view" for message in shown.sent))
    view = next(message for message in shown.sent if message["type"] == "view")
    for row in (3, 4):
        at = place(session, row)
        assert view["x0"] < at["x"] < view["x1"]
        assert view["y0"] < at["y"] < view["y1"]
    shown.map.fly_to(3)
    assert shown.sent[-1] == {"type": "fly", **place(session, 3)}


def test_marks_of_another_dataset_are_gone(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    opened(seed=1)
    session.inspection.row = 39
    loop.until(lambda: session.neighbors is not None)
    session.point(38)
    opened(10, seed=2)
    assert shown.map.layer.marks == []
    assert shown.ring == (None, None)


def test_a_row_that_is_on_no_map_is_not_marked(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    places = np.random.default_rng(0).normal(size=(2, 40)).astype(np.float32)
    places[:, 4] = np.nan
    opened(x=places[0], y=places[1])
    session.inspection.row = 4
    loop.until(lambda: session.neighbors is not None)
    assert {mark["kind"] for mark in shown.map.layer.marks} == {"neighbor"}


def test_where_there_is_no_map_it_says_what_to_do(shown: Shown, session: Session):
    assert shown.map.layer.note == "Choose a dataset, or open a file of your own."
    session.opening = "WordNet"
    assert shown.map.layer.note == "Opening WordNet …"
    shown.say(DRAW)
    shown.say({"type": "tap", "client": "one", "x": 0, "y": 0})
    assert shown.head == {}


def test_the_note_goes_when_there_is_a_map(shown: Shown, dataset: Dataset):
    assert shown.map.layer.note == ""


def test_pictures_are_kept_back_until_the_browser_has_its_page(
    session: Session, dataset: Dataset, loop: Any, monkeypatch: pytest.MonkeyPatch
):
    held = Shown(Map(session, later=loop, held=True), [])
    monkeypatch.setattr(held.map.layer, "_send_msg", held.sent.append)
    held.say(DRAW)
    loop.until(lambda: held.map._held)
    assert held.head == {}
    held.map.begin()
    assert (held.head["id"], held.head["push"]) == (1, 1)
    held.say({**DRAW, "id": 2})
    loop.until(lambda: held.head["id"] == 2)


def test_a_view_that_a_hand_has_chosen_is_undone_and_no_other(shown: Shown, dataset: Dataset, loop: Any, session: Session):
    port = session.planes[0].viewport
    x0, x1, y0, y1 = session.scene.shown.index.home
    shown.say({**DRAW, "x0": x0, "x1": x1, "y0": y0, "y1": y1})
    loop.until(lambda: shown.head)
    half = {"x0": x0, "x1": (x0 + x1) / 2, "y0": y0, "y1": (y0 + y1) / 2}
    shown.say({**DRAW, **half, "id": 2, "width": 301})  # as where the window has another size
    loop.until(lambda: shown.head["id"] == 2)
    assert port.view is not None
    assert not session.history.can_undo
    before = port.view
    shown.say({**DRAW, "x0": 0.0, "x1": 0.1, "y0": 0.0, "y1": 0.1, "id": 3, "by_hand": True})
    loop.until(lambda: shown.head["id"] == 3)
    assert session.history.undoes == "zoom"
    shown.say({**DRAW, "x0": 0.0, "x1": 0.1, "y0": 0.0, "y1": 0.1, "id": 4, "by_hand": True})
    loop.until(lambda: shown.head["id"] == 4)
    session.history.undo()
    assert port.view == before
    assert shown.map.layer.look[1:] == pytest.approx(list(before))
    assert not session.history.can_undo, "what came to rest where it was is no step"
