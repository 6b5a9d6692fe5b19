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
    return {text for _, _, text, *_ in shown.map.layer.labels.get("labels", [])}


def test_categories_are_told_and_nothing_where_there_are_none(colored: Shown, loop: Any, session: Session):
    assert texts(colored) == set(session.scene.coloring.names)
    told = colored.map.layer.labels
    json.dumps(told, allow_nan=False)
    assert (told["journey"], told["t"]) == (0, 0.0)
    session.appearance.hide_in("kind", session.appearance.hidden_in("kind").hide([session.scene.coloring.names[0]]))
    loop.until(lambda: texts(colored) == set(session.scene.coloring.names[1:]))
    session.appearance.color_by = None
    loop.until(lambda: colored.map.layer.labels == {})


def test_a_switch_turns_them_off_and_on_and_says_what_is_in_force(colored: Shown, loop: Any, session: Session):
    controls = ColorControls(session, PlainToolkit())
    assert controls.labels.visible
    assert controls.labels.value, "there are few categories"
    assert session.appearance.labels is None, "nobody has chosen"
    controls.labels.value = False
    loop.until(lambda: session.appearance.labels is False)
    loop.until(lambda: colored.map.layer.labels == {})
    session.appearance.labels = True
    loop.until(lambda: texts(colored))
    assert controls.labels.value
    session.appearance.color_by = None
    loop.until(lambda: not controls.labels.visible)
    assert session.appearance.labels is True


def test_the_choice_goes_through_json(session: Session):
    for choice in (None, True, False):
        session.appearance.load_json({"labels": choice})
        assert session.appearance.as_json()["labels"] is choice


def test_another_dataset_has_its_own(colored: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    before = colored.map.layer.labels
    opened(seed=1)
    session.appearance.color_by = "kind"
    loop.until(lambda: colored.map.layer.labels not in ({}, before))
    assert texts(colored) == set(session.scene.coloring.names)
