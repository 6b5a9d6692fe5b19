"""AnnData's files: one that the anndata library has written (files/make_cells.py), and what becomes of it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.sparse
from numpy.typing import NDArray

from explorer import cli
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.export import check_results, write_layouts, write_neighbors
from explorer.errors import BadVectors, ExtraMissing, UnknownColumn, Unreadable, Unwritable
from tests.data.test_export import MadeGraph, MadeLayout

CELLS = Path(__file__).with_name("files") / "cells.h5ad"


def changed(folder: Path, change: Callable[[h5py.File], object]) -> Path:
    """Copy the cells and change something in them."""
    shutil.copyfile(CELLS, folder / "changed.h5ad")
    with h5py.File(folder / "changed.h5ad", "r+") as file:
        change(file)
    return folder / "changed.h5ad"


def counts() -> NDArray[np.float32]:
    with h5py.File(CELLS) as file:
        parts = [file["X"][name][:] for name in ("data", "indices", "indptr")]
    return scipy.sparse.csr_matrix(tuple(parts), (30, 8)).toarray()


def values(path: Path, place: str) -> NDArray[np.float32]:
    with h5py.File(path) as file:
        return file[place][:]


def test_vectors_are_the_pca_and_pairs_are_layouts():
    cells = open_dataset(CELLS)
    np.testing.assert_array_equal(cells.vectors, values(CELLS, "obsm/X_pca"))
    assert [layout.name for layout in cells.layouts] == ["tsne", "umap", "spatial"]
    np.testing.assert_array_equal(cells.layouts[1].coordinates, values(CELLS, "obsm/X_umap"))
    assert (cells.name, cells.notes) == ("cells", ())


def test_obs_is_the_table():
    cells = open_dataset(CELLS)
    assert cells.table.column_names == ["index", "kind", "maybe", "donor", "alive", "n_counts", "remark", "good"]
    assert (cells.color, cells.roles["kind"], cells.roles["index"]) == ("kind", "category", "id")
    assert cells.row(2)["donor"] is None
    assert cells.row(3)["alive"] is None
    barcode, kind, alive = "barcode-4", "NK cell", True
    expected = {"index": barcode, "kind": kind, "maybe": None, "donor": 1, "alive": alive, "n_counts": 4.0, "remark": "cell nüm 4"}
    assert cells.row(4) == {**expected, "good": True}


@pytest.mark.parametrize("stream_mb", ["0", "256"])
@pytest.mark.parametrize("name", ["X", "layers/counts"])
def test_counts_are_vectors_when_asked_for(monkeypatch: pytest.MonkeyPatch, name: str, stream_mb: str):
    """X has rows, the layer has columns."""
    monkeypatch.setenv("EXPLORER_STREAM_MB", stream_mb)
    np.testing.assert_array_equal(open_dataset(CELLS, vectors=name).vectors, counts())


def test_any_matrix_can_be_asked_for():
    np.testing.assert_array_equal(open_dataset(CELLS, vectors="X_scvi").vectors, values(CELLS, "obsm/X_scvi"))
    assert [layout.name for layout in open_dataset(CELLS, vectors="spatial").layouts] == ["tsne", "umap"]
    with pytest.raises(UnknownColumn, match=r"no column X_scVI\. Did you mean X_scvi\? Its columns are X_pca, X_scvi, X, layers/counts"):
        open_dataset(CELLS, vectors="X_scVI")


def test_without_a_pca_the_widest_embedding_is_taken_and_then_the_counts(tmp_path: Path):
    def without_pca(file: h5py.File) -> None:
        del file["obsm/X_pca"]

    assert open_dataset(changed(tmp_path, without_pca)).n_dims == 6

    def dense(file: h5py.File) -> None:
        del file["obsm"], file["X"]
        file["X"] = np.arange(90.0).reshape(30, 3)

    np.testing.assert_array_equal(open_dataset(changed(tmp_path, dense)).vectors, np.arange(90).reshape(30, 3))


def test_the_graph_is_taken_where_its_distances_are_those_of_the_vectors():
    cells = open_dataset(CELLS)
    assert cells.graph is not None
    assert (cells.graph.metric, cells.graph.indices.shape) == ("euclidean", (30, 5))
    between = np.linalg.norm(cells.vectors[:, None] - cells.vectors[None], axis=2)
    np.fill_diagonal(between, np.inf)
    np.testing.assert_array_equal(cells.graph.indices, np.argsort(between, axis=1)[:, :5])
    np.testing.assert_allclose(cells.graph.distances, np.sort(between, axis=1)[:, :5], rtol=1e-5)
    for other in ("X", "X_scvi"):
        assert open_dataset(CELLS, vectors=other).graph is None


@pytest.mark.parametrize("what", ["metric", "rows", "itself"])
def test_a_graph_that_cannot_be_one_of_the_vectors_is_left(tmp_path: Path, what: str):
    def change(file: h5py.File) -> None:
        if what == "metric":
            del file["uns/neighbors/params/metric"]
            file["uns/neighbors/params/metric"] = "cosine"
        elif what == "rows":
            starts = file["obsp/distances/indptr"]
            starts[1] = starts[1] - 1
        else:
            file["obsp/distances/indices"][1] = file["obsp/distances/indices"][0]

    assert open_dataset(changed(tmp_path, change)).graph is None


def test_categories_of_the_first_files_are_read(tmp_path: Path):
    """As AnnData 0.7 wrote them."""

    def older(file: h5py.File) -> None:
        obs = file["obs"]
        codes, categories = obs["kind/codes"][:], obs["kind/categories"][:]
        del obs["kind"]
        obs["kind"], obs["__categories/kind"] = codes, categories
        file["X"].attrs["h5sparse_format"], file["X"].attrs["h5sparse_shape"] = "csr", file["X"].attrs["shape"]
        del file["X"].attrs["encoding-type"], file["X"].attrs["shape"]

    old = open_dataset(changed(tmp_path, older), vectors="X")
    assert old.table["kind"].to_pylist() == open_dataset(CELLS).table["kind"].to_pylist()
    np.testing.assert_array_equal(old.vectors, counts())


def test_texts_that_may_be_missing_are_read(tmp_path: Path):
    """As AnnData 0.12 may write them, the index and categories as well."""

    def newer(file: h5py.File) -> None:
        for place in ("obs/_index", "obs/remark", "obs/kind/categories"):
            texts = file[place][:]
            del file[place]
            group = file.create_group(place)
            group.attrs["encoding-type"] = "nullable-string-array"
            group["values"], group["mask"] = texts, np.arange(len(texts)) == 1 if place == "obs/remark" else np.zeros(len(texts), bool)

    new, cells = open_dataset(changed(tmp_path, newer)), open_dataset(CELLS)
    assert new.row(0) == cells.row(0)
    assert new.row(1) == {**cells.row(1), "remark": None}


def test_what_is_not_understood_is_left_out_with_a_sentence(tmp_path: Path):
    def change(file: h5py.File) -> None:
        del file["obs/donor"]
        file.create_group("obs/donor").attrs["encoding-type"] = "of tomorrow"

    opened = open_dataset(changed(tmp_path, change))
    assert opened.notes == ("Column donor is left out: how it is written is not understood here.",)
    assert "donor" not in opened.table.column_names


def damage(place: str, at: object, value: object) -> Callable[[h5py.File], object]:
    def change(file: h5py.File) -> None:
        file[place][at] = value

    return change


def shorter(file: h5py.File) -> None:
    del file["obs/good"]
    file["obs/good"] = [1, 2]


OUTSIDE, UNFIT, NO_INDEX = "values outside of its shape", "its parts do not fit each other", "its table obs has no index _index"
DAMAGES = {
    "a column beyond": (damage("X/indices", 3, 8), OUTSIDE),
    "a column before": (damage("X/indices", 3, -1), OUTSIDE),
    "a row beyond": (damage("layers/counts/indices", 3, 30), OUTSIDE),
    "a start beyond": (damage("X/indptr", 3, 10**6), UNFIT),
    "an end beyond": (damage("X/indptr", -1, 10**6), UNFIT),
    "a start before": (damage("X/indptr", 0, -1), UNFIT),
    "another shape": (lambda file: file["X"].attrs.update(shape=[31, 8]), UNFIT),
    "no values": (lambda file: file.pop("X/data"), "lacks a part"),
    "a category beyond": (damage("obs/kind/codes", 3, 9), "[Ii]ndex 9 out of bounds"),
    "no index": (lambda file: file.pop("obs/_index"), NO_INDEX),
    "no table": (lambda file: file.pop("obs"), "has no table obs"),
    "a short column": (shorter, "column good of obs has 2 values for 30 rows"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_is_told(tmp_path: Path, name: str):
    change, message = DAMAGES[name]
    with pytest.raises(Unreadable, match=rf"changed\.h5ad cannot be read: .*{message}"):
        open_dataset(changed(tmp_path, change), vectors="layers/counts" if name == "a row beyond" else "X")


def test_what_is_no_file_of_anndata_is_told(tmp_path: Path):
    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        file["vectors"] = np.eye(4)
    with pytest.raises(Unreadable, match="it is an HDF5 file, but not one of AnnData"):
        open_dataset(tmp_path / "other.h5ad")
    (tmp_path / "half.h5ad").write_bytes(CELLS.read_bytes()[:40_000])
    with pytest.raises(Unreadable, match="truncated"):
        open_dataset(tmp_path / "half.h5ad")


def test_a_row_of_zeros_is_not_drawn_and_has_no_neighbors(tmp_path: Path):
    with pytest.raises(BadVectors, match="no row is left to draw"):
        open_dataset(changed(tmp_path, damage("obsm/X_pca", slice(None), 0)))
    opened = open_dataset(changed(tmp_path, damage("obsm/X_pca", 7, 0)))
    assert np.flatnonzero(~opened.drawable).tolist() == [7]
    assert opened.graph is None  # others had it as a neighbor


def test_links_out_of_the_file_are_not_followed(tmp_path: Path):
    shutil.copyfile(CELLS, tmp_path / "secret.h5ad")

    def link(place: str) -> Callable[[h5py.File], object]:
        def change(file: h5py.File) -> None:
            del file[place]
            file[place] = h5py.ExternalLink("secret.h5ad", f"/{place}")

        return change

    assert open_dataset(changed(tmp_path, link("obsm/X_pca"))).n_dims == 6
    assert "kind" not in open_dataset(changed(tmp_path, link("obs/kind"))).table.column_names
    with pytest.raises(Unreadable, match="has no table obs"):
        open_dataset(changed(tmp_path, link("obs")))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ExtraMissing, match=r"Reading HDF5 needs .*\[hdf5\]"):
        open_dataset(CELLS)


def layout(method: str = "umap", n: int = 30) -> MadeLayout:
    return MadeLayout(method, np.arange(2.0 * n, dtype=np.float32).reshape(n, 2))


def everything(path: Path) -> dict[str, object]:
    """List what is in a file, and the values of arrays."""
    found: dict[str, object] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, node: found.update({name: np.asarray(node).tolist() if hasattr(node, "dtype") else None}))
    return found


def test_layouts_are_written_into_a_copy_of_which_all_else_stays(tmp_path: Path):
    before = CELLS.read_bytes()
    write_layouts(tmp_path / "out.h5ad", open_dataset(CELLS), [layout("umap"), layout("pca")])
    was, now = everything(CELLS), everything(tmp_path / "out.h5ad")
    assert {name for name in now if now[name] != was.get(name, "new")} == {"obsm/X_umap", "obsm/X_pca_2d"}
    assert was.keys() <= now.keys()
    assert now["obsm/X_umap"] == now["obsm/X_pca_2d"] == layout().coordinates.tolist()
    assert CELLS.read_bytes() == before
    assert {each.name for each in open_dataset(tmp_path / "out.h5ad").layouts} == {"pca", "tsne", "umap", "spatial"}
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5ad"]


def test_a_copy_may_take_the_place_of_what_was_read(tmp_path: Path):
    path = changed(tmp_path, lambda _: None)
    write_layouts(path, open_dataset(path), [layout("tsne")])
    assert everything(path)["obsm/X_tsne"] == layout().coordinates.tolist()


def test_columns_that_were_computed_are_in_obs(tmp_path: Path):
    cells = open_dataset(CELLS)
    cells.add_column("moved: umap to tsne", np.arange(30, dtype=np.float32))
    write_layouts(tmp_path / "out.h5ad", cells, [])
    again = open_dataset(tmp_path / "out.h5ad")
    assert again.table.column_names == [*open_dataset(CELLS).table.column_names, "moved: umap to tsne"]
    assert again.row(7)["moved: umap to tsne"] == 7.0


def test_neighbors_are_written_and_reused(tmp_path: Path):
    vectors = open_dataset(CELLS, vectors="X_scvi")
    between = np.linalg.norm(vectors.vectors[:, None] - vectors.vectors[None], axis=2)
    np.fill_diagonal(between, np.inf)
    graph = MadeGraph(np.argsort(between, axis=1)[:, :3].astype(np.int32), np.sort(between, axis=1)[:, :3], "euclidean")
    write_neighbors(tmp_path / "out.h5ad", vectors, graph)
    again = open_dataset(tmp_path / "out.h5ad", vectors="X_scvi").graph
    assert again is not None
    np.testing.assert_array_equal(again.indices, graph.indices)
    assert open_dataset(tmp_path / "out.h5ad").graph is not None  # that of X_pca is still there


def test_what_was_read_from_elsewhere_is_not_written(tmp_path: Path):
    other = open_dataset(np.eye(4), name="Four")
    with pytest.raises(Unwritable, match="a copy of the one that was read, and Four was read from none"):
        write_layouts(tmp_path / "out.h5ad", other, [layout(n=4)])
    with pytest.raises(Unwritable, match="read from none"):
        check_results(tmp_path / "out.h5ad", other)
    assert not list(tmp_path.iterdir())


def test_a_file_that_has_changed_meanwhile_is_told(tmp_path: Path):
    path = changed(tmp_path, lambda _: None)
    cells = open_dataset(path)

    def fewer(file: h5py.File) -> None:
        del file["obs/_index"]
        file["obs/_index"] = ["a", "b"]

    refused(changed(tmp_path, fewer), cells, "has changed since it was read")


def test_nothing_is_written_into_another_file(tmp_path: Path):
    shutil.copyfile(CELLS, tmp_path / "secret.h5ad")

    def link(file: h5py.File) -> None:
        del file["obsm"]
        file["obsm"] = h5py.ExternalLink("secret.h5ad", "/obsm")

    path = changed(tmp_path, link)
    refused(path, open_dataset(path, vectors="X"), "its obsm is no group of its own")
    assert (tmp_path / "secret.h5ad").read_bytes() == CELLS.read_bytes()


def refused(path: Path, cells: Dataset, message: str) -> None:
    out = path.with_name("out.h5ad")
    with pytest.raises(Unwritable, match=message):
        write_layouts(out, cells, [layout()])
    assert not out.exists()


def test_the_command_line_reads_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["project", str(CELLS), "--method", "pca", "-o", str(tmp_path / "out.h5ad")]) == 0
    assert "30 rows, PCA" in capsys.readouterr().out
    assert np.isfinite(values(tmp_path / "out.h5ad", "obsm/X_pca_2d")).all()
    assert cli.main(["project", "digits", "--method", "pca", "-o", str(tmp_path / "digits.h5ad")]) == 2
    assert "read from none" in capsys.readouterr().err
