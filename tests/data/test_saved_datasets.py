"""A folder that Hugging Face's datasets library has saved (files/make_talks.py), and what becomes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.data.catalog import catalog
from explorer.data.dataset import open_dataset
from explorer.errors import EmptyDataset, Unreadable

TALKS = Path(__file__).with_name("files") / "talks"


@pytest.fixture
def train(tmp_path: Path) -> Path:
    shutil.copytree(TALKS, tmp_path / "talks")
    return tmp_path / "talks" / "train"


def edit(folder: Path, **changes: object) -> None:
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | changes))


@pytest.mark.parametrize("stream_mb", ["0", "256"])
def test_a_saved_dataset_opens_with_classes_and_pictures(monkeypatch: pytest.MonkeyPatch, stream_mb: str):
    monkeypatch.setenv("EXPLORER_STREAM_MB", stream_mb)
    talks = open_dataset(TALKS / "train")
    assert (talks.name, talks.n_rows, talks.n_dims) == ("talks/train", 9, 4)
    assert (talks.label, talks.color, talks.roles["slide"]) == ("title", "topic", "image")
    assert talks.table["topic"].to_pylist() == ["art", "math", "music"] * 3
    assert talks.table["title"].to_pylist() == [f"Talk {i}" for i in range(9)]
    assert talks.table["slide"][8].as_py().startswith(b"\x89PNG")
    np.testing.assert_allclose(talks.vectors, np.random.default_rng(0).standard_normal((12, 4))[:9], rtol=1e-6)


def test_of_several_one_is_to_be_named():
    with pytest.raises(Unreadable, match=r"it holds several datasets: train, test\. Open one of them, such as .*talks/train"):
        open_dataset(TALKS)


def test_the_catalog_has_each(train: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_DATA", str(train.parent.parent))
    found = {entry.name: entry for entry in catalog() if entry.path is not None and entry.path.is_relative_to(train.parent.parent)}
    assert sorted(found) == ["talks/test", "talks/train"]
    assert found["talks/test"].open().n_rows == 3


def test_classes_have_their_names_in_parquet_too(tmp_path: Path):
    """As the hub has it; -1 is what has no class."""
    said = {"info": {"features": {"topic": {"names": ["art", "math"], "_type": "ClassLabel"}, "n": {"dtype": "int64", "_type": "Value"}}}}
    table = pa.table({"embedding": np.eye(4).tolist(), "topic": [0, 1, -1, None], "n": [0, 1, 0, 1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(said)}), tmp_path / "a.parquet")
    opened = open_dataset(tmp_path / "a.parquet")
    assert opened.table["topic"].to_pylist() == ["art", "math", None, None]
    assert opened.table["n"].to_pylist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    "said",
    [
        "{",
        "[]",
        '{"info": 1}',
        '{"info": {"features": {"topic": 3}}}',
        '{"info": {"features": {"topic": {"_type": "ClassLabel", "names": 3}}}}',
    ],
)
def test_what_a_schema_says_without_sense_is_not_heeded(tmp_path: Path, said: str):
    table = pa.table({"embedding": np.eye(4).tolist(), "topic": [0, 1, 0, 1]}).replace_schema_metadata({"huggingface": said})
    pq.write_table(table, tmp_path / "a.parquet")
    assert open_dataset(tmp_path / "a.parquet").table["topic"].to_pylist() == [0, 1, 0, 1]


def test_what_is_damaged_or_missing_is_told(train: Path):
    second = train / "data-00001-of-00002.arrow"
    whole = second.read_bytes()
    second.write_bytes(whole[:900])
    with pytest.raises(Unreadable, match=r"data-00001-of-00002\.arrow cannot be read: "):
        open_dataset(train)
    second.write_bytes(b"")
    with pytest.raises(Unreadable, match=r"data-00001-of-00002\.arrow cannot be read: it is empty"):
        open_dataset(train)
    second.unlink()
    with pytest.raises(Unreadable, match=r"names data-00001-of-00002\.arrow, and there is no such file"):
        open_dataset(train)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"_data_files": None}, r"its state\.json does not list its files"),
        ({"_data_files": [1]}, r"its state\.json does not list its files"),
        ({"_data_files": [{"filename": "../test/data-00000-of-00001.arrow"}]}, "which is outside of the folder"),
        ({"_data_files": [{"filename": "link.arrow"}]}, "which is outside of the folder"),
        ({"_indices_data_files": [{"filename": "indices.arrow"}]}, "a choice of rows out of its files"),
    ],
)
def test_what_the_state_says_is_not_believed(train: Path, changes: dict[str, object], message: str):
    (train / "link.arrow").symlink_to(train.parent / "test" / "data-00000-of-00001.arrow")
    edit(train, **changes)
    with pytest.raises(Unreadable, match=message):
        open_dataset(train)


def test_nothing_saved_is_told(train: Path):
    edit(train, _data_files=[])
    with pytest.raises(EmptyDataset):
        open_dataset(train)
    (train / "state.json").write_text("[")
    with pytest.raises(Unreadable, match=r"its state\.json cannot be understood"):
        open_dataset(train)
