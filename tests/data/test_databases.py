"""Tables of SQLite and DuckDB: found, named, and such as would do something when they are read."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import pytest

from explorer import cli
from explorer.data.catalog import catalog
from explorer.data.dataset import open_dataset
from explorer.errors import BadParameter, ExtraMissing, NoVectors, TooLarge, UnknownTable, Unreadable

VECTORS = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
WORDS = [f"wörd {i}" for i in range(9)]


def sqlite(folder: Path, *statements: str, name: str = "words.sqlite", vectors: list[object] | None = None) -> Path:
    """Write a table "words", then run statements."""
    values = [json.dumps(row.tolist()) for row in VECTORS] if vectors is None else vectors
    with closing(sqlite3.connect(folder / name)) as opened:
        opened.execute("CREATE TABLE words (word TEXT, n, embedding)")
        opened.executemany("INSERT INTO words VALUES (?, ?, ?)", zip(WORDS, [1, 2.5, None, *range(6)], values, strict=True))
        for statement in statements:
            opened.execute(statement)
        opened.commit()
    return folder / name


def duck(folder: Path, *statements: str, name: str = "words.duckdb") -> Path:
    with closing(duckdb.connect(folder / name)) as opened:
        opened.execute("CREATE TABLE words (word VARCHAR, kind ENUM ('a', 'b'), embedding FLOAT[4])")
        rows = [[word, "ab"[i % 2], VECTORS[i].tolist()] for i, word in enumerate(WORDS)]
        opened.executemany("INSERT INTO words VALUES (?, ?, ?)", rows)
        for statement in statements:
            opened.execute(statement)
    return folder / name


def test_the_only_table_of_sqlite_is_read(tmp_path: Path):
    words = open_dataset(sqlite(tmp_path))
    assert (words.name, words.label) == ("words", "word")
    np.testing.assert_array_equal(words.vectors, VECTORS)
    assert words.table["word"].to_pylist() == WORDS
    assert words.table["n"].to_pylist() == [1, 2.5, None, *range(6)]


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_bytes_are_numbers_of_four_or_eight_bytes(tmp_path: Path, dtype: str):
    values: list[object] = [row.astype(dtype).tobytes() for row in VECTORS]
    values[3] = None
    words = open_dataset(sqlite(tmp_path, vectors=values))
    np.testing.assert_allclose(np.delete(words.vectors, 3, axis=0), np.delete(VECTORS, 3, axis=0))
    assert np.flatnonzero(~words.drawable).tolist() == [3]


@pytest.mark.parametrize("values", [[bytes([255] * 16)] * 9, [b"x" * (i + 4) for i in range(9)], [b"\x89PNG" + bytes(11)] * 9])
def test_other_bytes_are_none(tmp_path: Path, values: list[object]):
    with pytest.raises(NoVectors):
        open_dataset(sqlite(tmp_path, vectors=values))


def test_the_only_duckdb_table_is_read(tmp_path: Path):
    words = open_dataset(duck(tmp_path))
    np.testing.assert_array_equal(words.vectors, VECTORS)
    assert (words.name, words.label, words.color) == ("words", "word", "kind")


@pytest.mark.parametrize("made", [sqlite, duck])
def test_of_several_tables_the_one_with_vectors_is_taken_or_the_one_that_is_named(tmp_path: Path, made: object):
    path = made(tmp_path, "CREATE TABLE notes (a INT)", "INSERT INTO notes VALUES (1), (2)", name="some.db")
    assert open_dataset(path).name == "words"
    with closing(sqlite3.connect(path) if made is sqlite else duckdb.connect(path)) as opened:
        opened.execute('CREATE TABLE "Other ""words""" AS SELECT * FROM words LIMIT 4')
    with pytest.raises(UnknownTable, match=r'some\.db holds the tables Other "words", words\. Name one of them: table=… \(--table'):
        open_dataset(path)
    assert open_dataset(path, table='Other "words"').n_rows == 4
    with pytest.raises(UnknownTable, match=r"no table word\. Did you mean words\? Its tables are "):
        open_dataset(path, table="word")
    with pytest.raises(NoVectors):
        open_dataset(path, table="notes")


def test_a_table_of_another_schema_has_that_in_its_name(tmp_path: Path):
    path = duck(tmp_path, "CREATE SCHEMA old", "CREATE TABLE old.words AS SELECT * FROM words LIMIT 3")
    assert open_dataset(path, table="old.words").n_rows == 3


