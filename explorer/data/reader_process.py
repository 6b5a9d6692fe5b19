"""A folder that is read in a process of its own: its library is large, slow to load, and a damaged file may end who uses it."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import pyarrow as pa

from explorer.errors import Unreadable
from explorer.helper_process import HelperEnded, HelperProcess

__all__ = ["Kind", "ReaderProcess", "plain"]

Kind = Literal["lance", "chroma"]

_LONGEST = 300
_WHERE = re.compile(r"lance error: |LanceError\(\w+\): |,? ?/\S+\.rs:\d+(:\d+)?")


class ReaderProcess:
    """The process that reads one folder; it ends with this.

    Parameters
    ----------
    kind : {"lance", "chroma"}
        What has written it.
    folder : Path
    """

    def __init__(self, kind: Kind, folder: Path) -> None:
        self._helper = HelperProcess(["-m", "explorer.data.reader_worker", kind, str(folder)])
        self._lock = Lock()

    def ask(self, source: str, what: str, **how: Any) -> dict[str, Any]:
        """Ask for what can be said in a line; ``source`` is what sentences call it.

        Raises
        ------
        Unreadable
            If the library cannot read it, or ends its process.
        """
        with self._lock:
            return self._told(source, what, how)

    def table(self, source: str, what: str, **how: Any) -> pa.Table:
        """Ask for rows.

        Raises
        ------
        Unreadable
            As :meth:`ask` does, or where what comes is damaged.
        """
        with self._lock:
            self._told(source, what, how)
            try:
                with pa.ipc.open_stream(self._helper.answers) as stream:
                    found = stream.read_all()
            except (pa.ArrowException, OSError):
                raise _ended(source, self._helper.failed()) from None
        try:
            found.validate(full=True)  # what a damaged file's offsets lead to is anybody's guess
        except pa.ArrowException as error:
            raise Unreadable(source, f"it is damaged: {plain(str(error))}") from error
        return found

    def stop(self) -> None:
        """End it."""
        with self._lock:
            self._helper.stop()

    def _told(self, source: str, what: str, how: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._helper.ask({"what": what, **how})
        except HelperEnded as error:
            raise _ended(source, error) from None
        if "failed" in answer:
            raise Unreadable(source, str(answer["failed"]))
        return answer


def plain(said: str) -> str:
    """Leave of what a library says its first line, without its own names for errors and the places in its source."""
    return _WHERE.sub("", said.strip().partition("\n")[0])[:_LONGEST]


def _ended(source: str, error: HelperEnded) -> Unreadable:
    return Unreadable(source, f"its library ends, {plain(str(error))}. It is damaged.")
