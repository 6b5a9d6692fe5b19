"""Style, types and layers, held by the tools that pyproject.toml configures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = {
    "ruff finds nothing": ["-m", "ruff", "check", "."],
    "the code is formatted": ["-m", "ruff", "format", "--check", "."],
    "the types agree": ["-m", "mypy", "--no-error-summary"],
    "imports point downward": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"],
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", TOOLS.values(), ids=TOOLS)
def test_the_checks_pass(command: list[str], root: Path):
    done = subprocess.run([sys.executable, *command], cwd=root, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
