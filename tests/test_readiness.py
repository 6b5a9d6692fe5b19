"""What is ready when a server answers: real servers, started again on the store of the one before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.readiness import get_ready

DATASETS = ("late", "later", "gone", "nobodys")


@pytest.fixture
def server(benchmarks: None, tmp_path: Path) -> Iterator[Any]:
    """A server whose catalog has a few datasets after its first ones; not started yet."""
    from served import Served

    data = tmp_path / "data"
    data.mkdir()
    places = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    for number, name in enumerate(DATASETS):
        group = [f"group {row % (number + 2)}" for row in range(500)]
        pq.write_table(pa.table({"x": places[:, 0], "y": places[:, 1], "group": group}), data / f"{name}.parquet")
    made = Served(tmp_path, EXPLORER_DATA=str(data), EXPLORER_ACCESS=str(tmp_path / "access.yaml"))
    (tmp_path / "access.yaml").write_text("{}")
    yield made
    made.end()


async def visit(server: Any, *names: str) -> list[bool]:
    """Look at datasets; says of each page whether it came with a picture of its map."""
    from people import Person

    found = []
    for name in names:
        async with Person(f"{server.address}?dataset={name}") as person:
            await person.see()
            found.append(person.has_still)
    return found


def opened_by_itself(server: Any) -> list[str]:
    """Name what the server has opened for nobody since the log is there."""
    lines = [json.loads(line) for line in server.log.read_text("utf-8").splitlines()]
    return [line["dataset"] for line in lines if line.get("action") == "open" and line["session"] == "-"]


def test_a_server_that_starts_again_has_ready_what_was_opened_last(server: Any, tmp_path: Path) -> None:
    server.start()
    assert asyncio.run(visit(server, *DATASETS)) == [False] * len(DATASETS)
    server.end()
    (tmp_path / "access.yaml").write_text("datasets: {nobodys: nobody, later: [ada]}")
    (tmp_path / "data" / "gone.parquet").unlink()
    server.log.write_text("")
    server.start()
    first, *others = opened_by_itself(server)
    assert first not in DATASETS
    assert others == ["later", "late"], "the last one first, and none that nobody may see"
    assert asyncio.run(visit(server, "late")) == [True]
    assert server.errors() == []


def test_a_damaged_note_of_what_was_opened_is_told_and_does_no_harm(server: Any) -> None:
    server.store.mkdir()
    (server.store / "recent.json").write_bytes(b"\x00\xff[")
    server.start()
    assert "recent.json cannot be used" in server.log.read_text("utf-8")
    assert len(opened_by_itself(server)) == 1
    assert asyncio.run(visit(server, "late")) == [False]
    assert json.loads((server.store / "recent.json").read_text("utf-8")) == ["late"]


def test_who_waits_for_the_first_dataset_hears_also_when_it_cannot_be_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ready = Event()
    get_ready(str(tmp_path / "nowhere.npy"), ready.set)
    assert ready.is_set()
    assert "nowhere.npy" in caplog.text
