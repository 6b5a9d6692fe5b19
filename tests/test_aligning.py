"""Layouts of one dataset lie alike, as the one that was on screen; what was found is kept in the store."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from explorer import aligning
from explorer.aligning import Frames, aligned
from explorer.compute.alignment import IDENTITY, Similarity
from explorer.compute.projections import Layout
from explorer.errors import BadParameter
from explorer.scene import Placed, Run
from explorer.store.store import Store

N = 400
TURN = Similarity.of(angle=1.0, scale=2.0, reflected=True, shift=(5.0, -3.0))


def layout(seed: int = 0, turn: Similarity = IDENTITY, *, n: int = N) -> Layout:
    """Three groups of rows, turned."""
    rng = np.random.default_rng(0)
    places = (rng.normal(size=(3, 2)) * 5)[np.arange(n) % 3] + rng.normal(size=(n, 2))
    noise = np.random.default_rng(seed).normal(size=(n, 2)) * 1e-3
    return Layout(turn.apply((places + noise).astype(np.float32)), "umap", {"seed": seed})


def run(title: str, given: int | None = None) -> Run:
    return Run(title, "umap", {}, given)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that keeps how layouts of any size lie."""
    monkeypatch.setattr(aligning, "_KEPT_FROM", N)
    return Store(tmp_path / "store", limit_mb=100)


def test_the_first_layout_stays_and_the_others_lie_like_it(tmp_path: Path):
    frames, store = Frames(), Store(tmp_path, limit_mb=100)
    first = frames.place(run("first"), layout(), None, store)
    assert first.frame == IDENTITY
    second = frames.place(run("second"), layout(1, TURN), first, store)
    rows = np.arange(N)
    np.testing.assert_allclose(second.places(rows), first.places(rows), atol=0.05)
    third = frames.place(run("third"), layout(2, TURN.inverse()), second, store)
    np.testing.assert_allclose(third.places(rows), first.places(rows), atol=0.05)
    np.testing.assert_array_equal(second.layout.coordinates, layout(1, TURN).coordinates, err_msg="the layout itself is untouched")


def test_a_layout_that_was_shown_stays_as_it_lay():
    frames = Frames()
    other = Placed(run("other"), layout(3), frame=TURN)
    first = frames.place(run("one"), layout(), other, None)
    assert frames.place(run("one"), layout(), None, None).frame == first.frame
    assert frames.place(run("one"), layout(), Placed(run("third"), layout(2)), None).frame == first.frame
    assert frames.place(run("one", given=0), layout(), None, None).frame == IDENTITY, "this is another one"


def test_a_layout_lies_as_it_was_put_on_the_map_by_others():
    frames = Frames()
    frames.keep(Placed(run("one"), layout(), frame=TURN))
    frames.keep(Placed(run("one"), layout(), frame=IDENTITY))
    assert frames.place(run("one"), layout(), None, None).frame == TURN


def test_of_two_threads_the_second_gets_what_the_first_found():
    frames, found = Frames(), []
    reference = Placed(run("first"), layout())
    threads = [Thread(target=lambda: found.append(frames.place(run("second"), layout(1, TURN), reference, None).frame)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(frame is found[0] for frame in found)


def test_how_two_large_layouts_lie_is_found_once_and_kept(store: Store, monkeypatch: pytest.MonkeyPatch):
    one, other = layout(), layout(1, TURN)
    found = aligned(other, one, store)
    monkeypatch.setattr(aligning, "align", None)  # it would fail
    again = aligned(Layout(other.coordinates.copy(), "umap", {}), layout(), store)
    assert again == found
    np.testing.assert_allclose(again.apply(other.coordinates), one.coordinates, atol=0.05)
    assert aligned(one, one, store) == IDENTITY
    with pytest.raises(TypeError):
        aligned(one, other, store)  # the other way around is another question
    with pytest.raises(TypeError):
        aligned(layout(2, TURN), one, store)


def test_small_layouts_leave_the_store_alone(tmp_path: Path):
    store = Store(tmp_path / "store", limit_mb=100)
    aligned(layout(1, TURN), layout(), store)
    assert not list(tmp_path.rglob("*.npy"))


@pytest.mark.parametrize("harm", ["in the way", "broken"])
def test_a_store_that_cannot_be_used_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, harm: str
):
    monkeypatch.setattr(aligning, "_KEPT_FROM", N)
    folder = tmp_path / "store"
    one, other = layout(), layout(1, TURN)
    expected = aligned(other, one, None)
    if harm == "in the way":
        folder.write_text("a file")
    else:
        aligned(other, one, Store(folder, limit_mb=100))
        for file in folder.rglob("*.npy"):
            file.write_bytes(file.read_bytes()[:-3])
    assert aligned(other, one, Store(folder, limit_mb=100)) == expected
    assert any("not kept" in record.message for record in caplog.records) == (harm == "in the way")


NAN = np.full((N, 2), np.nan, np.float32)
SPOT = np.ones((N, 2), np.float32)


@pytest.mark.parametrize("moving", [NAN, SPOT, layout().coordinates], ids=["nowhere", "one spot", "usual"])
@pytest.mark.parametrize("fixed", [NAN, SPOT, layout(1, TURN).coordinates], ids=["nowhere", "one spot", "usual"])
def test_strange_layouts_are_kept_as_any_other(store: Store, moving: Any, fixed: Any):
    one, other = Layout(moving, "given", {}), Layout(fixed, "given", {})
    first = aligned(one, other, store)
    assert np.isfinite([*np.ravel(first.matrix), *first.shift]).all()
    assert aligned(one, other, store) == first


def test_layouts_of_other_rows_are_refused_and_nothing_is_remembered():
    frames = Frames()
    reference = Placed(run("one"), layout())
    with pytest.raises(BadParameter):
        frames.place(run("other"), layout(n=N - 1), reference, None)
    assert frames.place(run("other"), layout(1, TURN), reference, None).frame != IDENTITY
