from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from explorer.data.dataset import Dataset
from explorer.errors import BadQuery, UnknownColumn
from explorer.query.conditions import matching


def rows(dataset: Dataset, expression: str) -> list[int]:
    mask = matching(dataset, expression)
    assert mask is not None
    return np.flatnonzero(mask).tolist()


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('kind == "a"', [0, 2]),
        ("kind == 'a' & n > 1", [2]),
        ("kind == 'a' && n > 1 || class == 2 or `class` == 1 and n == 6", None),
        ("`a b` > 3 | `class` == 2", [0, 1, 2]),
        ("2 < n <= 5", [2, 3, 4]),
        ("not (n > 2 and flag)", [0, 1, 3, 5]),
        ("~flag and n <= 4", [1, 3]),
        ("flag == True", [0, 2, 4]),
        ("n in (1, 2.0, 2.5, 30000000000000000000)", [0, 1]),
        ("n not in [1, 2, 3]", [3, 4, 5]),
        ("kind in ['a', 'dog']", [0, 2, 4]),
        ("kind == ['a']", [0, 2]),
        ("n in []", []),
        ("weight == 0.2", [1]),
        ("small > 300", []),
        ("small > -1", [0, 1, 2, 3, 4, 5]),
        ("small > 2.5", [3, 4, 5]),
        ("n < 1e999", [0, 1, 2, 3, 4, 5]),
        ('kind > "a"', [1, 4, 5]),
        ("n == `a b`", []),
        ("n > small", [0, 1, 2, 3, 4, 5]),
        ('"Hot dog" == text', [0]),
        ('text == "über Straße"', [5]),
        ('when >= "2020-01-03"', [2, 3, 4, 5]),
        ('when == "2020" or when > "2020-01-05 12:00"', [0, 5]),
        ('day == "2020-01-02" or when == day and n > 5', [1, 5]),
        ('there > "2020-01-03T00:00"', [3, 4, 5]),
        ('there == "2020-01-02T00:00+01:00"', [1]),
        ('there in ["2020-01-02"]', [1]),
        ("n\n>\n5", [5]),
    ],
)
def test_a_query_finds_its_rows(dataset: Dataset, expression: str, found: list[int] | None):
    if found is None:
        with pytest.raises(BadQuery):
            rows(dataset, expression)  # class is a word of Python: its name goes into backticks
    else:
        assert rows(dataset, expression) == found


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("kind is None", [3]),
        ("kind == None", [3]),
        ("weight is not None and n < 4", [0, 1]),
        ("weight in [0.1, None]", [0, 2]),
        ("weight not in [0.1, None]", [1, 3, 4, 5]),
        ("kind != 'a'", [1, 4, 5]),
        ("not kind == 'a'", [1, 4, 5]),
        ("not weight > 0.1", [0]),
        ("weight != 0.1", [1, 3, 4, 5]),
        ("kind not in ['a']", [1, 4, 5]),
        ("small > 300 or not small > 300", [0, 1, 2, 3, 4, 5]),
        ("weight > 9 or n == 3", [2]),
    ],
)
def test_a_missing_value_meets_no_condition_and_not_its_opposite(dataset: Dataset, expression: str, found: list[int]):
    assert rows(dataset, expression) == found


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        (" ", "The query is empty"),
        ("n = 2", "At character 3: Write == to compare"),
        ("n > '2'", "At character 5: Column n holds numbers, so .* a number without quotes"),
        ("kind > 2", 'At character 8: Column kind holds text, so .* in quotes: "2"'),
        ("foo()", "At character 1: Nothing can be called"),
        ("__import__('os').system('x') == n", "Nothing can be called"),
        ("n.__class__ == n", "A dot reaches into an object"),
        ("n[0] > 2", "Nothing can be picked out"),
        ("n + 1 > 2", "There is no arithmetic"),
        ("n > -`a b`", "This cannot be part of a query|cannot be compared"),
        ("[i for i in n]", "There are no programs"),
        ("lambda: 1", "There are no programs"),
        ("n if flag else n", "There is no if"),
        ("(n := 2) > 1", "There are no programs"),
        ("f'{n}' == kind", "At character 2: The query cannot be read"),
        ("kind == b'a'", "The query cannot be read"),
        ("n == 1j", "This cannot be part of a query"),
        ("n == ...", "This cannot be part of a query"),
        ("1 < 2", "One of the two sides has to be a column"),
        ("n", "Column n holds numbers: compare it"),
        ("'a'", "This is a value and no condition"),
        ("kind == 'a", "At character 9: The text that begins here has no end"),
        ("`a b > 2", "At character 1: The name that begins here has no end"),
        ("(n > 2", "At character 1: This parenthesis has no end"),
        ("n > ", "At character 5: The query breaks off"),
        ("n > 2 and", "At character 10: The query breaks off"),
        ("n > 2)", "At character 6: The query cannot be read here"),
        ("n > 2; flag", "At character 6"),
        ("n > 2 # flag", "At character 7: There is no #"),
        ("n > @m", "There are no variables"),
        ("when > 2020", "compare it with a time in quotes"),
        ("when > 'soon'", '"soon" is none: write it as'),
        ("when > '2020-01-01T00:00+01:00'", "without a time zone"),
        ("when == there", "without a time zone, .* with a time zone: they do not compare"),
        ("n == kind", "they do not compare"),
        ("flag > True", "only == and !="),
        ("flag == 2", "compare it with True or False"),
        ("n in kind", "A list comes after in, not a column"),
        ("'a' in kind", "The column comes first"),
        ("n in 3", r"A list comes after in: n in \[3\]"),
        ("n is 3", "Only None comes after is; write =="),
        ("n < [1]", "A list cannot come after <"),
        ("n < None", "found by == None"),
        ("n == [n]", "texts and numbers only"),
        ("~n == 2", "A condition cannot be compared"),
        ("(n > 2) == True", "A condition cannot be compared"),
        ("not " * 100 + "flag", "too deep"),
        ("(" * 300 + "flag" + ")" * 300, "At character 201"),
        ("n == \ud800", "characters that are no text"),
        ("n" * 2_001, "at most 2,000 characters"),
    ],
)
def test_what_is_no_query_gets_a_sentence(dataset: Dataset, expression: str, sentence: str):
    with pytest.raises(BadQuery, match=sentence):
        rows(dataset, expression)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("kid == 'a'", "six has no column kid. Did you mean kind?"),
        ("kind == dog", 'Text goes in quotes: "dog"'),
        ("flag == true", "Write True with a capital"),
        ("`` == 2", "no column without a name"),
    ],
)
def test_a_name_that_is_no_column_gets_a_sentence(dataset: Dataset, expression: str, sentence: str):
    with pytest.raises(UnknownColumn, match=sentence):
        rows(dataset, expression)


