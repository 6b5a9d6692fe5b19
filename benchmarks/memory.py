"""Memory of a large map: what its index takes while it is built, and what one more person who looks at it costs.

    python benchmarks/memory.py [--rows 10000000] [--categories 30] [--quick] [--json]

Resident memory of this process, sampled every 5 ms while the index is built; and before and after one more session opens the same map,
colors it by the same category, hides one category, selects a third of all rows, and draws a picture at rest. Its peer is the first session
in a process of its own: the data, the index and the colors once more.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import psutil
import pyarrow as pa
from clusters import clusters
from figures import Figure, compared, goal_of, options, told

from explorer.data.dataset import Dataset, open_dataset
from explorer.jobs.runner import Runner
from explorer.picture import Picture, PictureRequest, draw
from explorer.render.frame import warm
from explorer.render.layout_index import LayoutIndex
from explorer.session import Session
from explorer.store.store import Store

GOALS = {"index built, beyond data and result": {10_000_000: 1000.0}, "one more session": {10_000_000: 60.0}}
MB = 1e6


def main() -> int:
    """Measure and print."""
    given = options(__doc__ or "").parse_args()
    rows = min(given.rows, 1_000_000) if given.quick else given.rows
    warm()
    xy, codes, names, _ = clusters(rows, given.categories)
    figures = [indexed(xy)]
    table = pa.table({"x": xy[:, 0], "y": xy[:, 1], "category": pa.DictionaryArray.from_arrays(pa.array(codes), names)})
    with tempfile.TemporaryDirectory() as folder:
        figures += sessions(table, Runner(Store(Path(folder))))
    for figure in figures:
        figure.rows = rows
        figure.goal = goal_of(GOALS.get(figure.figure, {}), rows)
        compared(figure)
    print(told(figures, heading=f"{rows:,} rows", as_json=given.json))
    return 0


def indexed(xy: np.ndarray) -> Figure:
    """Build the index of a layout."""
    held: list[LayoutIndex] = []
    peak = peak_of(lambda: held.append(LayoutIndex.build(xy)))
    result = sum(array.nbytes for array in held[0].arrays().values())
    return Figure("index built, beyond data and result", (peak - result) / MB, "MB")


def sessions(table: pa.Table, jobs: Runner) -> list[Figure]:
    """Let two people look at the same map."""
    before = resident()
    dataset = open_dataset(table, name="clusters")
    kept = [looked_at(dataset, jobs)]
    first = resident() - before
    kept.append(looked_at(dataset, jobs))
    costs = resident() - before - first
    del kept
    return [Figure("one more session", costs / MB, "MB", peer=first / MB, peer_name="a process of its own")]


def looked_at(dataset: Dataset, jobs: Runner) -> tuple[Session, Picture]:
    """Open a map, hide a category, select a third of the rows, draw a picture."""
    loop: SimpleQueue[Callable[[], object]] = SimpleQueue()
    session = Session(schedule=loop.put, jobs=jobs)
    session.open_with(lambda: dataset, dataset.name)
    while session.scene is None:
        loop.get(timeout=60)()
    session.appearance.color_by = "category"
    session.appearance.hide_in("category", session.appearance.hidden_in("category").hide([session.scene.coloring.names[0]]))
    session.selection.apply(np.arange(dataset.n_rows) % 3 == 0)
    while session.scene.selection_mask is not session.selection.mask:
        loop.get(timeout=60)()
    home = session.scene.shown.index.home.fitted(900, 700)
    return session, draw(session.scene, PictureRequest("one", 1, home, 900, 700, 1.0, moving=False, background="#ffffff"))


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def peak_of(run: Callable[[], object]) -> int:
    """Most bytes in memory while something runs, beyond those before."""
    before, most, done = resident(), 0, threading.Event()
    process = psutil.Process()

    def look() -> None:
        nonlocal most
        while not done.wait(0.005):
            most = max(most, int(process.memory_info().rss))

    looking = threading.Thread(target=look)
    looking.start()
    run()
    done.set()
    looking.join()
    return max(most, int(process.memory_info().rss)) - before


if __name__ == "__main__":
    sys.exit(main())
