"""What a query retrieves from the index that is open, with one or two settings, beside what is nearest; knows no browser and no widget."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import param

from explorer import settings as server
from explorer.retrieval import retrieve
from explorer.threaded import Threaded

if TYPE_CHECKING:
    import pandas as pd

    from explorer.data.dataset import Dataset

__all__ = ["Line", "Retrieving", "Settings"]

_NEAR = 20  # of the nearest rows are shown, whatever is retrieved
_MOST = 200  # that one query may retrieve


class Asker(Threaded, Protocol):
    """The session that has the index open."""

    dataset: Any
    marked: Any
    newcomers: Any
    param: Any


class Settings(NamedTuple):
    """Of one retriever."""

    top_k: int = 5
    mode: str = "default"
    mmr_threshold: float = 0.5


class Line(NamedTuple):
    """A row that is near to the query, or was retrieved: its place by similarity from 1, and its rank with each setting, or none."""

    row: int
    similarity: float
    nearest: int
    ranks: tuple[int | None, ...]


class Retrieving(param.Parameterized):
    """The query of one session; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    """

    possible = param.Boolean(default=False, doc="Whether the open dataset is an index that can be asked.")
    query = param.String(default="", doc="What was asked last; empty before anything was.")
    settings = param.List(default=[Settings()], doc="One or two Settings.")
    lines = param.List(default=[], doc="What was found (Line), the most similar first.")
    working = param.Boolean(default=False, doc="Whether it is being retrieved.")
    problem = param.String(default="", doc="Why it could not be, as a sentence.")

    def __init__(self, asker: Asker) -> None:
        super().__init__()
        self._asker = asker
        self._asked = 0  # counts questions: a late answer to an old one is dropped
        asker.param.watch(self._on_dataset, ["dataset"])

    def ask(self, query: str, settings: list[Settings]) -> None:
        """Retrieve, ring what was retrieved on the maps, and place the query among the rows."""
        dataset = self._asker.dataset
        if dataset is None or dataset.retrievers is None or not query.strip() or not settings:
            return
        query = query.strip()
        self._asked += 1
        if query != self.query and not server.read_only():  # such a server places no new rows
            self._asker.newcomers.drop(query)
        self.param.update(query=query, settings=settings, working=True, problem="")
        make = partial(_retrieved, dataset, query, settings)
        self._asker.in_thread("retrieve", self._asked, lambda: self._asked, make, self._take, self._fail)

    def _take(self, lines: list[Line], number: int) -> None:
        if number == self._asked:
            self.param.update(lines=lines, working=False)
            self._asker.marked = [line.row for line in lines if any(rank is not None for rank in line.ranks)]

    def _fail(self, sentence: str, number: int) -> None:
        if number == self._asked:
            self.param.update(lines=[], working=False, problem=sentence)

    def _on_dataset(self, *_: object) -> None:
        self._asked += 1
        dataset = self._asker.dataset
        possible = dataset is not None and dataset.retrievers is not None
        self.param.update(possible=possible, query="", lines=[], working=False, problem="")


def _retrieved(dataset: Dataset, query: str, settings: list[Settings]) -> list[Line]:
    assert dataset.retrievers is not None
    made = {f"{at}": dataset.retrievers(**each._replace(top_k=min(each.top_k, _MOST))._asdict()) for at, each in enumerate(settings)}
    found = retrieve(dataset, made, query, k=min(_NEAR, dataset.n_drawable))
    return [_line(row, told, len(settings)) for row, told in found.iterrows()]


def _line(row: Any, told: pd.Series[Any], n: int) -> Line:
    import pandas as pd

    ranks = [told[f"rank {at}"] for at in range(n)]
    return Line(int(row), float(told["similarity"]), int(told["nearest"]), tuple(None if pd.isna(rank) else int(rank) for rank in ranks))
