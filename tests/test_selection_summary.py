"""What is special about selected rows, against plain pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explorer import selection_summary
from explorer.data.dataset import Dataset, open_dataset
from explorer.selection_summary import rows_of_category, rows_with_word, summarize, text_column

N = 2_000


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(0)
    kind = rng.choice(["red", "green", "blue", None], N, p=[0.2, 0.5, 0.2, 0.1])
    noise = [" ".join(rng.choice(["alpha", "beta", "gamma", "delta", "of", "the"], 6)) for _ in range(N)]
    text = [f"{words} {'Ember glows having' if k == 'red' else 'moss'}" for words, k in zip(noise, kind, strict=True)]
    frame = pd.DataFrame(
        {
            "name": [f"thing {i}" for i in range(N)],
            "kind": kind,
            "size": np.where(kind == "red", 3.0, 0.0) + rng.normal(size=N),
            "holes": np.where(rng.random(N) < 0.5, np.nan, rng.normal(size=N)),
            "constant": 1.0,
            "text": text,
        }
    )
    vectors = rng.normal(size=(N, 6)).astype(np.float32)
    vectors[kind == "red"] += 3
    vectors[5] = 0
    return open_dataset(frame, vectors=vectors, label="name", text="text", name="Things")


@pytest.fixture(scope="module")
def red(data: Dataset) -> np.ndarray:
    mask = rows_of_category(data, "kind", "red")
    mask[np.flatnonzero(~mask)[:20]] = True  # and some that are not
    return mask


def test_what_is_common_among_the_rows(data: Dataset, red: np.ndarray):
    found = summarize(data, red)
    values = data.frame()["kind"]
    assert [(common.column, common.category) for common in found.categories] == [("kind", "red")]
    common = found.categories[0]
    assert common.n == int((values[red] == "red").sum())
    assert common.share == pytest.approx((values[red] == "red").mean())
    assert common.share_of_rest == pytest.approx((values[~red] == "red").mean())
    assert 0 < common.low < common.effect < common.high


def test_which_numbers_differ(data: Dataset, red: np.ndarray):
    found = summarize(data, red)
    assert [differs.column for differs in found.differences] == ["size"]
    size = data.frame()["size"]
    assert found.differences[0].mean == pytest.approx(size[red].mean(), rel=1e-5)
    assert found.differences[0].mean_of_rest == pytest.approx(size[~red].mean(), rel=1e-5)
    assert found.differences[0].effect > 2


def test_which_words_tell_them_apart(data: Dataset, red: np.ndarray):
    found = summarize(data, red)
    assert found.text == "text"
    assert sorted(word.word for word in found.words) == ["ember", "glows"], "what is said of everything tells nothing"
    has = data.frame()["text"].str.contains("Ember")
    assert found.words[0].n == int(has[red].sum())
    assert found.words[0].share == pytest.approx(has[red].mean())
    assert found.words[0].share_of_rest == pytest.approx(has[~red].mean())
    np.testing.assert_array_equal(rows_with_word(data, "text", "ember"), has)
    assert not rows_with_word(data, "text", "embe").any()
    assert not rows_with_word(data, "text", ".*").any()


def test_how_close_they_are(data: Dataset, red: np.ndarray):
    found = summarize(data, red)
    usable = red & data.drawable
    unit = data.vectors[usable].astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    apart = 1 - unit @ unit.T
    np.fill_diagonal(apart, 0)
    m = len(unit)
    assert found.mean_distance == pytest.approx(apart.sum() / (m * (m - 1)), abs=1e-6)
    assert found.mean_distance < found.mean_distance_of_all
    assert found.medoids[0] == np.flatnonzero(usable)[apart.sum(axis=1).argmin()]
    assert found.n_measured == m


def test_of_many_rows_a_sample_is_looked_at_and_said(data: Dataset, red: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(selection_summary, "MOST_MEASURED", 50)
    found = summarize(data, red)
    assert found.n_measured <= 50
    assert found.n_texts == 50
    assert found.n == int(red.sum())
    assert np.isin(found.medoids, np.flatnonzero(red)).all()
    assert found == summarize(data, red)._replace(medoids=found.medoids)


@pytest.mark.parametrize(
    ("rows", "note"),
    [([], "Nothing is selected."), ([3], "Select two rows or more"), (range(N), "All rows are selected: there are no others to compare")],
)
def test_why_there_is_no_comparison(data: Dataset, rows: range, note: str):
    mask = np.zeros(N, bool)
    mask[list(rows)] = True
    found = summarize(data, mask)
    assert found.note.startswith(note)
    assert not found.categories
    assert found.frame().empty


def test_rows_without_vectors_or_text_are_described_too():
    frame = pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40.0), "kind": ["a", "b"] * 20})
    data = open_dataset(frame)
    mask = rows_of_category(data, "kind", "a")
    found = summarize(data, mask)
    assert found.categories[0].category == "a"
    assert np.isnan(found.mean_distance)
    assert not len(found.medoids)
    assert text_column(data) is None


def test_rows_without_a_value_are_a_category(data: Dataset):
    mask = rows_of_category(data, "kind", None)
    np.testing.assert_array_equal(mask, data.frame()["kind"].isna())
    assert summarize(data, mask).categories[0].category is None
    assert not rows_of_category(data, "kind", "unknown").any()


def test_nobody_waits_for_what_nobody_wants(data: Dataset, red: np.ndarray):
    assert summarize(data, red, should_stop=lambda: True).categories == ()


def test_a_table_of_it(data: Dataset, red: np.ndarray):
    frame = summarize(data, red).frame()
    assert frame["kind"].tolist() == ["category", "number", "word", "word"]
    assert frame["column"].tolist() == ["kind", "size", "text", "text"]
    assert frame["value"].tolist()[0] == "red"
