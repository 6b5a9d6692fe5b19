"""The server's log: one line an event, with who is being served, without secrets; as text, or as JSON for machines."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime

from explorer import settings
from explorer.records.redaction import redacted
from explorer.records.visitor import Visitor, current

__all__ = ["JsonLine", "TextLine", "set_up"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_WITH_HANDLERS = ("", "bokeh", "panel")  # loggers that have handlers of their own; the others hand on to the root's
_EXPLORER = "explorer"


class _Line(logging.Formatter):
    def __init__(self, find: Callable[[], Visitor]) -> None:
        super().__init__()
        self._find = find

    def _visitor(self, record: logging.LogRecord) -> Visitor:
        noted: Visitor | None = getattr(record, "visitor", None)
        return noted or self._find()


class TextLine(_Line):
    """Writes ``2026-01-31 12:00:00,000 INFO explorer.session [1a2b3c4d anna /explorer] what happened``.

    What follows the first line, a traceback, is indented: no text that came from outside looks like an event of its own.

    Parameters
    ----------
    find : callable
        Says who is being served.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Make the line."""
        who = self._visitor(record)
        text = super().format(record).rstrip("\n")
        head = f"{self.formatTime(record)} {record.levelname} {record.name} [{who.session} {who.user} {who.request}]"
        return _plain(redacted(f"{head} {text}")).replace("\n", "\n    ")


class JsonLine(_Line):
    """Writes one JSON object: time (UTC), level, logger, session, user, request, message, and what else the event has.

    Parameters
    ----------
    find : callable
        Says who is being served.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Make the line."""
        who = self._visitor(record)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "session": who.session,
            "user": redacted(who.user),
            "request": redacted(who.request),
            "message": redacted(record.getMessage()),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(find: Callable[[], Visitor] = current, *, level: int | None = None) -> None:
    """Have every line of this process's log written in the form of ``EXPLORER_LOG``, and Explorer's own from a level on.

    Parameters
    ----------
    find : callable, optional
        Says who is being served, where a page is known; :func:`explorer.records.visitor.current` by default.
    level : int
        From which level on, as :mod:`logging` counts them; what was said before, or INFO, by default.
    """
    formatter = JsonLine(find) if settings.log_form() == "json" else TextLine(find)
    logging.captureWarnings(capture=True)
    logging.basicConfig()  # to stderr, where nobody has said where to
    for name in _WITH_HANDLERS:
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(formatter)
    own = logging.getLogger(_EXPLORER)
    own.setLevel(level or own.level or logging.INFO)


def _plain(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
