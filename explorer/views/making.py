"""Files that a person asked for: made in a thread, one at a time, with cancel, then sent; knows nothing of what is in them."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from explorer.compute.progress import Stopped
from explorer.errors import ExplorerError
from explorer.priority import give_way
from explorer.records import audit
from explorer.session import Session
from explorer.views.download import Download

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["TABLE_TYPES", "FileMaker"]

logger = logging.getLogger(__name__)

TABLE_TYPES = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
"""The tables that a page offers, by the ending of their names."""

_NICER = 10  # where cores are few, a file gives way to the pictures on screen
_makers = ThreadPoolExecutor(2, thread_name_prefix="explorer-export", initializer=give_way, initargs=(_NICER,))


class FileMaker:
    """Makes a file for the browser in which somebody clicked last. Everything here is called on the thread that owns the widgets.

    Parameters
    ----------
    session : Session
        Its ``error`` says what went wrong.
    download : Download
        Sends the files.
    on_change : callable
        Called when ``busy`` or ``progress`` have changed.
    """

    def __init__(self, session: Session, download: Download, *, on_change: Callable[[], object]) -> None:
        self._session, self._download, self._on_change = session, download, on_change
        self._stop: Event | None = None  # of the file that is being made, and what comes of it
        self._made: Future[_File] | None = None
        self._what = ""
        self.progress = ""  # a sentence, empty where nothing is made

    @property
    def busy(self) -> bool:
        """Whether a file is being made."""
        return self._stop is not None

    def make(
        self, what: str, name: str, mime: str, write: Callable[[Path, Event, Callable[[float], None]], int], *, dataset: Dataset
    ) -> None:
        """Make a file and send it; does nothing while one is being made.

        Parameters
        ----------
        what : str
            What sentences call it: "the picture".
        name, mime : str
            See :meth:`explorer.views.download.Download.send`.
        write : callable
            Called in a thread with a path, an event that is set when nobody wants the file any more, and a function to tell how much of it
            is made, from 0 to 1. Returns how many rows are in it. May raise ``Stopped``.
        dataset : Dataset
            Whose rows, for the audit.
        """
        if self._stop is not None:  # two clicks before the buttons knew
            return
        stop, asker = Event(), self._download.asker
        self._stop, self._what = stop, what
        self._session.error = ""
        self.progress = f"Making {what} …"
        self._on_change()

        def made(done: Future[_File]) -> None:
            self._session.soon(self._take, done, name, mime, asker, stop, dataset.name)

        tell = partial(self._session.soon, self._show_fraction, stop)
        self._made = _makers.submit(_in_folder, name, lambda path: write(path, stop, tell), stop)
        self._made.add_done_callback(made)

    def cancel(self) -> None:
        """Stop what is being made, if anything is."""
        if self._stop is not None and self._made is not None:
            self._stop.set()
            self._made.add_done_callback(_discard)
            self._end()

    def _take(self, done: Future[_File], name: str, mime: str, asker: str, stop: Event, dataset: str) -> None:
        if self._stop is not stop:  # canceled
            return
        what = self._what
        self._end()
        error = done.exception()
        if error is None:
            audit.record("export", dataset=dataset, rows=done.result().n_rows, who=self._session.visitor, file=name)
            self._download.send(done.result().path, name=name, mime=mime, to=asker, on_end=partial(_discard, done))
        elif isinstance(error, ExplorerError):
            self._session.error = str(error)
        else:
            logger.error("%s could not be made", what, exc_info=error)
            self._session.error = f"{what.capitalize()} could not be made ({type(error).__name__}: {error}). The log has the details."

    def _show_fraction(self, stop: Event, fraction: float) -> None:
        if self._stop is stop:
            self.progress = f"Making {self._what} … {fraction:.0%}"
            self._on_change()

    def _end(self) -> None:
        self._stop = self._made = None
        self.progress = ""
        self._on_change()


class _File(NamedTuple):
    """A file in a folder of its own, which is removed with the process at the latest."""

    path: Path
    folder: tempfile.TemporaryDirectory[str]
    n_rows: int


def _in_folder(name: str, write: Callable[[Path], int], stop: Event) -> _File:
    if stop.is_set():
        raise Stopped
    folder = tempfile.TemporaryDirectory(prefix="explorer-export-", ignore_cleanup_errors=True)
    path = Path(folder.name) / name
    try:
        n_rows = write(path)
    except BaseException:
        folder.cleanup()
        raise
    return _File(path, folder, n_rows)


def _discard(done: Future[_File]) -> None:
    if done.exception() is None:
        done.result().folder.cleanup()
