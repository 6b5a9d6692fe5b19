from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views import color_controls
from explorer.views.color_controls import ColorControls

if TYPE_CHECKING:
    import pytest


def test_choosing_a_color_sets_it_and_following_does_not(session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]):
    changes: list[str | None] = []
    session.appearance.param.watch(lambda event: changes.append(event.new), ["color_by"])
    controls = ColorControls(session, toolkit)
    opened()
    loop.run()
    assert changes == ["kind"]
    assert list(controls.column.options.values()) == ["", "kind", "score"]
    assert (controls.column.value, controls.colormap.visible) == ("kind", False)
    controls.column.value = "score"
    loop.until(lambda: session.scene.coloring.column == "score")
    assert controls.colormap.visible
    controls.column.value = ""
    loop.until(lambda: session.scene.coloring.column is None)
    assert changes == ["kind", "score", None]
    session.appearance.color_by = "kind"
    loop.run()
    assert controls.column.value == "kind"
    assert changes == ["kind", "score", None, "kind"]


def test_a_list_that_sends_back_what_it_was_changes_nothing(
    session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(color_controls, "_REST_S", 0.4)
    controls = ColorControls(session, toolkit)
    dataset = opened()
    loop.run()
    name = dataset.add_column("measured", np.zeros(dataset.n_rows, np.float32))
    session.columns = list(dataset.roles)
    loop.until(lambda: name in controls.column.options.values())
    session.appearance.color_by = name  # by a button
    controls.column.value = "kind"  # by the list
    loop.run()
    assert session.appearance.color_by == name
    loop.until(lambda: controls.column.value == name)
    time.sleep(0.5)
    controls.column.value = "kind"  # by a person
    loop.run()
    assert session.appearance.color_by == "kind"


def test_two_colors_chosen_quickly_end_with_the_last(session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]):
    controls = ColorControls(session, toolkit)
    opened()
    controls.column.value = "score"
    controls.column.value = ""
    loop.run()
    assert (session.appearance.color_by, controls.column.value) == (None, "")


def test_colors_density_and_size_go_both_ways(session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]):
    controls = ColorControls(session, toolkit)
    opened()
    controls.colormap.value = "fire"
    controls.palette.value = "Tableau"
    controls.color_scale.value = "log"
    controls.density.value = "linear"
    controls.size.value = "4.0"
    loop.run()
    set_ = session.appearance
    assert (set_.colormap, set_.palette, set_.density, set_.point_size) == ("fire", "Tableau", "linear", 4.0)
    assert set_.color_scale == "log"
    set_.param.update(colormap="bgy", palette="Okabe-Ito", density="equalized", point_size=None)
    loop.run()
    assert (controls.colormap.value, controls.palette.value, controls.density.value, controls.size.value) == (
        "bgy",
        "Okabe-Ito",
        "equalized",
        "",
    )
    assert set_.point_size is None


def test_the_defaults_of_the_lists_are_the_defaults_of_the_map(session: Session, toolkit: Any):
    controls = ColorControls(session, toolkit)
    shown = [
        next(label for label, value in list_.options.items() if value == list_.value) for list_ in (controls.palette, controls.colormap)
    ]
    assert shown == ["color-blind safe", "blue-yellow"]
    assert next(iter(controls.size.options.items())) == ("automatic", "")


def test_a_size_that_no_list_offers_is_offered_while_it_is_set(session: Session, loop: Any, toolkit: Any):
    controls = ColorControls(session, toolkit)
    usual = list(controls.size.options)
    session.appearance.point_size = 7
    loop.run()
    assert (session.appearance.point_size, controls.size.value) == (7, "7.0")
    assert list(controls.size.options) == [*usual[:-3], "7 px", *usual[-3:]]
    controls.size.value = ""
    loop.run()
    assert session.appearance.point_size is None
    assert list(controls.size.options) == usual


def test_the_colors_on_offer_are_those_of_the_kind_of_column(session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]):
    controls = ColorControls(session, toolkit)
    opened()
    visible = {}
    for column in ("kind", "score", None):
        session.appearance.color_by = column
        loop.run()
        assert controls.color_scale.visible == controls.colormap.visible
        visible[column] = controls.palette.visible, controls.colormap.visible
    assert visible == {"kind": (True, False), "score": (False, True), None: (False, False)}


def test_a_color_that_no_list_offers_stays(session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]):
    controls = ColorControls(session, toolkit)
    opened()
    session.appearance.color_by = "word"
    loop.until(lambda: session.scene.coloring.column == "word")
    assert session.appearance.color_by == "word"
    assert not controls.colormap.visible
