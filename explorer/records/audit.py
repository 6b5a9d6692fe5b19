"""The audit: a line for each dataset that is opened, each file that is uploaded, encoded, deleted or taken along, each that is refused.

Each goes to the logger ``explorer.audit`` and, where ``EXPLORER_AUDIT`` names a file, to its end: one JSON object a line.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Literal

from explorer import settings
from explorer.records.visitor import Visitor, current

__all__ = ["Action", "check", "record"]

logger = logging.getLogger("explorer.audit")

Action = Literal["open", "upload", "encode", "delete", "export"]

_writing = Lock()


def check() -> None:
    """Look whether the file can be written, and say so in the log where it cannot."""
    path = settings.audit_file()
    if path is not None:
        try:
            _append(path, b"")
        except OSError as error:
            logger.error("The audit file %s cannot be written: %s. The log has each line until it can.", path, error.strerror)


def record(action: Action, *, dataset: str, rows: int | None = None, who: Visitor | None = None, **facts: str | int | None) -> None:
    """Write a line, at once: it takes as long as a line of the log.

    Parameters
    ----------
    action : "open", "upload", "encode", "delete" or "export"
        What was done.
    dataset : str
        Its name.
    rows : int, optional
        How many were opened or taken along.
    who : Visitor, optional
        Who did it; whoever is being served here and now by default.
    **facts
        What else there is to say: ``file``, ``bytes``, and ``refused``, why nothing came of it.
    """
    who = who or current()
    told = {"dataset": dataset, "rows": rows, **facts}
    logger.info("%s: %s", action, _sentence(told), extra={"facts": {"action": action, **told}, "visitor": who})
    path = settings.audit_file()
    if path is None:
        return
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "action": action,
        "user": who.user,
        "session": who.session,
        "address": who.address,
        **told,
    }
    text = json.dumps(line, ensure_ascii=False)
    try:
        _append(path, f"{text}\n".encode("utf-8", "backslashreplace"))
    except OSError as error:
        logger.error("The audit file %s cannot be written (%s); it lacks the line %s", path, error.strerror, text)


def _append(path: Path, line: bytes) -> None:
    """Write at the end of a file, which is opened for each line: who keeps old files may move it away at any time."""
    with _writing:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            written = os.write(file, line)
            if written < len(line):  # the disk is full
                os.write(file, b"\n")  # so that the next one is whole
                raise OSError(0, f"only {written} of {len(line)} bytes could be written")
        finally:
            os.close(file)


def _sentence(told: dict[str, str | int | None]) -> str:
    known = ((name, value) for name, value in told.items() if value is not None)
    return ", ".join(f"{name} {f'{value:,}' if isinstance(value, int) else repr(value)}" for name, value in known)