def test_pictures_compare_with_nothing():
    png = b"\x89PNG\r\n\x1a\n"
    dataset = explorer.open_dataset(pa.table({"picture": [png, None]}), vectors=np.eye(2, dtype=np.float32))
    assert rows(dataset, "picture is not None") == [0]
    with pytest.raises(BadQuery, match="holds pictures"):
        rows(dataset, "picture == 'a'")


def test_a_query_stops_when_nobody_waits(dataset: Dataset):
    assert matching(dataset, "n > 2", should_stop=lambda: True) is None


def test_categories_in_pieces_with_dictionaries_of_their_own_are_told_apart():
    parts = [
        pa.array(["a", "b", None]).dictionary_encode(),
        pa.array(["c", "a"]).dictionary_encode(),
        pa.array(["b", "a"]).dictionary_encode(),
    ]
    table = pa.table({"kind": pa.chunked_array(parts)})
    dataset = explorer.open_dataset(table, vectors=np.ones((7, 2), np.float32))
    assert rows(dataset, "kind == 'a'") == [0, 4, 6]


# -- against pandas

WHOLE, REAL, TEXTS = st.integers(-3, 3), st.sampled_from([-1.5, 0.0, 0.1, 2.0, 3.0]), st.sampled_from(["a", "b", "Ab", ""])
COLUMNS = {"i": WHOLE, "j": WHOLE, "u": st.integers(0, 3), "f": REAL, "t": TEXTS, "c": TEXTS}
ORDER = ["==", "!=", "<", "<=", ">", ">="]


