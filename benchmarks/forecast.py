"""What a computation takes beside what was forecast of it: memory at its peak and seconds, each in a compute process of its own.

    python benchmarks/forecast.py [--sizes 5000x64 120000x384 …] [--jobs graph pca umap landmarks tsne] [--quick] [--json]

Clusters of normal rows. Memory is what the process holds for itself (anonymous and shared, not mapped files), sampled every 3 ms. The
graph is computed first and kept, so that each layout is forecast without it. A store that is new compiles for a minute: name a folder
with NUMBA_CACHE_DIR and run it twice.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from figures import Figure, compared, options, told

from explorer import open_dataset
from explorer.compute.forecast import Forecast, forecast_graph, forecast_layout
from explorer.compute.projections import UMAP, projection
from explorer.data.dataset import Dataset
from explorer.jobs.job import Job
from explorer.jobs.runner import Runner
from explorer.store.store import Store

SIZES: Final = ("5000x64", "30000x64", "30000x384", "120000x64", "120000x384", "300000x64", "300000x384")
JOBS: Final = ("graph", "pca", "umap", "landmarks", "tsne")  # landmarks: UMAP where less memory is allowed than it takes at once
K: Final = 30
OVER, UNDER = 1.3, 0.9  # the goal: a forecast is at most so many times what was measured, and no less than that


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="ROWSxDIMENSIONS")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS)
    given = parser.parse_args()
    figures: list[Figure] = []
    for size in SIZES[:2] if given.quick else given.sizes:
        n, d = (int(part) for part in size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            data, store = open_dataset(clusters(n, d), name="clusters"), Store(Path(folder))
            for job in given.jobs:
                new = beside(data, store, job)
                figures += new
                if not given.json:
                    print(told(new, heading=f"{n:,} rows x {d}, {job}; the peer is what was measured", as_json=False), flush=True)
    if given.json:
        print(told(figures, heading="", as_json=True))
    return 0


def clusters(n: int, d: int) -> np.ndarray:
    """Make normal rows around 40 centers."""
    numbers = np.random.default_rng(0)
    rows = numbers.standard_normal((n, d), dtype=np.float32)
    rows += numbers.standard_normal((40, d), dtype=np.float32)[numbers.integers(0, 40, n)]
    return rows


def beside(data: Dataset, store: Store, what: str) -> list[Figure]:
    """Measure one computation in a fresh process."""
    n, d = data.n_drawable, data.n_dims
    jobs = Runner(store, workers=1)
    try:
        if what == "graph":
            forecast = forecast_graph(n, d, K)
            memory, seconds = measured(jobs, jobs.submit_graph(data, k=K))
        elif what == "landmarks":
            at_once, forecast = (forecast_layout(n, d, UMAP(), with_graph=False, landmarks=landmarks) for landmarks in (False, True))
            if forecast.memory >= at_once.memory - 1_000_000:
                return []  # so few rows gain nothing
            os.environ["EXPLORER_MEMORY"] = str(forecast.memory // 1_000_000 + 1)
            memory, seconds = measured(jobs, jobs.submit_layout(data, UMAP()))
        else:
            forecast = forecast_layout(n, d, projection(what), with_graph=False)
            memory, seconds = measured(jobs, jobs.submit_layout(data, projection(what)))
    finally:
        os.environ.pop("EXPLORER_MEMORY", None)
        jobs.close()
    return figures_of(what, forecast, memory, seconds, n)


def figures_of(what: str, forecast: Forecast, memory: float, seconds: float, n: int) -> list[Figure]:
    """Set forecast beside measured."""
    size = compared(Figure(f"{what}, memory forecast", forecast.memory / 1e6, "MB", peer=memory / 1e6, peer_name="measured"))
    size.met = UNDER <= (size.ratio or 0) <= OVER
    took = compared(Figure(f"{what}, time forecast", forecast.seconds, "s", peer=seconds, peer_name="measured"))
    size.rows = took.rows = n
    return [size, took]


def measured(jobs: Runner, job: Job[Any]) -> tuple[float, float]:
    """Watch a job's process to the end: the most bytes that it held, and the seconds from its start."""
    most = 0
    while not job.ended:
        pid = jobs.worker_pid
        if pid is not None:
            most = max(most, held(pid))
        time.sleep(0.003)
    job.result()
    return float(most), job.seconds_elapsed


def held(pid: int) -> int:
    """Bytes that a process holds for itself; 0 where it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon", "RssShmem")))


if __name__ == "__main__":
    sys.exit(main())
