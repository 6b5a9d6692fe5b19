"""Folders of the TensorFlow Projector: written, read, and such as are damaged or lead elsewhere.

What is written here was opened with TensorBoard's own projector plugin; its reading is followed in ``as_tensorboard``.
"""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from explorer import cli
from explorer.data.catalog import catalog
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.export import check_results, write_layouts, write_neighbors
from explorer.data.projector_config import Embedding, as_json, as_text, read_config
from explorer.errors import TooLarge, UnknownColumn, UnknownFormat, Unreadable, Unwritable, VectorsNeeded
from tests.data.test_export import MadeGraph, MadeLayout

VECTORS = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
VECTORS[3] = np.nan
WORDS = ["plain", "tab\tand\nbreak", None, "never drawn", "größer"]
NAMES = ("projector_config.json", "projector_config.pbtxt")


def picture(color: tuple[int, int, int], size: tuple[int, int] = (12, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def dataset(**columns: object) -> Dataset:
    return open_dataset(pa.table({"word": WORDS, "n": [1, None, 3, 4, 5], **columns}), vectors=VECTORS, name="Five")


def layout() -> MadeLayout:
    return MadeLayout("umap", np.arange(10, dtype=np.float32).reshape(5, 2))


def written(folder: Path, **columns: object) -> Path:
    write_layouts(folder / "projector" / NAMES[0], dataset(**columns), [layout()])
    return folder / "projector"


def as_tensorboard(folder: Path) -> tuple[np.ndarray, list[list[str]]]:
    """Read as its plugin and its page do: numbers of 4 bytes, and lines of which the first is a header where it has a tab."""
    told = json.loads((folder / NAMES[0]).read_text())["embeddings"][0]
    lines = (folder / told["metadataPath"]).read_text("utf-8").split("\n")
    cells = [line.split("\t") for line in lines if line.strip()]
    return np.fromfile(folder / told["tensorPath"], "float32").reshape(told["tensorShape"]), cells


def test_a_folder_has_all_that_the_projector_reads(tmp_path: Path):
    folder = written(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.tsv", *NAMES, "umap.bytes", "vectors.bytes"]
    vectors, cells = as_tensorboard(folder)
    np.testing.assert_array_equal(vectors, VECTORS[[0, 1, 2, 4]])
    assert cells[0] == ["row", "word", "n"]
    assert cells[1:] == [["0", "plain", "1"], ["1", "tab and break", ""], ["2", "", "3"], ["4", "größer", "5"]]


def test_both_configurations_say_the_same(tmp_path: Path):
    folder = written(tmp_path, image=[picture((i, 0, 0)) for i in range(5)])
    told = [read_config(folder / name, name) for name in NAMES]
    assert told[0] == told[1]
    assert told[0][0] == Embedding("vectors", "vectors.bytes", (4, 3), "metadata.tsv", "sprite.png", (12, 12))
    assert told[0][1].shape == (4, 2)


@pytest.mark.parametrize("name", ["", *NAMES])
def test_what_was_written_opens_again(tmp_path: Path, name: str):
    again = open_dataset(written(tmp_path) / name)
    assert (again.name, again.n_rows, again.label) == ("projector", 4, "word")
    np.testing.assert_array_equal(again.vectors, VECTORS[[0, 1, 2, 4]])
    np.testing.assert_array_equal(again.layouts[0].coordinates, layout().coordinates[[0, 1, 2, 4]])
    assert again.table["word"].to_pylist() == ["plain", "tab and break", "", "größer"]


def test_pictures_travel_in_the_sprite(tmp_path: Path):
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (0, 0, 0), (250, 250, 0)]
    folder = written(tmp_path, image=[*map(picture, colors[:4]), f"data:image/png;base64,{'A' * 8}".encode()])
    with Image.open(folder / "sprite.png") as sprite:
        assert sprite.size == (24, 24)
    again = open_dataset(folder)
    assert again.roles["image"] == "image"
    shown = [Image.open(io.BytesIO(data)) for data in again.table["image"].to_pylist()]
    assert [image.size for image in shown] == [(12, 12)] * 4
    assert [image.getpixel((6, 6)) for image in shown] == [(*color, 255) for color in colors[:3]] + [(0, 0, 0, 0)]  # the last is none


def test_rows_without_a_column_have_lines_all_the_same(tmp_path: Path):
    write_layouts(tmp_path / NAMES[1], open_dataset(VECTORS), [])
    assert (tmp_path / "metadata.tsv").read_text() == "0\n1\n2\n4\n"
    assert open_dataset(tmp_path).n_rows == 4


def test_numbers_as_text_and_other_embeddings_are_read(tmp_path: Path):
    """As people write it by hand for TensorBoard."""
    (tmp_path / "words.tsv").write_text("1\t2\t3\n4\t5\t6\n", "utf-8")
    (tmp_path / "words_meta.tsv").write_text("one\ntwo\n", "utf-8")
    np.ones((3, 4), "<f4").tofile(tmp_path / "other.bytes")
    (tmp_path / NAMES[1]).write_text(
        """# by hand
        model_checkpoint_path: "/log/model.ckpt"
        embeddings: { tensor_path: 'words.tsv'; metadata_path: "words_meta.tsv" }
        embeddings < tensor_name: "ot\\u0068er", tensor_path: "other.bytes" tensor_shape: [3, 4] >
        """,
        "utf-8",
    )
    first = open_dataset(tmp_path)
    np.testing.assert_array_equal(first.vectors, [[1, 2, 3], [4, 5, 6]])
    assert first.table["label"].to_pylist() == ["one", "two"]
    assert open_dataset(tmp_path, vectors="other").n_rows == 3
    with pytest.raises(UnknownColumn, match=r"Its columns are words\.tsv, other"):
        open_dataset(tmp_path, vectors="another")


def test_a_folder_is_one_entry_of_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written(tmp_path)
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    (entry,) = [entry for entry in catalog() if entry.path is not None and entry.path.is_relative_to(tmp_path)]
    assert (entry.name, entry.open().n_rows) == ("projector", 4)


def test_many_numbers_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_STREAM_MB", "0")
    np.testing.assert_array_equal(open_dataset(written(tmp_path)).vectors, VECTORS[[0, 1, 2, 4]])


def edited(folder: Path, **changes: object) -> Path:
    config = folder / NAMES[0]
    told = json.loads(config.read_text())
    told["embeddings"][0] |= changes
    config.write_text(json.dumps(told))
    return config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tensorShape": [5, 3]}, r"it says that vectors\.bytes has 5 x 3 numbers \(of 4 bytes\), and the file has 48 bytes"),
        ({"tensorShape": [10**12, 10**12]}, "and the file has 48 bytes"),
        ({"tensorShape": []}, r"does not say how many rows and columns vectors\.bytes has"),
        ({"tensorShape": [-4, -3]}, "does not say how many"),
        ({"tensorPath": ""}, "the vectors of vectors are in a checkpoint of TensorFlow"),
        ({"tensorPath": "gone.bytes"}, r"it names gone\.bytes, and there is no such file"),
        ({"tensorPath": "../secret.bytes"}, "is outside of its folder"),
        ({"tensorPath": "/etc/passwd"}, "is outside of its folder"),
        ({"metadataPath": "link.tsv"}, "is outside of its folder"),
        ({"metadataPath": "https://example.org/m.tsv"}, "is on the web, and nothing is fetched"),
        ({"metadataPath": "short.tsv"}, r"vectors\.bytes has 4 rows, but short\.tsv describes 2"),
        ({"tensorShape": "x"}, "it is no configuration of the Projector"),
        ({"sprite": 7}, "it is no configuration of the Projector"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, changes: dict[str, object], message: str):
    config = edited(written(tmp_path), **changes)
    (tmp_path / "secret.bytes").write_bytes(bytes(48))
    (config.parent / "link.tsv").symlink_to(tmp_path / "secret.bytes")
    (config.parent / "short.tsv").write_text("a\nb\n", "utf-8")
    with pytest.raises(Unreadable, match=rf"projector_config\.json cannot be read: .*{message}"):
        open_dataset(config)


@pytest.mark.parametrize(
    ("sprite", "message"),
    [
        ({"imagePath": "gone.png", "singleImageDim": [8, 8]}, "there is no such file"),
        ({"imagePath": "metadata.tsv", "singleImageDim": [8, 8]}, "cannot identify image file"),
        ({"imagePath": "small.png", "singleImageDim": [8, 8]}, "it has no room for 4 pictures of 8 x 8"),
        ({"imagePath": "small.png"}, "nothing says how large one picture is"),
    ],
)
def test_without_its_pictures_the_rest_is_shown(tmp_path: Path, sprite: dict[str, object], message: str):
    config = edited(written(tmp_path), sprite=sprite)
    (config.parent / "small.png").write_bytes(picture((1, 2, 3)))
    opened = open_dataset(config)
    assert opened.table.column_names == ["row", "word", "n"]
    assert opened.notes[0].startswith("The pictures of the rows are left out: ")
    assert message in opened.notes[0]


def test_a_sprite_that_claims_too_much_is_not_decoded(tmp_path: Path):
    config = edited(written(tmp_path), sprite={"imagePath": "huge.png", "singleImageDim": [8, 8]})
    data = bytearray(picture((1, 2, 3)))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    (config.parent / "huge.png").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "pictures of the rows are left out" in open_dataset(config).notes[0]


@pytest.mark.parametrize(
    "text", ["{", "embeddings", "embeddings {", "embeddings { tensor_name: }", "embeddings { a: %", "a {" * 50, "embeddings: 3"]
)
@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_that_makes_no_sense_is_told(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(Unreadable, match=r"it is no configuration of the Projector|it names no embeddings"):
        open_dataset(tmp_path / name)


def test_names_of_any_kind_survive_both_forms(tmp_path: Path):
    odd = [Embedding('a "b" \\ {c}: <é>\n', "t.bytes", (1, 2), "m.tsv")]
    for name, text in zip(NAMES, (as_json(odd), as_text(odd)), strict=True):
        (tmp_path / name).write_text(text, "utf-8")
        assert read_config(tmp_path / name, name) == odd


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = written(tmp_path)
    monkeypatch.setenv("EXPLORER_MAX_ROWS", "3")
    with pytest.raises(TooLarge):
        open_dataset(folder)


def test_what_cannot_be_written_is_refused_before_anything_is_computed(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unwritable, match="there is no folder"):
        check_results(tmp_path / "no" / "such" / NAMES[0])
    with pytest.raises(Unwritable, match="file is no folder"):
        check_results(tmp_path / "file" / NAMES[0])
    check_results(tmp_path / "new" / NAMES[0])
    points = open_dataset(pa.table({"x": [1.0, 2.0], "y": [1.0, 2.0]}))
    with pytest.raises(VectorsNeeded, match="The Projector needs vectors"):
        check_results(tmp_path / "new" / NAMES[0], points)
    with pytest.raises(UnknownFormat):
        write_neighbors(tmp_path / NAMES[0], dataset(), MadeGraph())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_command_line_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    config = tmp_path / "digits" / NAMES[0]
    assert cli.main(["project", "digits", "--method", "pca", "-o", str(config)]) == 0
    assert "1,797 rows, PCA" in capsys.readouterr().out
    digits = open_dataset(config)
    assert (digits.n_dims, digits.color, digits.roles["image"], digits.layouts[0].name) == (64, "digit", "image", "pca")
