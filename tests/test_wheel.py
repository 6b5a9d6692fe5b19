"""What is installed: the wheel holds all that the package reads at run time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a wheel built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(words, cwd=root, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_every_file_of_the_package_is_in_the_wheel(wheel: set[str], root: Path):
    files = {
        path.relative_to(root).as_posix() for path in (root / "explorer").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"explorer/py.typed", "explorer/views/picture_layer.js", "explorer/views/picture_layer.css"} <= files
    assert files <= wheel


def test_the_samples_are_in_the_wheel_with_their_license(wheel: set[str], root: Path):
    files = {
        f"explorer/datasets/{path.relative_to(root / 'datasets').as_posix()}" for path in (root / "datasets").rglob("*") if path.is_file()
    }
    assert {"explorer/datasets/wordnet-10k.parquet", "explorer/datasets/README.md"} <= files
    assert {file for file in files if not file.endswith(".py")} <= wheel


def test_nothing_else_is_installed(wheel: set[str]):
    assert {name.partition("/")[0].partition("-")[0] for name in wheel} == {"explorer", "panel_embedding_explorer"}
    assert not [name for name in wheel if name.startswith("explorer/datasets/") and name.endswith(".py")]
