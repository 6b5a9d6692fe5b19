from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.compute.alignment import Similarity
from explorer.compute.projections import Layout
from explorer.data.catalog import Entry
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import FileMissing
from explorer.render.layout_index import LayoutIndex
from explorer.scene import Run, stage
from explorer.shelf import colored, open_shared, shown, shown_already
from explorer.store.store import Store
from explorer.turning import Turned


def entry(folder: Path, seed: int = 0, name: str = "noise") -> Entry:
    path = folder / f"{name}.npy"
    np.save(path, np.random.default_rng(seed).normal(size=(20, 3)).astype(np.float32))
    return Entry(name, name, path=path)


def test_everybody_gets_the_same_dataset_while_somebody_holds_it(tmp_path: Path):
    one = entry(tmp_path)
    first = open_shared(one)
    assert open_shared(one) is first
    assert open_shared(Entry("noise", "noise", path=one.path)) is first


def test_what_nobody_holds_is_opened_again(tmp_path: Path):
    one = entry(tmp_path)
    known = {id(open_shared(one).table)}
    gc.collect()
    assert open_shared(one).n_rows == 20
    assert len(known) == 1


def test_a_file_that_has_changed_is_opened_again(tmp_path: Path):
    one = entry(tmp_path)
    first = open_shared(one)
    entry(tmp_path, seed=1)
    os.utime(tmp_path / "noise.npy", ns=(1, time.time_ns()))
    second = open_shared(one)
    assert second is not first
    assert second.fingerprint != first.fingerprint


def test_a_folder_of_which_a_part_has_changed_is_opened_again(tmp_path: Path):
    folder = tmp_path / "words"
    folder.mkdir()
    for i in range(2):
        pq.write_table(pa.table({"embedding": [[1.0, 2.0, i], [3.0, 4.0, i]]}), folder / f"part-{i}.parquet")
    one = Entry("words", "words", path=folder)
    first = open_shared(one)
    assert open_shared(one) is first
    pq.write_table(pa.table({"embedding": [[1.0, 2.0, 9.0], [3.0, 4.0, 9.0]]}), folder / "part-1.parquet")
    os.utime(folder / "part-1.parquet", ns=(1, time.time_ns()))
    assert open_shared(one).fingerprint != first.fingerprint


def test_other_options_are_another_dataset(tmp_path: Path):
    one = entry(tmp_path)
    assert open_shared(one) is not open_shared(Entry("noise", "Noise, renamed", path=one.path))


def test_who_asks_meanwhile_waits_and_gets_the_same():
    made, ready = [], threading.Event()

    def load() -> Dataset:
        made.append(threading.current_thread().name)
        ready.wait(20)
        return open_dataset(np.eye(3, dtype=np.float32), name="Slow")

    one = Entry("slow", "Slow", loader=load)
    found: list[Dataset] = []
    threads = [threading.Thread(target=lambda: found.append(open_shared(one))) for _ in range(4)]
    for thread in threads:
        thread.start()
    ready.set()
    for thread in threads:
        thread.join(20)
    assert len(made) == 1
    assert len({id(data) for data in found}) == 1


def test_a_failure_is_everybodys_own_and_is_not_kept(tmp_path: Path):
    one = Entry("gone", "gone", path=tmp_path / "gone.npy")
    for _ in range(2):
        with pytest.raises(FileMissing, match=r"There is no file .*gone\.npy"):
            open_shared(one)
    entry(tmp_path, name="gone")
    assert open_shared(one).n_rows == 20


def layout(seed: int = 0) -> Layout:
    return Layout(np.random.default_rng(seed).normal(size=(20, 2)).astype(np.float32), "pca", {})


def test_everybody_sees_one_index_of_a_computed_layout(tmp_path: Path):
    data = open_shared(entry(tmp_path))
    run = Run("PCA", "pca", {}, None)
    first = shown(data, run, layout())
    assert shown(data, Run("PCA", "pca", {}, None), layout()) is first
    assert shown(data, Run("t-SNE", "tsne", {"seed": 1}, None), layout()) is not first
    assert shown(data, Run("t-SNE, seed 2", "tsne", {"seed": 2}, None), layout()).run.settings == {"seed": 2}


def test_coordinates_that_came_with_the_same_vectors_are_not_mixed_up():
    vectors = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    data = open_dataset(vectors, name="same")
    run = Run("x, y", None, {}, 0)
    one, other = layout(1), layout(2)
    first, second = shown(data, run, one), shown(data, run, other)
    assert shown(data, run, one) is first
    assert np.array_equal(first.layout.coordinates, one.coordinates)
    assert np.array_equal(second.layout.coordinates, other.coordinates)


