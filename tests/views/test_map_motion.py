"""What a browser is told and sent while rows travel between layouts, and while a layout is being computed."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.compute.projections import Layout
from explorer.data.dataset import Dataset
from explorer.journey import Journey, OnTheWay
from explorer.picture import Picture, PictureRequest, draw
from explorer.plane import Plane
from explorer.render.layout_index import LayoutIndex
from explorer.scene import InProgress, Run, Scene
from explorer.session import Session
from explorer.views.map import Map
from explorer.views.traveling import TRAVEL_MS
from tests.views.test_map import DRAW, NAN, Shown

N = 300
WIDE: dict[str, Any] = {**DRAW, "x0": -6.0, "x1": 6.0, "y0": -4.0, "y1": 4.0, "width": 300, "height": 200, "ratio": 1.0}


@pytest.fixture
def shown(session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch) -> Shown:
    made = Shown(Map(session, later=loop), [])
    monkeypatch.setattr(made.map.layer, "_send_msg", made.sent.append)
    return made


@pytest.fixture
def plane(shown: Shown, session: Session, opened: Callable[..., Dataset], loop: Any) -> Plane:
    """A map of one layout, of two, with a browser that has its picture."""
    places = np.random.default_rng(5).normal(size=(N, 2)).astype(np.float32)
    opened(N, seed=5, x=places[:, 0], y=places[:, 1], umap_1=places[:, 0] + np.arange(N) % 2 * 3, umap_2=places[:, 1])
    session.show(next(run for run in session.runs if run.title == "x, y"))
    made = session.planes[0]
    loop.until(lambda: session.scene.shown.run.title == "x, y" and made._taken == made._staged)
    made.at = 1.0
    made.journey = None
    shown.say(WIDE)
    loop.until(lambda: shown.head.get("id") == 1)
    shown.sent.clear()
    return made


def travel(session: Session, loop: Any, shown: Shown, title: str = "umap") -> dict[str, Any]:
    """Toggle, and wait until the browser has heard of it."""
    before = len(shown.sent)
    session.show(next(run for run in session.runs if run.title == title))
    loop.until(lambda: session.scene.shown.run.title == title and [told for told in shown.sent[before:] if told["type"] == "journey"])
    return next(told for told in reversed(shown.sent) if told["type"] == "journey")


def pictures(shown: Shown) -> list[dict[str, Any]]:
    return [Shown(shown.map, [message]).head for message in shown.sent if message["type"] == "pictures"]


def colored(shown: Shown) -> np.ndarray:
    """Which pixels of the picture that came last show a row."""
    message = next(told["pictures"][-1] for told in reversed(shown.sent) if told["type"] == "pictures")
    data = np.asarray(Image.open(io.BytesIO(message[2 + int.from_bytes(message[:2], "big") :])).convert("RGBA")).astype(int)
    return (data[..., 3] > 100) & (data[..., :3].max(axis=-1) > 60)


def as_drawn(scene: Scene, of: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Find the pixels in which rows of a scene are."""
    index, across, up = scene.shown.index, of["width"] / (of["x1"] - of["x0"]), of["height"] / (of["y1"] - of["y0"])
    lines, columns = ((of["y1"] - index.y) * up).astype(int), ((index.x - of["x0"]) * across).astype(int)
    inside = (lines >= 0) & (lines < of["height"]) & (columns >= 0) & (columns < of["width"])
    return lines[inside], columns[inside]


def hits(shown: Shown, scene: Scene) -> float:
    """Say which part of a scene's rows are colored in the picture that came last."""
    return float(colored(shown)[as_drawn(scene, WIDE)].mean())


