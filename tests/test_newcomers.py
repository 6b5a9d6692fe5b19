"""New rows dropped in by text, by numbers and from a file: placed on every map, by a real compute process."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import explorer
from explorer.app import Explorer
from explorer.compute.projections import PCA
from explorer.data.dataset import Dataset
from explorer.errors import BadParameter, EncoderUnknown
from explorer.jobs.runner import Runner
from explorer.newcomers import _numbers
from explorer.session import Session
from explorer.store.store import Store
from explorer.views.newcomers import NewcomersView
from explorer.views.plain import PlainToolkit

D = 4
WORDS = ["up", "down", "left", "right"]


def directions(texts: list[str]) -> NDArray[np.float32]:
    """Make a vector of the words in a text."""
    return np.array([[text.count(word) for word in WORDS] for text in texts], np.float32)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000))
    yield made
    made.close()


@pytest.fixture
def session(loop: Any, jobs: Runner) -> Iterator[Session]:
    made = Session(schedule=loop, jobs=jobs)
    yield made
    made.close()


def data(encoder: Any = directions) -> Dataset:
    chance = np.random.default_rng(0)
    vectors = np.repeat(np.eye(D), 30, axis=0) + chance.normal(scale=0.05, size=(120, D))
    frame = pd.DataFrame({"word": [f"{WORDS[row // 30]} {row}" for row in range(120)]})
    return explorer.open_dataset(frame, vectors=vectors.astype(np.float32), label="word", encoder=encoder, name="directions")


@pytest.fixture
def opened(session: Session, loop: Any) -> Dataset:
    made = data()
    session.open(made)
    loop.until(lambda: session.scene is not None)
    return made


def test_a_text_is_placed_near_its_like_and_is_known(session: Session, loop: Any, opened: Dataset):
    newcomers = session.newcomers
    newcomers.drop("  up   up ")
    assert newcomers.working
    loop.until(lambda: newcomers.found is not None)
    assert [item.title for item in newcomers.items] == ["up up"]
    assert set(newcomers.found.rows[0].tolist()) <= set(range(30))
    assert newcomers.found.familiarity.words == ["inside"]
    place = newcomers.places[session.planes[0]][0]
    rows = session.scene.shown.places(np.arange(120))
    assert np.linalg.norm(rows[:30] - place, axis=1).mean() < np.linalg.norm(rows[30:] - place, axis=1).mean() / 2
    assert not newcomers.working


def test_what_is_dropped_in_while_another_text_is_encoded_takes_nothing_away(session: Session, loop: Any, opened: Dataset):
    for text in ("up", "left", "right"):
        session.newcomers.drop(text)
    loop.until(lambda: session.newcomers.found is not None and len(session.newcomers.found.rows) == 3)
    loop.until(lambda: not session.newcomers.working)
    assert {item.title for item in session.newcomers.items} == {"up", "left", "right"}


def test_what_the_data_does_not_know_is_outside(session: Session, loop: Any, opened: Dataset):
    session.newcomers.drop("up down left right")
    loop.until(lambda: session.newcomers.found is not None)
    assert session.newcomers.found.familiarity.words == ["outside"]


def test_a_row_of_the_data_lands_on_its_own_place_and_the_maps_are_followed(session: Session, loop: Any, opened: Dataset):
    newcomers = session.newcomers
    newcomers.drop(json.dumps(opened.vectors[[7, 70]].tolist()))
    loop.until(lambda: newcomers.found is not None)
    assert [item.title for item in newcomers.items] == ["vector 1", "vector 2"]
    first = session.planes[0]
    np.testing.assert_allclose(newcomers.places[first], first.scene.shown.places(np.array([7, 70])), atol=1e-3)
    session.run(PCA(x=2, y=3))
    loop.until(lambda: first.scene is not None and first.scene.shown.layout.params.get("x") == 2)
    loop.until(lambda: not newcomers.working)
    np.testing.assert_allclose(newcomers.places[first], first.scene.shown.places(np.array([7, 70])), atol=1e-3)
    newcomers.remove(0)
    loop.until(lambda: newcomers.found is not None and len(newcomers.found.rows) == 1)
    assert [item.title for item in newcomers.items] == ["vector 2"]
    newcomers.clear()
    assert (newcomers.items, newcomers.found, newcomers.places) == ([], None, {})


def test_rows_of_a_file_are_dropped_in_with_their_names(session: Session, loop: Any, opened: Dataset):
    newcomers = session.newcomers
    file = "name,e_1,e_2,e_3,e_4\none,1,0,0,0\ntwo,0,0,0,0\nthree,0,0,0,2\n"
    session.drop_upload("new.csv", file.encode())
    loop.until(lambda: newcomers.found is not None)
    assert [item.title for item in newcomers.items] == ["one", "three"], "a row without a usable vector is none"
    for name, text, says in (
        ("wide.csv", "e_1,e_2,e_3\n1,2,3\n3,4,5\n", "have 3 numbers, this data has 4"),
        ("new.txt", "up", "new.txt"),
        ("many.csv", "said\n" + "\n".join(f"up {n}" for n in range(1001)), "1,001 rows"),
    ):
        session.drop_upload(name, text.encode())
        loop.until(lambda: not newcomers.working)
        assert says in newcomers.problem
    assert len(newcomers.items) == 2, "what is there stays"
    session.drop_upload("texts.csv", b"said,kind\nup and up,a\n,b\nright away,c\n")
    loop.until(lambda: len(newcomers.items) == 4 and not newcomers.working)
    assert [item.title for item in newcomers.items[:2]] == ["up and up", "right away"]
    assert set(newcomers.found.rows[1].tolist()) <= set(range(90, 120))


def test_images_are_dropped_in_where_the_encoder_takes_them(session: Session, loop: Any):
    def brightness(images: list[bytes]) -> list[list[float]]:
        shades = [int(np.asarray(Image.open(io.BytesIO(image)))[0, 0]) // 64 for image in images]
        return np.eye(D)[shades].tolist()

    def png(shade: int) -> bytes:
        stream = io.BytesIO()
        Image.new("L", (4, 4), shade).save(stream, "PNG")
        return stream.getvalue()

    newcomers = session.newcomers
    session.open(data(encoder=brightness))
    loop.until(lambda: session.scene is not None)
    session.drop_upload("bright.PNG", png(250))
    loop.until(lambda: newcomers.found is not None)
    assert [item.title for item in newcomers.items] == ["bright.PNG"]
    assert set(newcomers.found.rows[0].tolist()) <= set(range(90, 120))
    table = io.BytesIO()
    pd.DataFrame({"picture": [png(0), png(100)]}).to_parquet(table)
    session.drop_upload("shades.parquet", table.getvalue())
    loop.until(lambda: len(newcomers.items) == 3 and not newcomers.working)
    assert newcomers.items[0].title == "image 0 of shades.parquet"
    assert set(newcomers.found.rows[1].tolist()) <= set(range(30, 60))
    session.drop_upload("broken.png", b"no image")
    loop.until(lambda: newcomers.problem)
    assert "brightness" in newcomers.problem
    session.open(data(encoder=None))
    loop.until(lambda: not newcomers.items)
    session.drop_upload("bright.png", png(250))
    loop.until(lambda: newcomers.problem)
    assert "--encoder" in newcomers.problem


def test_what_cannot_be_dropped_in_is_a_sentence(session: Session, loop: Any, opened: Dataset):
    for text, says in (
        ("1 2 3", "3 numbers"),
        ("0, 0, 0, 0", "vector 0"),
    ):
        session.newcomers.drop(text)
        loop.until(lambda: not session.newcomers.working)
        assert says in session.newcomers.problem
        session.newcomers.clear()
    session.open(data(encoder=None))
    loop.until(lambda: session.dataset is not opened)
    session.newcomers.drop("a text")
    loop.until(lambda: session.newcomers.problem)
    assert "--encoder" in session.newcomers.problem


def test_what_is_being_placed_is_so_whatever_cannot_be_read_beside_it(session: Session, loop: Any, opened: Dataset):
    newcomers = session.newcomers
    newcomers.drop("left")
    loop.until(lambda: newcomers.items)
    newcomers.drop("1 2 3")
    loop.until(lambda: newcomers.problem)
    assert newcomers.working == (newcomers.found is None)
    loop.until(lambda: not newcomers.working)
    assert newcomers.found is not None


def test_a_read_only_server_places_none_and_says_so(session: Session, loop: Any, opened: Dataset, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_READ_ONLY", "1")
    view = NewcomersView(session, PlainToolkit())
    assert view.component.content["fixed"]
    assert not view.upload.visible
    session.newcomers.drop("1 0 0 0")  # whatever a browser says
    loop.until(lambda: session.newcomers.problem and not session.newcomers.working)
    assert "read-only" in session.newcomers.problem
    assert session.newcomers.found is None


def test_the_view_tells_what_is_known(session: Session, loop: Any, opened: Dataset):
    flown: list[int] = []
    shown: list[int] = []
    view = NewcomersView(session, PlainToolkit(), on_fly=flown.append, on_show=shown.append)
    assert view.component.content["encoder"] == "directions"
    view.component._handle_msg({"type": "drop", "text": "left"})
    loop.until(lambda: session.newcomers.found is not None)
    (told,) = view.component.content["items"]
    assert told["title"] == "left"
    assert told["word"] in ("inside", "at the edge")
    assert [each["title"].split()[0] for each in told["near"]] == ["left"] * 5
    row = told["near"][0]["row"]
    view.component._handle_msg({"type": "look", "row": row})
    loop.run()
    assert (session.inspection.row, flown) == (row, [row])
    view.component._handle_msg({"type": "show", "at": 0})
    loop.run()
    assert shown == [0]
    for nonsense in (
        None,
        {"type": "show", "at": "0"},
        {"type": "look", "row": 999},
        {"type": "remove", "at": 9},
        {"type": "drop", "text": 3},
    ):
        view.component._handle_msg(nonsense)
    loop.run()
    assert shown == [0]
    view.component._handle_msg({"type": "remove", "at": 0})
    loop.run()
    assert view.component.content["items"] == []


@given(
    st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3), min_size=1, max_size=4),
    st.sampled_from([" ", ", ", "; ", "\n"]),
)
def test_numbers_are_read_in_any_writing(rows: list[list[float]], between: str):
    written = between.join(repr(value) for row in rows for value in row)
    for text in (written, json.dumps(rows)):
        found = _numbers(text, 3)
        assert found is not None
        np.testing.assert_allclose(found, np.array(rows, np.float32), rtol=1e-6)


def test_what_is_no_numbers_is_a_text():
    assert _numbers("a dog", 3) is None
    assert _numbers("1 dog 2", 3) is None
    assert _numbers("...", 3) is None
    with pytest.raises(BadParameter, match="4 numbers"):
        _numbers("1 2 3 4", 3)


def test_python_places_texts_and_vectors():
    view = Explorer(data())
    texts = view.place(["up", "up down left right"])
    assert texts["familiar"].tolist() == ["inside", "outside"]
    assert set(texts["rows"][0]) <= set(range(30))
    layout = view.run("pca")
    row = view.place(view.dataset.vectors[40]).iloc[0]
    np.testing.assert_allclose([row["x"], row["y"]], layout.coordinates[40], atol=1e-3)
    assert (row["placed_by"], row["rows"][0]) == ("linear", 40)
    with pytest.raises(EncoderUnknown):
        Explorer(data(encoder=None)).place("a text")
    with pytest.raises(BadParameter, match="4 numbers"):
        view.place([1.0, 2.0])
