"""What stands beneath Run before it is pressed; a session with a real runner, no page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.jobs.runner import Runner
from explorer.session import Session
from explorer.store.store import Store


@pytest.fixture
def session(loop: Any, tmp_path: Path) -> Iterator[Session]:
    """A session with rows and their map of PCA, which it makes by itself."""
    jobs = Runner(Store(tmp_path / "store", limit_mb=1000))
    made = Session(schedule=loop, jobs=jobs)
    made.open(np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32), name="noise")
    loop.until(lambda: made.scene is not None and not made.running)
    yield made
    made.close()
    jobs.close()


def test_nothing_is_forecast_before_a_page_shows_it(session: Session, loop: Any) -> None:
    session.choice.method = "tsne"
    loop.run()
    assert session.outlook.text == ""
    session.outlook.begin()
    loop.until(lambda: session.outlook.text.startswith("Takes about "))


def test_of_several_changes_the_last_one_counts(session: Session, loop: Any) -> None:
    session.outlook.begin()
    umap = session.choice.projections["umap"]
    for n_epochs in (100, 1_000, 10_000):
        umap.n_epochs = n_epochs
    session.choice.method = "pca"  # which is on the map
    loop.until(lambda: not session.outlook.text)
    umap.n_epochs = 100
    session.choice.method = "umap"
    loop.until(lambda: session.outlook.text)


def test_while_something_runs_its_memory_is_not_held_against_the_next(session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session.outlook.begin()
    session.choice.method = "tsne"
    loop.until(lambda: session.outlook.text.startswith("Takes about "))
    session.running = "UMAP"
    monkeypatch.setenv("EXPLORER_MEMORY", "60")
    session.choice.projections["tsne"].seed = 1
    loop.run()
    assert session.outlook.text.startswith("Takes about ")
    session.running = ""
    loop.until(lambda: session.outlook.text.startswith("t-SNE of noise needs about "))


def test_without_a_dataset_there_is_nothing_to_say(loop: Any, tmp_path: Path) -> None:
    jobs = Runner(Store(tmp_path))
    session = Session(schedule=loop, jobs=jobs)
    session.outlook.begin()
    loop.run()
    assert session.outlook.text == ""
    session.close()
    jobs.close()
