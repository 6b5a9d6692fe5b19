"""Uploads of several users in one real folder, by threads and by processes that are killed."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.data.catalog import catalog
from explorer.data.uploads import Uploads, passing, sweep, uploads_folder
from explorer.errors import QuotaReached, UnknownFormat, Unreadable, Unwritable


def npy(n: int = 30, *, seed: int = 0) -> bytes:
    file = io.BytesIO()
    np.save(file, np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32))
    return file.getvalue()


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def files() -> list[Path]:
    return [path for path in uploads_folder().rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_an_upload_is_found_again_by_its_user_and_by_nobody_else():
    kept = Uploads("anna").keep("mine.npy", npy(), None)
    (found,) = Uploads("anna").listed()
    assert found == kept
    assert (found.title, found.n_bytes) == ("mine.npy", len(npy()))
    opened = found.open()
    assert (opened.name, opened.n_rows) == ("mine.npy", 30)
    for other in ("bob", "Anna", "anna ", "", "../anna", "*"):
        assert Uploads(other).listed() == ()
        Uploads(other).remove(kept.id)
    assert Uploads("anna").listed() == (kept,)


def test_no_name_gets_into_a_path_and_no_other_account_may_look():
    user, name = "../../anna/ü\udc80", "../../mine \u202e.npy"
    upload = Uploads(user).keep(name, npy(), "a*")
    assert (upload.title, upload.vectors) == (name, "a*")
    parts = [part for path in files() for part in path.relative_to(uploads_folder()).parts]
    assert all(part in ("data.npy", "about.json") or set(part) <= set("0123456789abcdef") for part in parts)
    folders = [uploads_folder(), *(path for path in uploads_folder().rglob("*") if path.is_dir())]
    assert len(folders) == 3
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in folders)


def test_files_of_one_name_are_told_apart_and_each_is_deleted_by_itself():
    uploads = Uploads("anna")
    first, second, third = (uploads.keep("mine.npy", npy(seed=seed)) for seed in range(3))
    assert [upload.title for upload in (first, second, third)] == ["mine.npy", "mine.npy (2)", "mine.npy (3)"]
    uploads.remove(second.name)
    uploads.remove(second.id)
    assert {upload.title for upload in uploads.listed()} == {"mine.npy", "mine.npy (3)"}
    assert len(files()) == 4
    assert uploads.keep("mine.npy", npy()).title == "mine.npy (2)"


def test_what_is_too_much_is_refused_whoever_comes_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_UPLOAD_QUOTA_MB", "1")
    data = npy(18_000)  # 0.29 MB

    def keep(number: int) -> str:
        try:
            Uploads("anna").keep(f"{number}.npy", data)
        except QuotaReached as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as threads:
        sentences = [said for said in threads.map(keep, range(8)) if said]
    assert len(sentences) == 5
    assert len(Uploads("anna").listed()) == 3
    assert "(288 kB): your uploads take 864 kB of the 1 MB that each user has here" in sentences[0]
    assert sentences[0].endswith("Delete one of them in the list of your uploads, and upload it again.")
    Uploads("bob").keep("his.npy", data)
    with pytest.raises(QuotaReached, match="Upload a part of it"):
        Uploads("eve").keep("large.npy", npy(70_000))
    assert Uploads("eve").listed() == ()


def test_what_has_expired_is_not_there_and_gets_removed(monkeypatch: pytest.MonkeyPatch):
    upload = Uploads("anna").keep("mine.npy", npy())
    sweep()
    assert Uploads("anna").listed() == (upload,)
    monkeypatch.setenv("EXPLORER_UPLOAD_HOURS", "0.0000001")
    assert Uploads("anna").listed() == ()
    assert files()
    sweep()
    assert [path for path in uploads_folder().rglob("*") if path.suffix != ".lock"] == []


def test_room_that_expired_uploads_took_is_there_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_UPLOAD_QUOTA_MB", "1")
    Uploads("anna").keep("old.npy", npy(50_000))
    monkeypatch.setenv("EXPLORER_UPLOAD_HOURS", "0.0000001")
    Uploads("anna").keep("new.npy", npy(50_000))
    assert len([path for path in files() if path.name == "data.npy"]) == 1


def test_what_is_not_an_upload_is_left_out_and_what_was_never_finished_removed():
    uploads = Uploads("anna")
    upload = uploads.keep("mine.npy", npy())
    folder = upload.path.parent.parent
    for name, about in (
        ("0" * 16, "{"),
        ("1" * 16, "[]"),
        ("2" * 16, '{"title": "x", "file": "../../../x.npy"}'),
        ("3" * 16 + ".draft", ""),
    ):
        (folder / name).mkdir()
        (folder / name / "about.json").write_text(about)
    assert uploads.listed() == (upload,)
    sweep()
    assert [path.name for path in folder.iterdir()] == [upload.id]


def test_a_file_is_there_only_while_it_is_read():
    with passing("mine.npy", npy()) as path:
        assert path.read_bytes() == npy()
        sweep()
        assert path.exists()
    assert files() == []


@pytest.fixture
def reader() -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a process that reads an upload and does not come to its end."""
    started: list[subprocess.Popen[str]] = []
    code = (
        "import sys\nfrom explorer.data.uploads import passing\n"
        "with passing('a.npy', b'x'):\n    print('now', flush=True); sys.stdin.read()"
    )

    def start() -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(explorer.__file__).resolve().parents[1])}
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_a_killed_server_left_is_removed_and_what_another_one_reads_is_not(reader: Callable[[], subprocess.Popen[str]]):
    lives, killed = reader(), reader()
    assert len(files()) == 2
    sweep()
    assert len(files()) == 2
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    sweep()
    assert len(files()) == 1
    lives.communicate("")
    assert files() == []


@pytest.mark.parametrize("name", ["", "..", "noending", "a.pickle", ".npy"])
def test_a_file_of_no_known_kind_is_never_written(name: str):
    for keep in (lambda: Uploads("anna").keep(name, b"x"), lambda: passing(name, b"x").__enter__()):
        with pytest.raises(UnknownFormat):
            keep()
    assert files() == []


def test_what_cannot_be_read_names_the_file_as_its_user_does():
    upload = Uploads("anna").keep("mine.npy", b"no array")
    with pytest.raises(Unreadable) as caught:
        upload.open()
    assert str(caught.value).startswith("mine.npy cannot be read: ")
    assert "store" not in str(caught.value)


def test_where_nothing_can_be_written_a_sentence_says_so(store: Path):
    store.write_text("a file, no folder")
    with pytest.raises(Unwritable, match=r"mine\.npy cannot be written"):
        Uploads("anna").keep("mine.npy", npy())
    assert Uploads("anna").listed() == ()


def test_no_catalog_lists_uploads_wherever_the_store_lies(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    upload = Uploads("anna").keep("mine.npy", npy())
    np.save(tmp_path / "public.npy", np.zeros((4, 3)))
    (tmp_path / "link.npy").symlink_to(upload.path)
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    known = catalog()
    assert "public" in known.names
    assert not [entry for entry in known if entry.path == upload.path.resolve()]
    assert not [problem for problem in known.problems if "uploads" in problem]
    assert known.with_uploads([upload]).find(upload.name) is not None


def test_what_could_stop_the_server_when_it_is_damaged_is_not_taken(store: Path):
    for name in ("mine.h5", "MINE.HDF5", "cells.h5ad", "mine.duckdb", "mine.db", "my.faiss"):
        with pytest.raises(Unreadable, match=rf"^{name} cannot be read: .* not taken as an upload"):
            Uploads("anna").keep(name, b"\x89HDF\r\n\x1a\n")
    assert not store.exists()
