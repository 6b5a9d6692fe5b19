from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views.marks import marks_of


def test_marks_say_what_the_map_kept_lost_and_added(opened: Callable[..., Dataset], session: Session, loop: Any):
    opened()
    session.inspection.row = 3
    loop.until(lambda: session.inquiry.on_maps)
    made = session.inquiry.on_maps[session.planes[0]]
    before = marks_of(session.scene, 3, session.neighbors, None)
    assert [mark["kind"] for mark in before] == ["row", *["neighbor"] * 10]
    marks = marks_of(session.scene, 3, session.neighbors, made)
    fates = ["kept" if kept else "lost" for kept in made.kept]
    assert [mark["kind"] for mark in marks] == ["row", *fates, *["false"] * len(made.false)]
    places = session.scene.shown.layout.coordinates
    assert [(mark["x"], mark["y"]) for mark in marks] == [tuple(map(float, places[i])) for i in [3, *made.of.rows, *made.false]]
    assert not any(mark["faint"] for mark in marks)


def test_rows_that_are_hidden_are_faint(opened: Callable[..., Dataset], session: Session, loop: Any):
    opened()
    session.inspection.row = 3
    loop.until(lambda: session.inquiry.on_maps)
    shown = np.zeros(40, bool)
    shown[3] = True
    scene = dataclasses.replace(session.scene, shown_mask=shown)
    marks = marks_of(scene, 3, session.neighbors, session.inquiry.on_maps[session.planes[0]])
    assert [mark["faint"] for mark in marks] == [False, *[True] * (len(marks) - 1)]


def test_no_marks_of_another_row(opened: Callable[..., Dataset], session: Session, loop: Any):
    opened()
    session.inspection.row = 3
    loop.until(lambda: session.neighbors is not None)
    assert [mark["kind"] for mark in marks_of(session.scene, 4, session.neighbors, None)] == ["row"]
    assert marks_of(session.scene, None, None, None) == []
