"""Seats of real processes in one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import explorer
from explorer.errors import StoreUnwritable, TooManyPages
from explorer.operations import seats
from explorer.operations.seats import Seat, take_seat
from explorer.records.visitor import Visitor

ANNA, BOB = Visitor("1", "anna", "10.0.0.1"), Visitor("2", "bob", "10.0.0.1")


@pytest.fixture(autouse=True)
def _two_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("EXPLORER_SESSIONS", "2")


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another server, in which anna has a page open."""
    code = (
        "import sys\nfrom explorer.operations.seats import take_seat\nfrom explorer.records.visitor import Visitor\n"
        "seat = take_seat(Visitor('3', 'anna', '10.9.9.9'), lambda: True)\nprint('now', flush=True)\nsys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(explorer.__file__).resolve().parents[1])}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    yield process
    process.kill()
    process.communicate()


def taken(visitor: Visitor, *, connected: bool = True) -> Seat:
    seat = take_seat(visitor, lambda: connected)
    assert seat is not None
    return seat


def test_each_person_has_so_many_pages_until_one_is_closed():
    first, second = taken(ANNA), taken(ANNA)
    with pytest.raises(TooManyPages, match="You have 2 pages of Explorer open already, and more is not allowed here"):
        take_seat(ANNA, lambda: True)
    bob = taken(BOB)
    first.leave()
    first.leave()
    third = taken(ANNA)
    for seat in (bob, second, third):
        seat.leave()


def test_where_nobody_has_logged_in_pages_are_counted_by_address():
    pages = [taken(Visitor("1", address="10.0.0.1")), taken(Visitor("2", address="10.0.0.1")), taken(Visitor("3", address="10.0.0.2"))]
    with pytest.raises(TooManyPages):
        take_seat(Visitor("4", address="10.0.0.1"), lambda: True)
    pages.append(taken(Visitor("4", "10.0.0.1", "10.0.0.1")))  # a user with that name is somebody else
    for page in pages:
        page.leave()


def test_a_page_whose_browser_is_gone_gives_its_place_to_the_next_one():
    loaded_again, coming = taken(ANNA, connected=False), taken(ANNA, connected=False)
    with pytest.raises(TooManyPages):
        take_seat(ANNA, lambda: True)  # both browsers may be on their way
    loaded_again.arrive()
    last = taken(ANNA)
    with pytest.raises(TooManyPages):
        take_seat(ANNA, lambda: True)
    for seat in (loaded_again, coming, last):
        seat.leave()
    assert not seats._seats


def test_pages_on_other_servers_count_until_those_end_even_when_they_are_killed(other: subprocess.Popen[str]):
    here = taken(ANNA)
    with pytest.raises(TooManyPages):
        take_seat(ANNA, lambda: True)
    other.kill()
    other.wait()
    second = taken(ANNA)
    for seat in (here, second):
        seat.leave()


def test_without_a_limit_nothing_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("EXPLORER_SESSIONS")
    assert take_seat(ANNA, lambda: True) is None
    assert not (tmp_path / "store").exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path):
    (tmp_path / "store").write_text("a file, no folder")
    with pytest.raises(StoreUnwritable):
        take_seat(ANNA, lambda: True)