def test_a_browser_is_told_of_a_journey_and_gets_the_pictures_that_it_asks_for(shown: Shown, plane: Plane, session: Session, loop: Any):
    session.selection.apply(range(10))
    loop.until(lambda: session.scene.selected is not None)
    told = travel(session, loop, shown)
    journey = plane.journey
    assert {name: told[name] for name in ("client", "number", "plays", "ms")} == {
        "client": "one", "number": journey.number, "plays": True, "ms": TRAVEL_MS
    }  # fmt: skip
    assert len(told["view"]) == 4
    assert all(map(math.isfinite, told["view"]))
    assert told["whole"] >= 1
    assert told["homes"] == [pytest.approx([*home]) for home in (journey.course.start.home, journey.course.end_home)]
    assert len(told["trails"]) == 10
    assert len(told["trails"][0]) == 6
    np.testing.assert_allclose(told["trails"][3][:2], journey.start.places(np.array([3]))[0])
    np.testing.assert_allclose(told["trails"][3][2:4], journey.goal.places(np.array([3]))[0])
    assert shown.map.layer.along
    assert shown.map.layer.coming == journey.number, "the browser waits for its message"
    shown.sent.clear()
    for number, t in enumerate((0.1, 0.5, 0.9), 2):
        shown.say({**WIDE, "id": number, "moving": True, "journey": journey.number, "t": t})
        loop.until(lambda number=number: shown.head.get("id") == number)
        head = shown.head
        assert (head["journey"], head["t"], head["moving"], head["type"], head["live"]) == (journey.number, t, True, "image/jpeg", False)
        assert head["alt"].startswith(f"x, y → umap, {100 * t:.0f}% map of")
        assert plane.at == t
    assert len(pictures(shown)) == 3, "nothing comes unasked on the way"
    shown.say({**WIDE, "id": 9, "journey": journey.number, "t": 1.0})
    loop.until(lambda: shown.head["id"] == 9)
    assert (shown.head["moving"], shown.head["t"]) == (False, 1.0)
    assert session.scene.shown.run.title == "umap"
    session.appearance.color_by = "score"
    loop.until(lambda: len(pictures(shown)) == 5)
    assert (shown.head["id"], shown.head["moving"]) == (9, False)


def test_the_whole_map_on_the_way_is_kept_as_the_whole_map(shown: Shown, plane: Plane, session: Session, loop: Any):
    number = travel(session, loop, shown)["number"]
    whole = plane.journey.course.home_at(0.5)
    for at, seen in enumerate((whole.fitted(300, 200), whole.padded(-0.2).fitted(300, 200)), 2):
        shown.say({**WIDE, **dict(zip(("x0", "x1", "y0", "y1"), map(float, seen), strict=True)), "id": at, "journey": number, "t": 0.5})
        loop.until(lambda at=at: shown.head.get("id") == at and not shown.head["moving"])
        assert plane.viewport.view == (None if at == 2 else pytest.approx(tuple(seen)))


def test_a_picture_on_the_way_shows_rows_where_they_are_then(shown: Shown, plane: Plane, session: Session, loop: Any):
    travel(session, loop, shown)
    journey = plane.journey
    shown.say({**WIDE, "id": 2, "moving": True, "journey": journey.number, "t": 0.5})
    loop.until(lambda: shown.head.get("id") == 2)
    assert hits(shown, journey.scene_at(0.5, session.scene)) > 0.9
    assert hits(shown, session.scene) < 0.8


def test_a_browser_that_has_not_heard_of_the_journey_sees_rows_where_they_were(shown: Shown, plane: Plane, session: Session, loop: Any):
    start = session.scene
    told = travel(session, loop, shown)
    for number, asked in enumerate([{"moving": True}, {"moving": True, "journey": told["number"] - 1, "t": 0.8}, {"moving": False}], 2):
        shown.say({**WIDE, "id": number, **asked})
        loop.until(lambda number=number: shown.head.get("id") == number)
        assert (shown.head["journey"], shown.head["t"]) == (told["number"], 0.0)
        assert hits(shown, start) > 0.9
        assert hits(shown, session.scene) < 0.8
    shown.say({**WIDE, "id": 7, "moving": True, "journey": told["number"], "t": 0.3})
    loop.until(lambda: shown.head.get("id") == 7)
    assert shown.head["t"] == 0.3


def test_who_comes_later_sees_where_rows_go(shown: Shown, plane: Plane, session: Session, loop: Any):
    travel(session, loop, shown)
    shown.say({**WIDE, "client": "two", "id": 1})
    loop.until(lambda: shown.head.get("client") == "two")
    assert (shown.head["journey"], shown.head["moving"]) == (0, False)
    assert hits(shown, session.scene) > 0.9


