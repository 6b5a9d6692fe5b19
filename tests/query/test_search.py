import re
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import explorer
from explorer.data.dataset import Dataset
from explorer.errors import BadParameter, BadPattern, SearchTooSlow, UnknownChoice, UnknownColumn
from explorer.query.pieces import PIECE_ROWS
from explorer.query.search import Pattern, search, text_columns


def rows(dataset: Dataset, text: str, mode: str = "contains", *, case: bool = False, column: str | None = None) -> list[int]:
    mask = search(dataset, Pattern.of(text, mode, case=case), column=column)
    assert mask is not None
    return np.flatnonzero(mask).tolist()


def opened(texts: list[str | None]) -> Dataset:
    return explorer.open_dataset(pd.DataFrame({"text": pd.Series(texts, dtype=object)}), vectors=np.ones((len(texts), 2), np.float32))


def test_every_column_of_text_is_searched_and_case_counts_when_asked(dataset: Dataset):
    assert text_columns(dataset) == ["text", "kind"]
    assert rows(dataset, " dog ") == [0, 1, 4]
    assert rows(dataset, "dog", column="text") == [0, 1, 4]
    assert rows(dataset, "dog", column="kind") == [4]
    assert rows(dataset, "DOG", case=True) == [1]
    assert rows(dataset, "ÜBER STRA") == [5]
    assert rows(dataset, ".") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("dog", [0, 1]), ("dogs", [4]), ("C++", [4]), ("ber", []), ("über", [5]), ("hot dog", [0]), ("stra", []), ("a", [1])],
)
def test_a_whole_word_is_no_part_of_a_longer_one_in_any_script(dataset: Dataset, text: str, found: list[int]):
    assert rows(dataset, text, "word", column="text") == found


def test_numbers_and_times_are_searched_as_they_are_written(dataset: Dataset):
    assert rows(dataset, "^[25]$", "regex", column="n") == [1, 4]
    assert rows(dataset, "01-03", column="when") == [2]
    assert rows(dataset, "true", column="flag") == [0, 2, 4]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("a(b", r"cannot be read: missing \)"),
        ("x[z-a]", "at character 3: invalid character class range “z-a”"),
        ("a(?<=x)", "at character 2: look-around and backreferences are not available"),
        (r"(a)\1", r"at character 4: look-around and backreferences"),
        ("a**", "at character 2: bad repetition"),
        ("((a{900}){900}){900}", "invalid repetition size"),
    ],
)
def test_an_expression_that_does_not_compile_says_where(pattern: str, sentence: str):
    with pytest.raises(BadPattern, match=sentence):
        Pattern.of(pattern, "regex")


def test_nothing_and_too_much_are_refused():
    with pytest.raises(BadParameter, match="give what to look for"):
        Pattern.of("  ")
    with pytest.raises(BadParameter, match="at most 1,000 characters"):
        Pattern.of("a" * 1_001)
    with pytest.raises(UnknownChoice, match="The choices are contains, word, regex"):
        Pattern.of("a", "words")  # type: ignore[arg-type]
    assert Pattern.of("\ud800").text == "?"


def test_pictures_and_columns_that_are_not_there_are_not_searched(dataset: Dataset):
    with pytest.raises(UnknownColumn, match="Did you mean text"):
        rows(dataset, "dog", column="txt")


def test_names_of_clusters_are_searched_where_somebody_says_so_only():
    data = opened(["wolf", "cat"])
    name = data.add_column("clusters", pa.array(["dog, wolf", "dog, wolf"]).dictionary_encode(), meaning="Which cluster a row is in.")
    assert text_columns(data) == ["text"]
    assert rows(data, "wolf") == [0]
    assert rows(data, "wolf", column=name) == [0, 1]


def test_an_expression_that_hangs_others_takes_linear_time():
    dataset = opened(["a" * 5_000 + "!"] * 20)
    assert rows(dataset, "(a+)+$", "regex") == []


def test_a_search_stops_when_a_newer_one_came_and_is_given_up_when_it_takes_too_long():
    dataset = opened(["word"] * (3 * PIECE_ROWS))
    assert search(dataset, Pattern.of("w"), should_stop=lambda: True) is None
    with pytest.raises(SearchTooSlow, match="given up after 0 seconds"):
        search(dataset, Pattern.of("w"), seconds=0)


def test_pieces_chunks_and_threads_leave_no_row_out():
    words = np.array(["cat", "dog", "bird"])
    chosen = np.random.default_rng(0).integers(0, 3, 5 * PIECE_ROWS + 7)
    texts = words[chosen].tolist()
    table = pa.table({"text": pa.chunked_array([texts[:5], [], texts[5:100], texts[100:]])})
    dataset = explorer.open_dataset(table, vectors=np.ones((len(texts), 2), np.float32))
    found: list[np.ndarray] = []
    patterns = [Pattern.of("dog"), Pattern.of("dog", "word")]
    threads = [threading.Thread(target=lambda pattern=pattern: found.append(search(dataset, pattern))) for pattern in patterns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(mask, chosen == 1) for mask in found)
    assert len(found) == 2


letters = st.text(alphabet="abAB .+ü", max_size=6)


@given(texts=st.lists(st.none() | letters, min_size=2, max_size=8), wanted=letters.filter(str.strip), case=st.booleans())
def test_found_is_what_plain_python_finds(texts: list[str | None], wanted: str, case: bool):  # noqa: FBT001 - hypothesis gives it
    pattern = Pattern.of(wanted, case=case)
    flags = re.NOFLAG if case else re.IGNORECASE
    plain = re.compile(re.escape(wanted.strip()), flags)
    word = re.compile(rf"(?<!\w){re.escape(wanted.strip())}(?!\w)", flags)
    found = pattern.matches(pa.array(texts, pa.string())).to_pylist()
    words = Pattern.of(wanted, "word", case=case).matches(pa.array(texts, pa.string())).to_pylist()
    assert found == [None if text is None else plain.search(text) is not None for text in texts]
    assert words == [None if text is None else word.search(text) is not None for text in texts]
    for text in texts:
        if text is not None:
            marked = pattern.marked(text, most=100)
            assert "".join(marked) == text
            assert marked[1::2] == plain.findall(text)


def test_the_words_of_a_word_search_are_marked_without_what_is_around_them():
    assert Pattern.of("dog", "word").marked("a dog, dogs; Dog") == ["a ", "dog", ", dogs; ", "Dog", ""]
    assert Pattern.of("d.g|c", "regex").marked("a dog cat") == ["a ", "dog", " ", "c", "at"]
    assert Pattern.of("o").marked("\x02ooo\x03", most=2) == [" ", "o", "", "o", "o "]
