"""Neighbors of single rows: by exact search against scikit-learn, from a stored graph, and on the map.

    python benchmarks/linked_neighbors.py FILE [--rows 40]

FILE is a dataset with vectors, e.g. 117,659 x 384.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sklearn.neighbors import NearestNeighbors

from explorer import open_dataset
from explorer.compute.neighbors import nearest_rows
from explorer.compute.projections import Layout
from explorer.neighborhood import Neighbors, map_neighbors, warm
from explorer.render.layout_index import LayoutIndex
from explorer.scene import Run, Shown
from explorer.selection_summary import summarize


def milliseconds(function: Callable[[int], object], rows: list[int]) -> str:
    """Run a function for each row; say the median and the 95th percentile."""
    times = []
    for row in rows:
        start = time.perf_counter()
        function(row)
        times.append(1000 * (time.perf_counter() - start))
    return f"{np.median(times):7.1f} ms, p95 {np.percentile(times, 95):7.1f} ms"


def main(words: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("file")
    parser.add_argument("--rows", type=int, default=40)
    asked = parser.parse_args(words)
    data = open_dataset(asked.file)
    vectors, rng = data.vectors, np.random.default_rng(0)
    assert vectors is not None
    rows = rng.choice(np.flatnonzero(data.drawable), asked.rows, replace=False).tolist()
    warm()
    print(f"{data.n_rows:,} x {data.n_dims}, {asked.rows} rows")
    for metric in ("cosine", "euclidean"):
        for k in (15, 100):
            how = {"k": k, "metric": metric, "drawable": data.drawable}
            print(f"exact search, {metric}, k={k}: {milliseconds(lambda row, how=how: nearest_rows(vectors, row, **how), rows)}")
        brute = NearestNeighbors(n_neighbors=101, algorithm="brute", metric=metric).fit(vectors)
        theirs = milliseconds(lambda row, brute=brute: brute.kneighbors(vectors[row : row + 1]), rows[:8])
        print(f"scikit-learn brute, {metric}, k=100: {theirs}")
    for n in (data.n_rows, 1_000_000, 10_000_000):
        places = (rng.normal(size=(n, 2)) + 6 * rng.integers(0, 8, (n, 1))).astype(np.float32)
        shown = Shown(Run("map", None, {}, None), Layout(places, "pca", {}), LayoutIndex.build(places))
        near = rng.integers(0, data.n_rows, (asked.rows, 15)).astype(np.int32)
        found = {row: Neighbors(row, near[i], np.zeros(15, np.float32), "cosine", "graph", 1.0) for i, row in enumerate(rows)}
        flat = data if n == data.n_rows else replace(data, vectors=None)  # rows that the file does not have
        took = milliseconds(lambda row, flat=flat, shown=shown, found=found: map_neighbors(flat, shown, found[row]), rows)
        print(f"kept, lost and false on {n:,} rows: {took}")
    for share in (0.01, 0.3):
        mask = rng.random(data.n_rows) < share
        summarize(data, mask)
        print(f"what is special about {share:.0%} of the rows:     {milliseconds(lambda _, mask=mask: summarize(data, mask), rows[:8])}")


if __name__ == "__main__":
    main(sys.argv[1:])
