"""The command line, from a file to a file and from a mistake to a sentence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import explorer
from explorer import cli

Run = Callable[..., subprocess.CompletedProcess[str]]
N, D = 40, 5


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def vectors(here: Path) -> np.ndarray:
    """40 vectors in ``vectors.parquet``, with two columns beside them; row 3 cannot be drawn."""
    values = np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)
    values[3] = 0
    table = pd.DataFrame({"word": [f"word {i}" for i in range(N)], "size": np.arange(N), "embedding": list(values)})
    table.to_parquet(here / "vectors.parquet")
    return values


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that cannot be done, and return its sentence."""
    assert cli.main(words) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.startswith("explorer: ")
    assert shown.err.count("\n") == 1
    return shown.err


def test_version_and_help_are_quick_to_come(python: Run):
    assert python("-m", "explorer", "--version").stdout == f"explorer {explorer.__version__}\n"
    for command in cli.COMMANDS:
        shown = python("-m", "explorer", *command.split(), "--help").stdout
        assert shown.startswith(f"usage: explorer {command}".strip())
        assert "default: None" not in shown


def test_datasets_lists_the_catalog(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {entry.name for entry in explorer.catalog()} == {line.split()[0] for line in lines[1:]}
    assert any(re.match(r"wordnet-10k +WordNet, 10,000 senses", line) for line in lines)


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv", "tsv", "jsonl"])
def test_project_writes_metadata_and_coordinates(ending: str, vectors: np.ndarray, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["project", "vectors.parquet", "--method", "pca", "-o", f"out.{ending}"]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"wrote out.{ending}: 40 rows, PCA\n"
    *foreseen, remark = shown.err.splitlines()
    assert remark == "explorer: 1 row is not drawn: no usable vector (missing, not finite or nothing but zeros)."
    assert all(re.fullmatch(r"explorer: PCA takes about \d+ s and \d+ MB of memory\.", line) for line in foreseen)
    written = explorer.open_dataset(f"out.{ending}")
    assert written.frame()["word"].tolist() == [f"word {i}" for i in range(N)]
    (layout,) = written.layouts
    expected = explorer.project("vectors.parquet", "pca").coordinates
    np.testing.assert_allclose(layout.coordinates, expected, rtol=1e-5, atol=1e-6)
    assert np.isnan(layout.coordinates[3]).all()


def test_a_projected_file_shows_its_layouts_without_computing(vectors: np.ndarray, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["project", "vectors.parquet", "--method", "pca", "--method", "pca", "-o", "out.parquet"]) == 0
    written = explorer.open_dataset("out.parquet")
    assert written.fingerprint == explorer.open_dataset("vectors.parquet").fingerprint
    assert [(layout.method, dict(layout.params)) for layout in written.layouts] == [("pca", explorer.PCA().settings())]


def test_what_does_not_fit_into_memory_is_one_sentence_with_what_would(
    vectors: np.ndarray, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EXPLORER_MEMORY", "60")
    told = refused(capsys, "project", "vectors.parquet", "--method", "tsne", "--tsne-seed", "8", "-o", "out.csv")
    assert re.fullmatch(
        r"explorer: t-SNE of vectors needs about \d+ MB of memory, and EXPLORER_MEMORY allows 60 MB\. What would fit: PCA\.\n", told
    )
    with pytest.raises(explorer.ParameterError, match="t-SNE of vectors needs about"):
        explorer.forecast("vectors.parquet", "tsne", seed=8)


def test_a_forecast_is_told_in_one_line_and_only_where_something_is_computed(vectors: np.ndarray, capsys: pytest.CaptureFixture[str]):
    words = ["project", "vectors.parquet", "--method", "pca", "--pca-x", "3", "-o", "out.csv"]
    foreseen = explorer.forecast("vectors.parquet", "pca", x=3)
    assert foreseen is not None
    assert foreseen.memory > 0
    assert cli.main(words) == 0
    assert capsys.readouterr().err.startswith(f"explorer: PCA takes {foreseen}.\n")
    assert explorer.forecast("vectors.parquet", "pca", x=3) is None
    assert cli.main(words) == 0
    assert "takes" not in capsys.readouterr().err


def test_projecting_again_replaces_the_layout_of_that_method(vectors: np.ndarray):
    assert cli.main(["project", "vectors.parquet", "--method", "pca", "-o", "out.parquet"]) == 0
    assert cli.main(["project", "out.parquet", "--method", "pca", "-o", "out.parquet"]) == 0
    names = pq.read_schema("out.parquet").names
    assert len(names) == len(set(names))
    assert len(explorer.open_dataset("out.parquet").layouts) == 1


@pytest.mark.parametrize("ending", ["parquet", "feather", "jsonl"])
def test_neighbors_are_lists_in_files_that_have_lists(ending: str, vectors: np.ndarray, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["neighbors", "vectors.parquet", "-k", "4", "--metric", "euclidean", "-o", f"out.{ending}"]) == 0
    assert capsys.readouterr().out == f"wrote out.{ending}: 40 rows, 4 neighbors each, euclidean, recall 1.000\n"
    read = {"parquet": pd.read_parquet, "feather": pd.read_feather, "jsonl": lambda path: pd.read_json(path, lines=True)}[ending]
    table = read(f"out.{ending}")
    assert len(table) == N
    assert table["word"][7] == "word 7"
    far = np.linalg.norm(vectors - vectors[7], axis=1)
    far[[3, 7]] = np.inf
    nearest = np.argsort(far)[:4]
    assert list(table["neighbors"][7]) == nearest.tolist()
    np.testing.assert_allclose(list(table["distances"][7]), far[nearest], rtol=1e-5)


@pytest.mark.parametrize(("ending", "separator"), [("csv", ","), ("tsv", "\t")])
def test_neighbors_take_a_line_each_in_text_files(ending: str, separator: str, vectors: np.ndarray):
    assert cli.main(["neighbors", "vectors.parquet", "-k", "4", "-o", f"out.{ending}"]) == 0
    table = pd.read_csv(f"out.{ending}", sep=separator)
    assert list(table.columns) == ["row", "rank", "neighbor", "distance", "word", "neighbor_word"]
    assert len(table) == 4 * (N - 1)
    graph = explorer.neighbor_graph("vectors.parquet", k=4)
    own = table[table["row"] == 7]
    assert own["neighbor"].tolist() == graph.indices[7].tolist()
    assert own["neighbor_word"].tolist() == [f"word {i}" for i in graph.indices[7]]
    assert 3 not in set(table["row"])


def test_the_label_beside_a_line_can_be_named(vectors: np.ndarray):
    assert cli.main(["neighbors", "vectors.parquet", "-k", "1", "--label", "size", "-o", "out.csv"]) == 0
    table = pd.read_csv("out.csv")
    assert table["neighbor_size"].tolist() == table["neighbor"].tolist()


def test_vectors_are_named_by_one_column_by_a_beginning_or_one_by_one(here: Path):
    values = np.random.default_rng(0).normal(size=(N, 4))
    pd.DataFrame(values, columns=["a1", "a2", "b", "c"]).to_csv(here / "own.csv", index=False)
    for named in (["a*"], ["a1", "a2"]):
        words = [word for column in named for word in ("--vectors", column)]
        assert cli.main(["neighbors", "own.csv", "-k", "3", *words, "-o", "out.parquet"]) == 0
        expected = explorer.neighbor_graph(values[:, :2].astype(np.float32), k=3).indices
        assert pd.read_parquet("out.parquet")["neighbors"].map(list).tolist() == expected.tolist()


def test_animate_writes_the_way_between_two_layouts(vectors: np.ndarray, capsys: pytest.CaptureFixture[str]):
    small = ["--width", "320", "--seconds", "0.5", "--fps", "4", "--no-loop", "--color", "size"]
    assert (
        cli.main(["project", "vectors.parquet", "--method", "pca", "--method", "tsne", "--tsne-perplexity", "5", "-o", "both.parquet"]) == 0
    )
    capsys.readouterr()
    assert cli.main(["animate", "both.parquet", "--from", "pca", "--to", "tsne", "-o", "out.html", *small]) == 0
    shown = capsys.readouterr()
    assert shown.out == "wrote out.html: PCA → t-SNE, perplexity 5.0, 39 rows, 320 x 180, 2.5 s\n"
    assert shown.err == "explorer: 1 row is not drawn: no usable vector (missing, not finite or nothing but zeros).\n"
    assert Path("out.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_animate_says_what_is_wrong_in_one_sentence(vectors: np.ndarray, capsys: pytest.CaptureFixture[str]):
    words = ["animate", "vectors.parquet", "--from", "pca"]
    assert "There is no file gone.npy" in refused(capsys, "animate", "gone.npy", "-o", "out.gif")
    assert re.search(r"out\.avi has an ending .* \.mp4, \.webm, \.gif, \.html", refused(capsys, *words, "-o", "out.avi"))
    assert "nowhere/out.gif cannot be written: there is no folder nowhere" in refused(capsys, *words, "-o", "nowhere/out.gif")
    assert "width=321 is not allowed" in refused(capsys, *words, "--width", "321", "-o", "out.mp4")
    assert "seconds=0.0 is not allowed: give a number from 0.1 to 60." in refused(capsys, *words, "--seconds", "0", "-o", "out.gif")
    assert "isomap is not a layout" in refused(capsys, *words, "--to", "isomap", "-o", "out.gif")
    assert "pca is not a layout to travel to from PCA" in refused(capsys, *words, "--to", "pca", "-o", "out.gif")
    assert "has no column colour" in refused(capsys, *words, "--color", "colour", "-o", "out.gif")
    assert [path.name for path in Path().iterdir()] == ["vectors.parquet"]


@pytest.mark.parametrize("command", ["project", "neighbors"])
def test_what_cannot_be_opened_is_one_sentence(command: str, here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "empty.npy").touch()
    (here / "broken.parquet").write_bytes(b"PAR1 but then nothing")
    np.save(here / "pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (here / "words.csv").write_text("word\nsun\nmoon\n", "utf-8")
    (here / "notes.xyz").write_text("?", "utf-8")
    out = ["-o", "out.parquet"]
    assert "There is no file gone.parquet" in refused(capsys, command, "gone.parquet", *out)
    assert "empty.npy cannot be read: it is empty" in refused(capsys, command, "empty.npy", *out)
    assert "broken.parquet cannot be read" in refused(capsys, command, "broken.parquet", *out)
    assert "pickle" in refused(capsys, command, "pickled.npy", *out)
    assert "words.csv has no column of vectors" in refused(capsys, command, "words.csv", *out)
    assert "notes.xyz" in refused(capsys, command, "notes.xyz", *out)
    assert not (here / "out.parquet").exists()


def test_a_file_that_cannot_be_opened_is_told_before_a_server_starts(here: Path, capsys: pytest.CaptureFixture[str]):
    assert "There is no file gone.parquet" in refused(capsys, "gone.parquet")
    assert "There is no file gone.parquet" in refused(capsys, "serve", "gone.parquet")


def test_vectors_are_needed_to_compute(here: Path, capsys: pytest.CaptureFixture[str]):
    pd.DataFrame({"x": [0.5, 1.5, 2.5], "y": [1.5, 1.25, 0.5], "word": ["a", "b", "c"]}).to_csv("map.csv", index=False)
    assert "vectors" in refused(capsys, "project", "map.csv", "-o", "out.csv")
    assert "vectors" in refused(capsys, "neighbors", "map.csv", "-o", "out.csv")


@pytest.mark.parametrize("command", ["project", "neighbors"])
def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(command: str, here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "folder.csv").mkdir()
    assert "nowhere/out.csv cannot be written: there is no folder nowhere" in refused(capsys, command, "gone.npy", "-o", "nowhere/out.csv")
    assert "folder.csv cannot be written: it is a folder" in refused(capsys, command, "gone.npy", "-o", "folder.csv")
    assert re.search(r"out\.docx has an ending .* \.parquet", refused(capsys, command, "gone.npy", "-o", "out.docx"))


def test_parameters_that_do_not_fit_are_one_sentence(vectors: np.ndarray, capsys: pytest.CaptureFixture[str]):
    assert "k=50 needs more than 50 rows" in refused(capsys, "neighbors", "vectors.parquet", "-k", "50", "-o", "out.csv")
    assert "k=0" in refused(capsys, "neighbors", "vectors.parquet", "-k", "0", "-o", "out.csv")
    words = ["project", "vectors.parquet", "-o", "out.csv"]
    assert "min_dist=7.0 is not allowed" in refused(capsys, *words, "--umap-min-dist", "7")
    assert "--tsne-seed=7 is not allowed" in refused(capsys, *words, "--tsne-seed", "7")
    assert not Path("out.csv").exists()


@pytest.mark.parametrize("words", [["project", "a.npy"], ["project", "a.npy", "-o", "b.csv", "--method", "sne"], ["--port", "many"]])
def test_words_that_are_not_understood_exit_with_2(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        cli.main(words)
    said = capsys.readouterr().err
    assert re.fullmatch(r"explorer: .+; see explorer( project)? --help\.\n", said)


@pytest.mark.parametrize("setting", ["THREADS", "WORKERS", "RENDER_THREADS", "STORE_MB", "UPLOAD_MB", "PIXEL_RATIO"])
def test_a_setting_that_cannot_be_used_is_one_sentence(setting: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"EXPLORER_{setting}", "many")
    assert f"EXPLORER_{setting}=many is not allowed: give a whole number." in refused(capsys, "datasets")


def test_a_name_that_the_catalog_does_not_have_gets_the_closest_one(here: Path, capsys: pytest.CaptureFixture[str]):
    assert "has no dataset wordnet-10. Did you mean wordnet-10k?" in refused(capsys, "neighbors", "wordnet-10", "-o", "out.csv")


def test_a_port_that_is_taken_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"--port={port} is not allowed" in refused(capsys, "--no-show", "--address", "127.0.0.1", "--port", port)
    assert "--port=70000 is not allowed: give 1 to 65,535" in refused(capsys, "--no-show", "--port", "70000")


def test_ctrl_c_cancels_and_leaves_nothing_behind(here: Path):
    np.save("many.npy", np.random.default_rng(0).normal(size=(5_000, 50)).astype(np.float32))
    words = [sys.executable, "-m", "explorer", "project", "many.npy", "--method", "tsne", "--tsne-n-iter", "10000", "-o", "out.parquet"]
    with subprocess.Popen(
        words, env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        time.sleep(4)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the compute process, too
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert out == ""
    assert re.fullmatch(r"explorer: t-SNE takes about .*\.\nexplorer: interrupted\.\n", err)
    assert [path.name for path in here.iterdir()] == ["many.npy"]


def test_ctrl_c_ends_an_animation_and_leaves_nothing_behind(here: Path):
    places = np.random.default_rng(0).normal(size=(5_000, 4)).astype(np.float32)
    pd.DataFrame(places, columns=["pca_1", "pca_2", "umap_1", "umap_2"]).to_parquet("many.parquet")
    words = [sys.executable, "-m", "explorer", "animate", "many.parquet", "--to", "pca", "--seconds", "60", "--fps", "60", "-o", "out.mp4"]
    with subprocess.Popen(
        words, env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        end = time.monotonic() + 60
        while not any(path.stat().st_size for path in here.glob(".out.mp4.*.part")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert (out, err) == ("", "explorer: interrupted.\n")
    assert [path.name for path in here.iterdir()] == ["many.parquet"]


KINDS = ["bird with wings", "fish with fins", "tree with leaves", "stone"]


@pytest.fixture
def kinds(here: Path) -> np.ndarray:
    """Rows of four kinds in ``kinds.parquet``, far from each other, with texts; one row cannot be drawn."""
    kind = np.repeat(np.arange(4), 30)
    values = (np.eye(4)[kind] * 20 + np.random.default_rng(0).normal(size=(120, 4))).astype(np.float32)
    values[7] = 0
    texts = [f"some {KINDS[of]} number {i} of the many that there are here" for i, of in enumerate(kind)]
    pd.DataFrame({"text": texts, "embedding": list(values)}).to_parquet(here / "kinds.parquet")
    return kind


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_clusters_are_a_column_of_names(ending: str, kinds: np.ndarray, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["clusters", "kinds.parquet", "--coarsest", "4", "-o", f"out.{ending}"]) == 0
    assert capsys.readouterr().out == f"wrote out.{ending}: 120 rows, 4 clusters\n"
    table = pd.read_parquet("out.parquet") if ending == "parquet" else pd.read_csv("out.csv")
    named = table["clusters"]
    assert named.isna().to_numpy().nonzero()[0].tolist() == [7]
    for of, kind in enumerate(KINDS):
        (name,) = named[(kinds == of) & named.notna()].unique()
        assert kind.split()[0] in name
    found = explorer.find_clusters("kinds.parquet", coarsest=4)
    assert found.titles == ("clusters",)
    (names,), (rows,) = found.names, found.memberships
    assert [names[row] for row in rows if row >= 0] == named.dropna().tolist()
    assert rows[7] == -1
    assert found.sizes(0).tolist() == np.bincount(rows[rows >= 0]).tolist()
    assert [parents.tolist() for parents in found.parents] == [[-1] * 4]
    if ending == "parquet":
        written = explorer.open_dataset("out.parquet")
        assert written.vectors is not None
        assert written.roles["clusters"] == "category"


def test_clusters_that_cannot_be_are_one_sentence(kinds: np.ndarray, capsys: pytest.CaptureFixture[str]):
    assert "coarsest=1" in refused(capsys, "clusters", "kinds.parquet", "--coarsest", "1", "-o", "out.csv")
    assert ".h5ad" in refused(capsys, "clusters", "kinds.parquet", "-o", "out.h5ad")
    pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]}).to_csv("map.csv")
    assert "vectors" in refused(capsys, "clusters", "map.csv", "-o", "out.csv")
    assert sorted(path.name for path in Path().iterdir()) == ["kinds.parquet", "map.csv"]


def test_a_dataset_that_is_open_gains_no_column_by_looking_for_clusters(kinds: np.ndarray):
    dataset = explorer.open_dataset("kinds.parquet")
    before = list(dataset.roles)
    assert len(explorer.find_clusters(dataset, metric="euclidean", coarsest=4, progress=False).names[0]) == 4
    assert list(dataset.roles) == before
