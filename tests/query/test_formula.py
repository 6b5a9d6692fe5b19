"""Sums of what rows mean: how they are read, what they find, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import explorer
from explorer.data.dataset import Dataset
from explorer.errors import BadParameter, BadVectors, EncoderUnknown
from explorer.query.formula import Term, rows_named, rows_of, summed, terms
from explorer.query.meaning import rank

NAMES = ["king", "queen", "man", "woman", "Well-known man", "table", "man", "gone"]
# how royal, how male, how much of a thing
VECTORS = np.array(
    [[1, 1, 0], [1, -1, 0], [0, 1, 0], [0, -1, 0], [0.2, 1, 0], [0, 0, 1], [0, 1, 0.1], [0, 0, 0]],
    np.float32,
)


def royal(texts: list[str]) -> NDArray[np.float32]:
    return np.array([[text.count("royal"), 0, 0.01] for text in texts], np.float32)


@pytest.fixture
def words() -> Dataset:
    return explorer.open_dataset(pd.DataFrame({"word": NAMES}), vectors=VECTORS, label="word")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("king - man + woman", [("king", False, 1), ("man", False, -1), ("woman", False, 1)]),
        ("  king  \u2212  man ", [("king", False, 1), ("man", False, -1)]),
        ("well-known man + C++", [("well-known man", False, 1), ("C++", False, 1)]),
        ('"a - b" + c', [("a - b", True, 1), ("c", False, 1)]),
        ('- king + "the royal one"', [("king", False, -1), ("the royal one", True, 1)]),
        ("no sum", [("no sum", False, 1)]),
        ("", []),
        ("king +  ", []),
        ('a "b" c', []),
        ('"open - a', []),
    ],
)
def test_a_sum_is_read(text: str, found: list[tuple[str, bool, int]]):
    assert terms(text) == [Term(*each) for each in found]


@given(st.text(alphabet='ab+-\u2212 "', max_size=30))
def test_anything_can_be_read_and_signs_are_kept(text: str):
    for term in terms(text):
        assert term.text
        assert term.sign in (1, -1)


@given(st.lists(st.tuples(st.text("abc-+", min_size=1, max_size=5), st.sampled_from("+-")), min_size=1, max_size=5))
def test_what_is_quoted_comes_back_as_it_was(parts: list[tuple[str, str]]):
    written = " ".join(f'{sign} "{text}"' for text, sign in parts)
    assert terms(written) == [Term(text, quoted=True, sign=1 if sign == "+" else -1) for text, sign in parts]


def test_king_minus_man_plus_woman_is_queen(words: Dataset):
    found = rank(words, "King - man + woman", k=2)
    assert found.nearest(None)[0] == 1
    assert np.isnan(found.scores[[0, 2, 3, 6, 7]]).all(), "what went in is not found, nor what has no vector"
    parts = terms("king - man + woman")
    made = summed(words, parts, rows_of(words, parts) or [])
    assert made.rows.tolist() == [0, 2, 3, 6]
    np.testing.assert_allclose(made.direction, [2**-0.5, 2**-0.5 - 0.998 - 1, -0.05], atol=0.01)


def test_without_an_encoder_the_name_of_a_row_is_looked_for(words: Dataset):
    assert rank(words, "well-known MAN", k=1).nearest(None).tolist() == [2]
    assert rows_named(words, "gone").tolist() == [], "it has no vector"
    for text in ("gone", "king - nobody", "a text"):
        with pytest.raises(EncoderUnknown, match="is called"):
            rank(words, text, k=1)
    with pytest.raises(BadParameter, match="cancel each other out"):
        rank(words, "king - king", k=1)


def test_with_an_encoder_only_names_and_quoted_texts_make_a_sum(words: Dataset):
    known = explorer.open_dataset(words, encoder=royal)
    assert rank(known, "a royal one - or so", k=1).nearest(None).tolist() in ([0], [1]), "a text with a dash is a text"
    assert rank(known, 'woman + "royal"', k=1).nearest(None).tolist() == [1]
    wide = explorer.open_dataset(words, encoder=lambda texts: [[1.0] * 5 for _ in texts])
    with pytest.raises(BadVectors, match="5 numbers"):
        rank(wide, 'woman + "royal"', k=1)


def test_long_gaps_and_many_terms_take_no_time(words: Dataset):
    assert terms("king" + " " * 19_000 + "man") == [Term("king man", quoted=False, sign=1)]
    assert terms(" + ".join(["king"] * 21)) == []
    with pytest.raises(EncoderUnknown):
        rank(words, " + ".join(["king"] * 21), k=1)
