"""A helper process as who asks it sees it: it answers, ends, and is started again."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from explorer.helper_process import HelperEnded, HelperProcess

CHILD = """
import json, os, sys
for line in sys.stdin.buffer:
    asked = json.loads(line)
    data = sys.stdin.buffer.read(asked.get("size", 0))
    if asked.get("end") == "quietly":
        sys.exit(0)
    if asked.get("end") == "before":
        print("Why: it had to", file=sys.stderr)
        sys.exit(3)
    sys.stdout.buffer.write(json.dumps({"pid": os.getpid(), "text": asked.get("text")}).encode())
    if asked.get("end") == "within":
        os.abort()
    sys.stdout.buffer.write(b"\\n" + data)
    sys.stdout.buffer.flush()
    if asked.get("end") == "after":
        sys.exit(0)
"""


@pytest.fixture
def helper() -> HelperProcess:
    return HelperProcess(["-c", CHILD])


def test_it_answers_with_bytes_behind_the_line(helper: HelperProcess):
    data = bytes(range(256)) * 1_000
    answer = helper.ask({"text": "ä\nb\ud800", "size": len(data)}, data)
    assert answer["text"] == "ä\nb\ud800"
    assert helper.read(len(data)) == data
    assert helper.ask({})["pid"] == answer["pid"] != os.getpid()


def test_it_is_told_how_it_ended_and_it_is_started_again(helper: HelperProcess):
    first = helper.ask({})["pid"]
    with pytest.raises(HelperEnded, match=r"^with exit code 3: Why: it had to$"):
        helper.ask({"end": "before"})
    assert helper.ask({"end": "after"})["pid"] != first
    with pytest.raises(HelperEnded, match="with exit code -6"):
        helper.ask({"end": "within"})
    with pytest.raises(HelperEnded, match=r"^with exit code 0$"):
        helper.ask({"end": "quietly"})
    assert helper.ask({"size": 3}, b"abc")
    assert helper.read(3) == b"abc"


def test_fewer_bytes_than_there_should_be_are_told(helper: HelperProcess):
    helper.ask({"size": 3, "end": "after"}, b"abc")
    with pytest.raises(HelperEnded, match="with exit code 0"):
        helper.read(4)


def test_it_ends_with_who_holds_it():
    made = HelperProcess(["-c", CHILD])
    pid = made.ask({})["pid"]
    assert Path(f"/proc/{pid}").exists()
    del made
    gc.collect()
    assert not Path(f"/proc/{pid}").exists()
