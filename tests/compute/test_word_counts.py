"""Words of texts against Python's own regular expressions."""

import re
from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.compute import word_counts
from explorer.compute.word_counts import TextWords

letters = st.text(st.sampled_from("aAbBéÉßñжЖλΛ中文 _-.,'1२\n\t"), max_size=30)


@given(texts=st.lists(st.one_of(st.none(), letters), max_size=25), seed=st.integers(0, 99), chunked=st.booleans())
@settings(deadline=None, max_examples=150)
def test_words_are_those_that_python_finds(texts, seed, chunked):
    table = pa.chunked_array([texts[:7], texts[7:]], pa.string()) if chunked else pa.array(texts, pa.string())
    found = TextWords.of(table)
    mask = np.random.default_rng(seed).random(len(texts)) < 0.5
    for chosen in (None, mask):
        kept = [text or "" for i, text in enumerate(texts) if chosen is None or chosen[i]]
        expected = Counter(word for text in kept for word in set(re.findall(r"\w+", text.lower())))
        counts = dict(zip(found.words.to_pylist(), found.counts(chosen).tolist(), strict=True))
        assert {word: count for word, count in counts.items() if count} == expected
    assert found.n_texts == len(texts)


def test_words_of_other_texts_are_counted_by_name():
    found = TextWords.of(pa.array(["a b", "b", None]))
    assert found.counts_of(pa.array(["b", "unknown", "a"], pa.large_string())).tolist() == [2, 0, 1]
    assert TextWords.of(pa.array([], pa.string())).counts_of(pa.array(["b"], pa.large_string())).tolist() == [0]


def test_pieces_change_nothing(monkeypatch):
    texts = pa.array([f"word {i % 7} of {i}" for i in range(50)])
    whole = TextWords.of(texts)
    monkeypatch.setattr(word_counts, "_PIECE", 6)
    parts = TextWords.of(texts)
    assert sorted(zip(whole.words.to_pylist(), whole.counts().tolist(), strict=True)) == sorted(
        zip(parts.words.to_pylist(), parts.counts().tolist(), strict=True)
    )


def test_a_long_text_is_read_from_its_beginning():
    assert TextWords.of(pa.array(["x" * 3_000 + " y"])).words.to_pylist() == ["x" * 2_000]
