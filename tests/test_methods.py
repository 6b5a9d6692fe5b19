"""The paragraph on how a map was made says what was measured, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import explorer
from explorer.appraisal import stored_appraisal
from explorer.compute.projections import projection
from explorer.data.dataset import Dataset, open_dataset
from explorer.jobs.runner import Runner
from explorer.methods import paragraph, paragraphs
from explorer.runs import runs_of
from explorer.steadiness import Steady
from explorer.store.store import Store


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000))
    yield made
    made.close()


@pytest.fixture(scope="module")
def dataset(jobs: Runner) -> Dataset:
    vectors = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)
    vectors[3] = 0
    made = open_dataset(vectors, name="Numbers")
    layout = jobs.submit_layout(made, projection("umap", n_neighbors=10, n_epochs=20, seed=7)).result()
    jobs.submit_quality(made, layout, title="UMAP", metric="cosine").result()
    return made


def test_a_layout_that_was_computed_here_is_described_to_the_seed(dataset: Dataset, jobs: Runner):
    (run,) = runs_of(dataset, jobs)
    said = paragraph(dataset, run, jobs, stored_appraisal(dataset, run, jobs).appraisal, Steady(4, 0.05, 0.4, 0.6, 0.01))
    for words in (
        "has 120 rows with vectors of 8 dimensions; 1 of them have no usable vector",
        "was computed by UMAP (",
        "n_neighbors = 10",
        "20 epochs",
        "seed 7) on all 119 rows",
        "30 nearest neighbors of each row by cosine distance, found by exact search, of which it uses the nearest 9 (",
        "15 nearest on average, against",
        "trustworthiness 0.",
        "(control: 0.",
        "Over 4 further runs with other seeds the median row wanders 5.0% of the map's width (control: 40.0%)",
        "McInnes, Healy & Melville (2018)",
        f"numpy {np.__version__}",
    ):
        assert words in said
    assert "Dong" not in said
    assert "None" not in said


def test_what_is_not_known_of_given_coordinates_is_not_said(jobs: Runner):
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0], "y": [0.0, 2.0, 1.0], "word": list("abc")})
    dataset = open_dataset(frame, name="Given")
    (run,) = runs_of(dataset, jobs)
    said = paragraph(dataset, run, jobs)
    assert "came with the data; how it was made is not recorded" in said
    assert "References" not in said
    assert "seed" not in said


def test_each_layout_has_one_paragraph(dataset: Dataset, jobs: Runner):
    (run,) = runs_of(dataset, jobs)
    assert paragraphs(dataset, [run, run], jobs, known={}, steady={}).count("\n\n") == 0


def test_a_notebook_has_it(tmp_path: Path):
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0], "y": [0.0, 2.0, 1.0], "word": list("abc")})
    assert "3 rows" in explorer.Explorer(frame).methods
    assert explorer.Explorer().methods == ""


def test_a_paragraph_names_the_dimensions(dataset: Dataset, jobs: Runner):
    for method, words in (
        ("umap", "The layout in three dimensions was computed by UMAP (n_neighbors = 15"),
        ("pca", "The layout in three dimensions was computed by PCA on all 119 rows"),
    ):
        made = projection(method, n_components=3)
        jobs.submit_layout(dataset, made).result()
        run = next(run for run in runs_of(dataset, jobs) if run.method == method and run.settings.get("n_components") == 3)
        assert words in paragraph(dataset, run, jobs)