@pytest.mark.parametrize("made", [sqlite, duck])
def test_the_file_is_not_changed_and_may_be_open_elsewhere(tmp_path: Path, made: object):
    path = made(tmp_path)
    before = path.read_bytes()
    open_dataset(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_what_was_written_beside_it_counts(tmp_path: Path):
    with closing(sqlite3.connect(sqlite(tmp_path))) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.executemany("INSERT INTO words VALUES (?, 1, '[1, 2, 3, 4]')", [("a" * 900,)] * 900)
        writer.commit()
        assert open_dataset(tmp_path / "words.sqlite").n_rows == 909


def test_no_view_and_nothing_computed_is_read(tmp_path: Path):
    generated = "CREATE TABLE more (a, e, computed AS (a + 1) VIRTUAL)"
    fill = "INSERT INTO more SELECT 1, embedding FROM words"
    path = sqlite(tmp_path, "ALTER TABLE words RENAME TO hidden", "CREATE VIEW words AS SELECT * FROM hidden", generated, fill)
    with pytest.raises(UnknownTable, match="no table words"):
        open_dataset(path, table="words")
    assert open_dataset(path, table="more").table.column_names == ["a"]
    ducks = duck(tmp_path, "CREATE VIEW secrets AS SELECT * FROM read_text('/etc/passwd')")
    with pytest.raises(UnknownTable, match="no table secrets"):
        open_dataset(ducks, table="secrets")


def test_numbers_that_are_too_large_and_texts_that_are_none_are_shown(tmp_path: Path):
    path = sqlite(
        tmp_path,
        "CREATE TABLE odd AS SELECT embedding, CAST(x'ff41' AS TEXT) AS t, 7 AS k FROM words",
        "UPDATE odd SET k = 'x' WHERE rowid = 1",
    )
    odd = open_dataset(path, table="odd")
    assert odd.row(0) == {"t": "\ufffdA", "k": "x"}
    assert odd.row(1)["k"] == "7"


def test_what_is_damaged_is_told(tmp_path: Path):
    path = sqlite(tmp_path, "CREATE TABLE filler AS SELECT hex(zeroblob(3000)) AS a FROM words")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Unreadable, match=r"words\.sqlite cannot be read: database disk image is malformed"):
        open_dataset(path, table="filler")
    ducks = duck(tmp_path)
    ducks.write_bytes(ducks.read_bytes()[:9_000])
    with pytest.raises(Unreadable, match=r"words\.duckdb cannot be read: "):
        open_dataset(ducks)
    with pytest.raises(Unreadable, match=r"it is a database of DuckDB, whose names end with \.duckdb or \.db"):
        open_dataset(duck(tmp_path, name="duck.sqlite"))
    (tmp_path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(Unreadable, match="it is a database neither of SQLite nor of DuckDB but"):
        open_dataset(tmp_path / "Thumbs.db")


def test_rows_that_are_listed_again_and_again_end(tmp_path: Path):
    """The pages of a table are a tree; in this one every branch is the same leaf."""
    path = tmp_path / "loop.sqlite"
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA page_size = 512")
        opened.execute("CREATE TABLE t (a)")
        opened.executemany("INSERT INTO t VALUES (?)", [(i,) for i in range(20_000)])
        opened.commit()
        (root,) = opened.execute("SELECT rootpage FROM sqlite_master").fetchone()
    data = bytearray(path.read_bytes())
    pages = [data[i : i + 512] for i in range(0, len(data), 512)]
    page = pages[root - 1]
    assert page[0] == 5  # an inner page of a table
    inner = [i for i, each in enumerate(pages) if each[0] == 5 and i > 0 and i != root - 1]
    leaf = next(i for i, each in enumerate(pages) if each[0] == 13 and i > 0)
    for number in (root - 1, *inner):
        each, target = pages[number], (inner[0] if number == root - 1 else leaf) + 1
        for cell in range(int.from_bytes(each[3:5], "big")):
            at = int.from_bytes(each[12 + 2 * cell : 14 + 2 * cell], "big")
            each[at : at + 4] = target.to_bytes(4, "big")
    path.write_bytes(b"".join(pages))
    with pytest.raises((Unreadable, NoVectors)):
        open_dataset(path, table="t")


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "8")
    for path in (sqlite(tmp_path), duck(tmp_path)):
        with pytest.raises(TooLarge):
            open_dataset(path)


def test_a_table_of_what_has_none_is_told(tmp_path: Path):
    np.save(tmp_path / "a.npy", VECTORS)
    for source in (tmp_path / "a.npy", VECTORS, open_dataset(VECTORS), "digits"):
        with pytest.raises(BadParameter, match=r"table=words is not allowed: only a database \(\.sqlite, "):
            open_dataset(source, table="words")


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = duck(tmp_path)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ExtraMissing, match=r"Reading DuckDB needs .*\[duckdb\]"):
        open_dataset(path)
    assert open_dataset(sqlite(tmp_path)).n_rows == 9


def test_texts_of_a_table_are_encoded(tmp_path: Path):
    path = sqlite(tmp_path, "CREATE TABLE more AS SELECT word FROM words LIMIT 5")
    made = open_dataset(path, table="more", text="word", encoder=lambda texts: [[len(text), i, 1.0] for i, text in enumerate(texts)])
    assert (made.n_rows, made.n_dims) == (5, 3)


def test_the_catalog_and_the_command_line_name_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "datasets"
    folder.mkdir()
    path = sqlite(folder, "CREATE TABLE more AS SELECT * FROM words LIMIT 5")
    (folder / "catalog.yaml").write_text("few:\n  file: words.sqlite\n  table: more\n")
    monkeypatch.chdir(tmp_path)
    found = catalog().find("few")
    assert found is not None
    assert found.open().n_rows == 5
    assert cli.main(["project", str(path), "--table", "more", "--method", "pca", "-o", "out.csv"]) == 0
    assert "5 rows" in capsys.readouterr().out
    assert cli.main(["project", str(path), "--method", "pca", "-o", "out.csv"]) == 2
    assert "holds the tables more, words" in capsys.readouterr().err
