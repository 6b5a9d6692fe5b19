"""A slow way between a browser and a server, for tests: what passes is delayed, and only so many bytes a second come through."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

_CHUNK = 4096


class SlowLink:
    """Forwards connections to a port of this machine.

    Parameters
    ----------
    port : int
        The server's.
    bytes_a_second : float
        What comes through from the server, once ``slow`` is set; before that everything is quick.
    seconds : float
        From one end to the other and back.
    """

    def __init__(self, port: int, *, bytes_a_second: float, seconds: float) -> None:
        self.slow = False
        self._to, self._rate, self._delay = port, bytes_a_second, seconds / 2
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._free_at = 0.0  # when the link has carried what was sent so far
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._await(asyncio.start_server(self._connected, "localhost", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """End every connection."""
        self._await(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _await(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.1)  # until the connections are closed

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("localhost", self._to)
        self._start(self._pass(reader, to_server, rate=None))
        self._start(self._pass(from_server, writer, rate=self._rate))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, rate: float | None) -> None:
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._start(self._deliver(on_the_way, writer))
        try:
            while chunk := await reader.read(_CHUNK):
                arrives = self._loop.time()
                if self.slow:
                    if rate is not None:
                        self._free_at = max(self._free_at, arrives) + len(chunk) / rate
                        await asyncio.sleep(self._free_at - arrives)
                    arrives = self._loop.time() + self._delay
                on_the_way.put_nowait((arrives, chunk))
        except ConnectionError:
            pass
        on_the_way.put_nowait((0.0, b""))

    async def _deliver(self, on_the_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                arrives, chunk = await on_the_way.get()
                if not chunk:
                    break
                await asyncio.sleep(max(0.0, arrives - self._loop.time()))
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
