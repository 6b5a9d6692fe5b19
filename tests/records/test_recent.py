"""What was opened last: a few names, the last one first, whatever happens to the file."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from explorer.records.recent import MOST, note_opened, recently_opened


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the names are, in a store that is not there yet."""
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))
    return tmp_path / "store" / "recent.json"


def test_the_last_ones_are_known_by_name_each_once(file: Path) -> None:
    assert recently_opened() == []
    for name in ("a", "b", "Wörter/c", "a", "a"):
        note_opened(name)
    assert recently_opened() == ["a", "Wörter/c", "b"]
    for number in range(MOST):
        note_opened(str(number))
    assert recently_opened() == [str(number) for number in reversed(range(MOST))]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_was_opened_before_is_not_written_again(file: Path) -> None:
    note_opened("a")
    file.write_text(json.dumps(["b"]), encoding="utf-8")  # as another server does
    note_opened("a")
    assert recently_opened() == ["b"]
    note_opened("c")
    assert recently_opened() == ["c", "b"]


@pytest.mark.parametrize("said", ["", "{", "[" * 90_000, '{"a": 1}', '["a", 1]', "null", '"a"', "[" + '"a",' * 50_000 + '"a"]', "\ud800"])
def test_a_file_that_is_damaged_counts_as_none_and_is_written_anew(file: Path, said: str, caplog: pytest.LogCaptureFixture) -> None:
    file.parent.mkdir()
    file.write_bytes(said.encode("utf-8", "surrogatepass"))
    with caplog.at_level(logging.WARNING):
        assert recently_opened() == []
    assert str(file) in caplog.text
    note_opened("b")
    assert recently_opened() == ["b"]


def test_a_store_that_cannot_be_written_is_told_once(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.parent.write_text("no folder")
    with caplog.at_level(logging.WARNING):
        note_opened("a")
        caplog.clear()
        note_opened("a")
    assert caplog.text == ""
    assert not recently_opened()
