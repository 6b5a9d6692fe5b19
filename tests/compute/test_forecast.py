"""What a computation will take, by the model; benchmarks/forecast.py holds it against real ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.compute.fitting import graph_fits, layout_fits
from explorer.compute.forecast import Forecast, forecast_graph, forecast_layout, forecast_within
from explorer.compute.projections import PROJECTIONS, projection
from explorer.errors import memory_text

MB = 1_000_000
sizes = st.integers(2, 3_000_000)
dims = st.integers(1, 1_800)  # beyond 2,048, PCA changes to what takes less


def taken(forecast: Forecast) -> tuple[float, float]:
    return forecast.memory, forecast.seconds


def no_less(more: Forecast, less: Forecast) -> bool:
    return all(a >= b for a, b in zip(taken(more), taken(less), strict=True))


@pytest.mark.parametrize("with_graph", [True, False])
@pytest.mark.parametrize("method", PROJECTIONS)
@given(n=sizes, d=dims)
def test_more_dimensions_never_take_less(method: str, *, with_graph: bool, n: int, d: int) -> None:
    chosen = projection(method)
    less, more = (forecast_layout(n, dims, chosen, with_graph=with_graph) for dims in (d, d + d // 10 + 1))
    assert no_less(more, less)


@pytest.mark.parametrize("method", PROJECTIONS)
@given(n=st.integers(2, 10_000), d=dims)
def test_many_times_the_rows_take_more(method: str, n: int, d: int) -> None:
    chosen = projection(method)
    assert no_less(forecast_layout(100 * n, d, chosen, with_graph=True), forecast_layout(n, d, chosen, with_graph=True))


@given(n=st.integers(25_000, 3_000_000), d=dims, k=st.integers(1, 300))
def test_more_neighbors_and_more_rows_of_one_search_take_more(n: int, d: int, k: int) -> None:
    assert no_less(forecast_graph(n, d, k + 1), forecast_graph(n, d, k))
    assert no_less(forecast_graph(n + n // 10, d, k), forecast_graph(n, d, k))


@pytest.mark.parametrize(
    ("method", "less", "more"),
    [
        ("umap", {"n_neighbors": 15}, {"n_neighbors": 100}),
        ("umap", {"n_epochs": 200}, {"n_epochs": 500}),
        ("tsne", {"perplexity": 10}, {"perplexity": 50}),
        ("tsne", {"n_iter": 500}, {"n_iter": 5000}),
    ],
)
def test_parameters_that_make_more_work_take_more(method: str, less: dict[str, Any], more: dict[str, Any]) -> None:
    few, many = (forecast_layout(100_000, 64, projection(method, **params), with_graph=True) for params in (less, more))
    assert few.seconds < many.seconds
    assert few.memory <= many.memory


def test_a_graph_that_is_there_takes_nothing() -> None:
    chosen = projection("umap")
    made, given_ = (forecast_layout(120_000, 384, chosen, with_graph=with_graph) for with_graph in (True, False))
    assert made.memory > given_.memory
    assert "graph" not in given_.times


def test_rows_that_are_left_out_cost_a_copy_of_the_graph() -> None:
    whole, with_gaps = (forecast_layout(120_000, 64, projection("tsne"), with_graph=False, left_out=gaps) for gaps in (False, True))
    assert with_gaps.memory - whole.memory == 120_000 * 30 * 8


@pytest.mark.parametrize(
    ("forecast", "measured_mb"),
    [
        (forecast_graph(20_000, 384, 30), 272),
        (forecast_graph(120_000, 64, 30), 378),
        (forecast_graph(120_000, 64, 90), 824),
        (forecast_graph(120_000, 384, 30), 528),
        (forecast_layout(120_000, 64, projection("umap"), with_graph=False), 213),
        (forecast_layout(120_000, 64, projection("tsne"), with_graph=False), 340),
        (forecast_layout(120_000, 64, projection("pca"), with_graph=False), 104),
    ],
)
def test_the_memory_is_that_which_was_measured(forecast: Forecast, measured_mb: int) -> None:
    assert 0.9 <= forecast.memory / MB / measured_mb <= 1.3


@pytest.mark.parametrize("n", [10**6, 10**7, 10**8])
def test_a_layout_from_landmarks_takes_less_than_a_third_of_the_memory(n: int) -> None:
    chosen = projection("umap")
    at_once, few = (forecast_layout(n, 128, chosen, with_graph=False, landmarks=landmarks) for landmarks in (False, True))
    assert 3 * few.memory < at_once.memory
    assert few.at_once == at_once.memory
    for memory, made in ((None, at_once), (at_once.memory, at_once), (at_once.memory - 1, few), (few.memory - 1, at_once)):
        assert forecast_within(memory, n, 128, chosen, with_graph=False) == made
    assert str(few).endswith(f"from landmarks, as all rows at once need {memory_text(at_once.memory)}")


@pytest.mark.parametrize(
    ("seconds", "memory", "text"),
    [
        (0.2, 45e6, "about 1 s and 45 MB of memory"),
        (7.4, 378e6, "about 7 s and 380 MB of memory"),
        (41, 1.23e9, "about 40 s and 1.2 GB of memory"),
        (600, 12.4e9, "about 10 min and 12 GB of memory"),
        (9000, 999e6, "about 2.5 h and 1.0 GB of memory"),
    ],
)
def test_a_forecast_is_said_in_words(seconds: float, memory: float, text: str) -> None:
    assert str(Forecast({"umap": seconds}, {"UMAP": {"edges": int(memory)}})) == text


def test_a_pace_stretches_the_time_of_its_part() -> None:
    known = Forecast({"start": 1.0, "graph": 10.0, "umap": 20.0}, {"UMAP": {"edges": 1}})
    assert known.paced({"graph": 2.0}, 3.0).times == {"start": 3.0, "graph": 20.0, "umap": 60.0}


def test_what_fits_is_a_smaller_parameter_another_method_or_fewer_rows() -> None:
    n, d, chosen = 1_000_000, 384, projection("tsne", perplexity=50)
    memory = forecast_layout(n, d, projection("tsne", perplexity=30), with_graph=True).memory
    found = layout_fits(n, d, chosen, memory, needs_graph=lambda _: True)
    assert found[:2] == ["perplexity=30", "PCA"]
    rows = int(found[2].removeprefix("at most ").removesuffix(" rows").replace(",", ""))
    assert rows < n
    assert forecast_layout(rows, d, chosen, with_graph=True).memory <= memory


def test_a_parameter_whose_graph_is_there_fits_though_none_other_would() -> None:
    n, d, chosen = 1_000_000, 384, projection("tsne", perplexity=50)
    memory = forecast_layout(n, d, projection("tsne"), with_graph=False).memory
    assert layout_fits(n, d, chosen, memory, needs_graph=lambda request: request["k"] > 30)[0] == "perplexity=10"


def test_what_cannot_be_helped_has_no_advice() -> None:
    assert layout_fits(1_000_000, 384, projection("umap"), 1_000, needs_graph=lambda _: True) == []
    assert graph_fits(1_000_000, 384, 30, 1_000) == []


def test_a_graph_fits_with_fewer_neighbors_or_rows() -> None:
    memory = forecast_graph(500_000, 64, 50).memory
    fewer, rows = graph_fits(500_000, 64, 90, memory)
    assert fewer == "k=50"
    assert rows.startswith("at most ")
