"""Search by meaning: cosine similarity of every row to the vector of what is looked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import explorer
from explorer.data.dataset import Dataset
from explorer.encoders.encoder import Encoded
from explorer.errors import BadParameter, BadVectors, EncoderUnknown, EncodingFailed, VectorsNeeded
from explorer.query.hits import Hits
from explorer.query.meaning import Ranking, add_similarity, rank, similarities


def letters(texts: list[str]) -> NDArray[np.float32]:
    """Count letters: texts of the same letters mean the same."""
    return np.array([[text.count(letter) for letter in "abcd"] for text in texts], np.float32)


TEXTS = ["a", "ab", "abc", "b", "d", "", "aab"]


@pytest.fixture
def counted() -> Dataset:
    return explorer.open_dataset(pd.DataFrame({"what": TEXTS}), text="what", encoder=letters)


def test_the_nearest_come_first_and_rows_without_a_vector_never(counted: Dataset):
    found = rank(counted, " a ", k=4)
    assert found.nearest(None).tolist() == [0, 6, 1, 2]
    assert np.isnan(found.scores[5])
    np.testing.assert_allclose(found.scores[[0, 1, 3]], [1, 0.5**0.5, 0], atol=1e-6)
    assert rank(counted, "a", k=1000).nearest(None).tolist() == [0, 6, 1, 2, 3, 4]


def test_hits_are_the_nearest_of_those_that_are_shown(counted: Dataset):
    found = rank(counted, "a", k=2)
    hits = Hits.of(found, np.array([False, True, True, True, True, True, False]))
    assert (hits.rows.tolist(), hits.count, hits.n_shown) == ([1, 2], 2, 2)
    assert np.flatnonzero(hits.mask).tolist() == [1, 2]
    assert Hits.of(hits.found, None).rows.tolist() == [0, 6]
    assert Hits.of(found, np.ones(9, bool)).rows.tolist() == [0, 6], "a mask of another dataset says nothing"


@given(seed=st.integers(0, 1000), n=st.integers(2, 60), d=st.integers(2, 40), k=st.integers(1, 70))
def test_it_is_what_numpy_finds(seed: int, n: int, d: int, k: int):
    chance = np.random.default_rng(seed)
    vectors, goal = chance.normal(size=(n, d)).astype(np.float32), chance.normal(size=d).astype(np.float32)
    scores = similarities(explorer.open_dataset(vectors, vectors=vectors), goal)
    true = (vectors.astype(float) @ goal) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(goal)
    np.testing.assert_allclose(scores, true, atol=2e-6)
    nearest = Ranking(scores, k).nearest(None)
    assert nearest.tolist() == np.argsort(-scores, kind="stable")[:k].tolist()


def test_what_cannot_be_searched_is_a_sentence(counted: Dataset):
    frame = pd.DataFrame({"x": [0.0, 1, 2], "y": [0.0, 1, 0]})
    with pytest.raises(VectorsNeeded, match="Searching by meaning"):
        rank(explorer.open_dataset(frame), "a", k=5)
    with pytest.raises(EncoderUnknown, match=r"is called 'a', .*--encoder"):
        rank(explorer.open_dataset(frame, vectors=["x", "y"]), "a", k=5)
    other = explorer.open_dataset(frame, vectors=["x", "y"], encoder=letters)
    with pytest.raises(BadVectors, match="makes vectors of 4 numbers, this data has 2"):
        rank(other, "a", k=5)
    for text, k in (("", 5), ("  ", 5), ("a" * 20_001, 5), ("zzz", 5), ("a", 0), ("a", 1001)):
        with pytest.raises(BadParameter):
            rank(counted, text, k=k)
    with pytest.raises(BadParameter, match="no vectors"):
        explorer.open_dataset(frame, encoder=letters)


def test_what_was_searched_before_is_not_encoded_again(counted: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    class Paid:
        title, key, long_texts, batch, at_once = "paid", "paid", "cut", 10, 1

        def cost(self, texts: object) -> str:
            return ""

        def prepare(self) -> None:
            pass

        def encode(self, texts: list[str]) -> Encoded:
            asked.extend(texts)
            return Encoded(letters(list(texts)))

    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path))
    dataset = explorer.open_dataset(pd.DataFrame({"what": TEXTS}), text="what", encoder=Paid())
    assert sorted(asked) == sorted(text for text in TEXTS if text)
    for _ in range(2):
        rank(dataset, "dab", k=3)
        rank(dataset, "aab", k=3)
    assert asked.count("dab") == asked.count("aab") == 1


def test_similarity_is_a_column_that_does_not_tell_what_was_searched(counted: Dataset):
    names = [add_similarity(counted, text, rank(counted, text, k=3).scores) for text in ("ab", "secret d", "ab")]
    assert names == ["similarity to search 1", "similarity to search 2", "similarity to search 1"]
    np.testing.assert_allclose(counted.numbers(names[0])[1], 1, atol=1e-6)
    assert not any("secret" in word for word in (*counted.roles, *counted.meanings.values()))
    for number in range(18):
        add_similarity(counted, f"a{number}", np.zeros(7, np.float32))
    with pytest.raises(BadParameter, match="20 searches"):
        add_similarity(counted, "one more", np.zeros(7, np.float32))


def test_an_encoder_of_the_catalog_is_looked_for_when_somebody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    frame = pd.DataFrame({"what": ["a", "b", "c"], "e": [[1.0, 0], [0, 1.0], [1.0, 1]]})
    (tmp_path / "datasets").mkdir()
    frame.to_parquet(tmp_path / "datasets" / "small.parquet")
    (tmp_path / "datasets" / "catalog.yaml").write_text(
        "small:\n  file: small.parquet\n  vectors: e\n  text: what\n  encoder: sentence-transformers:/nowhere/at/all\n"
    )
    monkeypatch.chdir(tmp_path)
    dataset = explorer.open_dataset("small")
    assert dataset.encoder is not None
    assert dataset.encoder.title == "sentence-transformers:/nowhere/at/all"
    with pytest.raises(EncodingFailed, match="no such model here"):
        rank(dataset, "a", k=2)
