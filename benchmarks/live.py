"""Layouts that move while they are computed: when the first is there, how many come a second, and what they cost the optimizer.

    python benchmarks/live.py [--data FILE] [--rows 117659] [--quick] [--json]

Jobs run in a compute process that is warm, and each live layout is read as soon as it is told. What they cost is measured here: the same
optimization with and without somebody who wants to see it, in turns, the best of each. Without FILE, rows of 200 groups in 384 dimensions.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from figures import Figure, compared, options, told
from numpy.typing import NDArray

import explorer
from explorer import settings
from explorer.compute.neighbors import NeighborGraph
from explorer.compute.progress import Snapshot
from explorer.compute.projections import TSNE, UMAP, Layout, Projection
from explorer.data.dataset import Dataset
from explorer.jobs.job import Job
from explorer.jobs.live import LiveMemory
from explorer.jobs.runner import Runner
from explorer.store.store import Store

FIRST_S = 3.0
LOST = 3.0  # percent
WAIT_S = 1800.0


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.set_defaults(rows=117_659)
    parser.add_argument("--data", type=Path, help="a file with vectors")
    given = parser.parse_args()
    os.environ.setdefault("NUMBA_CACHE_DIR", str(settings.store_folder() / "numba"))  # or a minute goes into compiling
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the compute process has it
    dataset = explorer.open_dataset(given.data) if given.data else made(20_000 if given.quick else given.rows)
    figures = measure(dataset, quick=given.quick)
    print(told(figures, heading=f"{dataset.name}, {dataset.n_drawable:,} rows", as_json=given.json))
    return 0


def measure(dataset: Dataset, *, quick: bool) -> list[Figure]:
    """Measure everything for one dataset."""
    figures: list[Figure] = []
    repeats = 1 if quick else 3
    projections = (UMAP(n_epochs=50 if quick else 200), TSNE(n_iter=0 if quick else 100))
    with tempfile.TemporaryDirectory() as folder:
        jobs = Runner(Store(folder))
        try:
            small = explorer.open_dataset(np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32))
            for projection in (UMAP(n_epochs=5), TSNE(n_iter=0)):
                jobs.submit_layout(small, projection).result(WAIT_S)
            for projection in projections:
                # Without the graph of the one before: as for somebody who opens the file and presses Run.
                seen = watched(jobs, replace(dataset, fingerprint=f"{len(figures):032x}"), projection)
                name = projection.title
                figures += [
                    compared(Figure(f"{name}: submitted to first live layout", seen.first_s, "s", FIRST_S)),
                    Figure(f"{name}: of that, until the vectors are in the store", seen.began_s, "s"),
                    Figure(f"{name}: submitted to last layout", seen.whole_s, "s"),
                    Figure(f"{name}: live layouts a second while it is optimized", seen.rate, "/s"),
                    Figure(f"{name}: the longest copy of one", seen.copy_ms, "ms"),
                ]
            graph = jobs.submit_graph(dataset).result(WAIT_S)
        finally:
            jobs.close()
        vectors = np.asarray(dataset.vectors)[dataset.drawable]
        for projection in projections:
            lost, reports = cost(projection, vectors, graph, repeats)
            name = projection.title
            figures += [
                compared(Figure(f"{name}: slower than unwatched", 100 * lost, "%", LOST)),
                compared(Figure(f"{name}: share of the time that reports take", 100 * reports, "%", LOST)),
            ]
    for figure in figures:
        figure.rows = dataset.n_drawable
    return figures


class Seen(NamedTuple):
    """A job as somebody who watches it has it."""

    began_s: float
    first_s: float
    whole_s: float
    rate: float
    copy_ms: float


def watched(jobs: Runner, dataset: Dataset, projection: Projection) -> Seen:
    """Run a job and read every live layout as soon as it is told, as a page does."""
    began, first = [], []
    optimized: list[float] = []
    copies: list[float] = []
    numbers = {0}

    def read(job: Job[Layout]) -> None:
        before = time.perf_counter()
        live = job.live()
        after = time.perf_counter()
        if live is None or live.number in numbers:
            return
        numbers.add(live.number)
        copies.append(after - before)
        first.append(after)
        if live.iteration:
            optimized.append(after)

    with ThreadPoolExecutor(1) as pool:

        def hear(job: Job[Layout]) -> None:
            if job.state == "running":
                began.append(time.perf_counter())
            if job.live_number:
                pool.submit(read, job)

        start = time.perf_counter()
        job = jobs.submit_layout(dataset, projection)
        job.watch(hear)
        job.result(WAIT_S)
        end = time.perf_counter()
    rate = (len(optimized) - 1) / (optimized[-1] - optimized[0])
    return Seen(began[0] - start, first[0] - start, end - start, rate, 1e3 * max(copies))


def cost(projection: Projection, vectors: NDArray[np.float32], graph: NeighborGraph, repeats: int) -> tuple[float, float]:
    """Say by which share live layouts make an optimization longer, and which share of it the reports themselves take."""
    start, memory = projection.start(vectors), LiveMemory.make()
    assert memory is not None
    in_reports: list[float] = []
    numbers = iter(range(1, 10**9))

    def report(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
        before = time.perf_counter()
        if layout is not None:
            memory.write(1, next(numbers), stage, layout)
        in_reports[-1] += time.perf_counter() - before

    def unwatched() -> None:
        projection.fit(vectors, graph, start=start)

    def shown() -> None:
        in_reports.append(0.0)
        projection.fit(vectors, graph, start=start, report=report)

    shown()  # loads and compiles
    in_reports.clear()
    times = [(timed(unwatched), timed(shown)) for _ in range(repeats)]
    plain, with_live = (min(each) for each in zip(*times, strict=True))
    return with_live / plain - 1, sum(in_reports) / sum(pair[1] for pair in times)


def timed(run: Callable[[], None]) -> float:
    """Time a function, in seconds."""
    before = time.perf_counter()
    run()
    return time.perf_counter() - before


def made(rows: int) -> Dataset:
    """Make groups of rows; always the same ones."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 384)).astype(np.float32)[rng.integers(0, 200, rows)]
    vectors += rng.standard_normal(vectors.shape, np.float32)
    return explorer.open_dataset(vectors)


if __name__ == "__main__":
    sys.exit(main())
