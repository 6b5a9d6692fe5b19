"""A session of its own for every test of a view; what it would do on its thread waits in the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import holoviews as hv
import numpy as np
import pyarrow as pa
import pytest

from explorer.data.dataset import Dataset, open_dataset
from explorer.jobs.runner import Runner
from explorer.session import Session
from explorer.store.store import Store
from explorer.views.material import MaterialToolkit
from explorer.views.plain import PlainToolkit

hv.extension("bokeh", logo=False)  # as explorer.app does


def table(n: int = 40, *, seed: int = 0, **columns: Any) -> pa.Table:
    """Rows with vectors, coordinates, a category and a number."""
    numbers = np.random.default_rng(seed)
    vectors = numbers.normal(size=(n, 5)).astype(np.float32)
    return pa.table(
        {
            "embedding": pa.FixedSizeListArray.from_arrays(vectors.ravel(), 5),
            "x": numbers.normal(size=n).astype(np.float32),
            "y": numbers.normal(size=n).astype(np.float32),
            "word": [f"word {i}" for i in range(n)],
            "kind": [("a", "b", "c")[i % 3] for i in range(n)],
            "score": np.linspace(0, 1, n),
            **columns,
        }
    )


@pytest.fixture(scope="session")
def make_table() -> Callable[..., pa.Table]:
    return table


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000))
    yield made
    made.close()


@pytest.fixture
def session(loop: Any, jobs: Runner) -> Iterator[Session]:
    made = Session(schedule=loop, jobs=jobs)
    yield made
    made.close()


@pytest.fixture
def opened(session: Session, loop: Any) -> Callable[..., Dataset]:
    """Open rows and wait until they are on the map."""

    def open_and_wait(n: int = 40, *, seed: int = 0, **columns: Any) -> Dataset:
        data = open_dataset(table(n, seed=seed, **columns), name=f"Rows {seed}", label="word")
        session.open(data)
        loop.until(lambda: session.scene is not None and session.scene.dataset is data)
        return data

    return open_and_wait


@pytest.fixture(params=[PlainToolkit, MaterialToolkit], ids=["plain", "material"])
def toolkit(request: pytest.FixtureRequest) -> Any:
    return request.param()