def comparison() -> st.SearchStrategy[str]:
    number = st.tuples(st.sampled_from("ijuf"), st.sampled_from(ORDER), WHOLE | REAL | st.sampled_from("ijuf")).map(
        "{0[0]} {0[1]} {0[2]}".format
    )
    mirrored = st.tuples(WHOLE, st.sampled_from(ORDER), st.sampled_from("ijuf")).map("{0[0]} {0[1]} {0[2]}".format)
    between = st.tuples(WHOLE, st.sampled_from("ijuf"), WHOLE).map("{0[0]} <= {0[1]} < {0[2]}".format)
    text = st.tuples(st.just("t"), st.sampled_from(ORDER), TEXTS).map("{0[0]} {0[1]} {0[2]!r}".format)
    category = st.tuples(st.just("c"), st.sampled_from(["==", "!="]), TEXTS).map("{0[0]} {0[1]} {0[2]!r}".format)
    listed = st.tuples(st.sampled_from("ij"), st.sampled_from(["in", "not in"]), st.lists(WHOLE, min_size=1, max_size=3)).map(
        "{0[0]} {0[1]} {0[2]}".format
    )
    words = st.tuples(st.sampled_from("tc"), st.sampled_from(["in", "not in"]), st.lists(TEXTS, min_size=1, max_size=3)).map(
        "{0[0]} {0[1]} {0[2]!r}".format
    )
    return st.one_of(number, mirrored, between, text, category, listed, words)


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(parts, st.sampled_from(["and", "or", "&", "|"]), parts)
    return st.one_of(two.map("({0[0]}) {0[1]} ({0[2]})".format), two.map("{0[0]} {0[1]} {0[2]}".format), parts.map("not ({})".format))


EXPRESSIONS = st.recursive(comparison(), joined, max_leaves=5)


def tables(*, missing: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    columns = {name: st.none() | values if missing else values for name, values in COLUMNS.items()}
    return st.lists(st.fixed_dictionaries(columns), min_size=2, max_size=8)


def opened(records: list[dict[str, Any]]) -> Dataset:
    types = {"i": pa.int64(), "j": pa.int32(), "u": pa.uint64(), "f": pa.float64(), "t": pa.string(), "c": pa.string()}
    columns = {name: pa.array([record[name] for record in records], kind) for name, kind in types.items()}
    columns["c"] = columns["c"].dictionary_encode()
    return explorer.open_dataset(pa.table(columns), vectors=np.ones((len(records), 2), np.float32))


@settings(max_examples=150, deadline=None)
@given(records=tables(missing=False), expression=EXPRESSIONS)
def test_without_missing_values_it_is_what_pandas_finds(records: list[dict[str, Any]], expression: str):
    frame = pd.DataFrame(records)
    assert rows(opened(records), expression) == frame.query(expression, engine="python").index.tolist()


@settings(max_examples=150, deadline=None)
@given(records=tables(missing=True), expression=EXPRESSIONS)
def test_with_missing_values_it_finds_what_is_true_whatever_they_are(records: list[dict[str, Any]], expression: str):
    """A row that is found stays found, and one whose values are all there is found as pandas finds it."""
    found = set(rows(opened(records), expression))
    complete = [at for at, record in enumerate(records) if None not in record.values()]
    if complete:
        expected = pd.DataFrame([records[at] for at in complete]).query(expression, engine="python").index
        assert found & set(complete) == {complete[at] for at in expected}
    filled = [{"i": 1, "j": -2, "u": 3, "f": 0.1, "t": "a", "c": "b", **{k: v for k, v in one.items() if v is not None}} for one in records]
    assert found <= set(pd.DataFrame(filled).query(expression, engine="python").index.tolist())
