"""Tables that LanceDB has written: alone, and in a database."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from lancedb.embeddings import EmbeddingFunctionRegistry

from explorer import cli
from explorer.data.catalog import catalog
from explorer.data.dataset import open_dataset
from explorer.data.folders import state_of
from explorer.data.lance_tables import read_lance
from explorer.data.reader_process import ReaderProcess
from explorer.errors import BadParameter, BadVectors, EmptyDataset, ExtraMissing, NoVectors, TooLarge, UnknownTable, Unreadable
from explorer.helper_process import HelperProcess

VECTORS = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
WORDS = [f"word {i}" for i in range(60)]


def vectors(rows: np.ndarray = VECTORS) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


def database(folder: Path, **tables: pa.Table) -> Path:
    made = lancedb.connect(str(folder / "db"))
    for name, table in (tables or {"words": pa.table({"word": WORDS, "vector": vectors(), "n": range(60)})}).items():
        made.create_table(name, table)
    return folder / "db"


@pytest.mark.parametrize("stream_mb", ["0", "256"])
@pytest.mark.parametrize("place", ["", "words.lance"])
def test_the_only_table_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, stream_mb: str):
    monkeypatch.setenv("EXPLORER_STREAM_MB", stream_mb)
    words = open_dataset(database(tmp_path) / place)
    assert (words.name, words.label, words.table.column_names) == ("words", "word", ["word", "n"])
    assert words.table["word"].to_pylist() == WORDS
    np.testing.assert_array_equal(words.vectors, VECTORS)


def test_rows_are_those_that_are_left_in_their_order(tmp_path: Path):
    path = database(tmp_path)
    table = lancedb.connect(str(path)).open_table("words")
    table.add(
        pa.table({"word": ["new", "none"], "vector": pa.array([VECTORS[0].tolist(), None], pa.list_(pa.float32(), 8)), "n": [60, 61]})
    )
    before = state_of(path / "words.lance")
    table.delete("n < 3")
    assert state_of(path / "words.lance") != before
    words = open_dataset(path)
    assert words.table["n"].to_pylist() == list(range(3, 62))
    assert np.flatnonzero(~words.drawable).tolist() == [58]
    columns = read_lance(path / "words.lance", "words").columns
    batches = list(columns.batches(["n", "word"], 3))
    assert max(batch.num_rows for batch in batches) == 3
    assert [n for batch in batches for n in batch.column("n").to_pylist()] == list(range(3, 62))
    assert columns.head(["n"], 4)["n"].to_pylist() == [3, 4, 5, 6]


def test_a_table_stays_as_it_was_when_it_was_opened_whatever_becomes_of_its_reader(tmp_path: Path):
    path = database(tmp_path)
    columns = read_lance(path / "words.lance", "words").columns
    lancedb.connect(str(path)).open_table("words").delete("n < 3")
    assert columns.head(["n"], 2)["n"].to_pylist() == [0, 1]
    process, _ = columns.reader._helper._running
    process.kill()
    process.wait()
    assert columns.read(["n"])["n"].to_pylist() == list(range(60))


def test_a_library_that_ends_is_a_sentence(tmp_path: Path):
    reader = ReaderProcess("lance", tmp_path)
    script = "import os; input(); print('{}', flush=True); os.write(1, bytes(100)); os.abort()"
    for ending in ("import os; os.abort()", script):
        reader._helper = HelperProcess(["-c", ending])
        with pytest.raises(Unreadable, match=r"words cannot be read: its library ends, with exit code -6\. It is damaged\."):
            reader.table("words", "rows")


@pytest.mark.parametrize("kind", [pa.float16(), pa.float64(), pa.int8()])
def test_numbers_of_any_kind_are_read(tmp_path: Path, kind: pa.DataType):
    rows = (VECTORS * 10).astype(kind.to_pandas_dtype())
    path = database(tmp_path, words=pa.table({"vector": vectors(rows), "Some Name": WORDS, "select": range(60)}))
    words = open_dataset(path)
    np.testing.assert_array_equal(words.vectors, rows.astype(np.float32))
    assert words.table.column_names == ["Some Name", "select"]


def test_of_several_tables_the_one_with_vectors_is_taken_or_the_one_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = pa.table({"word": WORDS, "vector": vectors()})
    path = database(tmp_path, words=words, notes=pa.table({"a": [1, 2]}))
    assert open_dataset(path).name == "words"
    lancedb.connect(str(path)).create_table("few", words.slice(0, 5))
    with pytest.raises(UnknownTable, match=r"db holds the tables few, words\. Name one of them: table=… \(--table"):
        open_dataset(path)
    assert open_dataset(path, table="few").n_rows == 5
    with pytest.raises(UnknownTable, match=r"no table word\. Did you mean words\? Its tables are few, notes, words"):
        open_dataset(path, table="word")
    with pytest.raises(NoVectors):
        open_dataset(path, table="notes")
    with pytest.raises(BadParameter, match=r"only a database .* has tables to choose from"):
        open_dataset(path / "words.lance", table="words")
    assert cli.main(["project", str(path), "--table", "few", "--method", "pca", "-o", str(tmp_path / "out.csv")]) == 0
    assert "5 rows" in capsys.readouterr().out


def test_the_catalog_lists_each_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    database(tmp_path, words=pa.table({"vector": vectors()}), more=pa.table({"vector": vectors()}))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    assert {"db/words", "db/more"} <= set(catalog().names)
    found = catalog().find("db/more")
    assert found is not None
    assert found.open().n_rows == 60


def test_reading_changes_nothing(tmp_path: Path):
    path = database(tmp_path)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    open_dataset(path)
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_a_model_that_a_table_names_is_not_made(tmp_path: Path):
    metadata = {"embedding_functions": '[{"name": "nobody-knows", "model": {}, "source_column": "word", "vector_column": "vector"}]'}
    table = pa.table({"word": WORDS, "vector": vectors()})
    with pytest.raises(KeyError):
        EmbeddingFunctionRegistry.get_instance().get("nobody-knows")
    path = database(tmp_path, words=table.replace_schema_metadata(metadata))
    assert open_dataset(path).n_rows == 60


def test_what_has_nothing_to_draw_is_told(tmp_path: Path):
    empty = pa.table({"vector": vectors()}).slice(0, 0)
    uneven = pa.table({"numbers": [[1.0, 2.0]] * 3 + [[1.0, 2.0, 3.0]]})
    path = database(tmp_path, empty=empty, uneven=uneven)
    with pytest.raises(EmptyDataset):
        open_dataset(path, table="empty")
    with pytest.raises(BadVectors, match="row 3: its vector has 3 numbers, that of row 0 has 2"):
        open_dataset(path, table="uneven")


def test_what_is_damaged_is_told(tmp_path: Path):
    path = database(tmp_path)
    data = next((path / "words.lance" / "data").iterdir())
    whole = data.read_bytes()
    for n in (0, 100, len(whole) - 1):
        data.write_bytes(whole[:n])
        with pytest.raises(Unreadable, match=r"words\.lance cannot be read: ") as told:
            open_dataset(path)
        assert not re.search(r"\.rs:|LanceError|lance error", str(told.value))
    data.unlink()
    with pytest.raises(Unreadable, match=r"words\.lance cannot be read: "):
        open_dataset(path)
    manifest = next((path / "words.lance" / "_versions").glob("*.manifest"))
    manifest.write_bytes(manifest.read_bytes()[:50])
    with pytest.raises(Unreadable, match=r"words\.lance cannot be read: "):
        open_dataset(path)


def test_a_link_is_refused(tmp_path: Path):
    path = database(tmp_path)
    data = next((path / "words.lance" / "data").iterdir())
    data.rename(tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unreadable, match="in it is a link"):
        open_dataset(path)


def test_a_clone_whose_rows_are_elsewhere_is_refused(tmp_path: Path):
    path = database(tmp_path)
    lancedb.connect(str(tmp_path / "other")).clone_table("words", str(path / "words.lance"))
    with pytest.raises(Unreadable, match=r"it is a shallow clone, whose rows are in .*db/words\.lance\. Open that one"):
        open_dataset(tmp_path / "other")


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "59")
    with pytest.raises(TooLarge):
        open_dataset(database(tmp_path))


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = database(tmp_path)
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(ExtraMissing, match=r"Reading LanceDB needs .*\[lancedb\]"):
        open_dataset(path)
