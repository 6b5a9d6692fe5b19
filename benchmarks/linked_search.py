"""Time to find rows by text and by conditions, beside pandas in the same run.

    python benchmarks/linked_search.py [--rows 10000000] [--quick] [--json]

One column of six words a row, one of 30 categories, one of numbers. Ours: masks of all rows, from Arrow, on two threads, hits counted.
Peer: the same through ``str.contains`` (a regular expression for whole words) on a column that pandas keeps in Arrow, and
``DataFrame.query``. Medians; and how late an event loop gets its turn while a search runs.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
from clusters import clusters
from figures import Figure, compared, goal_of, median, options, told
from linked_rows import texts, vocabulary

import explorer
from explorer.query.conditions import matching
from explorer.query.hits import Hits
from explorer.query.search import Mode, Pattern, search

PEER = "pandas"
SEARCH = {1_000_000: 300.0, 10_000_000: 2_000.0}  # milliseconds, up to so many rows
LAG = 30.0  # milliseconds


def main() -> int:
    """Measure and print."""
    given = options(__doc__ or "").parse_args()
    rows = min(given.rows, 1_000_000) if given.quick else given.rows
    figures = measure(rows, given.categories, 3 if given.quick else 7)
    print(told(figures, heading=f"{rows:,} rows; peer: {PEER} {pd.__version__}", as_json=given.json))
    return 0


def measure(rows: int, categories: int, repeats: int) -> list[Figure]:
    """Measure everything at so many rows."""
    made, words = clusters(rows, categories), vocabulary()
    category = pa.DictionaryArray.from_arrays(pa.array(made.codes), made.names)
    weight = np.random.default_rng(1).random(rows)
    table = pa.table({"x": made.xy[:, 0], "y": made.xy[:, 1], "text": texts(rows, words), "category": category, "weight": weight})
    dataset = explorer.open_dataset(table)
    frame = pd.DataFrame(
        {
            "text": pd.Series(pd.arrays.ArrowExtensionArray(table.column("text"))),
            "category": pd.Categorical.from_codes(made.codes, made.names),
            "weight": weight,
        }
    )
    word = words[7]
    cases: list[tuple[str, str, Mode, Callable[[], object]]] = [
        ("text that few rows have", word, "contains", lambda: frame["text"].str.contains(word, case=False, regex=False)),
        ("a letter that most rows have", "e", "contains", lambda: frame["text"].str.contains("e", case=False, regex=False)),
        ("a whole word", word, "word", lambda: frame["text"].str.contains(rf"\b{word}\b", case=False)),
        ("a regular expression", "[a-f]+x.*y{2}", "regex", lambda: frame["text"].str.contains("[a-f]+x.*y{2}", case=False)),
    ]
    few, goal = max(1, repeats // 3), goal_of(SEARCH, rows)
    figures = []
    for name, wanted, mode, peer in cases:
        ours = median(lambda wanted=wanted, mode=mode: found(dataset, wanted, mode), repeats)
        figures.append(compared(Figure(name, ours, "ms", goal, median(peer, few), PEER)))
    query = f'category == "{made.names[3]}" and weight > 0.25'
    ours = median(lambda: matching(dataset, query), repeats)
    figures.append(compared(Figure("category == … and weight > …", ours, "ms", goal, median(lambda: frame.query(query), few), PEER)))
    figures.append(compared(Figure("event loop lag while it is searched, p99", asyncio.run(lag(dataset, word)), "ms", LAG)))
    for figure in figures:
        figure.rows = rows
    return figures


def found(dataset: explorer.Dataset, wanted: str, mode: Mode) -> Hits:
    """Search as the page does."""
    mask = search(dataset, Pattern.of(wanted, mode))
    assert mask is not None
    return Hits.of(mask, None)


async def lag(dataset: explorer.Dataset, wanted: str) -> float:
    """Search in a thread three times, and say how late a loop got its turn, every 5 ms: the 99th percentile, in milliseconds."""
    late: list[float] = []

    async def beat() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.005)
            late.append((time.perf_counter() - start - 0.005) * 1e3)

    beating = asyncio.create_task(beat())
    for _ in range(3):
        await asyncio.to_thread(found, dataset, wanted, "contains")
    beating.cancel()
    return float(np.percentile(late, 99))


if __name__ == "__main__":
    sys.exit(main())
