"""From a change of the selection to a page of the table, and sorting: the table's own code against pandas' ``sort_values`` and ``iloc``.

``python benchmarks/linked_table.py --rows 1000000`` prints a table, ``--json`` one list of figures. No browser: a page is ready to be
sent then.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.data.dataset import Dataset, open_dataset
from explorer.row_order import Sort, list_rows
from explorer.views.table_cells import cells, first_columns

SHOWN = 40  # rows of a page
SELECTED = 0.1  # of all rows
BY_NUMBER: Sort = (("score", False),)
BY_TEXT: Sort = (("word", False),)


def rows_of(n: int) -> Dataset:
    """Make rows with a number, a text that each row has for itself, and a category."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {name: rng.standard_normal(n, dtype=np.float32) for name in ("x", "y")}
    words = pa.array(rng.integers(0, 1 << 60, n)).cast(pa.string())
    columns |= {
        "word": words,
        "score": rng.normal(size=n),
        "kind": pa.array([f"kind {i}" for i in range(300)]).take(rng.integers(0, 300, n)),
    }
    return open_dataset(pa.table(columns))


def seconds(act: Callable[[], Any], times: int) -> float:
    """Take the median time of an act."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return median(taken)


def measure(n: int, times: int, *, alone: bool) -> dict[str, float]:
    """Measure with n rows; seconds by name."""
    dataset = rows_of(n)
    columns = first_columns(dataset)
    mask = np.random.default_rng(1).random(n) < SELECTED

    def page(sort: Sort) -> list[list[str | None]]:
        rows = list_rows(dataset, sort, mask)
        assert rows is not None
        return cells(dataset, rows[:SHOWN], columns)

    def peer(column: str | None) -> Any:
        found = frame[mask]
        return (found if column is None else found.sort_values(column, kind="stable")).iloc[:SHOWN].to_dict("records")

    list_rows(open_dataset(pa.table({"x": [0.0, 1.0], "y": [0.0, 1.0], "score": [1.0, 2.0]})), BY_NUMBER, np.ones(2, bool))  # compiles
    found = {
        "sort by a number": seconds(lambda: list_rows(dataset, BY_NUMBER, None), 1),
        "sort by a category": seconds(lambda: list_rows(dataset, (("kind", False),), None), 1),
        "sort by a text": seconds(lambda: list_rows(dataset, BY_TEXT, None), 1),
        "sort by a text, descending": seconds(lambda: list_rows(dataset, (("word", True),), None), 1),
        "selection to page": seconds(lambda: page(()), times),
        "selection to page, sorted by a number": seconds(lambda: page(BY_NUMBER), times),
        "selection to page, sorted by a text": seconds(lambda: page(BY_TEXT), times),
    }
    if alone:
        return found
    frame = dataset.frame()
    peers = {
        "sort by a number": seconds(lambda: frame["score"].sort_values(kind="stable"), 1),
        "sort by a category": seconds(lambda: frame["kind"].sort_values(kind="stable"), 1),
        "sort by a text": seconds(lambda: frame["word"].sort_values(kind="stable"), 1),
        "selection to page": seconds(lambda: peer(None), times),
        "selection to page, sorted by a number": seconds(lambda: peer("score"), times),
        "selection to page, sorted by a text": seconds(lambda: peer("word"), 1),
    }
    return found | {f"{name} (pandas)": value for name, value in peers.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--quick", action="store_true", help="100,000 rows")
    parser.add_argument("--alone", action="store_true", help="without pandas, which takes minutes and gigabytes at 10 million rows")
    parser.add_argument("--json", action="store_true", help="print one list of figures")
    asked = parser.parse_args()
    sizes = [100_000] if asked.quick else asked.rows
    figures = [{"rows": n, "name": name, "ms": 1e3 * value} for n in sizes for name, value in measure(n, 5, alone=asked.alone).items()]
    if asked.json:
        json.dump(figures, sys.stdout)
        return
    for figure in figures:
        print(f"{figure['rows']:>12,}  {figure['ms']:>12,.1f} ms  {figure['name']}")


if __name__ == "__main__":
    main()
