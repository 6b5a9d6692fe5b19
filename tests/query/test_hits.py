import numpy as np
import pandas as pd

import explorer
from explorer.data.dataset import Dataset
from explorer.query.conditions import matching
from explorer.query.hits import Hits, example, excerpt, passage
from explorer.query.search import Pattern


def test_hits_count_what_was_found_and_what_of_it_is_shown():
    mask = np.array([True, False, True, True])
    hits = Hits.of(mask, np.array([True, True, False, True]))
    assert (hits.count, hits.n_shown, hits.rows.tolist()) == (3, 2, [0, 3])
    assert Hits.of(mask, None).shown is mask
    assert Hits.of(mask, np.ones(9, bool)).n_shown == 3  # a mask of another dataset says nothing


def test_one_walks_through_the_first_hundred_thousand_hits():
    mask = np.random.default_rng(0).random(2_500_000) < 0.06
    assert np.array_equal(Hits.of(mask, None).rows, np.flatnonzero(mask)[:100_000])
    mask[1_000_000:2_200_000] = False
    mask[:900_000] = False
    assert np.array_equal(Hits.of(mask, None).rows, np.flatnonzero(mask))


def test_a_passage_is_cut_around_its_first_match():
    assert excerpt(["a ", "dog", " b"]) == ["a ", "dog", " b"]
    assert excerpt(["x" * 50, "dog", ""], before=4) == ["…xxxx", "dog", ""]
    assert excerpt(["", "dog", "y" * 50, "dog", ""], most=20) == ["", "dog", "y" * 17 + "…"]
    assert excerpt(["a\nb", "c", ""]) == ["a b", "c", ""]


def test_the_passage_comes_from_the_label_where_that_has_the_match(dataset: Dataset):
    assert dataset.label == "text"
    assert passage(dataset, Pattern.of("dog"), 4) == ("text", ["", "dog", "s C++"])
    assert passage(dataset, Pattern.of("dog"), 4, column="kind") == ("kind", ["", "dog", ""])
    assert passage(dataset, Pattern.of("3"), 2, column="n") == ("n", ["", "3", ""])
    assert passage(dataset, Pattern.of("3"), 3) == ("", [])


def test_the_example_is_a_query_that_finds_rows(dataset: Dataset):
    assert example(dataset) == 'kind == "a" and n > 1'
    found = matching(dataset, example(dataset))
    assert found is not None
    assert found.tolist() == [False, False, True, False, False, False]


def test_names_that_are_no_names_are_quoted_in_the_example():
    frame = pd.DataFrame({"class": ["a", "a", "a", "b"], "a b": [1.0, 5.0, 9.0, 4.0]})
    assert example(explorer.open_dataset(frame, vectors=np.eye(4, dtype=np.float32))) == '`class` == "a" and `a b` > 5'
    assert example(explorer.open_dataset(np.eye(3, dtype=np.float32))) == ""
