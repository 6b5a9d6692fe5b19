from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from explorer.data.dataset import Dataset
from explorer.session import Session
from explorer.state.appearance import NOTHING_HIDDEN, Hidden
from explorer.views.status import ErrorMessage, StatusLine, status_text


def test_it_says_how_many_rows_are_on_the_map_and_how_they_got_there(opened: Callable[..., Dataset], session: Session):
    assert status_text(session) == "No dataset is open."
    line = StatusLine(session)
    opened()
    assert line.message.text == "40 of 40 rows · x, y · 5 dimensions"
    session.selection.apply([1, 2, 3])
    assert line.message.text == "40 of 40 rows, 3 selected · x, y · 5 dimensions"
    session.opening = "<b>WordNet</b>"
    assert line.message.text == "Opening <b>WordNet</b> …"


def test_it_counts_the_rows_that_are_shown_when_some_are_hidden(opened: Callable[..., Dataset], session: Session, loop: Any):
    line = StatusLine(session)
    x = np.arange(40, dtype=np.float32)
    x[:3] = np.nan
    opened(x=x)
    session.appearance.hide_in("kind", Hidden(frozenset(["a"])))
    loop.until(lambda: session.scene.shown_mask is not None)
    assert line.message.text == "24 of 40 rows shown · x, y · 5 dimensions"
    session.appearance.hide_in("kind", NOTHING_HIDDEN)
    loop.until(lambda: session.scene.shown_mask is None)
    assert line.message.text == "37 of 40 rows · x, y · 5 dimensions"


def test_it_counts_what_was_left_out(opened: Callable[..., Dataset], session: Session):
    x = np.arange(40, dtype=np.float32)
    x[[2, 3]] = np.nan
    opened(x=x)
    assert status_text(session).startswith("38 of 40 rows")


def test_a_dataset_that_has_no_map_yet_has_rows_all_the_same(opened: Callable[..., Dataset], session: Session):
    opened()
    session.scene = None
    assert status_text(session) == "40 rows · 5 dimensions"


def test_an_error_is_shown_until_it_is_closed(session: Session, loop: Any):
    error = ErrorMessage(session, later=loop)
    assert not error.message.visible
    session.error = "<script>There is no file.</script>"
    assert (error.message.visible, error.message.text) == (True, session.error)
    for nonsense in (None, [], {}, {"type": ["close"]}, {"type": "open"}):
        error.message._handle_msg(nonsense)
    loop.run()
    assert session.error
    error.message._handle_msg({"type": "close"})
    loop.run()
    assert (session.error, error.message.visible) == ("", False)


def test_a_status_line_cannot_be_closed(session: Session, loop: Any):
    StatusLine(session).message._handle_msg({"type": "close"})
    assert loop.waiting == 0
