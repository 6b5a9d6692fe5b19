from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.coloring import MISSING, Coloring, colorable, coloring, count_under, recolored, shown_mask
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import UnknownChoice, UnknownColumn
from explorer.render.palette import MISSING_COLOR, OTHER_COLOR, PALETTES, Palette
from explorer.render.scale import SCALES, ScaleName, scaled
from explorer.shelf import colored
from explorer.state.appearance import NOTHING_HIDDEN, ColorScale, Hidden
from explorer.views.legend import legend_content

N = 60


def dataset(order: np.ndarray | None = None, **columns: object) -> Dataset:
    """A dataset with these columns beside a few coordinates, its rows in another order where one is given."""
    table = pa.table({"x": np.arange(N, dtype=np.float32), "y": np.zeros(N, np.float32), **columns})
    return open_dataset(table if order is None else table.take(order), name="Colors")


def colors_of(made: Coloring, n: int = N) -> list[str]:
    return [made.color_of(row) for row in range(n)]


@pytest.fixture
def kinds() -> list[str | None]:
    return [None if i % 20 == 19 else "abc"[(i % 6) // 2 if i < 30 else 0] for i in range(N)]


def test_a_category_has_one_color_and_missing_values_are_gray(kinds: list[str | None]):
    made = coloring(dataset(kind=kinds), "kind")
    assert (made.kind, made.names, made.n_missing) == ("category", ("a", "b", "c"), 3)
    assert made.counts == tuple(kinds.count(name) for name in "abc")
    found = dict(zip(kinds, colors_of(made), strict=True))
    assert found.pop(None) == MISSING_COLOR
    assert len(set(found.values())) == 3
    assert found == made.palette.colors


def test_colors_are_the_same_whatever_the_order_of_the_rows(kinds: list[str | None]):
    order = np.random.default_rng(0).permutation(N)
    for column in ("kind", "score"):
        columns = {"kind": kinds, "score": np.linspace(-1, 5, N)}
        first, second = (coloring(dataset(order=rows, **columns), column) for rows in (None, order))
        assert np.array(colors_of(first))[order].tolist() == colors_of(second)


def test_a_number_goes_through_a_color_map_and_missing_ones_are_gray():
    score = np.linspace(0, 10, N)
    score[[3, 5]] = np.nan
    made = coloring(dataset(score=score), "score", cmap="fire")
    assert (made.kind, made.n_missing, made.cmap) == ("number", 2, "fire")
    assert made.color_of(3) == MISSING_COLOR
    assert [made.color_of(row) for row in (0, N - 1)] == ["#{:02x}{:02x}{:02x}".format(*made.lut[end]) for end in (0, -1)]
    assert 0 <= made.low < 1
    assert 9 < made.high <= 10


def test_a_time_column_is_colored_like_a_number():
    made = coloring(dataset(when=np.datetime64("2020-01-01") + np.arange(N)), "when")
    assert made.kind == "number"
    assert len(set(colors_of(made))) > N / 2


def test_a_constant_number_has_one_color_and_a_bar_with_two_ends():
    made = coloring(dataset(score=np.full(N, 7.0)), "score")
    assert len(set(colors_of(made))) == 1
    assert made.low < 7 < made.high


def test_a_number_column_without_any_value_is_gray():
    values = pa.array([None] * N, pa.float64())
    made = coloring(dataset(score=values), "score")
    assert set(colors_of(made)) == {MISSING_COLOR}
    assert made.n_missing == N
    content = legend_content(made)
    assert "bar" not in content
    assert content["note"] == "No row has a value."
    assert content["entries"] == [["no value", MISSING_COLOR, f"{N}", MISSING]]


@settings(max_examples=40)
@given(st.lists(st.floats(width=32) | st.integers(-3, 3), min_size=1, max_size=60), st.sampled_from(["linear", "log", "rank"]))
def test_a_scale_keeps_the_order_of_values_and_loses_none(values: list[float], scale: ScaleName):
    column = np.array(values, np.float32)
    with np.errstate(all="raise"):
        placed = scaled(column, scale)
    finite = np.isfinite(column)
    assert np.array_equal(np.isfinite(placed.values), finite)
    order = np.argsort(column[finite], kind="stable")
    assert (np.diff(placed.values[finite][order]) >= 0).all()
    assert placed.low <= placed.high
    assert placed.ends[0] <= placed.ends[1] <= placed.ends[2]


def test_a_logarithm_gives_each_power_of_ten_as_much_of_the_color_bar():
    values = np.repeat(np.float32([1, 10, 100, 1_000, 10_000]), 20)
    values[:3] = [0, -5, np.nan]
    made = coloring(dataset_of(values), "score", scale="log")
    assert made.bar_words == ("≤ 1", "100", "≥ 1e+04")
    share = (made.values[3:] - made.low) / (made.high - made.low)
    np.testing.assert_allclose(share.reshape(-1)[[0, 17, 37, 57, 77]], [0, 0.25, 0.5, 0.75, 1], atol=1e-6)
    assert made.color_of(0) == made.color_of(1) == made.color_of(3)
    assert (made.n_missing, made.color_of(2)) == (1, MISSING_COLOR)
    assert legend_content(made)["note"] == "Geometric mean of the rows in a pixel."


@pytest.mark.parametrize(("hours", "words"), [(24 * 365, ("≤ 2001", "≥ 2001-12")), (2, ("≤ 2001-01-01 0", "≥ 2001-01-01 01:"))])
def test_the_color_bar_of_times_is_written_in_times(hours: int, words: tuple[str, str]):
    moments = np.datetime64("2001-01-01", "s") + (np.linspace(0, 3600 * hours, N)).astype("timedelta64[s]")
    made = coloring(dataset(when=moments), "when")
    low, _, high = made.bar_words
    assert (low[: len(words[0])], high[: len(words[1])]) == words
    assert coloring(dataset(score=np.arange(N)), "score").bar_words[0] == "≤ 0.59", "numbers are numbers"


@pytest.mark.parametrize("scale", SCALES)
def test_a_column_of_one_value_says_that_one(scale: ScaleName):
    assert coloring(dataset(score=[5.0, None] * (N // 2)), "score", scale=scale).bar_words == ("5", "", "")


def test_a_rank_gives_as_many_rows_to_each_part_of_the_color_bar():
    values = np.random.default_rng(0).lognormal(0, 3, 10_000).astype(np.float32)
    made = coloring(dataset_of(values), "score", scale="rank")
    found = np.histogram(made.values, bins=10, range=(0, 1))[0]
    np.testing.assert_allclose(found, 1_000, atol=20)
    assert made.bar_words == tuple(f"{value:,.4g}" for value in (values.min(), np.median(values), values.max()))


def test_the_scale_of_a_column_is_chosen_once_for_everybody():
    assert get_args(ColorScale) == SCALES
    data = dataset(score=np.linspace(1, 1000, N), kind=["a", "b"] * 30)
    first = colored(data, "score", cmap="", palette="", scale="log")
    assert colored(data, "score", cmap="fire", palette="", scale="log", before=first).values is first.values
    linear = colored(data, "score", cmap="", palette="", before=first)
    assert (linear.scale, linear.ends[1]) == ("linear", (linear.low + linear.high) / 2)
    assert colored(data, "kind", cmap="", palette="", scale="log") is colored(data, "kind", cmap="", palette="")


def dataset_of(values: np.ndarray) -> Dataset:
    """A dataset of one number column."""
    places = np.zeros(len(values), np.float32)
    return open_dataset(pa.table({"x": places, "y": places, "score": values}), name="Numbers")


@pytest.mark.parametrize("column", [None, ""])
def test_no_column_is_one_color(column: str | None):
    made = coloring(dataset(), column)
    assert (made.kind, made.column) == ("none", None)
    assert len(set(colors_of(made))) == 1


def test_a_column_that_is_not_there_is_named_with_the_closest():
    with pytest.raises(UnknownColumn, match=r"no column kinds\. Did you mean kind\?"):
        coloring(dataset(kind=["a", "b"] * 30), "kinds")


def test_a_color_map_that_is_not_there_is_refused():
    with pytest.raises(UnknownChoice, match="rainbow is not a color map"):
        coloring(dataset(score=np.arange(N, dtype=float)), "score", cmap="rainbow")


def test_a_hundred_thousand_categories_share_a_gray_but_for_the_most_common():
    n = 100_000
    words = np.array([f"w{i}" for i in range(n)])
    words[:500] = "w7"
    table = pa.table({"x": np.zeros(n, np.float32), "y": np.arange(n, dtype=np.float32), "word": words})
    made = coloring(open_dataset(table, name="Words"), "word")
    assert made.color_of(0) == made.color_of(7) != OTHER_COLOR
    assert made.slots.dtype == np.uint8
    assert sum(made.counts) == n
    content = legend_content(made)
    assert content["entries"][0] == ["w7", made.color_of(0), "500", made.places["w7"]]
    assert len(content["entries"]) == 1_000
    assert "rarer categories share one gray" in content["note"]
    assert f"The 1,000 most common of {len(made.names):,} are listed." in content["note"]


def test_columns_that_can_color_are_categories_numbers_and_times():
    data = dataset(
        kind=["a", "b"] * 30,
        score=np.arange(N, dtype=float),
        when=np.datetime64("2020-01-01") + np.arange(N),
        word=[f"word {i}" for i in range(N)],
        link=["https://example.org"] * N,
    )
    assert colorable(data) == ["kind", "score", "when"]


def test_the_legend_lists_the_most_common_first_then_by_name(kinds: list[str | None]):
    made = coloring(dataset(kind=["b"] * 20 + ["c"] * 20 + ["a"] * 17 + [None] * 3), "kind")
    content = legend_content(made)
    assert [[name, count] for name, _, count, _ in content["entries"]] == [["b", "20"], ["c", "20"], ["a", "17"], ["no value", "3"]]
    assert [color for _, color, *_ in content["entries"]] == [*(made.palette.colors[name] for name in "bca"), MISSING_COLOR]
    assert [made.category(code) for *_, code in content["entries"]] == ["b", "c", "a", None]


def test_the_legend_of_a_number_is_a_bar_with_its_ends():
    content = legend_content(coloring(dataset(score=np.linspace(0, 1000, N)), "score"))
    assert content["title"] == "score"
    assert content["entries"] == []
    assert [word[0] for word in content["bar"]["words"]] == ["≤", "≥"]
    assert len(content["bar"]["colors"]) == 16
    assert content["note"] == "Mean of the rows in a pixel."
    content = legend_content(coloring(dataset(score=np.linspace(0, 1000, N)), "score"), "1,000 is much.")
    assert content["note"] == "1,000 is much. Mean of the rows in a pixel."


def test_the_legend_of_one_color_says_how_to_get_more():
    content = legend_content(coloring(dataset(), None))
    assert content["entries"] == []
    assert "Choose a column" in content["note"]


def test_an_empty_name_can_be_read_in_the_legend():
    content = legend_content(coloring(dataset(kind=["", "b"] * 30), "kind"))
    assert [entry[0] for entry in content["entries"]] == ["(empty)", "b"]


# -- what is hidden


def of_categories(values: list[str | None]) -> Coloring:
    """The coloring of a category column with these values."""
    names = sorted({value for value in values if value is not None})
    codes = np.array([MISSING if value is None else names.index(value) for value in values], np.int32)
    data = Dataset(
        "Values", None, pa.table({"kind": pa.array(values, pa.string())}), {"kind": "category"}, None, None, (), None, codes >= -1, ""
    )
    return coloring(data, "kind")


categories = st.none() | st.sampled_from(["", "a", "b", "<b>", "א", "no value", *(f"w{i}" for i in range(400))])


@settings(deadline=None)  # the first one compiles
@given(
    values=st.lists(categories, max_size=40) | st.permutations([*(f"w{i}" for i in range(300)), None, "w7", None]),
    names=st.frozensets(categories, max_size=30),
    all_but=st.booleans(),
)
def test_hidden_rows_are_those_whose_category_is_hidden(values: list[str | None], names: frozenset[str | None], all_but: bool):  # noqa: FBT001
    made, hidden = of_categories(values), Hidden(names, all_but)
    mask = shown_mask(made, hidden)
    expected = np.array([(value in names) == all_but for value in values], bool)
    assert (mask is None) == bool(expected.all())
    assert mask is None or np.array_equal(mask, expected)
    present = set(values)
    assert made.n_entries == len(present)
    assert made.n_shown(hidden) == sum((value in names) == all_but for value in present)


@given(
    values=st.lists(st.sampled_from([0.0, 1.5, -3.0, np.nan, np.inf, None]), min_size=1, max_size=20),
    names=st.frozensets(st.sampled_from([None, "a", ""])),
    all_but=st.booleans(),
)
def test_of_a_number_column_rows_without_a_value_can_be_hidden_or_shown_alone(
    values: list[float | None],
    names: frozenset[str | None],
    all_but: bool,  # noqa: FBT001
):
    table = pa.table({"score": pa.array(values, pa.float64())})
    made = coloring(Dataset("Values", None, table, {"score": "number"}, None, None, (), None, np.ones(len(values), bool), ""), "score")
    valued = np.array([value is not None and bool(np.isfinite(value)) for value in values])
    expected = np.where(valued, not all_but, (None in names) == all_but)
    mask = shown_mask(made, Hidden(names, all_but))
    assert np.array_equal(np.ones(len(values), bool) if mask is None else mask, expected)
    assert made.n_missing == np.count_nonzero(~valued)


def test_of_a_hundred_thousand_categories_one_is_shown_alone():
    n = 100_000
    words = [f"w{i}" for i in range(n)]
    table = pa.table({"word": pa.array([*words, None, "w5"]).dictionary_encode()})
    made = coloring(Dataset("Words", None, table, {"word": "category"}, None, None, (), None, np.ones(n + 2, bool), ""), "word")
    mask = shown_mask(made, Hidden.but(["w5"]))
    assert mask is not None
    assert np.flatnonzero(mask).tolist() == [5, n + 1]
    mask = shown_mask(made, Hidden(frozenset([None, "w99999"])))
    assert mask is not None
    assert np.flatnonzero(~mask).tolist() == [n - 1, n]


@settings(deadline=None)  # the first one compiles
@given(
    values=st.lists(categories, max_size=40) | st.permutations([*(f"w{i}" for i in range(300)), None, "w7", None]), seed=st.integers(0, 99)
)
def test_the_rows_of_each_category_under_a_mask_are_counted(values: list[str | None], seed: int):
    made, mask = of_categories(values), np.random.default_rng(seed).random(len(values)) < 0.5
    tally = count_under(made, mask)
    under = [value for value, there in zip(values, mask, strict=True) if there]
    assert tally.tolist() == [under.count(name) for name in (*made.names, None)]
    assert tally[MISSING] == under.count(None)


def test_of_a_number_column_rows_without_a_value_are_counted_under_a_mask():
    score = np.where(np.arange(N) < 9, np.nan, 1.0)
    made = coloring(dataset(score=score), "score")
    assert count_under(made, np.arange(N) % 2 == 0)[MISSING] == 5


def test_no_column_hides_nothing(kinds: list[str | None]):
    assert shown_mask(coloring(dataset(kind=kinds), None), Hidden.but([])) is None
    assert shown_mask(coloring(dataset(kind=kinds), "kind"), NOTHING_HIDDEN) is None


# -- other colors, and search


@pytest.mark.parametrize("name", PALETTES)
def test_another_palette_gives_the_same_rows_other_colors(kinds: list[str | None], name: str):
    data = dataset(kind=kinds)
    first = coloring(data, "kind")
    again = recolored(first, palette=name)
    assert again.slots is first.slots
    assert colors_of(again) == colors_of(coloring(data, "kind", palette=name))
    assert [again.category_color(code) for code in (0, 1, 2, MISSING)] == [*again.palette.colors.values(), MISSING_COLOR]
    assert Palette.of(again.names, np.array(again.counts), name=name).colors == again.palette.colors


def test_a_reversed_color_map_runs_the_other_way():
    first = coloring(dataset(score=np.linspace(0, 10, N)), "score")
    again = recolored(first, cmap="blue-yellow, reversed")
    assert again.values is first.values
    assert np.array_equal(again.lut, first.lut[::-1])
    with pytest.raises(UnknownChoice, match="rainbow is not a color map"):
        recolored(first, cmap="rainbow")


def test_a_palette_that_is_not_there_is_refused(kinds: list[str | None]):
    with pytest.raises(UnknownChoice, match=r"tableau is not a palette\. Did you mean Tableau\?"):
        recolored(coloring(dataset(kind=kinds), "kind"), palette="tableau")


def test_categories_are_found_by_a_part_of_their_name_whatever_its_case():
    made = of_categories(["Straße", "Straße", "strasse 2", "b", "", None])
    found: dict[str, list[Any]] = {
        text: [made.category(code) for code in made.find(text)] for text in ("STRASSE", "empty", "VALUE", "x", "")
    }
    assert found == {
        "STRASSE": ["Straße", "strasse 2"],
        "empty": [""],
        "VALUE": [None],
        "x": [],
        "": ["Straße", "", "b", "strasse 2", None],
    }


def test_values_that_look_alike_when_shortened_are_not_taken_for_one():
    values = [0.1234567, 0.1234568, 2.0] * 2
    table = pa.table({"level": pa.array(values)})
    made = coloring(Dataset("Levels", None, table, {"level": "category"}, None, None, (), None, np.ones(6, bool), ""), "level")
    assert made.names == ("0.1234567", "0.1234568", "2.0")
    assert len(set(colors_of(made, 6))) == 3
