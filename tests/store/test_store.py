"""The store keeps what is whole, and nothing else."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import StoreUnwritable
from explorer.store.arrays import Blocks
from explorer.store.store import Artifact, Store

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", limit_mb=100)


def keep(store: Store, key: str = KEY, kind: str = "layout", value: float = 1.0) -> Artifact:
    arrays = {"coordinates": np.full((1000, 2), value, np.float32), "rows": np.arange(7, dtype=np.int32)}
    return store.put(kind, key, arrays, {"method": "umap"})


def folder(store: Store, kind: str = "layout", key: str = KEY) -> Path:
    return store.folder / kind / key[:2] / key


def test_what_was_put_comes_back_equal_mapped_and_read_only(store: Store) -> None:
    keep(store)
    artifact = store.get("layout", KEY)
    assert artifact is not None
    np.testing.assert_array_equal(artifact.arrays["rows"], np.arange(7))
    coordinates = artifact.arrays["coordinates"]
    assert coordinates.dtype == np.float32
    assert type(coordinates) is np.ndarray
    assert isinstance(coordinates.base, np.memmap)
    assert not coordinates.flags.writeable
    assert artifact.meta == {"method": "umap"}
    assert store.has("layout", KEY)


def test_what_was_never_put_is_none(store: Store) -> None:
    assert store.get("layout", KEY) is None
    assert not store.has("layout", KEY)
    assert list(store.entries("layout")) == []


@pytest.mark.parametrize("shape", [(0,), (0, 3), (5, 0)])
def test_empty_arrays_are_kept(store: Store, shape: tuple[int, ...]) -> None:
    array = store.put("layout", KEY, {"empty": np.empty(shape, np.float32)}, {}).arrays["empty"]
    assert array.shape == shape
    assert array.dtype == np.float32


def test_blocks_are_kept_as_one_array(store: Store) -> None:
    whole = np.arange(30, dtype=np.float32).reshape(10, 3)
    blocks = Blocks((10, 3), whole.dtype, lambda: (whole[:4], whole[4:]))
    np.testing.assert_array_equal(store.put("vectors", KEY, {"vectors": blocks}, {}).arrays["vectors"], whole)


def test_blocks_that_do_not_add_up_are_refused(store: Store) -> None:
    blocks = Blocks((10,), np.dtype(np.float32), lambda: (np.zeros(9, np.float32),))
    with pytest.raises(ValueError, match="the blocks hold 9 values"):
        store.put("vectors", KEY, {"vectors": blocks}, {})
    assert store.get("vectors", KEY) is None


def test_python_objects_are_never_stored(store: Store) -> None:
    with pytest.raises(ValueError, match="Python objects"):
        store.put("layout", KEY, {"objects": np.array([{}], dtype=object)}, {})


@pytest.mark.parametrize("n", [1, 1000, 300_000])
@pytest.mark.parametrize("cut", [1, 4096])
def test_a_truncated_array_is_removed(store: Store, n: int, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    store.put("layout", KEY, {"coordinates": np.ones((n, 2), np.float32)}, {})
    file = folder(store) / "coordinates.npy"
    os.truncate(file, max(0, file.stat().st_size - cut))
    with caplog.at_level(logging.WARNING, "explorer.store.store"):
        assert store.get("layout", KEY) is None
    assert "Removed layout" in caplog.text
    assert not folder(store).exists()


@pytest.mark.parametrize("at", [0, 8, 100, 4000, -1])
def test_a_flipped_byte_is_noticed(store: Store, at: int) -> None:
    keep(store)
    file = folder(store) / "coordinates.npy"
    content = bytearray(file.read_bytes())
    content[at] ^= 0xFF
    file.write_bytes(content)
    assert store.get("layout", KEY) is None
    assert not folder(store).exists()


def test_a_big_array_is_checked_at_its_first_and_last_page(store: Store) -> None:
    for at in (200, -1):
        store.put("layout", KEY, {"coordinates": np.ones((300_000, 2), np.float32)}, {})
        with (folder(store) / "coordinates.npy").open("r+b") as file:
            file.seek(at, os.SEEK_SET if at > 0 else os.SEEK_END)
            file.write(b"\x55")
        assert store.get("layout", KEY) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", json.dumps({"format": 1, "kind": "layout", "key": KEY, "arrays": [1]}).encode()],
    ids=["empty", "cut", "null", "list", "no fields", "bytes", "wrong types"],
)
def test_a_garbage_meta_is_removed(store: Store, content: bytes) -> None:
    keep(store)
    (folder(store) / "meta.json").write_bytes(content)
    assert list(store.entries("layout")) == []
    assert store.get("layout", KEY) is None
    assert not folder(store).exists()
    keep(store)
    assert store.get("layout", KEY) is not None


def test_an_artifact_copied_to_another_key_is_foreign(store: Store) -> None:
    keep(store)
    other = "f" * 32
    shutil.copytree(folder(store), folder(store, key=other))
    assert store.get("layout", other) is None
    assert store.get("layout", KEY) is not None


def test_an_array_of_another_shape_or_dtype_is_removed(store: Store) -> None:
    keep(store)
    np.save(folder(store) / "coordinates.npy", np.full((2, 1000), 1.0, np.float32))
    assert store.get("layout", KEY) is None


def test_a_missing_array_is_removed_and_a_pickled_one_never_loaded(store: Store) -> None:
    keep(store)
    (folder(store) / "rows.npy").unlink()
    assert store.get("layout", KEY) is None
    keep(store)
    np.save(folder(store) / "rows.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert store.get("layout", KEY) is None


def test_foreign_files_in_the_folder_are_left_alone(store: Store) -> None:
    (store.folder / "layout").mkdir(parents=True)
    (store.folder / "readme.txt").write_text("mine")
    (store.folder / "layout" / "notes.txt").write_text("mine")
    (store.folder / "layout" / "01").mkdir()
    (store.folder / "layout" / "01" / "not-a-key").mkdir()
    keep(store)
    assert [entry.key for entry in store.entries("layout")] == [KEY]
    assert (store.folder / "layout" / "notes.txt").read_text() == "mine"


def test_a_file_where_the_artifact_should_be_is_replaced(store: Store) -> None:
    folder(store).parent.mkdir(parents=True)
    folder(store).write_text("a file, not a folder")
    assert store.get("layout", KEY) is None
    keep(store)
    assert store.get("layout", KEY) is not None


def test_deleting_the_folder_is_always_safe(store: Store) -> None:
    artifact = keep(store)
    shutil.rmtree(store.folder)
    assert store.get("layout", KEY) is None
    assert artifact.arrays["coordinates"][999, 1] == 1.0  # what is mapped stays readable
    keep(store)
    assert store.get("layout", KEY) is not None


def test_deleting_the_folder_while_it_is_written_starts_again(store: Store) -> None:
    calls = []

    def blocks() -> list[np.ndarray]:
        calls.append(1)
        if len(calls) == 1:
            shutil.rmtree(store.folder)
        return [np.ones(4, np.float32)]

    store.put("vectors", KEY, {"vectors": Blocks((4,), np.dtype(np.float32), blocks)}, {})
    assert store.get("vectors", KEY) is not None
    assert len(calls) == 2


def test_the_first_of_two_writers_wins(store: Store) -> None:
    keep(store, value=1.0)
    assert keep(store, value=2.0).arrays["coordinates"][0, 0] == 1.0
    assert list((store.folder / "tmp").iterdir()) == []


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    store = Store(tmp_path, limit_mb=1)
    keys = [digit * 32 for digit in "123"]
    for age, key in enumerate(keys):
        store.put("layout", key, {"a": np.zeros(75_000, np.float32)}, {})  # 0.3 MB each
        os.utime(folder(store, key=key) / "meta.json", (1000.0 + age, 1000.0 + age))
    assert store.get("layout", keys[0]) is not None  # used: now the newest
    store.put("graph", KEY, {"a": np.zeros(75_000, np.float32)}, {})
    assert [store.has("layout", key) for key in keys] == [True, False, True]
    assert store.has("graph", KEY)
    assert store.size_mb() < 1.0


def test_what_was_just_written_stays_even_when_it_is_over_the_limit(tmp_path: Path) -> None:
    store = Store(tmp_path, limit_mb=1)
    keep(store)
    store.put("vectors", "a" * 32, {"a": np.zeros(500_000, np.float32)}, {})
    assert store.has("vectors", "a" * 32)
    assert not store.has("layout", KEY)


def test_leftovers_of_dead_processes_are_swept(store: Store) -> None:
    old, young = store.folder / "tmp" / "old", store.folder / "tmp" / "young"
    for left in (old, young):
        left.mkdir(parents=True)
    os.utime(old, (1000.0, 1000.0))
    keep(store)
    assert not old.exists()
    assert young.exists()


def test_an_unwritable_folder_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    store = Store(tmp_path / "store")
    with pytest.raises(StoreUnwritable, match=r"Results cannot be kept in .*store: Not a directory\. Free some space, or name another"):
        keep(store)
    with pytest.raises(StoreUnwritable, match="Results cannot be kept"):
        store.lock("layout", KEY)
    assert store.get("layout", KEY) is None


def test_keys_depend_on_everything_and_on_nothing_else(store: Store) -> None:
    key = store.key("layout", "f00", {"n_neighbors": 15, "min_dist": 0.0, "range": (1, 2)}, 1)
    assert key == store.key("layout", "f00", {"range": [1, 2], "min_dist": 0, "n_neighbors": np.int64(15)}, 1)
    others = [
        store.key("graph", "f00", {"n_neighbors": 15, "min_dist": 0.0, "range": (1, 2)}, 1),
        store.key("layout", "f01", {"n_neighbors": 15, "min_dist": 0.0, "range": (1, 2)}, 1),
        store.key("layout", "f00", {"n_neighbors": 16, "min_dist": 0.0, "range": (1, 2)}, 1),
        store.key("layout", "f00", {"n_neighbors": 15, "min_dist": 0.0, "range": (1, 2)}, 2),
    ]
    assert len({key, *others}) == 5


def test_entries_list_metas_and_notice_what_is_gone(store: Store) -> None:
    keep(store)
    keep(store, key="a" * 32)
    assert {entry.key: entry.meta["method"] for entry in store.entries("layout")} == {KEY: "umap", "a" * 32: "umap"}
    shutil.rmtree(folder(store))
    assert [entry.key for entry in store.entries("layout")] == ["a" * 32]


def test_a_lock_is_held_by_one_thread_at_a_time(store: Store) -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter() -> None:
        with store.lock("graph", KEY):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


_WRITER = """
import sys
import numpy as np
from explorer.store.store import Store
store = Store(sys.argv[1])
for turn in range(40):
    value = np.float32(int(sys.argv[2]))
    artifact = store.put("layout", f"{turn % 4:032x}", {"a": np.full(20_000, value)}, {})
    a = artifact.arrays["a"]
    assert (a == a[0]).all() and a[0] in (1, 2), a
    if turn % 5 == 0:
        store._remove(store._path("layout", f"{turn % 4:032x}"))
"""


def test_two_processes_write_the_same_keys_without_tearing_them(tmp_path: Path) -> None:
    root = Path(sys.modules["explorer.store.store"].__file__ or "").parents[2]
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), name], cwd=root, stderr=subprocess.PIPE) for name in ("1", "2")
    ]
    for writer in writers:
        _, said = writer.communicate(timeout=60)
        assert writer.returncode == 0, said.decode()
    store = Store(tmp_path)
    for entry in store.entries("layout"):
        assert store.get("layout", entry.key) is not None
    assert list((tmp_path / "tmp").iterdir()) == []
