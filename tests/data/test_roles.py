from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from explorer.data.roles import infer_roles

LONG = [f"{i} is a rather long text that nobody would want to read on a map, in a legend or in a list of neighbors" for i in range(6)]
WORDS = ["ape", "bee", "cat", "dog", "eel", "fox"]


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("flag", [True, False, None] * 2, "category"),
        ("kind", ["a", "b"] * 3, "category"),
        ("kind", pa.array(["a", "b"] * 3).dictionary_encode(), "category"),
        ("price", [1.5, 2, 3, 4, 5, 6], "number"),
        ("count", [1, 2, 1, 2, 1, 2], "number"),
        ("cluster", [1, 2, 1, 2, 1, 2], "category"),
        ("topic_id", [1, 2, 1, 2, 1, 2], "category"),
        ("cluster", [1, 2, 3, 4, 5, 6], "number"),
        ("id", [4, 5, 6, 7, 8, 9], "id"),
        ("user_id", [4, 5, 6, 7, 8, 9], "id"),
        ("uuid", ["q1", "q2", "q3", "q4", "q5", "q6"], "id"),
        ("when", [dt.datetime(2020, 1, i + 1) for i in range(6)], "time"),
        ("day", [dt.date(2020, 1, i + 1) for i in range(6)], "time"),
        ("page", [f"https://example.org/{i}" for i in range(6)], "url"),
        ("page", [None, "http://example.org/a.png"] * 3, "url"),
        ("file", [f"pictures/{i}.PNG" for i in range(6)], "image"),
        ("thumb", ["data:image/png;base64,AAAA"] * 6, "image"),
        ("thumb", pa.array([b"\x89PNG"] * 6, pa.large_binary()), "image"),
        ("essay", LONG, "text"),
        ("empty", pa.array([None] * 6, pa.string()), "category"),
    ],
)
def test_a_role_follows_from_type_values_and_name(name: str, values: object, role: str) -> None:
    assert infer_roles(pa.table({name: values})).roles[name] == role


@pytest.mark.parametrize(
    ("columns", "label", "color"),
    [
        ({"kind": ["a", "b"] * 3, "word": WORDS}, "word", "kind"),
        ({"kind": ["a", "b"] * 3, "animal": WORDS}, "animal", "kind"),
        ({"label": ["a", "b"] * 3, "animal": WORDS}, "animal", "label"),
        ({"label": ["a", "b"] * 3}, "label", "label"),
        ({"label": ["a", "b"] * 3, "text": LONG}, "text", "label"),
        ({"text": LONG, "Title": WORDS}, "Title", None),
        ({"price": [1, 2, 3, 4, 5, 6]}, None, "price"),
        ({"same": ["a"] * 6, "price": [1, 2, 3, 4, 5, 6]}, None, "price"),
        ({"id": [4, 5, 6, 7, 8, 9]}, None, None),
        ({}, None, None),
    ],
)
def test_label_and_color_are_chosen_by_name_and_values(columns: dict[str, object], label: str | None, color: str | None) -> None:
    chosen = infer_roles(pa.table(columns))
    assert (chosen.label, chosen.color) == (label, color)


def test_a_category_that_names_rows_stays_a_category() -> None:
    assert infer_roles(pa.table({"label": ["a", "b"] * 3})).roles == {"label": "category"}


def test_a_long_text_that_names_rows_stays_a_text() -> None:
    assert infer_roles(pa.table({"text": LONG}), label="text").roles == {"text": "text"}
