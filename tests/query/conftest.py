"""A small table with a column of each kind."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import explorer
from explorer.data.dataset import Dataset


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    days = pd.date_range("2020-01-01", periods=6)
    return pd.DataFrame(
        {
            "x": np.arange(6.0),
            "y": np.arange(6.0),
            "text": ["Hot dog", "DOG, a", "cat", None, "dogs C++", "über Straße"],
            "kind": pd.Categorical(["a", "b", "a", None, "dog", "b"]),
            "n": [1, 2, 3, 4, 5, 6],
            "small": np.arange(6, dtype=np.uint8),
            "weight": np.array([0.1, 0.2, np.nan, 0.4, 0.5, 0.6], np.float32),
            "flag": [True, False] * 3,
            "when": days,
            "there": days.tz_localize("Europe/Berlin"),
            "day": [date(2020, 1, day) for day in range(1, 7)],
            "a b": [6, 5, 4, 3, 2, 1],
            "class": [1] * 6,
        }
    )


@pytest.fixture(scope="session")
def dataset(frame: pd.DataFrame) -> Dataset:
    return explorer.open_dataset(frame, vectors=["x", "y"], name="six")
