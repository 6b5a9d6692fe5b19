"""Rows shown by their images: chosen so that none lies over another, sent once to each browser, and gone where there is no room."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.views.color_controls import ColorControls
from explorer.views.illustrations import spread
from explorer.views.plain import PlainToolkit
from tests.views.test_map import DRAW, Shown, shown

__all__ = ["shown"]  # a fixture


def png(gray: int, side: int = 12) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (side, side), gray).save(stream, "PNG")
    return stream.getvalue()


def pictures(n: int = 40) -> dict[str, Any]:
    return {"picture": pa.array([png(5 * row) if row != 20 else None for row in range(n)], pa.large_binary())}


def told(shown: Shown, loop: Any) -> dict[str, Any]:
    """Wait for the next images, and take them."""

    def found() -> list[dict[str, Any]]:
        return [message for message in shown.sent if message["type"] == "images"]

    loop.until(found)
    message = found()[0]
    shown.sent[:] = [each for each in shown.sent if each is not message]
    return message


@given(
    st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), max_size=60).map(lambda places: np.array(places).reshape(-1, 2)),
    st.sampled_from([24, 48.0, 100]),
)
def test_none_lies_over_another_and_all_that_have_room_are_there(places: np.ndarray, side: float):
    chosen = spread(places, side)
    apart = np.abs(places[:, None] - places[None]).max(axis=-1)
    assert chosen == sorted(chosen)
    for at in range(len(places)):
        before = [other for other in chosen if other < at]
        assert (at in chosen) == (not before or bool((apart[at, before] >= side).all()))


def test_images_come_with_the_picture_at_rest_and_each_once(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    opened(**pictures())
    session.appearance.color_by = "kind"
    loop.until(lambda: session.scene.coloring.column == "kind")
    shown.say({**DRAW, "width": 600, "height": 600})
    first = told(shown, loop)
    rows = [row for row, *_ in first["rows"]]
    assert len(rows) > 10
    assert 20 not in rows, "it has no image"
    assert first["forget"], "what it has of another dataset"
    assert [row for row, _ in first["images"]] == rows
    place = session.scene.shown.places(np.array(rows))
    np.testing.assert_allclose([[x, y] for _, x, y, _ in first["rows"]], place, atol=1e-5)
    pixels = (place - place.min(axis=0)) / 8 * 600
    apart = np.abs(pixels[:, None] - pixels[None]).max(axis=-1) + 1e6 * np.eye(len(rows))
    assert apart.min() >= first["side"] - 1e-3
    assert {color for *_, color in first["rows"]} == {session.scene.coloring.color_of(row) for row in rows}
    for row, source in first["images"]:
        made = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("L")
        assert abs(int(np.asarray(made).mean()) - 5 * row) <= 2

    shown.say({**DRAW, "id": 2, "width": 600, "height": 600, "x0": -1, "x1": 1, "y0": -1, "y1": 1})
    second = told(shown, loop)
    assert not second["forget"]
    assert second["side"] > first["side"], "there is more room"
    assert not {row for row, _ in second["images"]} & set(rows), "it has them"
    assert {row for row, *_ in second["rows"]} <= {row for row, _ in second["images"]} | set(rows)


def test_where_they_are_not_wanted_they_go(shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session):
    opened(**pictures())
    shown.say(DRAW)
    assert told(shown, loop)["rows"]
    session.appearance.images = False
    assert told(shown, loop)["rows"] == []
    session.appearance.images = True
    again = told(shown, loop)
    assert again["rows"]
    assert again["images"] == []
    opened(seed=1)
    loop.until(lambda: shown.map._clients["one"].rest is not None)
    shown.say({**DRAW, "id": 2})
    assert told(shown, loop)["rows"] == [], "it has no images"


def test_of_many_rows_there_are_none_and_of_another_dataset_none_stay(
    shown: Shown, opened: Callable[..., Dataset], loop: Any, session: Session
):
    opened(600, picture=pa.array([png(row % 200) for row in range(600)], pa.large_binary()))
    shown.say(DRAW)
    loop.until(lambda: shown.head.get("id") == 1 and not shown.head["moving"])
    loop.run()
    assert not [message for message in shown.sent if message["type"] == "images"]
    shown.say({**DRAW, "id": 2, "x0": 0, "x1": 0.5, "y0": 0, "y1": 0.4})
    assert told(shown, loop)["forget"]
    opened(seed=3, **pictures())
    shown.say({**DRAW, "id": 3})
    message = told(shown, loop)
    assert message["forget"]
    assert {row for row, *_ in message["rows"]} == {row for row, _ in message["images"]}


def test_the_switch_is_there_for_data_with_images(opened: Callable[..., Dataset], loop: Any, session: Session):
    controls = ColorControls(session, PlainToolkit())
    opened()
    assert not controls.images.visible
    opened(seed=2, **pictures())
    assert controls.images.visible
    controls.images.value = False
    loop.run()
    assert not session.appearance.images
