"""What a retriever finds for a query, beside the rows that are nearest in meaning; and which rows many queries never reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.data.llama_index import NODE
from explorer.errors import BadParameter, UnknownColumn
from explorer.measured import Column, add_measured, n_measured
from explorer.query.meaning import rank

if TYPE_CHECKING:
    import pandas as pd

    from explorer.data.dataset import Dataset

__all__ = ["Retriever", "add_coverage", "coverage", "retrieve"]

_MEANING = "How many of the queries retrieved this row. 0: none of them reaches it."


class Retriever(Protocol):
    """What finds nodes for a query: a LlamaIndex retriever, or anything that has its ``retrieve``."""

    def retrieve(self, query: str, /) -> Sequence[Any]:
        """Give nodes with scores, the best first: each has a ``node_id`` and a ``score``, which may be None."""


def retrieve(dataset: Dataset, retrievers: Retriever | Mapping[str, Retriever], query: str, *, k: int = 20) -> pd.DataFrame:
    """Find what retrievers give for a query, beside the rows whose vectors are nearest to it.

    Parameters
    ----------
    dataset : Dataset
        From :func:`explorer.from_llama_index`, with an encoder.
    retrievers : Retriever or mapping of str to Retriever
        One, or several by name to compare: ``index.as_retriever(similarity_top_k=5)``.
    query : str
    k : int
        How many of the nearest rows to show, 1 to 1,000.

    Returns
    -------
    pandas.DataFrame
        Indexed by row number, the most similar first: the k nearest rows and all that were retrieved. ``similarity`` is the cosine
        similarity to the query, ``nearest`` the place by it, from 1; of each retriever ``rank`` and ``score`` (with its name behind, where
        there are several), missing where it did not retrieve the row; then the metadata. A near row without a rank was missed because of
        the retriever's settings.

    Raises
    ------
    UnknownColumn
        If the dataset has no node ids.
    BadParameter
        If a retriever finds a node that the dataset does not have.
    EncoderUnknown, EncodingFailed, VectorsNeeded, BadVectors
        See :func:`explorer.query.meaning.rank`.
    """
    import pandas as pd

    ranking = rank(dataset, query, k=k)
    order = np.argsort(-np.where(np.isfinite(ranking.scores), ranking.scores, -np.inf), kind="stable")
    places = np.empty(dataset.n_rows, np.int64)
    places[order] = np.arange(1, dataset.n_rows + 1)
    number_of = _numbers(dataset)
    named = retrievers if isinstance(retrievers, Mapping) else {"": retrievers}
    found = {name: [(_row(dataset, number_of, node), _score(node)) for node in each.retrieve(query)] for name, each in named.items()}
    rows = list(dict.fromkeys([*ranking.nearest(None).tolist(), *(row for each in found.values() for row, _ in each)]))
    rows.sort(key=lambda row: int(places[row]))
    told: dict[str, Any] = {"similarity": ranking.scores[rows], "nearest": places[rows]}
    for name, each in found.items():
        behind = f" {name}" if name else ""
        ranks, scores = {row: at for at, (row, _) in enumerate(each, 1)}, dict(each)
        told[f"rank{behind}"] = pd.array([ranks.get(row) for row in rows], pd.Int64Dtype())
        told[f"score{behind}"] = [scores.get(row, np.nan) for row in rows]
    beside = dataset.frame(rows)
    beside = beside.rename(columns={name: f"{name} (metadata)" for name in beside.columns if name in told})
    return pd.concat([pd.DataFrame(told, index=beside.index), beside], axis=1)


def coverage(
    dataset: Dataset, retriever: Retriever, queries: Iterable[str], *, report: Callable[[float], object] = lambda _fraction: None
) -> NDArray[np.int64]:
    """Count how often each row is retrieved by many queries.

    Parameters
    ----------
    dataset : Dataset
        From :func:`explorer.from_llama_index`.
    retriever : Retriever
    queries : iterable of str
        Blank ones are left out.
    report : callable
        Called with the fraction that is done.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        0 for a row that no query reaches. :func:`add_coverage` makes a column of it.

    Raises
    ------
    UnknownColumn, BadParameter
        See :func:`retrieve`; also where there is no query.
    """
    asked = [query for query in queries if query.strip()]
    if not asked:
        raise BadParameter("queries", "none", "give at least one.")
    number_of, counts = _numbers(dataset), np.zeros(dataset.n_rows, np.int64)
    for at, query in enumerate(asked, 1):
        counts[list({_row(dataset, number_of, node) for node in retriever.retrieve(query)})] += 1
        report(at / len(asked))
    return counts


def add_coverage(dataset: Dataset, counts: NDArray[np.int64]) -> str:
    """Add how often each row was retrieved as a column, to color and filter by; returns its name."""
    key = "coverage", n_measured(dataset, "coverage")
    add_measured(dataset, {key: Column("times retrieved", counts.astype(np.float32), _MEANING)})
    return next(name for name in reversed(list(dataset.roles)) if name.startswith("times retrieved"))


def _numbers(dataset: Dataset) -> dict[str, int]:
    if NODE not in dataset.table.column_names:
        raise UnknownColumn(dataset.name, NODE, dataset.table.column_names)
    return {str(node): row for row, node in enumerate(dataset.table.column(NODE).to_pylist())}


def _row(dataset: Dataset, number_of: Mapping[str, int], found: Any) -> int:
    node = str(found.node_id)
    if node not in number_of:
        raise BadParameter("retriever", node, f"it finds a node that {dataset.name} does not have. Open the index anew.")
    return number_of[node]


def _score(found: Any) -> float:
    return float("nan") if found.score is None else float(found.score)
