from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer import movement
from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views.layout_bar import LayoutBar


@pytest.fixture
def bar(session: Session, loop: Any, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch) -> LayoutBar:
    monkeypatch.setattr(movement, "_REST_S", 0.02)
    made = LayoutBar(session, session.planes[0])
    places = np.random.default_rng(1).normal(size=(40, 2)).astype(np.float32)
    opened(umap_1=places[:, 0], umap_2=places[:, 1])
    loop.run()
    return made


def send(bar: LayoutBar, loop: Any, kind: str, **more: str) -> None:
    bar.component._handle_msg({"type": kind, **more})
    loop.run()


def test_it_names_the_layouts_and_both_ends(bar: LayoutBar):
    content = bar.component.content
    assert (content["titles"], content["title"]) == (["x, y", "umap"], "x, y")
    assert (content["start"], content["goal"], content["moved"]) == ("x, y", "umap", "")


def test_its_button_colors_by_movement_once_that_is_measured_and_as_before_when_pressed_again(bar: LayoutBar, session: Session, loop: Any):
    said: list[str] = []
    bar.component.param.watch(lambda event: said.append(event.new["moved"]), ["content"])
    ends = {"start": "x, y", "goal": "umap"}
    send(bar, loop, "color", **ends)
    loop.until(lambda: bar.component.content["moved"] == "color")
    assert list(dict.fromkeys(said)) == ["awaited", "color"]
    assert session.appearance.color_by == "moved: x, y → umap"
    send(bar, loop, "color", **ends)
    assert (session.appearance.color_by, bar.component.content["moved"]) == ("kind", "")


def test_it_is_there_at_once_after_a_switch(bar: LayoutBar, session: Session, loop: Any):
    send(bar, loop, "show", title="umap")
    loop.until(lambda: "moved: x, y → umap" in session.columns)
    assert (bar.component.content["start"], bar.component.content["goal"]) == ("x, y", "umap")
    send(bar, loop, "color", start="x, y", goal="umap")
    assert bar.component.content["moved"] == "color"


@pytest.mark.parametrize("ends", [{}, {"start": "umap", "goal": "umap"}, {"start": "umap", "goal": "mars"}, {"start": ["umap"], "goal": 3}])
def test_ends_that_make_no_sense_color_nothing(bar: LayoutBar, session: Session, loop: Any, ends: dict[str, Any]):
    send(bar, loop, "color", **ends)
    assert (session.movement.awaited, session.appearance.color_by) == (None, "kind")


def test_a_journey_that_began_on_the_way_has_no_color(bar: LayoutBar, session: Session, loop: Any):
    send(bar, loop, "show", title="umap")
    loop.until(lambda: session.scene.shown.run.title == "umap")
    session.planes[0].at = 0.5
    send(bar, loop, "show", title="x, y")
    loop.until(lambda: session.scene.shown.run.title == "x, y")
    assert bar.component.content["moved"] == "unknown"
    session.planes[0].arrive()
    assert bar.component.content["moved"] == ""


def test_it_says_why_what_moved_to_a_layout_in_space_has_no_color(
    bar: LayoutBar, session: Session, loop: Any, opened: Callable[..., Dataset]
):
    assert bar.component.content["why_not"] == ""
    places = np.random.default_rng(2).normal(size=(40, 3)).astype(np.float32)
    opened(seed=2, **{f"pca_{axis + 1}": places[:, axis] for axis in range(3)})
    loop.run()
    why = "What moved is measured between flat layouts, and pca has more than two dimensions."
    assert (bar.component.content["start"], bar.component.content["goal"], bar.component.content["why_not"]) == ("x, y", "pca", why)
    send(bar, loop, "show", title="pca")
    loop.until(lambda: session.planes[0].settled and session.scene.shown.run.title == "pca")
    loop.run()
    assert not session.error
    assert "moved: x, y → pca" not in session.columns, "nobody asked for it"
    send(bar, loop, "color", start="x, y", goal="pca")
    assert session.error == f"{why} Choose two flat ones at the ends of the way."
    assert (session.appearance.color_by, session.movement.awaited) == ("kind", None)
