"""The audit: a line for each thing that happened, and never one that is lost without a word."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from explorer.records import audit
from explorer.records.visitor import Visitor, visiting

ANNA = Visitor("1a2b3c4d", "anna", "10.0.0.1", "/explorer")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What ``EXPLORER_AUDIT`` names."""
    path = tmp_path / "audit.jsonl"
    monkeypatch.setenv("EXPLORER_AUDIT", str(path))
    return path


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_line_says_who_did_what_to_which_rows_and_when(file: Path):
    with visiting(ANNA):
        audit.record("open", dataset="Wörter\nund mehr", rows=1_797)
    audit.record("export", dataset="Digits", rows=3, who=ANNA, file="Digits.csv")
    first, second = lines(file)
    assert datetime.fromisoformat(first.pop("time")).utcoffset() is not None
    who = {"user": "anna", "session": "1a2b3c4d", "address": "10.0.0.1"}
    assert first == {"action": "open", **who, "dataset": "Wörter\nund mehr", "rows": 1_797}
    assert second["file"] == "Digits.csv"


def test_what_there_is_stays(file: Path):
    audit.record("open", dataset="one")
    audit.check()
    audit.record("open", dataset="two")
    assert [line["dataset"] for line in lines(file)] == ["one", "two"]


def test_only_its_owner_and_group_may_read_it(file: Path):
    audit.record("open", dataset="one")
    assert file.stat().st_mode & 0o007 == 0


def test_a_file_that_was_moved_away_is_begun_again(file: Path):
    audit.record("open", dataset="one")
    file.rename(file.with_suffix(".1"))
    audit.record("open", dataset="two")
    assert [line["dataset"] for line in lines(file)] == ["two"]


def test_several_threads_and_processes_write_whole_lines(file: Path):
    code = "from explorer.records import audit\nfor i in range(200): audit.record('open', dataset='x' * 500, rows=i)"
    others = [subprocess.Popen([sys.executable, "-c", code], env=os.environ) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: audit.record("open", dataset="y" * 500, rows=i), range(200)))
    assert [other.wait(60) for other in others] == [0, 0]
    assert len(lines(file)) == 600


def test_where_it_cannot_be_written_the_log_says_so_at_the_start_and_holds_each_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("EXPLORER_AUDIT", str(tmp_path / "missing" / "audit.jsonl"))
    with caplog.at_level(logging.INFO):
        audit.check()
        audit.record("export", dataset="Digits", rows=3, who=ANNA)
    start, told, lost = (each.getMessage() for each in caplog.records)
    assert "audit.jsonl cannot be written: No such file or directory" in start
    assert told == "export: dataset 'Digits', rows 3"
    assert json.loads(lost[lost.index("{") :])["user"] == "anna"


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setenv("EXPLORER_AUDIT", "/dev/full")  # which Linux has for this
    audit.record("open", dataset="Digits", who=ANNA)
    assert "No space left on device" in caplog.text
    assert '"dataset": "Digits"' in caplog.text
