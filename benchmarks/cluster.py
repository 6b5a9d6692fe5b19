"""A neighbor graph searched by the workers of a Dask cluster: real processes on this machine, one thread each.

    python benchmarks/cluster.py [--rows 1000000] [--dims 128] [--workers 1,2] [--metric cosine] [--quick] [--json]

For each number of workers a cluster of its own, with a store that is not the server's, as on other machines: seconds from the question to
the graph being in the server's store, its recall, how much of it is the same as with one worker, each worker's memory (what is mapped from
files left out, and with it) and what workers sent each other. One worker computes the graph as this machine would.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
from distributed import Client, LocalCluster
from figures import Figure, compared, options, told
from numpy.typing import NDArray

from explorer.compute.neighbors import NeighborGraph
from explorer.data.dataset import open_dataset
from explorer.jobs import cluster_graph
from explorer.jobs.runner import Runner
from explorer.store.store import Store

K = 30
CENTERS, LATENT = 300, 16
WARM_UP = 30_000  # rows
LOOK_S = 1.0
STORE_MB = 20_000


class Watched:
    """The memory of the workers of a cluster with their compute processes, looked at once a second."""

    def __init__(self) -> None:
        self.most_own, self.most_resident = 0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            workers: dict[int, tuple[int, int]] = {}
            for process in psutil.Process(os.getpid()).children():
                tree = [process, *process.children(recursive=True)]
                found = [both for each in tree if (both := memory(each)) is not None]
                workers[process.pid] = (sum(own for own, _ in found), sum(resident for _, resident in found))
            self.most_own = max([self.most_own, *(own for own, _ in workers.values())])
            self.most_resident = max([self.most_resident, *(resident for _, resident in workers.values())])


def memory(process: psutil.Process) -> tuple[int, int] | None:
    """Tell bytes that a process has for itself, and those with what it maps from files; None where it is gone."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    sizes = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "VmRSS"))}
    return int(sizes.get("RssAnon", 0)) * 1024, int(sizes.get("VmRSS", 0)) * 1024


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--dims", type=int, default=128)
    parser.add_argument("--workers", default="1,2", help="numbers of workers, with commas between them")
    parser.add_argument("--metric", default="cosine")
    given = parser.parse_args()
    cluster_graph.SHARED_FROM = WARM_UP  # what warms up is shared, too
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("explorer.jobs.cluster_graph").setLevel(logging.INFO)
    rows = min(given.rows, 120_000) if given.quick else given.rows
    dims = min(given.dims, 32) if given.quick else given.dims
    vectors = rows_in_clusters(rows, dims)
    figures: list[Figure] = []
    first: tuple[float, NeighborGraph] | None = None
    for workers in [int(number) for number in given.workers.split(",")]:
        seconds, graph, measured = searched(vectors, workers, given.metric)
        name = f"{workers} worker{'s' if workers > 1 else ''}"
        figure = Figure(f"{name}: neighbor graph", seconds, "s")
        if first is not None:
            figure.peer, figure.peer_name = first[0], "one worker"
        figures += [compared(figure), Figure("  recall", graph.recall, "")]
        if first is not None:
            faster = Figure("  times faster", first[0] / seconds, "x", 0.8 * workers)
            figures += [compared(faster, at_least=True), Figure("  of it the same as with one worker", shared(first[1], graph), "")]
        figures += measured
        first = first or (seconds, graph)
    for figure in figures:
        figure.rows = rows
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("distributed", "numba", "numpy"))
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
    print(told(figures, heading=f"{rows:,} x {dims}, {given.metric}, k {K}; {machine}", as_json=given.json))
    return 0


def searched(vectors: NDArray[np.float32], workers: int, metric: str) -> tuple[float, NeighborGraph, list[Figure]]:
    """Search with so many workers."""
    data = open_dataset(vectors, name="rows in clusters")
    with tempfile.TemporaryDirectory() as folder:
        theirs = {
            "EXPLORER_STORE": f"{folder}/theirs-",
            "EXPLORER_SCHEDULER": "",
            "EXPLORER_THREADS": "1",
            "EXPLORER_STORE_MB": str(STORE_MB),
        }
        with LocalCluster(n_workers=0, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
            for number in range(workers):  # each with a store of its own
                cluster.worker_spec[number] = one_like(cluster, {**theirs, "EXPLORER_STORE": f"{folder}/theirs-{number}"})
            cluster.sync(cluster._correct_state)
            os.environ["EXPLORER_SCHEDULER"] = cluster.scheduler_address
            with Client(cluster) as client:
                client.wait_for_workers(workers)
                runner = Runner(Store(Path(folder) / "ours", limit_mb=STORE_MB), workers=1)
                runner.submit_graph(open_dataset(vectors[:WARM_UP].copy(), name="to warm up"), k=K, metric=metric).result(600)
                watched, start = Watched(), time.perf_counter()
                graph = runner.submit_graph(data, k=K, metric=metric).result(7200)
                seconds = time.perf_counter() - start
                watched.end()
                sent = sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())
                graph = NeighborGraph(np.array(graph.indices), np.array(graph.distances), graph.metric, graph.recall)
                runner.close()
    goal = 2000.0
    measured = [
        compared(Figure("  memory of a worker, its own, at most", watched.most_own / 1e6, "MB", goal)),
        Figure("  with what it maps from files", watched.most_resident / 1e6, "MB"),
        Figure("  sent by workers to each other", sent / 1e6, "MB"),
    ]
    return seconds, graph, measured


def one_like(cluster: LocalCluster, environment: dict[str, str]) -> dict[str, object]:
    """Specify a worker as the cluster would make it, with another environment."""
    made = dict(cluster.new_spec)
    made["options"] = {**made["options"], "env": {**(made["options"].get("env") or {}), **environment}}
    return made


def shared(one: NeighborGraph, other: NeighborGraph) -> float:
    """Tell which share of the neighbors of some rows is the same."""
    some = np.random.default_rng(1).choice(len(one.indices), min(20_000, len(one.indices)), replace=False)
    return float(np.mean([len(np.intersect1d(one.indices[i], other.indices[i])) / one.k for i in some]))


def rows_in_clusters(rows: int, dims: int) -> NDArray[np.float32]:
    """Make rows around centers that differ in a few directions each, as embeddings do."""
    chance = np.random.default_rng(0)
    centers = chance.normal(size=(CENTERS, dims)).astype(np.float32)
    directions = chance.normal(size=(CENTERS, LATENT, dims)).astype(np.float32) / np.float32(LATENT**0.5)
    made = np.empty((rows, dims), np.float32)
    for center, places in enumerate(np.array_split(chance.permutation(rows), CENTERS)):
        made[places] = centers[center] + chance.standard_normal((len(places), LATENT), np.float32) @ directions[center]
    made += np.float32(0.1) * chance.standard_normal(made.shape, np.float32)
    return made


if __name__ == "__main__":
    sys.exit(main())
