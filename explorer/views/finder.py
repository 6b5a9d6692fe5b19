"""One way of finding rows on the page: asks in a thread, keeps the last answer, and selects or filters what it found; draws nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.errors import ExplorerError
from explorer.query.hits import Hits
from explorer.query.meaning import Ranking
from explorer.query.pieces import Stop
from explorer.session import Session
from explorer.state.selection import Mode

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Find", "Finder", "Question"]

logger = logging.getLogger(__name__)

Find = Callable[["Dataset", Stop], "NDArray[np.bool_] | Ranking | None"]
_threads = ThreadPoolExecutor(2, thread_name_prefix="explorer-finder")


class Question(NamedTuple):
    """What is looked for: the browser's number of it, what a chip says of it, and how its rows are found."""

    asked: int
    label: str
    find: Find


class Finder:
    """Asks questions and keeps the last answer; called on the thread that owns the session's params only.

    Parameters
    ----------
    session : Session
        What is searched, selected and filtered.
    key : str
        Whose filter it is.
    on_change : callable
        Called when there is an answer, or none any more.

    Attributes
    ----------
    answered : int
        The browser's number of the last question that was answered.
    question : Question or None
        The one whose hits these are.
    hits : Hits or None
        What was found last; stays when a later question is in error.
    error : str
        What is wrong with the last question.
    """

    def __init__(self, session: Session, key: str, *, on_change: Callable[[], None]) -> None:
        self._session, self._key, self._on_change = session, key, on_change
        self._number = 0  # of the last question: a late answer to an older one is dropped, and its search stops
        self._pending = False
        self._then: Callable[[], None] | None = None
        self.answered = 0
        self.question: Question | None = None
        self.hits: Hits | None = None
        self.error = ""

    def ask(self, question: Question) -> None:
        """Find its rows in a thread."""
        self._begin(question, question.find)

    def look_again(self) -> None:
        """Find out, in a thread, which of the hits are shown, after filters or hidden categories have changed."""
        question, hits = self.question, self.hits
        if question is not None and hits is not None and not self._pending:
            found = hits.found
            self._begin(question, lambda *_: found)

    def refuse(self, asked: int, error: str) -> None:
        """Answer a question with what is wrong with it; the hits of the one before stay."""
        self._end(asked, error)
        self._on_change()

    def forget(self, asked: int = 0) -> None:
        """Forget question and hits."""
        self._end(asked, "")
        self.question = self.hits = None
        self._on_change()

    def when_found(self, act: Callable[[], None]) -> None:
        """Do something with what was found, as soon as the last question is answered; not where that answer is an error."""
        if self._pending:
            self._then = act
        else:
            act()

    @property
    def filtering(self) -> bool:
        """Whether the filter in force is the last question's."""
        entry = self._session.filters.entries.get(self._key)
        return entry is not None and self.question is not None and entry.label == self.question.label

    def select(self, mode: Mode) -> None:
        """Combine the hits that are shown with the selection."""
        if self.hits is not None and self.question is not None:
            self._session.selection.apply(self.hits.shown, mode=mode, made_by=self.question.label)

    def filter(self, *, toggle: bool) -> None:
        """Show nothing but the hits; where that is so already, show everything again if it is to be toggled."""
        if self.hits is None or self.question is None:
            return
        if self.filtering:
            if toggle:
                self._session.filters.remove(self._key)
        elif self.hits.count:
            self._session.filters.put(self._key, self.question.label, self.hits.mask)
        else:
            self.error = "No row meets this: there would be nothing left to show."
            self._on_change()

    def unfilter(self) -> None:
        """Take the filter away."""
        self._session.filters.remove(self._key)

    def _begin(self, question: Question, find: Find) -> None:
        self._number += 1
        number, session = self._number, self._session
        self._pending, self._then = True, None
        dataset, scene = session.dataset, session.scene
        shown = scene.shown_mask if scene is not None and scene.dataset is dataset else None

        def make() -> None:
            if number != self._number:
                return
            try:
                found = find(dataset, lambda: number != self._number)
            except ExplorerError as error:
                session.soon(self._fail, number, question.asked, str(error))
                return
            except Exception as error:
                logger.exception("could not look for rows")
                said = f"Something went wrong inside Explorer ({type(error).__name__}: {error}). The log has the details."
                session.soon(self._fail, number, question.asked, said)
                return
            if found is not None:
                session.soon(self._take, number, question, Hits.of(found, shown))

        _threads.submit(make).add_done_callback(_log)

    def _take(self, number: int, question: Question, hits: Hits) -> None:
        if number != self._number:
            return
        then = self._then
        self._end(question.asked, "")
        self.question, self.hits = question, hits
        self._on_change()
        if then is not None:
            then()

    def _fail(self, number: int, asked: int, error: str) -> None:
        if number == self._number:
            self.refuse(asked, error)

    def _end(self, asked: int, error: str) -> None:
        self._number += 1
        self._pending, self._then = False, None
        self.answered, self.error = max(asked, self.answered), error


def _log(done: Future[None]) -> None:
    if (error := done.exception()) is not None:
        logger.error("rows could not be looked for", exc_info=error)