def test_the_map_stands_where_a_browser_comes_to_rest(shown: Shown, plane: Plane, session: Session, loop: Any):
    told = travel(session, loop, shown)
    shown.say({**WIDE, "id": 2, "moving": True, "journey": told["number"], "t": 0.4})
    shown.say({**WIDE, "id": 3, "moving": False, "journey": told["number"], "t": 0.45})
    loop.until(lambda: shown.head.get("id") == 3)
    scene = session.scene
    assert (shown.head["moving"], shown.head["t"], shown.head["journey"]) == (False, 0.45, told["number"])
    assert isinstance(scene.shown, OnTheWay)
    assert (scene.shown.t, scene.shown.run.title, scene.n_shown) == (0.45, "x, y → umap, 45%", N)
    assert hits(shown, scene) > 0.9
    x, y = scene.shown.place(7)
    shown.say({"type": "hover", "client": "one", "x": x, "y": y})
    loop.run()
    card = next(told for told in reversed(shown.sent) if told["type"] == "card")
    assert (card["row"], card["x"], card["y"]) == (7, x, y)
    shown.say({"type": "tap", "client": "one", "x": x, "y": y})
    loop.run()
    assert session.inspection.row == 7
    shown.say(
        {
            "type": "select",
            "client": "one",
            "shape": "box",
            "mode": "replace",
            "x": [x - 0.1, x + 0.1, x + 0.1, x - 0.1],
            "y": [y - 0.1, y - 0.1, y + 0.1, y + 0.1],
        }
    )
    loop.until(lambda: session.selection.count)
    assert session.selection.mask[7]
    shown.say({**WIDE, "id": 4, "moving": False, "journey": told["number"], "t": 0.0})
    loop.until(lambda: session.scene.shown.run.title == "x, y")
    loop.until(lambda: shown.head["id"] == 4)
    shown.say({**WIDE, "id": 5, "moving": False, "journey": told["number"], "t": 1.0})
    loop.until(lambda: session.scene.shown.run.title == "umap")
    loop.until(lambda: shown.head["id"] == 5)


def test_a_journey_that_began_in_the_middle_can_be_held_at_its_beginning(shown: Shown, plane: Plane, session: Session, loop: Any):
    first = travel(session, loop, shown)
    shown.say({**WIDE, "id": 2, "moving": True, "journey": first["number"], "t": 0.5})
    loop.until(lambda: shown.head.get("id") == 2)
    second = travel(session, loop, shown, "x, y")
    assert isinstance(plane.journey.start, OnTheWay)
    shown.say({**WIDE, "id": 3, "moving": True, "journey": second["number"], "t": 0.2})
    loop.until(lambda: shown.head.get("id") == 3)
    scenes: list[object] = []
    plane.param.watch(lambda event: scenes.append(event.new), ["scene"])
    for number, t in enumerate((0.0, 0.3, 0.0), 4):
        shown.say({**WIDE, "id": number, "moving": False, "journey": second["number"], "t": t})
        loop.until(lambda number=number: shown.head["id"] == number and not shown.head["moving"])
        assert session.scene.shown.t == t
    assert len(scenes) == 3, "each is prepared once"
    shown.say({**WIDE, "id": 9, "moving": True, "journey": second["number"], "t": 0.9})
    shown.say({**WIDE, "id": 10, "moving": False, "journey": second["number"], "t": 1.0})
    loop.until(lambda: shown.head["id"] == 10)
    assert session.scene.shown.run.title == "x, y"


def test_a_journey_that_is_over_leaves_nobody_without_a_picture(shown: Shown, plane: Plane, session: Session, loop: Any):
    told = travel(session, loop, shown)
    shown.say({**WIDE, "id": 2, "moving": True, "journey": told["number"], "t": 0.3})
    loop.until(lambda: shown.head.get("id") == 2)
    plane.journey = None
    assert shown.sent[-1] == {"type": "journey", "number": 0}
    assert not shown.map.layer.along
    assert shown.map.layer.coming == 0
    session.appearance.color_by = "score"
    loop.until(lambda: not shown.head["moving"])
    assert (shown.head["id"], shown.head["journey"]) == (2, 0)


STRANGE = [NAN, float("inf"), -float("inf"), "left", "NaN", None, [0.5], {}]


@pytest.mark.parametrize("t", STRANGE, ids=map(repr, STRANGE))
def test_a_time_that_is_no_number_is_left_out_with_a_warning(
    shown: Shown, plane: Plane, session: Session, loop: Any, caplog: pytest.LogCaptureFixture, t: object
):
    told = travel(session, loop, shown)
    with caplog.at_level(logging.WARNING):
        shown.say({**WIDE, "id": 2, "moving": True, "journey": told["number"], "t": t})
        shown.say({**WIDE, "id": 3, "moving": True, "journey": t, "t": 0.5})
    assert sum("makes no sense" in record.message for record in caplog.records) == 2
    loop.run()
    assert not pictures(shown)
    assert session.error == ""


