"""What the server process and the compute process say to each other: one JSON object a line, never pickle.

To the worker: ``{"run": number, "task": {…}}``, ``{"cancel": number}``, ``{"warm": true}``, ``{"quit": true}``.
From the worker: ``{"ready": pid}``, then of a task, by its number: ``{"of": number, "progress": fraction, "stage": …}``, with
``"live": count`` where a new layout is in the live memory, and at last one of ``{"of": number, "done": key}``,
``{"of": number, "failed": {…}, "traceback": …}``, ``{"of": number, "canceled": true}``, ``{"of": number, "vectors_gone": true}``.
Arrays never travel: they are in the store, or in the live memory.
"""

from __future__ import annotations

import json
from typing import Any

from explorer import errors
from explorer.errors import ExplorerError, JobFailed

__all__ = ["Message", "decode", "encode", "error_from_json", "error_to_json"]

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """Return one line."""
    return json.dumps(message, separators=(",", ":"), default=str).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read one line.

    Raises
    ------
    ValueError
        If it is no JSON object.
    """
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("not an object", line)
    return message


def error_to_json(error: BaseException) -> Message:
    """Describe an exception: Explorer's own by class and values, any other by its text."""
    if isinstance(error, ExplorerError) and type(error).__name__ in errors.__all__:
        return {"type": type(error).__name__, "args": list(error.args)}
    return {"text": f"{type(error).__name__}: {error}" if str(error) else type(error).__name__}


def error_from_json(described: Message, what: str) -> ExplorerError:
    """Rebuild an exception; what is not Explorer's own becomes a :class:`~explorer.errors.JobFailed` of ``what``."""
    kind = getattr(errors, described["type"], None) if described.get("type") in errors.__all__ else None
    if isinstance(kind, type) and issubclass(kind, ExplorerError):
        return kind(*described["args"])
    return JobFailed(what, described.get("text", "it did not say why"))
