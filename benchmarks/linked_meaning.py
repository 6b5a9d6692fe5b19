"""Time to find the rows nearest in meaning to a vector, beside NumPy in the same run; the encoder's time is not counted.

    python benchmarks/linked_meaning.py [--rows 117659] [--dims 384] [--quick] [--json]

Ours: the similarity of every row, and the 50 nearest of those that are shown, as the page has them, from memory-mapped vectors. Peer: unit
vectors kept beside the data (twice the memory), a product with all of them, ``argpartition``. Medians. Both find the same rows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from figures import Figure, compared, goal_of, median, options, told
from numpy.typing import NDArray

import explorer
from explorer.query.hits import Hits
from explorer.query.meaning import Ranking, similarities

GOALS = {117_659: 60.0}  # milliseconds, up to so many rows
NEAREST = 50


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.set_defaults(rows=117_659)
    parser.add_argument("--dims", type=int, default=384)
    given = parser.parse_args()
    rows = min(given.rows, 100_000) if given.quick else given.rows
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(rows, given.dims, 5 if given.quick else 21, Path(folder))
    print(told(figures, heading=f"{rows:,} x {given.dims}; peer: NumPy {np.__version__}", as_json=given.json))
    return 0


def measure(rows: int, dims: int, repeats: int, folder: Path) -> list[Figure]:
    """Measure the search among all rows, and among the half that a filter leaves."""
    chance = np.random.default_rng(0)
    np.save(folder / "vectors.npy", chance.normal(size=(rows, dims)).astype(np.float32))
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    dataset = explorer.open_dataset(np.asarray(vectors))
    goal = chance.normal(size=dims).astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    half = chance.integers(2, size=rows).astype(bool)

    def ours(shown: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        return Hits.of(Ranking(similarities(dataset, goal), NEAREST), shown).rows

    def peer(shown: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        scores = units @ goal
        if shown is not None:
            scores = np.where(shown, scores, -np.inf)
        nearest = np.argpartition(-scores, NEAREST)[:NEAREST]
        return nearest[np.argsort(-scores[nearest])]

    figures = []
    for name, shown in (("50 nearest of all rows", None), ("50 nearest of the half that is shown", half)):
        assert set(ours(shown)) == set(peer(shown))
        figures.append(
            compared(
                Figure(
                    name,
                    median(lambda shown=shown: ours(shown), repeats),
                    "ms",
                    goal_of(GOALS, rows),
                    median(lambda shown=shown: peer(shown), repeats),
                    "NumPy",
                    rows=rows,
                )
            )
        )
    return figures


if __name__ == "__main__":
    sys.exit(main())
