"""Rows that are near in meaning to a text, or to a sum of what rows mean: one vector beside those of all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadParameter, EncoderUnknown, VectorsNeeded
from explorer.measured import Column, add_measured, measured, n_measured
from explorer.query.formula import encoded, rows_of, summed, terms

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["MOST_FOUND", "Ranking", "add_similarity", "rank", "similarities", "similarity_key"]

MOST_FOUND = 1_000
"""Rows that one search finds at most."""

_LONGEST = 20_000  # characters of what is looked for
_MOST_COLUMNS = 20  # of similarities: each is a number for each row, for as long as somebody has the dataset open
_MEANING = "1: in meaning the same as what somebody searched. 0: as unlike as any two texts."


class Ranking(NamedTuple):
    """How near every row is, and how many of the nearest count as found.

    Attributes
    ----------
    scores : ndarray of shape (n_rows,), float32
        Cosine similarity, from -1 to 1; NaN where a row has no usable vector.
    k : int
    """

    scores: NDArray[np.float32]
    k: int

    def nearest(self, shown: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Give the k nearest rows of those that are shown, None for all: nearest first, ties by row number."""
        scores = self.scores if shown is None else np.where(shown, self.scores, np.float32(np.nan))
        there = np.flatnonzero(np.isfinite(scores))
        if len(there) > self.k:
            limit = np.partition(scores[there], len(there) - self.k)[len(there) - self.k]
            there = there[scores[there] >= limit]
        return there[np.argsort(-scores[there], kind="stable")][: self.k]


def rank(dataset: Dataset, text: str, *, k: int) -> Ranking:
    """Say how near in meaning every row is to a text; for a thread.

    Parameters
    ----------
    dataset : Dataset
        With vectors; of its encoder the vector of a text is made.
    text : str
        What is looked for, up to 20,000 characters; or a sum of rows' names and quoted texts, such as ``king - man + woman``: of these rows
        none is found. Without an encoder, a name or a sum of names. What was looked for before is not encoded again.
    k : int
        How many rows are found, 1 to 1,000.

    Raises
    ------
    VectorsNeeded, EncoderUnknown
        If the dataset has no vectors, or nothing that makes one of a text.
    BadParameter
        If nothing is looked for, or too much.
    EncodingFailed, ExtraMissing
        If the encoder fails.
    BadVectors
        If it makes vectors of another length.
    """
    if dataset.vectors is None:
        raise VectorsNeeded("Searching by meaning", dataset.name)
    if not 1 <= k <= MOST_FOUND:
        raise BadParameter("k", k, f"give 1 to {MOST_FOUND:,}.")
    text = text.strip()
    if not text or len(text) > _LONGEST:
        raise BadParameter("text", f"{text[:20]!r}", f"give what to look for, at most {_LONGEST:,} characters.")
    parts = terms(text)
    named = rows_of(dataset, parts) if len(parts) > 1 or dataset.encoder is None else None
    if named is None or not parts:
        if dataset.encoder is None:
            raise EncoderUnknown(dataset.name, text)
        return Ranking(similarities(dataset, encoded(dataset, text)), k)
    goal = summed(dataset, parts, named)
    scores = similarities(dataset, goal.direction)
    scores[goal.rows] = np.nan
    return Ranking(scores, k)


def similarities(dataset: Dataset, goal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measure the cosine similarity of every row to a vector (d,); NaN where a row has no usable vector. One pass, without the GIL."""
    from explorer.compute.one_to_all import products_and_squares

    assert dataset.vectors is not None
    length = float(np.linalg.norm(goal.astype(np.float64)))
    if not length:
        raise BadParameter("text", "this", "its vector has no direction; look for something else.")
    products, squares = np.empty((2, dataset.n_rows), np.float32)
    products_and_squares(dataset.vectors, (goal / length).astype(np.float32), products, squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores: NDArray[np.float32] = np.clip(products / np.sqrt(squares), -1, 1)
    scores[~dataset.drawable] = np.nan
    return scores


def add_similarity(dataset: Dataset, text: str, scores: NDArray[np.float32]) -> str:
    """Add how near each row is to a text as a column, whose name does not tell others what was searched; for a thread.

    Returns
    -------
    str
        The column's name.

    Raises
    ------
    BadParameter
        If there are twenty of them.
    """
    key = similarity_key(dataset, text)
    if measured(dataset, key) is None:
        number = n_measured(dataset, key[0]) + 1
        if number > _MOST_COLUMNS:
            raise BadParameter("color", "similarity", f"{_MOST_COLUMNS} searches are columns already; open the data anew for another.")
        add_measured(dataset, {key: Column(f"similarity to search {number}", scores, _MEANING)})
    return str(measured(dataset, key))


def similarity_key(dataset: Dataset, text: str) -> tuple[str, ...]:
    """Say which measured column this is."""
    return "similarity", "" if dataset.encoder is None else dataset.encoder.title, text
