"""Texts that hold a piece of text, against Python's own ``in`` and against expressions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.query.literal import holding

letters = st.text(alphabet="abAB zZ[{@`kSſKü\0", max_size=5)  # noqa: RUF001 - the sign of kelvin is not K
KINDS = [pa.string(), pa.large_string()]


@settings(deadline=None)  # the first one compiles
@given(st.lists(st.none() | letters, max_size=12), letters.filter(bool), st.booleans(), st.sampled_from(KINDS), st.integers(0, 3))
def test_found_is_what_an_expression_finds(texts: list[str | None], wanted: str, case: bool, kind: pa.DataType, cut: int):  # noqa: FBT001 - hypothesis gives it
    part = pa.array(texts, kind).slice(cut)
    held = holding(part, wanted, case=case)
    if case:
        assert held is not None
        assert held.tolist() == [text is not None and wanted in text for text in texts[cut:]]
    elif held is not None:
        expression = "".join(f"\\x{{{ord(letter):x}}}" for letter in wanted)
        found = pc.match_substring_regex(part, expression, ignore_case=True)
        assert held.tolist() == [bool(one) for one in found.to_pylist()]


@pytest.mark.parametrize("wanted", ["q", "qx", "needle in it", "x" * 100])
def test_a_match_is_found_wherever_it_lies_and_never_across_two_texts(wanted: str):
    rng = np.random.default_rng(0)
    plain = ["".join(rng.choice(list("abc "), n)) for n in rng.integers(0, 300, 400)]
    texts = [f"{text[:i]}{wanted.upper()}{text[i:]}" if i % 5 == 0 else text for i, text in enumerate(plain)]
    texts[1:4] = [f"a{wanted[: len(wanted) // 2]}", f"{wanted[len(wanted) // 2 :]}b", ""]
    if len(wanted) == 1:
        texts[2] = "b"
    held = holding(pa.array(texts), wanted, case=False)
    assert held is not None
    assert np.array_equal(held, [wanted in text.lower() for text in texts])


def test_letters_with_more_cases_are_left_to_expressions():
    assert holding(pa.array(["ü"]), "Ü", case=False) is None
    long = "\u017f"  # an s of old prints
    assert holding(pa.array([f"{long}o"]), "so", case=False) is None
    assert holding(pa.array(["ü so"]), "o", case=False) is not None
    assert holding(pa.array(["so"]), "so", case=False) is not None
    held = holding(pa.array([f"{long}o", "so"]), "so", case=True)
    assert held is not None
    assert held.tolist() == [False, True]
