from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.jobs.runner import Runner
from explorer.records.visitor import NOBODY, Visitor
from explorer.session import Session
from explorer.views.uploads import UploadList


def npy(seed: int) -> bytes:
    file = io.BytesIO()
    np.save(file, np.random.default_rng(seed).normal(size=(30, 2)).astype(np.float32))
    return file.getvalue()


@pytest.fixture
def anna(loop: Any, jobs: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The session of somebody who has logged in, who has uploaded two files."""
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))
    made = Session(schedule=loop, jobs=jobs, visitor=Visitor("1a2b3c4d", "anna"))
    for number in range(2):
        made.open_upload(f"{number}.npy", npy(number)).result(60)
        loop.run()
    yield made
    made.close()


def test_the_list_has_names_sizes_and_how_long_each_stays(anna: Session, monkeypatch: pytest.MonkeyPatch):
    shown = UploadList(anna).component
    assert shown.visible
    listed = shown.content["uploads"]
    assert [upload["title"] for upload in listed] == ["1.npy", "0.npy"]
    assert {upload["bytes"] for upload in listed} == {len(npy(0))}
    assert (shown.content["limit"], shown.content["hours"], shown.content["fixed"]) == (10_000_000_000, 168.0, False)


def test_a_click_opens_and_another_deletes(anna: Session, loop: Any):
    uploads = UploadList(anna)
    _, first = uploads.component.content["uploads"]
    uploads._take({"type": "open", "name": first["name"]})
    loop.until(lambda: anna.dataset.name == "0.npy")
    uploads._take({"type": "delete", "name": first["name"]})
    loop.until(lambda: len(uploads.component.content["uploads"]) == 1)
    assert anna.dataset.name == "0.npy"


@pytest.mark.parametrize(
    "message",
    [None, [], "delete", {}, {"type": "delete"}, {"type": "delete", "name": 3}, {"type": "delete", "name": "upload:0"}, {"name": "digits"}],
)
def test_whatever_else_a_browser_says_changes_nothing(anna: Session, loop: Any, message: Any):
    uploads = UploadList(anna)
    uploads._take(message)
    uploads._take({"type": "open", "name": "digits"})
    loop.run()
    assert len(uploads.component.content["uploads"]) == 2
    assert anna.dataset.name == "1.npy"


def test_a_read_only_server_deletes_nothing_that_is_not_expired(anna: Session, loop: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_READ_ONLY", "1")
    uploads = UploadList(anna)
    assert uploads.component.content["fixed"]
    uploads._take({"type": "delete", "name": uploads.component.content["uploads"][0]["name"]})
    anna.open_entry("digits")
    loop.until(lambda: anna.dataset.name != "1.npy")
    assert len(anna.catalog.uploads) == 2


def test_where_there_is_nothing_to_list_and_will_be_nothing_there_is_no_list(loop: Any, jobs: Runner, monkeypatch: pytest.MonkeyPatch):
    nobody, bob = (Session(schedule=loop, jobs=jobs, visitor=visitor) for visitor in (NOBODY, Visitor("5e6f7a8b", "bob")))
    assert not UploadList(nobody).component.visible
    assert UploadList(bob).component.visible
    monkeypatch.setenv("EXPLORER_READ_ONLY", "1")
    assert not UploadList(bob).component.visible
    for session in (nobody, bob):
        session.close()
