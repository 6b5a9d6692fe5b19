"""``explorer.Map``: a map of a Dask frame by itself, as a browser and as Python meet it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import explorer
from explorer.errors import BadParameter, FileMissing, UnknownChoice, UnknownColumn

N = 3_000
HOSTILE = "<img src=x onerror=alert(1)>"
DRAW: dict[str, Any] = {
    "type": "draw", "client": "one", "id": 1, "x0": -4.0, "x1": 4.0, "y0": -4.0, "y1": 4.0, "width": 300, "height": 300, "ratio": 1.0,
    "moving": False, "background": "#121212",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _few_threads() -> Iterator[None]:
    with dask.config.set(scheduler="synchronous"):
        yield


def rows() -> pd.DataFrame:
    x, y = np.random.default_rng(0).standard_normal((2, N))
    x[0], y[0] = 3.5, 3.5  # far from all others
    x[1] = np.nan
    kind = np.where(x > 0, "right", "left")
    return pd.DataFrame({"x": x, "y": y, "kind": kind, "title": [f"{HOSTILE} {i}" for i in range(N)], "score": x * 2})


class Part:
    """Makes the partitions of a frame, by a function that Dask need not hash."""

    def __init__(self, make: Callable[[int], pd.DataFrame]) -> None:
        self._make = make

    def __call__(self, i: int) -> pd.DataFrame:
        """Make one."""
        return self._make(i)

    def __dask_tokenize__(self) -> object:
        return id(self)


class Spoken:
    """A map, and what it sends to a browser."""

    def __init__(self, made: explorer.Map) -> None:
        self.map = made
        self.sent: list[dict[str, Any]] = []
        made.layer._send_msg = self.sent.append
        made.surveyed.exception(timeout=60)
        self.wait(lambda: made.layer.home or "…" not in made.layer.note)

    def say(self, **message: Any) -> None:
        """Speak as a browser does."""
        self.map.layer._handle_msg({**DRAW, **message})

    @property
    def heads(self) -> list[dict[str, Any]]:
        """The headers of all pictures."""
        pictures = [each["pictures"][0] for each in self.sent if each["type"] == "pictures"]
        return [json.loads(each[2 : 2 + int.from_bytes(each[:2], "big")]) for each in pictures]

    @property
    def cards(self) -> list[dict[str, Any]]:
        """Answers to a pointer."""
        return [each for each in self.sent if each["type"] == "card"]

    def wait(self, true: Callable[[], Any]) -> None:
        """Wait until something is so."""
        until = time.monotonic() + 60
        while not true():
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.005)


@pytest.fixture(scope="module")
def spoken() -> Spoken:
    return Spoken(explorer.Map(dd.from_pandas(rows(), npartitions=3), color="kind", label="title"))


def test_the_sample_comes_at_once_and_every_row_after_it(spoken: Spoken):
    spoken.say(id=10)
    spoken.wait(lambda: [head["id"] for head in spoken.heads].count(10) == 2)
    first, last = spoken.heads[-2:]
    assert [(head["id"], head["moving"]) for head in (first, last)] == [(10, True), (10, False)]
    assert last["push"] > first["push"]
    assert last["alt"] == f"x, y map of Dask DataFrame: {N - 1:,} rows in view"
    spoken.say(id=11, moving=True, x1=2.0)
    spoken.wait(lambda: spoken.heads[-1]["id"] == 11)
    spoken.say(id=12, x1=2.0)
    spoken.wait(lambda: spoken.heads[-1]["id"] == 12)
    assert [head["id"] for head in spoken.heads].count(12) == 1, "the sample of this view is there already"


def test_a_screen_of_very_many_pixels_gets_a_coarser_picture(spoken: Spoken):
    spoken.say(id=15, width=1_000, height=1_000, ratio=3.0, x1=3.0)
    spoken.wait(lambda: spoken.heads[-1]["id"] == 15 and not spoken.heads[-1]["moving"])
    assert spoken.heads[-1]["width"] == spoken.heads[-1]["height"] == 2_000


def test_it_says_how_many_rows_there_are_and_what_colors_mean(spoken: Spoken):
    spoken.wait(lambda: "drawing" not in spoken.map.status.text)
    assert spoken.map.status.text == "2,999 of 3,000 rows · 3 partitions · 1 row left out: no coordinates, or not finite"
    content = spoken.map.legend.content
    assert (content["title"], spoken.map.legend.inert, "hint" in content) == ("kind", True, False)
    assert sorted(entry[0] for entry in content["entries"]) == ["left", "right"]
    assert spoken.map.layer.note == ""


def test_what_is_pointed_at_is_read_and_said_as_text(spoken: Spoken):
    spoken.say(id=20)
    spoken.wait(lambda: spoken.heads[-1]["id"] == 20 and not spoken.heads[-1]["moving"])
    n = len(spoken.cards)
    spoken.say(type="hover", x=3.5, y=3.5)
    spoken.wait(lambda: len(spoken.cards) > n)
    card = spoken.cards[-1]
    assert (card["row"], card["x"], card["y"], card["title"]) == (0, 3.5, 3.5, f"{HOSTILE} 0")
    assert card["fields"] == [("kind", "right"), ("score", "7")] or card["fields"][0] == ("kind", "right")
    spoken.say(type="tap", x=3.5, y=3.5)
    spoken.wait(lambda: spoken.map.clicked == 0)
    assert [mark["label"] for mark in spoken.map.layer.marks] == [f"{HOSTILE} 0"[:40]]
    spoken.say(type="tap", x=-3.9, y=3.9)
    spoken.wait(lambda: spoken.map.clicked is None)
    assert spoken.map.layer.marks == []


@pytest.mark.parametrize(
    "odd", ["text", {"type": "draw"}, {**DRAW, "x0": float("nan")}, {**DRAW, "type": "piece", "push": "a", "piece": 0}]
)
def test_messages_that_make_no_sense_do_nothing(spoken: Spoken, odd: object):
    n = len(spoken.sent)
    spoken.map.layer._handle_msg(odd)
    assert len(spoken.sent) == n


def test_a_request_that_is_overtaken_while_dask_computes_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("explorer.render.dask_rows._FIRST", 1)
    reached, go_on, slow = Event(), Event(), Event()
    whole, read = rows(), []

    def part(i: int) -> pd.DataFrame:
        read.append(i)
        if slow.is_set() and i == 0:
            reached.set()
            assert go_on.wait(60)
        return whole.iloc[i * 1_000 : (i + 1) * 1_000]

    spoken = Spoken(explorer.Map(dd.from_map(Part(part), range(3), meta=whole.iloc[:0])))
    read.clear()
    slow.set()
    spoken.say(id=1)
    assert reached.wait(60)
    spoken.say(id=2, moving=True)
    slow.clear()
    go_on.set()
    spoken.wait(lambda: spoken.heads and spoken.heads[-1]["id"] == 2)
    spoken.wait(lambda: "drawing" not in spoken.map.status.text)
    assert read == [0], "the other partitions are not read"
    assert all(head["moving"] for head in spoken.heads)
    assert not spoken.map.error.text


def test_what_goes_wrong_later_is_said_on_the_map():
    whole, broken = rows(), Event()

    def part(i: int) -> pd.DataFrame:
        if broken.is_set():
            raise OSError("the disk is gone")
        return whole.iloc[i * 1_500 : (i + 1) * 1_500]

    spoken = Spoken(explorer.Map(dd.from_map(Part(part), range(2), meta=whole.iloc[:0])))
    broken.set()
    spoken.say(id=1)
    spoken.wait(lambda: spoken.map.error.text)
    assert spoken.map.error.text == "The Dask DataFrame cannot be read: the disk is gone."
    again = dd.from_map(Part(part), range(2), meta=whole.iloc[:0])
    assert Spoken(explorer.Map(again)).map.layer.note == "The Dask DataFrame cannot be read: the disk is gone."


def test_a_folder_of_parts_is_read_lazily_and_other_things_are_refused(tmp_path: Path):
    rows().to_parquet(tmp_path / "part.0.parquet")
    spoken = Spoken(explorer.Map(tmp_path, color="score"))
    assert spoken.map.legend.content["note"] == "Mean of the rows in a pixel."
    assert len(spoken.map.legend.content["bar"]["colors"]) > 2
    with pytest.raises(FileMissing, match="nowhere"):
        explorer.Map(tmp_path / "nowhere")
    with pytest.raises(BadParameter, match="name a column of the Dask DataFrame"):
        explorer.Map(tmp_path, color=[1, 2, 3])


def test_the_whole_map_and_every_row_are_a_button_away():
    far = rows()
    far.loc[5, "x"] = 1e5
    spoken = Spoken(explorer.Map(dd.from_pandas(far, npartitions=1)))
    assert spoken.map.everything.visible
    spoken.map.home.clicks += 1
    assert spoken.sent[-1] == {"type": "home"}
    spoken.map.everything.clicks += 1
    assert spoken.sent[-1]["type"] == "view"
    assert spoken.sent[-1]["x1"] > 1e5


def test_maps_of_one_frame_share_what_was_found_of_it(spoken: Spoken):
    frame = spoken.map.frame
    assert Spoken(explorer.Map(frame, color="kind")).map.surveyed is spoken.map.surveyed
    other = explorer.Map(frame, color="score")
    assert other.surveyed is not spoken.map.surveyed
    other.surveyed.result(60)


def test_columns_and_looks_are_checked_at_once():
    frame = dd.from_pandas(rows(), npartitions=1)
    with pytest.raises(UnknownColumn, match="has no column u"):
        explorer.Map(frame, x="u")
    with pytest.raises(UnknownColumn, match="has no column name"):
        explorer.Map(frame, label="name")
    with pytest.raises(BadParameter, match="y=kind is not allowed"):
        explorer.Map(frame, y="kind")
    with pytest.raises(UnknownChoice, match="is not a color map"):
        explorer.Map(frame, cmap="jet")
