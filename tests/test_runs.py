from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.compute.projection import Layout
from explorer.compute.projections import PCA, TSNE, UMAP
from explorer.data.dataset import Dataset, GivenLayout, open_dataset
from explorer.jobs.artifacts import keep_layout
from explorer.jobs.runner import Runner
from explorer.runs import dimensions_of, run_of, runs_of
from explorer.snippet import _computing
from explorer.store.store import Store

N = 12


@pytest.fixture
def jobs(tmp_path: Any) -> Runner:
    return Runner(Store(tmp_path, limit_mb=100))


def dataset(*given: tuple[str, str | None, dict[str, object]]) -> Dataset:
    """Rows with these layouts: name, method and parameters."""
    numbers = np.random.default_rng(0)
    made = open_dataset(numbers.normal(size=(N, 4)).astype(np.float32), name="Rows")
    layouts = [GivenLayout(name, numbers.normal(size=(N, 2)).astype(np.float32), method, params) for name, method, params in given]
    object.__setattr__(made, "layouts", tuple(layouts))
    return made


def keep(jobs: Runner, data: Dataset, made: Any, **changes: object) -> None:
    settings = {**made.settings(), **changes}
    layout = Layout(np.zeros((N, 2), np.float32), made.method, settings)
    keep_layout(jobs.store, data.fingerprint, layout, settings=settings, version=made.version, seconds=0.0)


def test_no_two_layouts_have_one_title(jobs: Runner):
    complete = UMAP().settings()
    data = dataset(("UMAP", None, {}), ("umap", "umap", complete), ("umap 2", "umap", complete), ("PCA", None, {}))
    keep(jobs, data, UMAP())
    keep(jobs, data, PCA())
    titles = [run.title for run in runs_of(data, jobs)]
    assert sorted(titles) == ["PCA", "PCA (given)", "UMAP", "UMAP (2)", "UMAP (given)"]


def test_a_layout_that_came_with_the_data_is_not_listed_again_from_the_store(jobs: Runner):
    data = dataset(("t-SNE", "tsne", {**TSNE().settings(), "perplexity": 10}))
    keep(jobs, data, TSNE())
    assert [run.title for run in runs_of(data, jobs)] == ["t-SNE"]


def test_a_layout_of_parameters_that_there_are_no_more_is_not_listed(jobs: Runner):
    data = dataset()
    keep(jobs, data, UMAP(), densmap=True)
    assert runs_of(data, jobs) == []


def test_a_layout_of_more_dimensions_says_so_and_a_flat_one_does_not(jobs: Runner):
    data = dataset(("umap", "umap", UMAP(n_components=3).settings()), ("x, y, z", None, {}))
    object.__setattr__(data.layouts[0], "coordinates", np.zeros((N, 3), np.float32))
    for made in (UMAP(), TSNE(n_components=3, perplexity=5.0), PCA(n_components=10), PCA()):
        keep(jobs, data, made)
    runs = {run.title: dimensions_of(data, run) for run in runs_of(data, jobs)}
    assert [*runs] == ["UMAP", "UMAP, 3-D", "t-SNE, 3-D, perplexity 5.0", "x, y, z", "PCA", "PCA, 10-D"], "flat maps first"
    assert _computing(run_of("umap", UMAP(n_components=3).settings())) == "explorer.project(data, 'umap', n_components=3)"
    assert runs == {"UMAP, 3-D": 3, "UMAP": 2, "t-SNE, 3-D, perplexity 5.0": 3, "x, y, z": 2, "PCA, 10-D": 10, "PCA": 2}