@pytest.mark.parametrize(("t", "there"), [(1e300, 1.0), (-1e300, 0.0), ("0.5", 0.5), (True, 1.0), (5, 1.0)])
@pytest.mark.parametrize("moving", [True, False])
def test_a_time_beyond_the_journey_is_its_end(
    shown: Shown, plane: Plane, session: Session, loop: Any, t: object, there: float, *, moving: bool
):
    told = travel(session, loop, shown)
    shown.say({**WIDE, "id": 2, "moving": moving, "journey": told["number"], "t": t})
    loop.until(lambda: shown.head.get("id") == 2)
    assert (shown.head["t"], shown.head["moving"]) == (there, moving)
    assert session.error == ""


@pytest.mark.parametrize("number", [10**30, -1, 0.5, 10**9])
def test_a_journey_that_nobody_knows_is_none(shown: Shown, plane: Plane, session: Session, loop: Any, number: float):
    shown.say({**WIDE, "id": 2, "moving": True, "journey": number, "t": 0.5})
    shown.say({**WIDE, "id": 3, "moving": False, "journey": number, "t": 0.5})
    loop.until(lambda: shown.head.get("id") == 3)
    assert session.scene.shown.run.title == "x, y"
    assert shown.head["journey"] == 0


def test_marks_and_the_ring_know_their_ways(shown: Shown, plane: Plane, session: Session, loop: Any):
    session.inspection.row = 4
    loop.until(lambda: session.neighbors is not None)
    assert not any("way" in mark for mark in shown.map.layer.marks)
    travel(session, loop, shown)
    journey: Journey = plane.journey
    for mark in shown.map.layer.marks:
        np.testing.assert_allclose(mark["way"], journey.ways([mark["row"]])[0])
    session.point(9)
    ring = next(told for told in reversed(shown.sent) if told["type"] == "ring")
    np.testing.assert_allclose(ring["way"], journey.ways([9])[0])


# -- a layout that is being computed


def live_scene(plane: Plane, shift: float) -> Scene:
    """Rows where they are, moved to the right."""
    scene = plane.scene
    layout = Layout(scene.shown.layout.coordinates + np.array([shift, 0], np.float32), "umap", {})
    on_map = InProgress(Run("UMAP", "umap", {}, None), layout, LayoutIndex.unsorted(layout.coordinates))
    order = np.argsort(scene.shown.index.rows)
    return replace(scene, shown=on_map, color=replace(scene.color, slots=scene.color.slots[order]))


def test_live_layouts_come_when_the_one_before_was_seen_and_at_last_the_map(shown: Shown, plane: Plane, session: Session, loop: Any):
    plane.live = live_scene(plane, 0.5)
    loop.until(lambda: shown.head)
    assert (shown.head["live"], shown.head["moving"], shown.head["id"]) == (True, True, 1)
    assert hits(shown, plane.live) > 0.9
    for shift in (0.6, 0.7):
        plane.live = live_scene(plane, shift)
    loop.run()
    assert len(pictures(shown)) == 1, "the browser has not shown the first one"
    shown.say({"type": "seen", "client": "one"})
    plane.live = live_scene(plane, 0.8)
    loop.until(lambda: len(pictures(shown)) == 2)
    assert hits(shown, plane.live) > 0.9
    shown.say({**WIDE, "id": 2})  # somebody moves the map
    loop.until(lambda: shown.head["id"] == 2)
    assert shown.head["live"]
    plane.unwatch()
    loop.until(lambda: not shown.head["live"])
    assert (shown.head["id"], shown.head["moving"]) == (2, False)
    assert hits(shown, session.scene) > 0.9


def test_nobody_points_at_rows_of_the_layout_that_is_covered(shown: Shown, plane: Plane, session: Session, loop: Any):
    x, y = session.scene.shown.place(7)
    plane.live = live_scene(plane, 3.0)
    loop.until(lambda: shown.head)
    for kind in ("hover", "tap"):
        shown.say({"type": kind, "client": "one", "x": x, "y": y})
    loop.run()
    cards = [told for told in shown.sent if told["type"] == "card"]
    assert [told["row"] for told in cards] == [None], "the browser is answered"
    assert (session.pointed, session.inspection.row) == (None, None)
    plane.unwatch()
    loop.until(lambda: not shown.head["live"])
    assert session.inspection.row is None, "nor later"


