"""The examples of CONTRIBUTING.md, as they stand there, do what it says of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

import explorer
from explorer import cli
from explorer.compute.projections import PROJECTIONS, Projection, projection
from explorer.data import annotations, files
from explorer.errors import Unreadable
from explorer.options import projections_from
from explorer.session import Session


@pytest.fixture
def example(root: Path, tmp_path: Path) -> Any:
    """Import the example below a heading as a module of the name that the text gives it."""

    def load(heading: str) -> dict[str, Any]:
        section = (root / "CONTRIBUTING.md").read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        (code,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        (place,) = re.findall(r"as\s`explorer/(\w+/\w+)\.py`", section)
        names: dict[str, Any] = {"__name__": f"explorer.{place.replace('/', '.')}"}
        exec(compile(code, f"{place}.py", "exec"), names)
        return names

    return load


def test_the_projection_lays_out_digits_and_has_options(example: Any, monkeypatch: pytest.MonkeyPatch):
    kind: type[Projection] = example("Add a projection")["RandomPlane"]
    monkeypatch.setitem(PROJECTIONS, kind.method, kind)
    vectors = load_digits().data.astype(np.float32)
    first, again, other = (projection("random", seed=seed).fit(vectors, None) for seed in (7, 7, 8))
    assert first.coordinates.shape == (1797, 2)
    assert np.isfinite(first.coordinates).all()
    assert first.params == {"seed": 7}
    assert np.array_equal(first.coordinates, again.coordinates)
    assert not np.allclose(first.coordinates, other.coordinates)
    options = cli.parser("project").parse_args(["digits", "--method", "random", "--random-seed", "7", "-o", "out.csv"])
    (asked,) = projections_from(options, options.method)
    assert asked.settings() == {"seed": 7}


def test_every_projection_is_known_in_files():
    assert set(annotations.METHODS) == set(PROJECTIONS)


def test_the_reader_opens_files_and_refuses_broken_ones(example: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(files._READERS, ".fvecs", example("Add a reader")["read_fvecs"])
    vectors = np.random.default_rng(0).normal(size=(40, 5)).astype("<f4")
    whole = b"".join(np.int32(5).astype("<i4").tobytes() + row.tobytes() for row in vectors)
    file = tmp_path / "base.fvecs"
    file.write_bytes(whole)
    opened = explorer.open_dataset(file)
    assert (opened.name, opened.n_rows, opened.n_drawable) == ("base", 40, 40)
    assert np.array_equal(opened.vectors, vectors)
    for broken, why in {whole[:-3]: "truncated", b"": "empty", whole[:24] + b"\x04" + whole[25:]: "row 1 has 4 numbers"}.items():
        file.write_bytes(broken)
        with pytest.raises(Unreadable, match=why):
            explorer.open_dataset(file)


def test_the_panel_says_what_is_selected(example: Any, loop: Any):
    session = Session(schedule=loop)
    panel = example("Add a panel")["FirstSelected"](session)
    assert panel.message.text == ""
    session.open_now(pd.DataFrame({"word": [f"<b>{i}" for i in range(9)], "x": np.arange(9.0), "y": np.arange(9.0)}), label="word")
    session.selection.apply([1, 3, 4, 5, 6, 8])
    assert panel.message.text == "<b>1, <b>3, <b>4, <b>5, <b>6"
    session.selection.apply([])
    assert panel.message.text == ""
    session.close()
