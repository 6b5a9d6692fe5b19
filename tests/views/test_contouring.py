"""What a browser is told of contours: those of what is on the map, as a person wants them; and why there are none."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views.color_controls import ColorControls
from explorer.views.plain import PlainToolkit
from tests.views.test_map import Shown, shown

__all__ = ["shown"]  # a fixture


@pytest.fixture
def outlined(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session) -> Shown:
    opened()
    session.appearance.color_by = "kind"
    session.appearance.contours = "categories"
    loop.until(lambda: shown.map.layer.contours)
    return shown


def groups(shown: Shown) -> set[str]:
    return {name for name, *_ in shown.map.layer.contours.get("outlines", [])}


def test_contours_of_the_shown_categories_are_told_where_their_rows_are(outlined: Shown, loop: Any, session: Session):
    scene, told = session.scene, outlined.map.layer.contours
    assert groups(outlined) == set(scene.coloring.names)
    json.dumps(told, allow_nan=False)
    assert (told["journey"], told["t"]) == (0, 0.0)
    extent = scene.shown.index.extent.padded(0.5)
    for _, color, share, sizes, data in told["outlines"]:
        points = np.frombuffer(base64.b64decode(data), "<f4").reshape(-1, 2) + told["origin"]
        assert sum(sizes) == len(points)
        assert ((points > (extent.x0, extent.y0)) & (points < (extent.x1, extent.y1))).all()
        assert share in (0.5, 0.9)
        assert color.startswith("#")
    session.appearance.hide_in("kind", session.appearance.hidden_in("kind").hide([scene.coloring.names[0]]))
    loop.until(lambda: groups(outlined) == set(scene.coloring.names[1:]))
    session.appearance.contours = "none"
    loop.until(lambda: outlined.map.layer.contours == {})


def test_a_selection_changes_nothing_of_them(outlined: Shown, loop: Any, session: Session):
    told = outlined.map.layer.contours
    before = session.scene
    session.selection.apply(np.arange(session.dataset.n_rows) < 5, mode="replace", made_by="a test")
    loop.until(lambda: session.scene is not before)
    loop.until(lambda: outlined.map.layer.contours == told)


def test_a_person_chooses_and_is_told_why_there_are_none(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    opened()
    controls = ColorControls(session, PlainToolkit())
    assert controls.contours.value == session.appearance.contours == "none"
    assert not controls.no_contours.visible
    session.appearance.color_by = None
    controls.contours.value = "categories"
    loop.until(lambda: session.appearance.contours == "categories")
    assert "color the map" in controls.no_contours.text
    session.appearance.color_by = "kind"
    assert not controls.no_contours.visible
    controls.contours.value = "clusters"
    loop.until(lambda: "find clusters" in controls.no_contours.text)
    session.clustering.find()
    loop.until(lambda: bool(session.clustering.names))
    assert not controls.no_contours.visible
    loop.until(lambda: groups(shown) <= {name for layer in session.clustering.names for name in layer} and bool(groups(shown)))
    assert {color for _, color, *_ in shown.map.layer.contours["outlines"]} == {""}