def test_an_outline_selects_the_rows_that_are_seen_in_it(shown: Shown, plane: Plane, session: Session, loop: Any):
    plane.live = live_scene(plane, 3.0)
    seen = plane.live.shown.layout.coordinates
    shown.say({"type": "select", "client": "one", "shape": "box", "mode": "replace", "x": [3, 9, 9, 3], "y": [-9, -9, 9, 9]})
    loop.until(lambda: session.selection.count)
    np.testing.assert_array_equal(session.selection.mask, seen[:, 0] >= 3)


def test_marks_and_the_ring_are_where_rows_are_seen(shown: Shown, plane: Plane, session: Session, loop: Any):
    session.inspection.row = 4
    session.point(5)
    loop.until(lambda: session.neighbors is not None)
    plane.live = live_scene(plane, 3.0)
    seen = plane.live.shown.layout.coordinates
    assert len(shown.map.layer.marks) > 10
    for mark in shown.map.layer.marks:
        assert (mark["x"], mark["y"]) == pytest.approx(seen[mark["row"]].tolist())
    assert shown.ring == pytest.approx(seen[5].tolist())
    plane.unwatch()
    assert shown.map.layer.marks[0]["x"] == pytest.approx(session.scene.shown.place(4)[0])
    assert shown.ring == pytest.approx(session.scene.shown.place(5))


# -- pictures that are late


def test_a_picture_that_is_done_after_a_newer_one_is_not_sent(shown: Shown, plane: Plane, loop: Any, monkeypatch: pytest.MonkeyPatch):
    go = Event()

    def draw_one_late(scene: Scene, asked: PictureRequest, **how: Any) -> Picture:
        if asked.id == 2:
            assert go.wait(60)
        return draw(scene, asked, **how)

    monkeypatch.setattr("explorer.views.map.draw", draw_one_late)
    with ThreadPoolExecutor(2) as two:
        monkeypatch.setattr("explorer.views.map._drawers", two)
        shown.say({**WIDE, "id": 2, "width": 299})
        shown.say({**WIDE, "id": 3, "budget": 4000})
        loop.until(lambda: shown.head.get("id") == 3)
        first = shown.head
        assert first["pieces"] > 1
        go.set()
    loop.run()
    assert shown.head == first
    shown.say({"type": "piece", "client": "one", "push": first["push"], "piece": 1})
    loop.run()
    assert (shown.head["id"], shown.head["piece"]) == (3, 1)


def test_pictures_that_are_asked_for_together_come_together(shown: Shown, plane: Plane, session: Session, loop: Any):
    told = travel(session, loop, shown)
    shown.sent.clear()
    places = [{"id": 10 + n, "t": 0.1 * n, "x0": -6.0 - n} for n in range(1, 9)]
    shown.say({**WIDE, "moving": True, "journey": told["number"], **places[0], "then": places[1:]})
    loop.until(lambda: [message for message in shown.sent if message["type"] == "pictures"])
    [message] = [message for message in shown.sent if message["type"] == "pictures"]
    heads = [Shown(shown.map, [{**message, "pictures": [picture]}]).head for picture in message["pictures"]]
    assert [(head["id"], round(head["t"], 3), head["x0"]) for head in heads] == [
        (11, 0.1, -7),
        (12, 0.2, -8),
        (13, 0.3, -9),
        (14, 0.4, -10),
    ], "four at most"
    assert len({head["push"] for head in heads}) == 4
    assert plane.at == pytest.approx(0.4)


@pytest.mark.parametrize("then", [7, {"id": 3}, [7], [{"id": NAN}], "ab"])
def test_further_pictures_that_make_no_sense_are_left_out_with_a_warning(
    shown: Shown, plane: Plane, session: Session, loop: Any, caplog: pytest.LogCaptureFixture, then: object
):
    told = travel(session, loop, shown)
    with caplog.at_level(logging.WARNING):
        shown.say({**WIDE, "id": 2, "moving": True, "journey": told["number"], "t": 0.5, "then": then})
    assert "makes no sense" in caplog.text
    assert session.error == ""
