"""What clusters of a dataset are called: by its texts, else by its categories, else by number; knows no session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.compute.cluster_names import Names, cluster_names, nameable
from explorer.compute.word_counts import TextWords
from explorer.measured import Column
from explorer.selection_summary import text_column

if TYPE_CHECKING:
    from explorer.compute.clusters import ClusterTree
    from explorer.data.dataset import Dataset

__all__ = ["cluster_columns", "layer_key", "layer_titles", "names_of"]

MOST_TEXTS = 300_000  # that are read; of more, a sample of that many
_MOST_CATEGORIES = 5_000
_MEANING = (
    "Groups of rows that are each other's neighbors in the original space, found in the neighbor graph; named by what tells them apart."
)
_TITLES = {1: ("",), 2: ("coarse", "fine"), 3: ("coarse", "medium", "fine"), 4: ("coarse", "medium", "fine", "finest")}


def layer_titles(n: int) -> tuple[str, ...]:
    """Name the layers of a tree, the coarsest first: "clusters (coarse)"."""
    return tuple(f"clusters ({title})" if title else "clusters" for title in _TITLES[n]) if n else ()


def cluster_columns(tree: ClusterTree, names: Names) -> tuple[Column, ...]:
    """Make a column of each layer, the coarsest first: each row's cluster by name, null where the row is in none."""
    import pyarrow as pa

    columns = []
    for title, rows, called in zip(layer_titles(len(names)), tree.layers, names, strict=True):
        codes = pa.array(rows, pa.int32(), mask=np.asarray(rows < 0))
        columns.append(Column(title, pa.DictionaryArray.from_arrays(codes, pa.array(called, pa.string())), _MEANING))
    return tuple(columns)


def layer_key(layer: int) -> tuple[str, int]:
    """Say by which key the column of a layer is known, see :func:`explorer.measured.measured`."""
    return "clusters", layer


def names_of(dataset: Dataset, tree: ClusterTree) -> Names:
    """Name every cluster; takes a second for a hundred thousand texts, so it is for a thread.

    Returns
    -------
    tuple of tuple of str
        For each layer a name for each cluster: of words, else of categories, else "cluster 3". No two of a layer are the same.
    """
    found = [_by_words(dataset, tree)]
    if any("" in layer for layer in found[0]):
        found.append(_by_categories(dataset, tree))
    return tuple(_filled([names[at] for names in found], len(parents)) for at, parents in enumerate(tree.parents))


def _filled(choices: list[tuple[str, ...]], n: int) -> tuple[str, ...]:
    names: list[str] = []
    taken: set[str] = set()
    for cluster in range(n):
        offered = [layer[cluster] for layer in choices if layer[cluster] and layer[cluster] not in taken]
        names.append(offered[0] if offered else f"cluster {cluster + 1}")
        taken.add(names[-1])
    return tuple(names)


def _none(tree: ClusterTree) -> Names:
    return tuple(("",) * len(parents) for parents in tree.parents)


def _by_words(dataset: Dataset, tree: ClusterTree) -> Names:
    column = text_column(dataset)
    if column is None:
        return _none(tree)
    rows = np.arange(dataset.n_rows)
    if len(rows) > MOST_TEXTS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_TEXTS, replace=False))
    found = TextWords.of(dataset.table.column(column).take(rows) if len(rows) < dataset.n_rows else dataset.table.column(column))
    words = found.words.to_pylist()
    fit = nameable(words)[found.codes]
    return cluster_names(tree, rows[found.texts[fit]], found.codes[fit], words)


def _by_categories(dataset: Dataset, tree: ClusterTree) -> Names:
    own = [name for name, role in dataset.roles.items() if role == "category" and name not in dataset.meanings]
    column = dataset.color if dataset.color in own else next(iter(own), None)
    if column is None:
        return _none(tree)
    codes, names = dataset.codes(column)
    rows = np.flatnonzero(codes >= 0)
    return cluster_names(tree, rows, codes[rows], names, grammar=False) if len(names) <= _MOST_CATEGORIES else _none(tree)
