"""Lines of the log: one an event, with who is served, and nothing that looks like another event."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer.records.log import JsonLine, TextLine
from explorer.records.visitor import NOBODY, Visitor, current, short, visiting

ANNA = Visitor("1a2b3c4d", "anna", "10.0.0.1", "/explorer")


def record(message: str, *, exc_info: object = None, **extra: object) -> logging.LogRecord:
    return logging.getLogger("explorer.test").makeRecord(
        "explorer.test",
        logging.WARNING,
        "file.py",
        1,
        message,
        (),
        exc_info,
        extra=extra,  # type: ignore[arg-type]
    )


def failure() -> object:
    try:
        raise ValueError("it broke: token=hunter2")
    except ValueError:
        return sys.exc_info()


def test_text_names_level_logger_session_user_and_request():
    line = TextLine(lambda: ANNA).format(record("nothing to see"))
    assert line.endswith(" WARNING explorer.test [1a2b3c4d anna /explorer] nothing to see")


def test_json_has_the_same_and_what_else_there_is():
    line = json.loads(JsonLine(lambda: ANNA).format(record("200", facts={"status": 200})))
    assert line.pop("time").endswith("+00:00")
    expected = {"level": "WARNING", "logger": "explorer.test", "session": "1a2b3c4d", "user": "anna", "request": "/explorer"}
    assert line == {**expected, "message": "200", "status": 200}


@pytest.mark.parametrize("form", [TextLine, JsonLine])
def test_secrets_go_from_messages_and_tracebacks(form: Callable[..., logging.Formatter]):
    line = form(lambda: ANNA).format(record("password=hunter2", exc_info=failure()))
    assert "ValueError" in line
    assert "hunter2" not in line


def test_an_event_is_one_line_of_json_and_in_text_what_follows_is_indented():
    forged = "one\n2026-01-31 12:00:00,000 INFO explorer.audit [- root -] two\r\x1b[2J\u2028three"
    assert "\n" not in JsonLine(lambda: NOBODY).format(record(forged, exc_info=failure()))
    first, *others = TextLine(lambda: NOBODY).format(record(forged)).split("\n")
    assert first.endswith("one")
    assert others == ["    2026-01-31 12:00:00,000 INFO explorer.audit [- root -] two\\x0d\\x1b[2J\\x2028three"]


def test_a_record_may_name_who_it_is_about():
    assert "[- bob -]" in TextLine(lambda: ANNA).format(record("", visitor=Visitor(user="bob")))


def test_a_visitor_is_of_one_thread_and_one_block():
    with ThreadPoolExecutor(1) as pool, visiting(ANNA):
        assert current() is ANNA
        assert pool.submit(current).result() is NOBODY
    assert current() is NOBODY


def test_a_session_is_named_without_its_id():
    assert short("the id of a session") == short("the id of a session") != short("another")
    assert len(short("the id of a session")) == 8
