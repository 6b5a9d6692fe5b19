"""What a person waits for at both ends: the first map in a fresh process, and a computation that is canceled.

    python benchmarks/first_and_cancel.py [--data FILE] [--rows 1000000] [--dims 384] [--repeats 5] [--quick] [--json]

*First*: a UMAP of the digits from command to written file, and umap-learn's by its three lines; Python's start and all imports counted.
Once in a new store and cache ("the first time on a machine"), then with what both compiled on disk ("warm"). *Cancel*: from the press to
the computation's end, in each of its stages, for ``--data`` and for ``--rows`` made-up rows; the median and the longest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from figures import Figure, compared, options, told
from forecast import clusters

from explorer import open_dataset
from explorer.compute.projections import TSNE, UMAP
from explorer.data.dataset import Dataset
from explorer.errors import JobCanceled
from explorer.jobs.job import Job
from explorer.jobs.runner import Runner
from explorer.store.store import Store

PEER: Final = """
import numpy as np, umap
from sklearn.datasets import load_digits
np.save("peer.npy", umap.UMAP(metric="cosine").fit_transform(load_digits().data))
"""
FIRST_S, SMALL_S, LARGE_S = 4.0, 0.5, 1.0
LARGE = 500_000  # rows from which on the second goal of a cancel counts
STAGES: Final = (0.05, 0.3, 0.6, 0.9)  # of a computation, when it is canceled


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--data", type=Path, metavar="FILE", help="vectors in any format that Explorer opens")
    parser.add_argument("--dims", type=int, default=384)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    figures = first(2 if given.quick else given.repeats)
    sets = [open_dataset(given.data)] if given.data else []
    sets.append(open_dataset(clusters(20_000 if given.quick else given.rows, given.dims), name="clusters"))
    for data in sets:
        figures += canceled(data)
    print(told(figures, heading=f"{os.cpu_count()} cores", as_json=given.json))
    return 0


def first(repeats: int) -> list[Figure]:
    """Measure the first map in a fresh process."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, turns in (("the first time on a machine", 1), ("warm", repeats)):
            ours, theirs = [], []
            for turn in range(turns):
                ours.append(run(folder, "-m", "explorer", "project", "digits", "--umap-seed", str(turn), "-o", "ours.parquet"))
                theirs.append(run(folder, "-c", PEER))
            figures.append(
                compared(
                    Figure(
                        f"first UMAP of digits, {name}",
                        median(ours),
                        "s",
                        goal=FIRST_S if name == "warm" else None,
                        peer=median(theirs),
                        peer_name="umap-learn",
                        rows=1797,
                    )
                )
            )
    return figures


def run(folder: str, *words: str) -> float:
    """Run a fresh Python in a folder, with store and cache there; return its seconds."""
    environment = {**os.environ, "EXPLORER_STORE": f"{folder}/store", "NUMBA_CACHE_DIR": f"{folder}/compiled"}
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def canceled(data: Dataset) -> list[Figure]:
    """Measure the cancel of graph, UMAP and t-SNE in several of their stages."""
    goal, waits = LARGE_S if data.n_rows >= LARGE else SMALL_S, dict[str, list[float]]()
    with jobs() as runner:
        for what in ("graph", "UMAP", "t-SNE"):
            for stage in STAGES:
                job: Job[Any] = {
                    "graph": lambda: runner.submit_graph(data, k=30),
                    "UMAP": lambda: runner.submit_layout(data, UMAP()),
                    "t-SNE": lambda: runner.submit_layout(data, TSNE()),
                }[what]()
                while job.fraction < stage and not job.ended:
                    time.sleep(0.01)
                began = time.perf_counter()
                job.cancel()
                try:
                    job.result()
                except JobCanceled:
                    waits.setdefault(what, []).append(time.perf_counter() - began)
            if what == "graph":
                runner.submit_graph(data, k=30).result()
    figures = []
    for what, found in waits.items():
        figures += [
            compared(Figure(f"cancel of {what}: median", median(found), "s", goal=goal, rows=data.n_rows)),
            compared(
                Figure(f"cancel of {what}: longest of {len(found)}, {data.n_rows:,} rows", max(found), "s", goal=goal, rows=data.n_rows)
            ),
        ]
    return figures


@contextmanager
def jobs() -> Iterator[Runner]:
    """Have a compute process with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        made = Runner(Store(Path(folder)), workers=1)
        try:
            yield made
        finally:
            made.close()


if __name__ == "__main__":
    sys.exit(main())
