from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr

from explorer.compute.projections import completed, projection
from explorer.data import catalog as module
from explorer.data.catalog import Entry, catalog, open_entry
from explorer.errors import UnknownDataset


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    place = tmp_path / "datasets"
    place.mkdir()
    monkeypatch.setattr(module, "datasets_folder", lambda: place)
    monkeypatch.chdir(tmp_path)
    return place


def csv(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("word,kind,e1,e2,e3\na,p,1,2,3\nb,p,4,5,6\nc,q,7,8,9\nd,q,1,1,1\n", encoding="utf-8")
    return path


def describe(folder: Path, text: str) -> None:
    (folder / "catalog.yaml").write_text(text, encoding="utf-8")


def test_the_shipped_catalog_has_the_sample_first_and_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    shipped = catalog()
    assert shipped.names[:2] == ["wordnet-10k", "digits"]
    assert shipped.problems == ()
    assert shipped[0].title == "WordNet, 10,000 senses"


def test_a_file_dropped_into_the_folder_shows_at_once(folder: Path) -> None:
    assert catalog().names == ["digits"]
    csv(folder / "b.csv")
    csv(folder / "sub" / "a.csv")
    (folder / "README.md").write_text("no data")
    (folder / ".hidden.csv").write_text("no data")
    assert catalog().names == ["digits", "b", "sub/a"]
    (folder / "b.csv").unlink()
    assert catalog().names == ["digits", "sub/a"]


def test_two_entries_of_one_title_are_told_apart(folder: Path) -> None:
    csv(folder / "a.csv")
    csv(folder / "b.csv")
    csv(folder / "Animals.csv")
    describe(folder, "one: {file: a.csv, title: Animals}\ntwo: {file: b.csv, title: Animals}\n")
    found = {entry.name: entry.title for entry in catalog()}
    assert [found[name] for name in ("one", "two", "Animals")] == ["Animals", "Animals (two)", "Animals (Animals)"]
    assert open_entry("two").name == "Animals (two)"


def test_two_files_of_one_name_are_told_apart(folder: Path) -> None:
    csv(folder / "a.csv")
    csv(folder / "a.tsv")
    csv(folder / "digits.csv")
    assert catalog().names == ["digits", "a", "a.tsv", "digits.csv"]


def test_a_projector_pair_is_one_entry(folder: Path) -> None:
    (folder / "vectors.tsv").write_text("1\t2\t3\n4\t5\t6\n")
    (folder / "metadata.tsv").write_text("a\nb\n")
    assert catalog().names == ["digits", "vectors"]
    assert open_entry("vectors").row(1) == {"label": "b"}


def test_the_catalog_file_gives_title_columns_and_description(folder: Path) -> None:
    csv(folder / "words.csv")
    describe(
        folder,
        "mine:\n  file: words.csv\n  title: My words\n  vectors: [e1, e2]\n  label: kind\n  color: e3\n  text: word\n"
        "  description: >\n    Four\n    words.\n",
    )
    assert catalog().names == ["mine", "digits"]
    dataset = open_entry("mine")
    assert (dataset.name, dataset.description, dataset.n_dims) == ("My words", "Four words.", 2)
    assert (dataset.label, dataset.color, dataset.roles["word"]) == ("kind", "e3", "text")


def test_an_entry_may_say_only_its_file(folder: Path) -> None:
    csv(folder / "words.csv")
    describe(folder, "mine:\n  file: words.csv\n")
    assert open_entry("mine").name == "mine"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mine: [", "line 1: "),
        ("- a\n- b\n", "one entry a dataset"),
        ("just text", "one entry a dataset"),
        ("mine: words.csv", "entry mine must hold keys"),
        ("1:\n  file: words.csv", "the name 1 of an entry must be text"),
        ("mine:\n  file: words.csv\n  lable: word", "entry mine has a key 'lable'; the keys are file"),
        ("mine:\n  file: 3", "entry mine: file must be text, not 3"),
        ("mine:\n  file: words.csv\n  vectors: [1]", "vectors must be text"),
        ("mine:\n  title: x", "must say either which file: it is, or which loader:"),
        ("mine:\n  file: words.csv\n  loader: digits", "must say either"),
        ("mine:\n  loader: digts", "names a loader digts; there is digits"),
        ("mine:\n  loader: digits\n  vectors: a", "chooses its vectors by itself"),
        ("mine:\n  file: gone.csv", "there is no file gone.csv"),
        ("mine:\n  file: ../secret.csv", "lies outside"),
        ("mine:\n  file: sub/../words.csv", "lies outside"),
        ("mine:\n  file: /etc/passwd", "lies outside"),
        ("mine: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("\tmine: x", "line 1: "),
    ],
)
def test_a_wrong_entry_is_a_sentence_and_hides_nothing_else(text: str, problem: str, folder: Path) -> None:
    csv(folder / "words.csv")
    csv(folder.parent / "secret.csv")
    describe(folder, text)
    found = catalog()
    assert found.names == ["digits", "words"]
    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert str(folder / "catalog.yaml") in found.problems[0]


def test_one_wrong_entry_hides_no_other(folder: Path) -> None:
    csv(folder / "words.csv")
    describe(folder, "bad:\n  file: gone.csv\ngood:\n  file: words.csv\n")
    found = catalog()
    assert found.names == ["good", "digits"]
    assert len(found.problems) == 1


def test_a_catalog_that_is_no_text_hides_no_file(folder: Path) -> None:
    csv(folder / "wordnet-10k.csv")
    csv(folder / "a.csv")
    (folder / "catalog.yaml").write_bytes(b"\xff\xfe\x00")
    found = catalog()
    assert found.names == ["wordnet-10k", "digits", "a"]
    assert "not UTF-8" in found.problems[0]


def test_files_below_the_data_roots_join_under_their_path(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "mine"
    inside = csv(root / "deep" / "words.csv")
    csv(folder / "a.csv")
    monkeypatch.setenv("EXPLORER_DATA", os.pathsep.join([str(root), str(tmp_path / "gone")]))
    describe(folder, f"named:\n  file: {inside}\n")
    assert catalog().names == ["named", "digits", "a"]
    describe(folder, "")
    found = catalog()
    assert found.names == ["digits", "a", "deep/words"]
    assert found.problems == (f"There is no file {tmp_path / 'gone'}. Check the path.",)
    assert open_entry("deep/words").n_rows == 4


def test_links_out_of_the_roots_are_refused(folder: Path, tmp_path: Path) -> None:
    outside = csv(tmp_path / "outside" / "secret.csv")
    (folder / "link.csv").symlink_to(outside)
    (folder / "links").symlink_to(outside.parent)
    inner = csv(folder / "real.csv")
    (folder / "same.csv").symlink_to(inner)
    describe(folder, "mine:\n  file: link.csv\n")
    found = catalog()
    assert found.names == ["digits", "real"]
    assert any("entry mine: file link.csv lies outside" in problem for problem in found.problems)
    assert any("link.csv is a link to a place outside" in problem for problem in found.problems)


def test_a_loop_of_links_is_left_out(folder: Path) -> None:
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    assert catalog().names == ["digits"]


def test_more_files_than_a_list_can_hold_are_a_problem(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FILES", 2)
    for name in "abc":
        csv(folder / f"{name}.csv")
    found = catalog()
    assert found.names == ["digits", "a", "b"]
    assert "more than 2 data files" in found.problems[0]


def test_an_unknown_name_suggests_the_closest(folder: Path) -> None:
    csv(folder / "words.csv")
    with pytest.raises(UnknownDataset, match=r"no dataset word\. Did you mean words\? It has digits, words"):
        open_entry("word")


def test_a_catalog_is_a_sequence_of_entries(folder: Path) -> None:
    csv(folder / "words.csv")
    found = catalog()
    assert len(found) == 2
    assert [entry.name for entry in found] == found.names
    assert found.find("words") == found[1] == found[1:][0]
    assert found.find("gone") is None
    assert isinstance(found[0], Entry)


def test_digits_have_pictures_and_their_digit_as_category() -> None:
    dataset = open_entry("digits")
    assert (dataset.n_rows, dataset.n_dims, dataset.n_drawable) == (1797, 64, 1797)
    assert dataset.roles == {"digit": "category", "ink": "number", "image": "image"}
    assert (dataset.label, dataset.color) == ("digit", "digit")
    assert dataset.row(0)["digit"] == "0"
    picture = dataset.row(0)["image"]
    assert isinstance(picture, bytes)
    assert picture.startswith(b"\x89PNG")
    assert dataset.codes("digit")[1] == list("0123456789")


def test_the_sample_opens_with_its_graph_and_layouts() -> None:
    dataset = open_entry("wordnet-10k")
    assert (dataset.n_rows, dataset.n_dims, dataset.n_drawable) == (10_000, 384, 10_000)
    assert dataset.table.column_names == ["word", "definition", "synonyms", "category", "n_synonyms"]
    assert (dataset.label, dataset.color, dataset.roles["definition"]) == ("word", "category", "text")
    assert len(dataset.codes("category")[1]) == 26
    assert {layout.method for layout in dataset.layouts} == {"umap", "tsne", "pca"}
    assert all(np.isfinite(layout.coordinates).all() for layout in dataset.layouts)
    graph = dataset.graph
    assert graph is not None
    assert graph.indices.shape == (10_000, 30)
    vectors = dataset.vectors / np.linalg.norm(dataset.vectors, axis=1, keepdims=True)
    for row in (0, 4_321, 9_999):
        distances = 1 - vectors @ vectors[row]
        distances[row] = np.inf
        np.testing.assert_allclose(graph.distances[row], np.sort(distances)[:30], atol=1e-5)


def test_the_samples_layouts_are_those_of_the_default_parameters() -> None:
    for layout in open_entry("wordnet-10k").layouts:
        assert layout.method is not None
        assert completed(layout.method, layout.params) == projection(layout.method).settings()


def test_the_sample_is_small_enough_to_ship() -> None:
    assert (module.datasets_folder() / "wordnet-10k.parquet").stat().st_size <= 9_000_000


def test_an_installed_package_has_its_datasets_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__file__", str(tmp_path / "explorer" / "data" / "catalog.py"))
    assert module.datasets_folder() == tmp_path / "datasets"
    (tmp_path / "explorer" / "datasets").mkdir(parents=True)
    assert module.datasets_folder() == tmp_path / "explorer" / "datasets"


def test_a_datasets_folder_where_the_program_was_started_comes_first_and_hides_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "datasets"
    folder.mkdir()
    np.save(folder / "mine.npy", np.eye(4, dtype=np.float32))
    (folder / "catalog.yaml").write_text("mine:\n  file: mine.npy\n  title: My vectors\n")
    monkeypatch.chdir(tmp_path)
    found = catalog()
    assert found.names[0] == "mine"
    assert {"wordnet-10k", "digits"} <= set(found.names)
    assert len(found.names) == len(set(found.names))
    assert open_entry("mine").n_rows == 4


def test_a_datasets_folder_without_a_catalog_is_somebody_elses(tmp_path, monkeypatch):
    (tmp_path / "datasets").mkdir()
    np.save(tmp_path / "datasets" / "other.npy", np.eye(4, dtype=np.float32))
    monkeypatch.chdir(tmp_path)
    assert "other" not in catalog().names


def test_a_catalog_where_the_program_was_started_may_name_a_file_of_a_data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = csv(tmp_path / "elsewhere" / "words.csv")
    (tmp_path / "datasets").mkdir()
    describe(tmp_path / "datasets", f"mine: {{file: {file}}}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EXPLORER_DATA", str(file.parent))
    listed = catalog()
    assert listed.problems == ()
    assert listed[0].name == "mine"
    assert [entry.path for entry in listed].count(file.resolve()) == 1


def parts(place: Path, *names: str) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        words = [f"{i}a", f"{i}b"]
        pq.write_table(pa.table({"word": words, "embedding": [[1.0, 2.0, i], [3.0, 4.0, i]]}), place / name)
    return place


def test_a_folder_of_parts_is_one_dataset_other_files_are_one_each(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    parts(root / "words.v2", "part-0000.parquet", "part-0001.parquet")
    parts(root / "dask.parquet", "part.0.parquet")
    parts(root / "spark", "whatever.parquet")
    (root / "spark" / "_SUCCESS").touch()
    parts(root / "each", "cats.parquet", "dogs.parquet")
    zarr.create_array(root / "deep" / "vectors.zarr", data=np.eye(4, dtype=np.float32))
    csv(root / "table.csv")
    monkeypatch.setenv("EXPLORER_DATA", str(root))
    known = catalog()
    assert known.problems == ()
    assert known.names == ["digits", "table", "dask", "deep/vectors", "each/cats", "each/dogs", "spark", "words.v2"]
    opened = {name: open_entry(name) for name in ("words.v2", "dask", "deep/vectors")}
    assert {name: (dataset.name, dataset.n_rows) for name, dataset in opened.items()} == {
        "words.v2": ("words.v2", 4),
        "dask": ("dask", 2),
        "deep/vectors": ("deep/vectors", 4),
    }


def test_a_data_root_may_be_one_dataset_itself(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(parts(tmp_path / "words.parquet", "part.0.parquet", "part.1.parquet")))
    assert catalog().names == ["digits", "words"]
    assert open_entry("words").n_rows == 4


def test_a_folder_with_a_part_that_leads_outside_is_left_out(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "data"
    outside = parts(tmp_path / "outside", "secret.parquet")
    parts(root / "words", "part-0.parquet", "part-1.parquet")
    (root / "words" / "part-2.parquet").symlink_to(outside / "secret.parquet")
    monkeypatch.setenv("EXPLORER_DATA", str(root))
    known = catalog()
    assert known.names == ["digits"]
    assert "A part of" in known.problems[0]
    assert "link to a place outside" in known.problems[0]
    monkeypatch.setenv("EXPLORER_DATA", f"{root}{os.pathsep}{outside}")  # now it leads to where one may read
    assert catalog().names == ["digits", "words", "secret"]


def test_catalog_yaml_names_folders_as_well(folder: Path, tmp_path: Path) -> None:
    parts(folder / "words", "a.parquet", "b.parquet")
    describe(folder, "mine: {file: words, title: My words, color: word}\n")
    entry = catalog().find("mine")
    assert entry is not None
    assert (entry.open().name, entry.open().n_rows, entry.open().color) == ("My words", 4, "word")
    (folder / "words" / "c.parquet").symlink_to(parts(tmp_path / "outside", "secret.parquet") / "secret.parquet")
    assert "a part of words is a link to a place outside" in catalog().problems[0]
