"""Sums and differences of what rows mean: king - man + woman. Each term is the name of rows, or, in quotes, a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer import settings
from explorer.compute.exact_search import unit_rows
from explorer.encoders.encoding import encode_question
from explorer.errors import BadParameter, BadVectors, EncoderUnknown

if TYPE_CHECKING:
    from explorer.data.dataset import Dataset

__all__ = ["Sum", "Term", "encoded", "rows_named", "rows_of", "summed", "terms"]

_GAP = re.compile(r"\s{3,}")
_MOST = 20  # terms: each is looked for among all names

_TERM = re.compile(r'\s*(?P<sign>[+\-\u2212](?=\s|"))?\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^"]+?))\s*(?=$|\s[+\-\u2212](?:\s|"))')


class Term(NamedTuple):
    """One part of a sum: what it is called, whether that stands in quotes, and whether it is added (1) or taken away (-1)."""

    text: str
    quoted: bool
    sign: int


class Sum(NamedTuple):
    """A direction in the original space, and the rows that went into it."""

    direction: NDArray[np.float32]
    rows: NDArray[np.int64]


def terms(text: str) -> list[Term]:
    """Take a sum apart; + and - count between spaces, and not within quotes. What is no sum is one term.

    Returns
    -------
    list of Term
        None of them where it cannot be read, or has more than 20. Whether terms mean something is for :func:`summed` to say.
    """
    text = _GAP.sub("  ", text)  # long ones would keep the expression busy
    found, at = [], 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None or match.end() == at:
            return []
        name = " ".join((match["plain"] if match["quoted"] is None else match["quoted"]).split())
        if not name:
            return []
        found.append(Term(name, match["quoted"] is not None, 1 if match["sign"] in (None, "+") else -1))
        at = match.end()
    return found if len(found) <= _MOST else []


def rows_named(dataset: Dataset, name: str) -> NDArray[np.int64]:
    """Find the rows with a usable vector that have a name, whatever its case: those of the label column; ascending."""
    if dataset.label is None or dataset.label not in dataset.table.column_names:
        return np.zeros(0, np.int64)
    names = dataset.table.column(dataset.label)
    if pa.types.is_dictionary(names.type):
        names = names.cast(names.type.value_type)
    same = pc.equal(pc.utf8_lower(names.cast(pa.large_string())), name.lower())
    found = np.flatnonzero(np.asarray(pc.fill_null(same, False)))  # noqa: FBT003 - Arrow's order
    return found[dataset.drawable[found]].astype(np.int64)


def rows_of(dataset: Dataset, parts: list[Term]) -> list[NDArray[np.int64]] | None:
    """Find the rows that each term names, none for one in quotes; None where a term neither names rows nor is quoted: then it is no sum."""
    found: list[NDArray[np.int64]] = []
    for term in parts:
        rows = np.zeros(0, np.int64) if term.quoted else rows_named(dataset, term.text)
        if not term.quoted and not len(rows):
            return None
        found.append(rows)
    return found


def encoded(dataset: Dataset, text: str) -> NDArray[np.float32]:
    """Have the dataset's encoder make a vector (d,) of a text.

    Raises
    ------
    EncodingFailed, ExtraMissing
        If it fails.
    BadVectors
        If it makes vectors of another length than the data's.
    """
    assert dataset.encoder is not None
    made = encode_question(text, dataset.encoder, store=settings.store_folder())
    if made.shape != (dataset.n_dims,):
        reason = f"{dataset.encoder.title} makes vectors of {len(made):,} numbers, this data has {dataset.n_dims:,}. Is it another model?"
        raise BadVectors("What is searched", "its vector", None, reason)
    return made


def summed(dataset: Dataset, parts: list[Term], named: list[NDArray[np.int64]]) -> Sum:
    """Add up the unit vectors of terms: 3CosAdd of Levy and Goldberg (2014, doi:10.3115/v1/W14-1618), after Mikolov et al. (2013).

    Several rows of one name count as their mean.

    Parameters
    ----------
    dataset : Dataset
        With vectors.
    parts : list of Term
    named : list of ndarray of int64
        The rows that have each term's name, none for a text; see :func:`rows_of`.

    Raises
    ------
    EncoderUnknown
        If no row has a name, and nothing makes a vector of it.
    BadParameter
        If the terms cancel each other out.
    BadVectors
        If the encoder makes vectors of another length.
    EncodingFailed, ExtraMissing
        If the encoder fails.
    """
    assert dataset.vectors is not None
    direction, used = np.zeros(dataset.n_dims), [np.zeros(0, np.int64)]
    for term, rows in zip(parts, named, strict=True):
        if len(rows):
            vectors = dataset.vectors[rows]
            used.append(rows)
        elif dataset.encoder is not None:
            vectors = encoded(dataset, term.text)[None]
        else:
            raise EncoderUnknown(dataset.name, term.text)
        mean = unit_rows(np.ascontiguousarray(vectors, np.float32)).mean(axis=0, dtype=np.float64)
        direction += term.sign * mean / max(float(np.linalg.norm(mean)), np.finfo(float).tiny)
    if float(np.linalg.norm(direction)) < 1e-6:  # noqa: PLR2004  # of unit vectors in float32
        raise BadParameter("text", " ".join(part.text for part in parts)[:40], "these cancel each other out; take one away.")
    return Sum(direction.astype(np.float32), np.unique(np.concatenate(used)))
