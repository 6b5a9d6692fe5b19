"""A brush on a histogram: from the message of the browser to the rows found, the map's scene staged, and every histogram counted.

    python benchmarks/linked_histogram.py [--rows 1000000] [--categories 30] [--quick] [--json]

Server side, without a browser: a session with a map of clusters, and histograms of a number, a time and a category. The peer of counting is
``numpy.histogram`` on the shown values of the number column; that of finding each row's bar once is ``numpy.histogram`` on all of them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pyarrow as pa
from clusters import clusters
from figures import Figure, compared, goal_of, options, told

from explorer.crossfilter import Question, cross_counts, key_of
from explorer.data.dataset import Dataset, open_dataset
from explorer.distribution import distribution, span_mask
from explorer.jobs.runner import Runner
from explorer.render.frame import warm
from explorer.session import Session
from explorer.store.store import Store
from explorer.views.histogram import HistogramView
from explorer.views.plain import PlainToolkit

GOALS = {"brush that filters -> scene and counts, median": {1_000_000: 250.0, 10_000_000: 700.0}}
REPEATS = 9


def main() -> int:
    """Measure and print."""
    given = options(__doc__ or "").parse_args()
    rows = min(given.rows, 1_000_000) if given.quick else given.rows
    warm()
    dataset = made(rows, given.categories)
    distribution(made(1_000, 3), "number")  # compiles
    figures = [*arrays(dataset)]
    with tempfile.TemporaryDirectory() as folder:
        figures += page(dataset, Runner(Store(Path(folder))))
    for figure in figures:
        figure.rows = rows
        figure.goal = goal_of(GOALS.get(figure.figure, {}), rows)
        compared(figure)
    print(told(figures, heading=f"{rows:,} rows", as_json=given.json))
    return 0


def made(rows: int, categories: int) -> Dataset:
    """Clusters with a number, a time and a category."""
    xy, codes, names, _ = clusters(rows, categories)
    numbers = np.random.default_rng(1)
    table = pa.table(
        {
            "x": xy[:, 0],
            "y": xy[:, 1],
            "category": pa.DictionaryArray.from_arrays(pa.array(codes), names),
            "number": numbers.normal(size=rows).astype(np.float32),
            "time": pa.array(numbers.integers(10**15, 17 * 10**14, rows), pa.timestamp("us")),
        }
    )
    return open_dataset(table, name="clusters")


def arrays(dataset: Dataset) -> list[Figure]:
    """Time what is done in threads, one after the other."""
    start = time.perf_counter()
    spreads = [distribution(dataset, column) for column in ("number", "time", "category")]
    prepared = (time.perf_counter() - start) * 1e3 / len(spreads)
    number = spreads[0]
    values = dataset.table.column("number").to_numpy()
    ways = np.random.default_rng(2)
    shown, selected = (ways.random(dataset.n_rows) < part for part in (0.6, 0.1))
    question = Question(spreads[:1], {"query": shown}, selected=selected)
    span = number.span(number.n_main * 0.31, number.n_main * 0.72)

    def numpys() -> object:
        return np.histogram(values[shown], number.edges), np.histogram(values[shown & selected], number.edges)

    return [
        Figure(
            "bars of a column, once", prepared, "ms", peer=timed(lambda: np.histogram(values, number.edges), 3), peer_name="np.histogram"
        ),
        Figure(
            "count a histogram under two masks",
            timed(lambda: cross_counts(question)),
            "ms",
            peer=timed(numpys, 3),
            peer_name="np.histogram",
        ),
        Figure("mask of a brush", timed(lambda: span_mask(dataset, number, span)), "ms"),
    ]


def page(dataset: Dataset, jobs: Runner) -> list[Figure]:
    """Brush as a browser would, and wait for the scene and all counts."""
    waiting: SimpleQueue[Callable[[], object]] = SimpleQueue()
    session = Session(schedule=waiting.put, jobs=jobs)
    view = HistogramView(session, PlainToolkit(), later=waiting.put)
    slowest = 0.0

    def until(true: Callable[[], bool]) -> None:
        nonlocal slowest
        while not true():
            function = waiting.get()
            start = time.perf_counter()
            function()
            slowest = max(slowest, time.perf_counter() - start)

    session.open_with(lambda: dataset, dataset.name)
    until(lambda: session.scene is not None)
    session.histograms.columns = ["number", "time", "category"]
    until(lambda: len(view.component.counts.get("columns", ())) == len(session.histograms.columns) and not view._counting)
    figures = []
    for act in ("filter", "select"):
        session.histograms.act = act  # type: ignore[assignment]
        took, slowest = [], 0.0
        for repeat in range(REPEATS):
            n = len(view.component.counts["columns"][0]["shown"])
            start, end = n * (0.3 + 0.02 * repeat), n * (0.6 + 0.02 * repeat)
            number, counts = repeat + 1 + REPEATS * (act == "select"), view.component.counts
            begun = time.perf_counter()
            message = {"start": start, "end": end, "mode": "replace", "number": number, "first": True}
            view.component._handle_msg({"type": "brush", "of": view._version, "column": "number", **message})
            until(lambda n=number, c=counts: view._answered == n and view.component.counts is not c and not view._counting)
            took.append((time.perf_counter() - begun) * 1e3)
        if act == "filter":
            assert key_of("number") in session.filters.entries
        figures += [
            Figure(f"brush that {act}s -> scene and counts, median", float(np.median(took)), "ms"),
            Figure(f"brush that {act}s, longest hold of the loop", slowest * 1e3, "ms"),
        ]
    return figures


def timed(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Milliseconds of the median run."""
    run()
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return float(np.median(took)) * 1e3


if __name__ == "__main__":
    sys.exit(main())
