"""What a browser is told of labels: those of what is on the map, as a person wants them, on a journey with the time they belong to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views.color_controls import ColorControls
from explorer.views.plain import PlainToolkit
from tests.views.test_map import Shown, shown

__all__ = ["shown"]  # a fixture


@pytest.fixture
def colored(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session) -> Shown:
    opened()
    session.appearance.color_by = "kind"
    loop.until(lambda: shown.map.layer.labels)
    return shown


def texts(shown: Shown) -> set[str]:
    return set(shown.map.layer.labels.get("names", "").split("\n")) - {""}


def test_categories_are_told_and_nothing_where_there_are_none(colored: Shown, loop: Any, session: Session):
    assert texts(colored) == set(session.scene.coloring.names)
    told = colored.map.layer.labels
    json.dumps(told, allow_nan=False)
    assert (told["journey"], told["t"]) == (0, 0.0)
    session.appearance.hide_in("kind", session.appearance.hidden_in("kind").hide([session.scene.coloring.names[0]]))
    loop.until(lambda: texts(colored) == set(session.scene.coloring.names[1:]))
    session.appearance.color_by = None
    loop.until(lambda: colored.map.layer.labels == {})


def test_a_person_chooses_what_is_named(colored: Shown, loop: Any, session: Session):
    controls = ColorControls(session, PlainToolkit())
    assert controls.labels.value == session.appearance.labels == "automatic"
    controls.labels.value = "none"
    loop.until(lambda: colored.map.layer.labels == {})
    session.appearance.labels = "categories"
    loop.until(lambda: texts(colored))
    assert controls.labels.value == "categories"
    session.appearance.color_by = None
    loop.until(lambda: colored.map.layer.labels == {})


def test_clusters_that_were_found_are_named_under_the_names_that_somebody_gives(colored: Shown, loop: Any, session: Session):
    session.clustering.find()
    loop.until(lambda: bool(session.clustering.names))
    loop.until(lambda: texts(colored) == {name for layer in session.clustering.names for name in layer})
    session.clustering.rename(0, 0, "<b>mine</b>")
    loop.until(lambda: "<b>mine</b>" in texts(colored))
    session.appearance.labels = "categories"
    loop.until(lambda: texts(colored) == set(session.scene.coloring.names))


def test_another_dataset_has_its_own(colored: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    before = colored.map.layer.labels
    opened(seed=1)
    session.appearance.color_by = "kind"
    loop.until(lambda: colored.map.layer.labels not in ({}, before))
    assert texts(colored) == set(session.scene.coloring.names)
