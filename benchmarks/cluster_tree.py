"""Clusters in layers and their names, of a graph that is there: time, how many rows they hold, how far they say what is known.

    python benchmarks/cluster_tree.py [--data FILE] [--text COLUMN] [--category COLUMN] [--json]

By default, of the 10,000 rows of the sample. The peer is EVoC (pip install evoc) with its usual parameters, which searches the neighbors
itself, so its time counts from the vectors on; it leaves rows in no cluster. What is known is a column of categories: the adjusted mutual
information (AMI) of all rows, those in no cluster counted as one group, for the layer where it is highest.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from figures import Figure, compared, options, told
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score

import explorer
from explorer.cluster_words import names_of
from explorer.compute.clusters import cluster_tree

Measure = Callable[[NDArray[np.integer]], float]

GOAL_S = 10.0  # with names, at 117,659 rows
SAMPLE = "wordnet-10k"


def main() -> int:
    """Measure and print."""
    parser = options(__doc__ or "")
    parser.add_argument("--data", default=SAMPLE, help="a file with vectors, texts and categories, or a name in the catalog")
    parser.add_argument("--text", help="the column that names clusters")
    parser.add_argument("--category", help="what is known of each row")
    given = parser.parse_args()
    dataset = explorer.open_dataset(given.data, text=given.text, color=given.category)
    known = known_of(dataset)
    graph = explorer.neighbor_graph(dataset)

    cluster_tree(graph)  # compiles
    began = time.perf_counter()
    tree = cluster_tree(graph)
    found = time.perf_counter()
    names_of(dataset, tree)
    named = time.perf_counter()
    theirs, their_s = evoc_layers(np.asarray(dataset.vectors, np.float32))

    figures = [
        Figure("clusters, of a graph that is there", found - began, "s", peer=their_s, peer_name="EVoC, from the vectors on"),
        Figure("clusters and their names", named - began, "s", goal=GOAL_S, peer=their_s, peer_name="EVoC, without names"),
        compared_layers("rows in a cluster, of the layer with most", tree.layers, theirs, held),
        compared_layers("AMI with what is known, best layer", tree.layers, theirs, lambda layer: agreement(layer, known)),
    ]
    for figure in figures:
        figure.rows = dataset.n_rows
    sizes = " / ".join(str(len(parents)) for parents in tree.parents)
    their_sizes = " / ".join(str(int(layer.max(initial=-1)) + 1) for layer in theirs)
    heading = f"Clusters of {dataset.n_rows:,} rows: {sizes} in layers; EVoC {their_sizes}"
    sys.stdout.write(told([compared(figure) for figure in figures], heading=heading, as_json=given.json) + "\n")
    return 0


def known_of(dataset: explorer.Dataset) -> NDArray[np.integer]:
    """Give each row's category, by number."""
    if dataset.color is None or dataset.roles[dataset.color] != "category":
        message = "name a column of categories with --category"
        raise SystemExit(message)
    return np.asarray(dataset.codes(dataset.color)[0])


def evoc_layers(vectors: NDArray[np.float32]) -> tuple[list[NDArray[np.integer]], float]:
    """Run the peer once small, which compiles it, and then whole; the coarsest layer first, and the seconds that took."""
    from evoc import EVoC

    EVoC(random_state=0).fit(vectors[:2_000])
    began = time.perf_counter()
    made = EVoC(random_state=0).fit(vectors)
    seconds = time.perf_counter() - began
    return list(reversed(made.cluster_layers_)), seconds


def held(layer: NDArray[np.integer]) -> float:
    """Say which share of the rows is in a cluster."""
    return float((layer >= 0).mean())


def agreement(layer: NDArray[np.integer], known: NDArray[np.integer]) -> float:
    """Say how far clusters agree with what is known."""
    return float(adjusted_mutual_info_score(known, layer))


def compared_layers(what: str, ours: Sequence[NDArray[np.integer]], theirs: Sequence[NDArray[np.integer]], measure: Measure) -> Figure:
    """Measure the best layer of both."""
    return Figure(what, max(map(measure, ours)), "", peer=max(map(measure, theirs)), peer_name="EVoC")


if __name__ == "__main__":
    sys.exit(main())
