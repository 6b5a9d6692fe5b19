"""Every command that the documentation shows: run for real, read by the parser, or one of a few that others run."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from explorer import cli
from tests.test_docs import FENCE, PAGES, ROOT

SHELL = {"", "bash", "sh", "console"}
ASSIGNED = re.compile(r"^(?:[A-Z_]+=\S+ )+")
COMPUTES = {"project", "neighbors", "clusters", "animate", "datasets"}  # they end by themselves; the others serve until somebody ends them

ELSEWHERE = {
    r"pip install .*": ".ci/run installs the checkout with its extras into a fresh environment; released packages are not fetched by tests",
    r"python -m venv \.venv|\. \.venv/bin/activate": ".ci/run makes a virtual environment and enters it",
    r"git clone … && cd …": "it is for the reader to say what and where to",
    r"pytest": "it is running",
    r"panel serve explorer --show": "tests/browser serves the checkout like this, and opens a browser itself",
    r"jupyter lab": "tests/browser/test_notebook.py starts one",
    r"sphinx-build -W -b html docs docs/_build": "tests/test_site.py",
    r"dask (scheduler|worker) .*": "Dask's own; tests/jobs starts schedulers and workers on ports of its own",
    r"tensorboard --logdir projector": "TensorBoard's own, which is not installed; tests/data reads what is written for it",
    r"python datasets/make_wordnet_10k\.py .*": "needs all 117,659 senses with vectors, which are not in the repository",
    r"sudo .*": "for an administrator's machine; tests/browser/test_deployment.py runs nginx with docs/nginx.conf",
}
PAID = "openai:"  # what these commands encode is sent to OpenAI: read by the parser alone; tests/encoders speaks to a server of its own
QUICKLY = {"animate": ["--width", "320", "--seconds", "0.2", "--fps", "5"]}  # fewer and smaller pictures


def lines_of(page: Path) -> list[str]:
    """Give the commands of a page's fenced blocks, without comments and what is set before them."""
    blocks = [code for language, code in FENCE.findall(page.read_text("utf-8")) if language in SHELL]
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [ASSIGNED.sub("", line) for line in lines if line]


SHOWING = [*PAGES, ROOT / "datasets" / "README.md", ROOT / "benchmarks" / "README.md"]
COMMANDS = sorted({line for page in SHOWING for line in lines_of(page)})
BENCHMARKS = [line for line in COMMANDS if line.startswith("python benchmarks/")]
OURS = [line for line in COMMANDS if line.split()[0] == "explorer"]
RUN = [line for line in OURS if line.split()[1:2] and line.split()[1] in COMPUTES and PAID not in line]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that commands name."""
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    topics = [("art", "law", "war")[i % 3] for i in range(60)]
    table = pd.DataFrame({"title": [f"row {i}" for i in range(60)], "topic": topics, "embedding": list(values)})
    for name in ("vectors.parquet", "papers.parquet"):
        table.to_parquet(name)
    np.save("vectors.npy", values)
    Path("docs", "images").mkdir(parents=True)
    shutil.copyfile(ROOT / "tests" / "data" / "files" / "cells.h5ad", "cells.h5ad")
    return tmp_path


def test_there_are_commands_of_each_kind():
    assert len(OURS) > 25
    assert {line.split()[1] for line in RUN} >= {"project", "animate"}


@pytest.mark.parametrize("line", [line for line in COMMANDS if line not in OURS + BENCHMARKS])
def test_a_command_that_is_not_ours_is_run_elsewhere(line: str):
    for command in line.split(" && ") if not line.startswith("git clone") else [line]:
        assert any(re.fullmatch(known, command) for known in ELSEWHERE), f"{command}: run it here, or say in ELSEWHERE who does"


@pytest.mark.parametrize("known", ELSEWHERE)
def test_what_is_run_elsewhere_is_still_shown(known: str):
    shown = [command for line in COMMANDS for command in (line, *line.split(" && "))]
    assert any(re.fullmatch(known, command) for command in shown)


@pytest.mark.parametrize("line", OURS)
def test_a_command_of_ours_exists_and_takes_these_options(line: str):
    words = shlex.split(line)[1:]
    command = words.pop(0) if words and words[0] in cli.COMMANDS else ""
    assert cli.parser(command).parse_args(words)


def test_a_benchmark_that_is_shown_exists_and_takes_these_options(python: Callable[..., subprocess.CompletedProcess[str]]):
    """It is not run: it takes a minute, and its figures mean nothing beside other tests."""
    helps = {script: python(str(ROOT / script), "--help").stdout for script in {line.split()[1] for line in BENCHMARKS}}
    for line in BENCHMARKS:
        _, script, *words = shlex.split(line)
        assert all(word in helps[script] for word in words if word.startswith("-"))


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_examples_of_a_commands_help_can_be_read(name: str):
    for line in re.findall(r"^  explorer (.*)$", cli.COMMANDS[name].examples or "", re.MULTILINE):
        words = shlex.split(line)
        command = words.pop(0) if words[0] in cli.COMMANDS else ""
        assert cli.parser(command).parse_args(words)


@pytest.mark.parametrize("line", RUN)
def test_a_command_that_computes_does_it(line: str, files: Path, capsys: pytest.CaptureFixture[str]):
    command, *words = shlex.split(line)[1:]
    assert cli.main([command, *words, *QUICKLY.get(command, [])]) == 0
    shown = capsys.readouterr().out
    if "-o" in words:
        out = words[words.index("-o") + 1]
        assert shown.startswith(f"wrote {out}")
        assert (files / out).stat().st_size


@pytest.fixture
def python_of() -> Callable[[Path], list[str]]:
    """The Python of a page, block by block."""
    return lambda page: [code for language, code in FENCE.findall(page.read_text("utf-8")) if language == "python"]


def test_the_tutorials_python_runs(python_of: Callable[[Path], list[str]]):
    (code,) = python_of(ROOT / "docs" / "tutorial.md")
    names: dict[str, object] = {}
    exec(compile(code, "tutorial.md", "exec"), names)
    view: Any = names["view"]
    assert view.run("pca").coordinates.shape == (10_000, 2)  # as the map does by itself, and waited for
