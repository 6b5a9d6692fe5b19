"""Make wordnet-10k.parquet out of a Parquet file of all WordNet 3.0 senses with their vectors; see README.md.

    python datasets/make_wordnet_10k.py path/to/wordnet.parquet

The same input and the same versions of the libraries give the same file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from explorer.compute.neighbors import neighbor_graph
from explorer.compute.projections import projection
from explorer.data.annotations import Annotations, NotedGraph, NotedLayout, write_annotations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.compute.neighbors import NeighborGraph
    from explorer.compute.projections import Layout

ROWS = 10_000
LEAST_A_CATEGORY = 150  # or all senses of a category that has fewer
K = 30
METHODS = ("umap", "tsne", "pca")
SEED = 0
MOST_BYTES = 9_000_000
TITLE = "WordNet, 10,000 senses"
DESCRIPTION = (
    "10,000 nouns of WordNet 3.0, spread over its 26 noun categories. The vectors are MiniLM sentence embeddings, 384 numbers each. "
    "WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved."
)


def quotas(sizes: NDArray[np.int64], total: int, least: int) -> NDArray[np.int64]:
    """Spread ``total`` over categories in proportion to their sizes, none below ``least`` or, where it is smaller, its size."""
    floors = np.minimum(sizes, least)
    room = sizes - floors
    shares = room * (total - floors.sum()) / room.sum()
    given = np.floor(shares).astype(np.int64)
    missing = total - floors.sum() - given.sum()
    given[np.argsort(-(shares - given), kind="stable")[:missing]] += 1
    return floors + given


def chosen_rows(category: NDArray[np.int32], weight: NDArray[np.float64]) -> NDArray[np.int64]:
    """Draw rows of each category without replacement, words with more synonyms more likely: they are the better known ones."""
    numbers, sizes = np.unique(category, return_counts=True)
    keys = np.random.default_rng(SEED).random(len(category)) ** (1 / weight)
    rows = [
        np.flatnonzero(category == number)[np.argsort(-keys[category == number], kind="stable")[:quota]]
        for number, quota in zip(numbers, quotas(sizes, ROWS, LEAST_A_CATEGORY), strict=True)
    ]
    return np.sort(np.concatenate(rows))


def sample(path: Path) -> pa.Table:
    """Choose the rows, and of each row what the sample shows."""
    table = pq.read_table(path, columns=["word", "definition", "synonyms", "category", "n_synonyms", "embedding"])
    names = table["category"].cast(pa.string())
    nouns = table.filter(pc.starts_with(names, "noun."))
    short = pc.replace_substring(nouns["category"].cast(pa.string()), "noun.", "").combine_chunks().dictionary_encode()
    weight = nouns["n_synonyms"].to_numpy().astype(np.float64)
    rows = chosen_rows(short.indices.to_numpy(), weight)
    return nouns.set_column(3, "category", short).take(pa.array(rows)).combine_chunks()


def with_results(table: pa.Table, graph: NeighborGraph, layouts: list[Layout]) -> pa.Table:
    """Add the coordinates, the neighbors, and the schema metadata that says how they were made."""
    noted = []
    for layout in layouts:
        columns = (f"{layout.method}_1", f"{layout.method}_2")
        for axis, column in enumerate(columns):
            table = table.append_column(column, pa.array(layout.coordinates[:, axis]))
        noted.append(NotedLayout(layout.method, columns, layout.method, layout.params))
    neighbors = pa.FixedSizeListArray.from_arrays(pa.array(graph.indices.astype(np.uint16).ravel()), graph.indices.shape[1])
    table = table.append_column("neighbors", neighbors)
    # Distances are not kept: opening recomputes them from the vectors.
    annotations = Annotations(tuple(noted), NotedGraph("neighbors", None, graph.metric), TITLE, DESCRIPTION)
    return table.replace_schema_metadata(write_annotations(annotations))


def main() -> None:
    """Read the senses, compute everything, write the file beside this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wordnet", type=Path, help="Parquet file with word, definition, synonyms, category, n_synonyms, embedding")
    options = parser.parse_args()
    table = sample(options.wordnet)
    numbers = table["embedding"].combine_chunks().flatten().to_numpy()
    vectors = np.ascontiguousarray(numbers.reshape(len(table), -1), dtype=np.float32)
    graph = neighbor_graph(vectors, k=K)
    layouts = [projection(method).fit(vectors, graph) for method in METHODS]
    target = Path(__file__).with_name("wordnet-10k.parquet")
    result = with_results(table, graph, layouts)
    floats = [f"{method}_{axis}" for method in METHODS for axis in (1, 2)]
    pq.write_table(
        result,
        target,
        compression="zstd",
        compression_level=22,
        use_dictionary=["category"],
        column_encoding=dict.fromkeys([*floats, "embedding.list.element"], "BYTE_STREAM_SPLIT"),
    )
    size = target.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{target} has {size:,} bytes, more than {MOST_BYTES:,}.")
    sys.stdout.write(f"{target}: {len(result):,} rows, {size:,} bytes\n")


if __name__ == "__main__":
    main()