def test_the_index_of_a_large_layout_is_kept_and_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("explorer.shelf._KEPT_FROM", 1000)
    store = Store(tmp_path, limit_mb=100)
    places = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32)
    places[7] = np.nan
    data = open_dataset(places)
    run = Run("PCA", "pca", {}, None)
    built = shown(data, run, Layout(places, "pca", {}), store).index
    gc.collect()
    monkeypatch.setattr(LayoutIndex, "build", None)  # not asked for again
    kept = shown(data, run, Layout(places.copy(), "pca", {}), store).index
    assert kept is not built
    for name, array in built.arrays().items():
        np.testing.assert_array_equal(kept.arrays()[name], array)
    bottom: object = kept.x
    while isinstance(bottom, np.ndarray) and not isinstance(bottom, np.memmap):
        bottom = bottom.base
    assert isinstance(bottom, np.memmap)
    assert (kept.home, kept.extent, kept.n_rows) == (built.home, built.extent, 5000)


def test_the_rows_of_a_large_layout_in_space_are_kept_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("explorer.shelf._KEPT_FROM", 1000)
    store = Store(tmp_path, limit_mb=100)
    places = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    places[7] = np.nan
    data = open_dataset(places)
    run = Run("PCA, 3-D", "pca", {"n_components": 3}, None)
    built = shown(data, run, Layout(places, "pca", {}), store)
    assert isinstance(built, Turned)
    arrays = {name: array.copy() for name, array in built.index.arrays().items()}
    del built
    gc.collect()
    monkeypatch.setattr("explorer.shelf.Cloud.build", lambda _: pytest.fail("built again"))
    kept = shown(data, run, Layout(places.copy(), "pca", {}), store)
    for name, array in kept.index.arrays().items():
        np.testing.assert_array_equal(array, arrays[name])


def test_a_layout_that_lies_otherwise_is_another_one_on_the_map_and_kept_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("explorer.shelf._KEPT_FROM", 1000)
    store, turn = Store(tmp_path, limit_mb=100), Similarity.of(angle=0.5, scale=3.0, reflected=True, shift=(1.0, 2.0))
    places = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32)
    places[7] = np.nan
    data, run, made = open_dataset(places), Run("PCA", "pca", {}, None), Layout(places, "pca", {})
    plain, turned = shown(data, run, made, store), shown(data, run, made, store, frame=turn)
    assert turned is not plain
    assert shown(data, run, made, store, frame=turn) is turned
    assert shown_already(data, run, frame=turn) is turned
    assert shown_already(data, run) is plain
    assert shown_already(data, run, frame=turn.inverse()) is None
    rows = turned.index.rows
    np.testing.assert_array_equal(np.stack([turned.index.x, turned.index.y], axis=1), turned.places(rows))
    np.testing.assert_allclose(turned.places(rows), turn.apply(places)[rows])
    assert turned.place(7) is None
    assert np.array_equal(turned.layout.coordinates, places, equal_nan=True)

    built = turned.index
    del plain, turned
    gc.collect()
    monkeypatch.setattr(LayoutIndex, "build", None)  # not asked for again
    monkeypatch.setattr(LayoutIndex, "moved", None)
    kept = shown(data, run, Layout(places.copy(), "pca", {}), store, frame=turn).index
    assert kept is not built
    for name, array in built.arrays().items():
        np.testing.assert_array_equal(kept.arrays()[name], array)


@pytest.mark.parametrize("harm", ["truncated", "unwritable"])
def test_a_layout_is_shown_whatever_has_become_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str):
    monkeypatch.setattr("explorer.shelf._KEPT_FROM", 10)
    places = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    data, run = open_dataset(places), Run("PCA", "pca", {}, None)
    folder = tmp_path / "store"
    if harm == "unwritable":
        folder.write_text("in the way")
    else:
        shown(data, run, Layout(places, "pca", {}), Store(folder, limit_mb=100))
        gc.collect()
        for file in folder.rglob("x.npy"):
            file.write_bytes(file.read_bytes()[:-4])
    assert len(shown(data, run, Layout(places.copy(), "pca", {}), Store(folder, limit_mb=100)).index) == 50


def test_a_columns_colors_and_their_order_on_a_layout_are_the_same_for_everybody(tmp_path: Path):
    table = pa.table({"x": np.arange(9.0), "y": np.arange(9.0), "kind": list("abc") * 3, "score": np.arange(9.0)})
    data = open_dataset(table)
    on_map = shown(data, Run("x, y", None, {}, 0), Layout(data.layouts[0].coordinates, "given", {}))
    look = {"density": "log", "point_size": None, "mask": None}
    for column in ("kind", "score", None):
        first, second = (colored(data, column, cmap="", palette="") for _ in range(2))
        assert second is first
        assert stage(data, on_map, first, **look).color is stage(data, on_map, second, **look).color
    assert colored(data, "kind", cmap="", palette="") is not colored(open_dataset(table), "kind", cmap="", palette="")


def test_other_colors_of_a_column_have_the_same_rows():
    data = open_dataset(pa.table({"x": np.arange(9.0), "y": np.arange(9.0), "score": np.arange(9.0)}))
    first = colored(data, "score", cmap="", palette="")
    second = colored(data, "score", cmap="fire", palette="", before=first)
    assert second.values is first.values
    assert not np.array_equal(second.lut, first.lut)
    assert colored(data, "score", cmap="fire", palette="") is second
