"""A film of a small dataset: 120 rows in three categories, with coordinates of two methods."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from explorer.animation.ends import staged_ends
from explorer.animation.film import Film
from explorer.data.dataset import Dataset, open_dataset
from explorer.labels import wanted_labels

N = 120


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    """120 rows: five numbers each, where UMAP and t-SNE put them, a category, a number."""
    numbers = np.random.default_rng(0)
    kinds = np.arange(N) % 3
    one, other = (size * (numbers.normal(size=(3, 2))[kinds] + 0.2 * numbers.normal(size=(N, 2))) for size in (5, 40))
    places = {"umap_1": one[:, 0], "umap_2": one[:, 1], "tsne_1": other[:, 0], "tsne_2": other[:, 1]}
    vectors = list(numbers.normal(size=(N, 5)).astype(np.float32))
    return pd.DataFrame({**places, "kind": [f"kind {kind}" for kind in kinds], "size": np.arange(N), "embedding": vectors})


@pytest.fixture(scope="session")
def dataset(table: pd.DataFrame) -> Dataset:
    """That table, opened."""
    return open_dataset(table, color="kind", name="a small dataset")


@pytest.fixture(scope="session")
def film(dataset: Dataset, table: pd.DataFrame) -> Callable[..., Film]:
    """Make the film, with names where it is ``named``; without a color, of coordinates alone."""
    bare = open_dataset(table[["umap_1", "umap_2", "tsne_1", "tsne_2"]])

    def made(
        *,
        width: int = 320,
        height: int = 180,
        dark: bool = False,
        color: str | None = "kind",
        title: str = "a small dataset",
        named: bool = False,
    ) -> Film:
        start, goal = staged_ends(dataset if color else bare, "umap", "tsne", color=color)
        labels = (wanted_labels(start, "automatic"), wanted_labels(goal, "automatic")) if named else (None, None)
        return Film(start, goal, title=title, width=width, height=height, dark=dark, labels=labels)

    return made
