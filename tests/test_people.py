"""People without browsers, as the benchmark of a server has them, on a real server; and one of them does not listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

N_ASKED = 300  # pictures: 30 MB
MOST = 100_000_000  # bytes that a server may have for its own more than before


def parts(view: list[float], n: int) -> list[list[float]]:
    """Views that differ, each a little within the one before."""
    x0, x1, y0, y1 = view
    return [[x0 + (x1 - x0) * at / (4 * n), x1, y0 + (y1 - y0) * at / (4 * n), y1] for at in range(n)]


@asynccontextmanager
async def hard_of_hearing(person: Any) -> AsyncIterator[Any]:
    """Have somebody who may go deaf, and whose connection is closed all the same."""
    await person.__aenter__()
    try:
        yield person
    finally:
        stream = person._connection.protocol.stream
        person._connection.close()
        person._listening.cancel()
        stream.close()


async def deafen(person: Any) -> None:
    """Have somebody read no more of what is sent to them; what they say still gets to the server."""
    person._listening.cancel()
    asyncio.get_running_loop().remove_reader(person._connection.protocol.stream.fileno())


def test_who_does_not_listen_holds_up_nobody_and_fills_no_memory(benchmarks: None, tmp_path: Path) -> None:
    from people import HEIGHT, WIDTH, Person
    from served import Served, artifacts

    server = Served(tmp_path)

    async def look() -> None:
        page = f"{server.address}?dataset=wordnet-10k"
        async with Person(page) as hears, hard_of_hearing(Person(page)) as deaf:
            assert await hears.see() > 0
            assert await deaf.see() > 0
            assert hears.has_still
            assert await hears.look(parts(hears.home, 2)[1], moving=True) > 0
            before = server.memory()
            await deafen(deaf)
            size = {"width": WIDTH, "height": HEIGHT, "ratio": 1, "background": "#ffffff", "budget": 150_000}
            for number, (x0, x1, y0, y1) in enumerate(parts(deaf.home, N_ASKED), 100):
                place = {"x0": x0, "x1": x1, "y0": y0, "y1": y1, **size}
                await deaf.say(deaf._layer, {"type": "draw", "client": "deaf", "id": number, "moving": True, **place})
                await asyncio.sleep(0.01)
            for view in parts(hears.home, 20):
                assert await hears.look(view, moving=True) > 0
            assert server.memory() - before < MOST
            assert not hears.problems

    server.start()
    try:
        asyncio.run(look())
        assert server.figures()["explorer_sessions_opened_total"] == 2
        assert artifacts(server.store)
        assert server.errors() == []
    finally:
        server.end()
