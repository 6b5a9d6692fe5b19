"""Which words texts have: lower case, each once a text; by Arrow, so that other threads go on. Never decides which words matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TextWords"]

_PIECE = 5_000  # texts at once
_CHARACTERS = 2_000  # of a text that are read
_BETWEEN = r"[^\p{L}\p{N}_]+"  # what \W is in Python, where words may have letters of any script


@dataclass(frozen=True, eq=False)
class TextWords:
    """The words of some texts.

    Attributes
    ----------
    words : pyarrow.Array of v strings
        Each word once.
    texts : ndarray of shape (m,), int32
        Numbers of the texts, ascending; a text has an entry for each of its words.
    codes : ndarray of shape (m,), int32
        The place of each in ``words``.
    n_texts : int
        How many texts there are, those without a word counted.
    """

    words: pa.Array
    texts: NDArray[np.int32]
    codes: NDArray[np.int32]
    n_texts: int

    @classmethod
    def of(cls, texts: pa.Array | pa.ChunkedArray) -> TextWords:
        """Find the words of texts; of a long one its first 2,000 characters are read."""
        found: list[pa.Array] = []
        owners: list[NDArray[np.int32]] = []
        for at in range(0, len(texts), _PIECE):
            piece = pc.fill_null(texts.slice(at, _PIECE).cast(pa.large_string()), "")
            lists = pc.split_pattern_regex(pc.utf8_lower(pc.utf8_slice_codeunits(piece, 0, _CHARACTERS)), _BETWEEN)
            for chunk in lists.chunks if isinstance(lists, pa.ChunkedArray) else [lists]:
                words, owner = pc.list_flatten(chunk), pc.list_parent_indices(chunk)
                there = pc.not_equal(words, "")
                found.append(pc.filter(words, there))
                owners.append(np.asarray(pc.filter(owner, there)).astype(np.int32) + np.int32(at))
                at += len(chunk)  # noqa: PLW2901 - the next chunk of the same piece
        every = pa.chunked_array(found, pa.large_string()).dictionary_encode().unify_dictionaries().combine_chunks()
        if isinstance(every, pa.ChunkedArray):
            every = every.chunk(0) if every.num_chunks else pa.array([], pa.large_string()).dictionary_encode()
        codes = np.asarray(every.indices).astype(np.int64)
        owner = np.concatenate(owners) if owners else np.empty(0, np.int32)
        pairs = np.unique(owner.astype(np.int64) * max(1, len(every.dictionary)) + codes)
        texts_of, codes_of = np.divmod(pairs, max(1, len(every.dictionary)))
        return cls(every.dictionary, texts_of.astype(np.int32), codes_of.astype(np.int32), len(texts))

    def counts(self, mask: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Count the texts that have each word, of all texts or of those in a mask of shape (n_texts,)."""
        codes = self.codes if mask is None else self.codes[mask[self.texts]]
        return np.bincount(codes, minlength=len(self.words))

    def counts_of(self, words: pa.Array, mask: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Count the texts that have each of some words, those that are not known among them; of all texts or of those in a mask."""
        places = np.asarray(pc.fill_null(pc.index_in(words, value_set=self.words), -1))
        return np.where(places < 0, 0, np.append(self.counts(mask), 0)[places])
