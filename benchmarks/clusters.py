"""Rows in clusters, the data that the drawing benchmarks share."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

__all__ = ["Clusters", "clusters", "clusters_file"]


class Clusters(NamedTuple):
    """Places in layout units, (n, 2) float32; the category of each, (n,) int32; the categories' names and centers, (n_categories, 2)."""

    xy: NDArray[np.float32]
    codes: NDArray[np.int32]
    names: list[str]
    centers: NDArray[np.float64]


def clusters(rows: int, categories: int) -> Clusters:
    """Make a normal cloud for each category; always the same ones."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, categories, rows, dtype=np.int32)
    xy = rng.standard_normal((rows, 2), dtype=np.float32)
    centers = rng.normal(size=(categories, 2)) * 8
    xy += centers.astype(np.float32)[codes]
    return Clusters(xy, codes, [f"category {i:03d}" for i in range(categories)], centers)


def clusters_file(folder: Path, rows: int, categories: int) -> Path:
    """Write the rows as Parquet, with columns x, y and category, unless the file is there from before."""
    path = folder / f"clusters-{rows}-{categories}.parquet"
    if not path.exists():
        made = clusters(rows, categories)
        category = pa.DictionaryArray.from_arrays(pa.array(made.codes), made.names)
        writing = path.with_suffix(".part")
        pq.write_table(pa.table({"x": made.xy[:, 0], "y": made.xy[:, 1], "category": category}), writing)
        writing.rename(path)
    return path
