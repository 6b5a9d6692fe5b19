"""What is computed on this machine, as far as one session may know: its own by name, the others' only by names that it sees anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

import param

from explorer.threaded import Threaded

if TYPE_CHECKING:
    from explorer.data.catalog import Catalog
    from explorer.data.dataset import Dataset
    from explorer.jobs.board import Computing
    from explorer.jobs.job import Job
    from explorer.jobs.runner import Runner

__all__ = ["Asker", "JobList", "Listed", "Whose", "listed_for"]

Whose = Literal["yours", "yours and somebody's", "somebody's"]
YOURS: Final = "yours"
SHARED: Final = "yours and somebody's"
SOMEBODYS: Final = "somebody's"
UNKNOWN: Final = "A computation"
"""What is said of a dataset that a person may not know of."""

_MOST: Final = 8  # of other people's; one's own are all told
_STEP_FROM_S, _STEP_S = 20, 5  # time left is told in steps: a line that changes at each look is not read


class Listed(NamedTuple):
    """A computation as one session may know it.

    ``number`` is this session's own for it, ``place`` that in the queue, 0 while it runs; ``percent`` and ``seconds_left`` are rounded.
    """

    number: int
    title: str
    whose: Whose
    place: int
    percent: int
    seconds_left: int | None

    @property
    def own(self) -> bool:
        """Whether this session asked for it, and can cancel it."""
        return self.whose != SOMEBODYS


class Asker(Threaded, Protocol):
    """The session: what it has open, and what its catalog shows to its user."""

    dataset: Any
    catalog: Any


class JobList(param.Parameterized):
    """What one session is told of what is computed on this machine.

    Parameters
    ----------
    asker : Asker
        The session.
    owners : collection of str
        Under which it asks for something.
    jobs : Runner
        Who computes.
    """

    listed = param.List(default=[], doc="What runs, then what waits in the order of the queue (Listed); others' as far as there is room.")
    n_running = param.Integer(default=0, doc="How many computations run, on the list or not.")
    n_waiting = param.Integer(default=0, doc="How many wait.")

    def __init__(self, asker: Asker, owners: Collection[str], *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._owners, self._jobs = asker, frozenset(owners), jobs
        self._begun = False
        self._said: tuple[list[Listed], int, int] = ([], 0, 0)
        self._numbers: dict[tuple[str, str], int] = {}
        self._next_number = 1

    def begin(self) -> None:
        """Follow from now on: a page shows it."""
        if not self._begun:
            self._begun = True
            self._jobs.board.tell(self._hear)

    def close(self) -> None:
        """Follow no longer."""
        self._jobs.board.forget(self._hear)

    def cancel(self, number: object) -> None:
        """Cancel what this session asked for; anything else is left alone."""
        own = self._jobs.asked_by(self._owners)
        for key, known in self._numbers.copy().items():
            if known == number and key in own:
                own[key].cancel()

    def _hear(self, computing: tuple[Computing, ...]) -> None:
        """Take the news, in a thread; what is as it was does not get to the page."""
        own = self._jobs.asked_by(self._owners)
        self._number(computing)
        listed = listed_for(computing, self._numbers, own, self._asker.dataset, self._asker.catalog)
        states = Counter(each.state for each in computing)
        said = (listed, states["running"], states["queued"])
        if said != self._said:
            self._said = said
            self._asker.soon(self._take, *said)

    def _number(self, computing: Iterable[Computing]) -> None:
        """Give each a number: a key is made of a dataset's content, which is nothing for other people's browsers."""
        keys = [(each.kind, each.key) for each in computing]
        for key in keys:
            if key not in self._numbers:
                self._numbers = {**self._numbers, key: self._next_number}
                self._next_number += 1
        self._numbers = {key: number for key, number in self._numbers.items() if key in keys}

    def _take(self, listed: list[Listed], n_running: int, n_waiting: int) -> None:
        self.param.update(listed=listed, n_running=n_running, n_waiting=n_waiting)


def listed_for(
    computing: Iterable[Computing],
    numbers: Mapping[tuple[str, str], int],
    own: Mapping[tuple[str, str], Job[Any]],
    dataset: Dataset | None,
    catalog: Catalog,
) -> list[Listed]:
    """Say what somebody may know of what is computed.

    Parameters
    ----------
    computing : iterable of Computing
        All of it.
    numbers : mapping
        Of each, by kind and key.
    own : mapping
        The jobs that this one asked for, by kind and key.
    dataset : Dataset or None
        What this one has open: it has a name for everything of the same content.
    catalog : Catalog
        What this one may see. Who computes something of a dataset of another name is not told of what.
    """
    titles = {entry.title for entry in catalog}
    found, others = [], 0
    for each in computing:
        key = (each.kind, each.key)
        job = own.get(key)
        others += job is None
        if job is None and others > _MOST:
            continue
        whose: Whose = SOMEBODYS if job is None else SHARED if each.n_owners > 1 else YOURS
        title = job.what if job is not None else _title(each, dataset, titles)
        found.append(Listed(numbers[key], title, whose, each.place, round(100 * each.fraction), _rounded(each.seconds_left)))
    return found


def _title(each: Computing, dataset: Dataset | None, titles: Collection[str]) -> str:
    """Title what somebody else computes."""
    if dataset is not None and each.fingerprint == dataset.fingerprint:
        return f"{each.sort} of {dataset.name}"
    return f"{each.sort} of {each.dataset}" if each.dataset in titles else UNKNOWN


def _rounded(seconds: float | None) -> int | None:
    if seconds is None:
        return None
    return round(seconds) if seconds < _STEP_FROM_S else _STEP_S * round(seconds / _STEP_S)
