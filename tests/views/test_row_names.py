"""Rows named on the map: where few are in view, the dataset has a column of labels, and somebody wants labels; as plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.data.dataset import Dataset
from explorer.session import Session
from tests.views.test_illustrations import pictures
from tests.views.test_map import DRAW, Shown, shown

__all__ = ["shown"]  # a fixture

LONG = "a name\nof two lines, and of many more letters than there is room for"


def told(shown: Shown, loop: Any) -> list[Any]:
    """Wait for the next names, and take them."""

    def found() -> list[dict[str, Any]]:
        return [message for message in shown.sent if message["type"] == "names"]

    loop.until(found)
    message = found()[0]
    shown.sent[:] = [each for each in shown.sent if each is not message]
    return list(message["rows"])


def test_few_rows_in_view_are_named_where_they_are(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    opened(seed=4, word=["<b>bold</b>", LONG, *[f"word {row}" for row in range(2, 40)]])
    shown.say({**DRAW, "width": 600, "height": 600})
    rows = told(shown, loop)
    names = {row: name for row, _, _, name in rows}
    assert len(names) > 30
    assert names[0] == "<b>bold</b>"
    assert names[1] == "a name of two lines, and of man…"
    np.testing.assert_allclose([[x, y] for _, x, y, _ in rows], session.scene.shown.places(np.array(list(names))), atol=1e-5)
    session.appearance.labels = "none"
    assert told(shown, loop) == []
    session.appearance.labels = "automatic"
    assert told(shown, loop) == rows


def test_many_rows_and_rows_with_images_are_not_named(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    opened(600, seed=5)
    shown.say(DRAW)
    loop.until(lambda: shown.head.get("id") == 1)
    loop.run()
    assert not [message for message in shown.sent if message["type"] == "names"]
    shown.say({**DRAW, "id": 2, "x0": 0, "x1": 0.5, "y0": 0, "y1": 0.4})
    assert 0 < len(told(shown, loop)) < 120
    opened(seed=6, **pictures())
    shown.say({**DRAW, "id": 3})
    assert told(shown, loop) == [], "their images say more"
    session.appearance.images = False
    assert told(shown, loop)


def test_rows_without_a_column_of_labels_are_not_named(shown: Shown, loop: Any, session: Session):
    places = np.random.default_rng(0).normal(size=(30, 2))
    session.open(pa.table({"x": places[:, 0], "y": places[:, 1]}))
    loop.until(lambda: session.scene is not None)
    shown.say(DRAW)
    loop.until(lambda: shown.head.get("id") == 1)
    loop.run()
    assert not [message for message in shown.sent if message["type"] == "names"]
