"""What visitors upload: theirs alone, refused with a sentence, and audited either way."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.data.uploads import Uploads, uploads_folder
from explorer.errors import ExplorerError, QuotaReached, ReadOnly, UnknownDataset, Unreadable, UploadTooLarge
from explorer.intake import Intake
from explorer.jobs.runner import Runner
from explorer.records.visitor import NOBODY, Visitor
from explorer.session import Session
from explorer.store.store import Store

ANNA, BOB = Visitor("1a2b3c4d", "anna"), Visitor("5e6f7a8b", "bob")


def npy(n: int = 30, *, seed: int = 0) -> bytes:
    file = io.BytesIO()
    np.save(file, np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32))  # pairs: a map already
    return file.getvalue()


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Runner]:
    made = Runner(Store(tmp_path / "store", limit_mb=1000))
    yield made
    made.close()


@pytest.fixture
def start(loop: Any, jobs: Runner) -> Iterator[Callable[[Visitor], Session]]:
    """Start a session for somebody, as another server process would, too."""
    started: list[Session] = []

    def session(visitor: Visitor) -> Session:
        started.append(Session(schedule=loop, jobs=jobs, visitor=visitor))
        return started[-1]

    yield session
    for each in started:
        each.close()


@pytest.fixture
def audited(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """What the audit says: its facts, and who."""
    caplog.set_level("INFO", "explorer.audit")
    return lambda: [{"user": line.visitor.user, **line.facts} for line in caplog.records if line.name == "explorer.audit"]


def test_somebody_who_has_logged_in_finds_an_upload_again_opens_it_by_name_and_deletes_it(
    start: Callable[[Visitor], Session], loop: Any, audited: Callable[[], list[dict[str, Any]]]
):
    first = start(ANNA)
    first.open_upload("mine.npy", npy())
    loop.until(lambda: first.scene is not None)
    (upload,) = first.catalog.uploads
    assert first.catalog[-1].title == first.dataset.name == "mine.npy"
    second = start(ANNA)
    second.open_entry(upload.name)
    loop.until(lambda: second.scene is not None)
    assert second.dataset is first.dataset  # in memory once
    second.remove_upload(upload.name).result(60)
    loop.run()
    assert audited()[-1] == {"user": "anna", "action": "delete", "dataset": "mine.npy", "rows": None}
    assert second.catalog.uploads == ()
    assert second.dataset.name == "mine.npy"  # on the map until another one is
    assert isinstance(first.open_entry(upload.name).exception(60), UnknownDataset)
    loop.run()
    assert first.error.startswith(f"The catalog has no dataset {upload.name}")


def test_nobody_else_sees_opens_or_deletes_it(start: Callable[[Visitor], Session], loop: Any):
    anna = start(ANNA)
    anna.open_upload("mine.npy", npy())
    loop.until(lambda: anna.scene is not None)
    (upload,) = anna.catalog.uploads
    for visitor in (BOB, NOBODY, Visitor("9", "-"), Visitor("9", "")):
        other = start(visitor)
        for asked in (upload.name, upload.id, upload.title, str(upload.path), f"uploads/{upload.id}"):
            assert not other.open_ready(asked)
            assert isinstance(other.open_entry(asked).exception(60), UnknownDataset)
        other.remove_upload(upload.name).result(60)
        loop.run()
        assert other.catalog.uploads == ()
        assert upload.id not in other.error.replace(f"uploads/{upload.id}", "")
    assert Uploads("anna").listed() == (upload,)


def test_where_nobody_has_logged_in_an_upload_is_read_and_forgotten(start: Callable[[Visitor], Session], loop: Any):
    session = start(NOBODY)
    session.open_upload("mine.npy", npy())
    loop.until(lambda: session.scene is not None)
    assert (session.dataset.name, session.catalog.uploads) == ("mine.npy", ())
    assert not list(uploads_folder().rglob("data*"))


@pytest.mark.parametrize("visitor", [ANNA, NOBODY])
@pytest.mark.parametrize(
    ("settings", "data", "kind"),
    [
        ({"EXPLORER_READ_ONLY": "yes"}, npy(), ReadOnly),
        ({"EXPLORER_UPLOAD_MB": "1"}, npy(130_000), UploadTooLarge),
        ({}, b"", Unreadable),
        ({}, b"no array", Unreadable),
    ],
)
def test_what_is_refused_is_not_kept_and_the_audit_says_why(
    visitor: Visitor, settings: dict[str, str], data: bytes, kind: type[ExplorerError], start: Callable[[Visitor], Session], loop: Any,
    audited: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    session = start(visitor)
    error = session.open_upload("mine.npy", data).exception(60)
    assert isinstance(error, kind)
    loop.run()
    assert session.error == str(error)
    assert "store" not in session.error.replace("its store", "")
    assert session.catalog.uploads == ()
    assert not list(uploads_folder().rglob("data*"))
    (line,) = audited()
    assert line == {"user": visitor.user, "action": "upload", "dataset": "mine.npy", "rows": None, "refused": str(error)}


def test_a_quota_is_each_users_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_UPLOAD_QUOTA_MB", "1")
    anna, bob, nobody = Intake(ANNA), Intake(BOB), Intake(NOBODY)
    anna.open_upload("a.npy", npy(70_000), None)
    with pytest.raises(QuotaReached, match="your uploads take 560 kB of the 1 MB"):
        anna.open_upload("b.npy", npy(70_000), None)
    bob.open_upload("b.npy", npy(70_000), None)
    for _ in range(3):
        nobody.open_upload("c.npy", npy(70_000), None)
    assert [upload.title for upload in anna.catalog().uploads] == ["a.npy"]


def test_uploads_of_one_name_are_chosen_by_titles_of_their_own(start: Callable[[Visitor], Session], loop: Any):
    session = start(ANNA)
    for seed in range(2):
        before = session.dataset
        session.open_upload("mine.npy", npy(seed=seed))
        loop.until(lambda before=before: session.dataset is not before)
    assert session.dataset.name == "mine.npy (2)"
    assert [entry.title for entry in session.catalog][-2:] == ["mine.npy (2)", "mine.npy"]


def test_openings_that_are_refused_are_audited(
    start: Callable[[Visitor], Session],
    loop: Any,
    audited: Callable[[], list[dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    np.save(tmp_path / "large.npy", np.zeros((50, 4), np.float32))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "40")
    session = start(ANNA)
    for name, sentence in (("large", "EXPLORER_MAX_ROWS allows 40"), ("../../etc/passwd", "The catalog has no dataset")):
        session.open_entry(name).exception(60)
        loop.run()
        assert sentence in session.error
        assert audited()[-1] == {"user": "anna", "action": "open", "dataset": name, "rows": None, "refused": session.error}
