"""What every test shares: a store of its own, so that no test reads or fills a person's cache."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EXPLORER_STORE", str(tmp_path_factory.mktemp("store")))
        environment.delenv("EXPLORER_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout: tests that read pyproject.toml, docs or notebooks start here."""
    return ROOT


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python …`` in a fresh process and an empty folder, as somebody who has installed the package would."""

    def run(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=os.environ, text=True, capture_output=True, timeout=110, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run
