"""Rows for the benchmarks of linked views: two layouts of the same clusters, a category, a number and a text; rows with vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from clusters import clusters
from numpy.typing import NDArray

__all__ = ["PAIRS", "paired_file", "texts", "vector_file", "vocabulary"]

PAIRS = (("umap_x", "umap_y"), ("tsne_x", "tsne_y"))  # the columns of the two layouts
ALPHABET = list("abcdefghijklmnopqrstuvwxyz")
PIECE = 1_000_000


def vocabulary() -> list[str]:
    """Make 5,000 words of 3 to 9 letters; always the same ones."""
    rng = np.random.default_rng(0)
    return ["".join(rng.choice(ALPHABET, rng.integers(3, 10))) for _ in range(5_000)]


def texts(rows: int, words: list[str]) -> pa.ChunkedArray:
    """Write six words a row, in chunks of a million rows, of which the second and all others repeat the first."""
    rng, known = np.random.default_rng(2), np.array(words, dtype=object)
    n = min(rows, PIECE)
    piece = pa.array(
        [" ".join(six) for six in zip(*(known[rng.integers(0, len(words), n)] for _ in range(6)), strict=True)], pa.large_string()
    )
    return pa.chunked_array([piece.slice(0, min(PIECE, rows - start)) for start in range(0, rows, PIECE)])


def paired_file(folder: Path, rows: int, categories: int) -> Path:
    """Write rows with the layouts of :data:`PAIRS`, category, number and text as Parquet, unless the file is there from before."""
    path = folder / f"pairs-{rows}-{categories}.parquet"
    if not path.exists():
        made, rng = clusters(rows, categories), np.random.default_rng(3)
        other = _elsewhere(made.xy, made.codes, made.centers, rng)
        columns = dict(zip([name for pair in PAIRS for name in pair], [*made.xy.T, *other.T], strict=True))
        category = pa.DictionaryArray.from_arrays(pa.array(made.codes), made.names)
        number = rng.standard_normal(rows, dtype=np.float32)
        table = pa.table({**columns, "category": category, "number": number, "text": texts(rows, vocabulary())})
        _write(table, path)
    return path


def vector_file(folder: Path, rows: int, d: int) -> Path:
    """Write rows with a name, two layouts, category and a vector of d numbers as Parquet, unless the file is there from before."""
    path = folder / f"vectors-{rows}-{d}.parquet"
    if not path.exists():
        made, rng = clusters(rows, 30), np.random.default_rng(4)
        vectors = rng.standard_normal((rows, d), dtype=np.float32) + 3 * rng.standard_normal((30, d), dtype=np.float32)[made.codes]
        other = _elsewhere(made.xy, made.codes, made.centers, rng)
        columns = dict(zip([name for pair in PAIRS for name in pair], [*made.xy.T, *other.T], strict=True))
        vector = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), d)
        category = pa.DictionaryArray.from_arrays(pa.array(made.codes), made.names)
        _write(pa.table({"name": [f"row {row}" for row in range(rows)], **columns, "category": category, "embedding": vector}), path)
    return path


def _elsewhere(
    xy: NDArray[np.float32], codes: NDArray[np.int32], centers: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Lay the same clusters out in other places, each turned around: (n, 2) float32."""
    apart = (rng.normal(size=centers.shape) * 8).astype(np.float32)
    return apart[codes] + (xy - centers.astype(np.float32)[codes])[:, ::-1]


def _write(table: pa.Table, path: Path) -> None:
    writing = path.with_suffix(".part")
    pq.write_table(table, writing, use_dictionary=["category"] if "category" in table.column_names else False)
    writing.rename(path)
