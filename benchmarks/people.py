"""People without browsers: each opens a page over HTTP and lives on its WebSocket as a browser does, so that twenty cost little."""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from collections.abc import Iterator, Mapping
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

__all__ = ["Person"]

PATIENCE_S = 60.0
AGAIN_S = 0.1
WIDTH, HEIGHT = 900, 700
BUDGET = 150_000  # bytes that this way carries quickly, as a browser finds out
STILL = "explorer-still"
PROJECTION = "Projection"


class Person:
    """Somebody with a page open.

    Parameters
    ----------
    address : str
        Of the page, with its query.
    """

    _names = count(1)

    def __init__(self, address: str) -> None:
        self._address = address
        self._name = f"person-{next(self._names)}"
        self._ids = count(1)
        self._requests = count(1)
        self._under_way: dict[int, asyncio.Future[float]] = {}  # when each picture was whole
        self._replies: dict[str, asyncio.Future[str]] = {}
        self._connection: WebSocketClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._welcome = asyncio.Event()  # before which the server hears nothing
        self._widgets: dict[str, tuple[str, str]] = {}  # the ids of each, by label
        self._layer = ""  # the id of the map in the page
        self.home: list[float] = []
        self.problems: list[str] = []
        self.page_s = 0.0  # until the page was there
        self.has_still = False  # whether it came with a picture of its map

    async def __aenter__(self) -> Self:
        """Open the page."""
        client, start = AsyncHTTPClient(), time.perf_counter()
        answer = await client.fetch(self._address, request_timeout=120)
        self.page_s = time.perf_counter() - start
        page = answer.body.decode()
        self.has_still = f'id="{STILL}"' in page
        found = re.search(r'"token":"([^"]+)"', html.unescape(page))
        if found is None:
            message = f"{self._address} is no page of Explorer"
            raise RuntimeError(message)
        at = urlsplit(self._address)
        asked = HTTPRequest(f"ws://{at.netloc}{at.path}/ws", headers={"Origin": f"http://{at.netloc}"}, request_timeout=120)
        self._connection = await websocket_connect(asked, subprotocols=["bokeh", found[1]], max_message_size=100_000_000)
        self._listening = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._welcome.wait(), PATIENCE_S)
        await self.pull()
        await self._send("PATCH-DOC", {"events": [_event("document_ready", {})]})
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the page."""
        if self._connection is not None:
            self._connection.close()
        if self._listening is not None:
            await self._listening

    async def see(self) -> float:
        """Wait until the map is there, and look at all of it; seconds from then until its first picture."""
        end = time.perf_counter() + PATIENCE_S
        while not self.home:
            if time.perf_counter() > end:
                message = "there is no map"
                raise TimeoutError(message)
            await asyncio.sleep(AGAIN_S)
            self._find_map(await self.pull())
        return await self.look(self.home, moving=False)

    async def look(self, view: list[float], *, moving: bool) -> float:
        """Look at a part of the map (x0, x1, y0, y1); seconds until the picture, all of it, was there.

        Raises
        ------
        TimeoutError
            If it does not come.
        """
        number, picture, asked = next(self._ids), asyncio.get_running_loop().create_future(), time.perf_counter()
        self._under_way = {number: picture}  # what was asked for before may never be drawn
        x0, x1, y0, y1 = view
        place = {"x0": x0, "x1": x1, "y0": y0, "y1": y1, "width": WIDTH, "height": HEIGHT, "ratio": 1, "background": "#ffffff"}
        await self.say(self._layer, {"type": "draw", "client": self._name, "id": number, **place, "moving": moving, "budget": BUDGET})
        return await asyncio.wait_for(picture, PATIENCE_S) - asked

    # -- the page's widgets

    async def pull(self) -> str:
        """Get the page's document, as JSON."""
        number = str(next(self._requests))
        self._replies[number] = asyncio.get_running_loop().create_future()
        await self._send("PULL-DOC-REQ", {}, number)
        return await asyncio.wait_for(self._replies[number], PATIENCE_S)

    async def press(self, label: str) -> None:
        """Press a button."""
        model, _ = await self.widget(label)
        values = {"model": {"id": model}, "node": "click", "data": {"type": "map", "entries": []}}
        await self._send("PATCH-DOC", {"events": [_event("dom_event", values)]})

    async def choose(self, label: str, value: object) -> None:
        """Set a widget."""
        _, data = await self.widget(label)
        await self._send("PATCH-DOC", {"events": [{"kind": "ModelChanged", "model": {"id": data}, "attr": "value", "new": value}]})
        if label == PROJECTION:
            self._widgets = {}  # others take their places

    async def widget(self, label: str) -> tuple[str, str]:
        """Find a widget: the ids of its model and of what it holds.

        Raises
        ------
        RuntimeError
            If the page has none of this label.
        """
        if label not in self._widgets:  # a page is half a megabyte: it is not asked for at each press
            found = _components(json.loads(await self.pull()))
            self._widgets = {str(held["attributes"].get("label")): (model["id"], held["id"]) for model, held in found}
        if label not in self._widgets:
            message = f"the page has no {label}"
            raise RuntimeError(message)
        return self._widgets[label]

    async def say(self, model: str, message: Mapping[str, Any]) -> None:
        """Say something to a component's Python side."""
        await self._send("PATCH-DOC", {"events": [_event("data_event", {"model": {"id": model}, "data": _mapped(message)})]})

    # -- the connection

    async def _send(self, kind: str, content: Mapping[str, Any], number: str | None = None) -> None:
        assert self._connection is not None
        header = {"msgid": number or str(next(self._requests)), "msgtype": kind}
        for part in (header, {}, content):
            await self._connection.write_message(json.dumps(part))

    async def _listen(self) -> None:
        while True:
            header = await self._read()
            if header is None:
                break
            told = json.loads(header)
            _, content = await self._read(), await self._read()
            for _ in range(told.get("num_buffers", 0)):
                _, data = await self._read(), await self._read()
                if isinstance(data, bytes):
                    await self._take(data)
            if told["msgtype"] == "ACK":
                self._welcome.set()
            if told["msgtype"] == "ERROR":
                self.problems.append(str(content))
            reply = self._replies.pop(told.get("reqid", ""), None)
            if reply is not None and not reply.done() and isinstance(content, str):
                reply.set_result(content)
                self._find_map(content)

    async def _read(self) -> str | bytes | None:
        assert self._connection is not None
        return await self._connection.read_message()

    async def _take(self, data: bytes) -> None:
        """Take a picture, or a piece of one, and ask for the next."""
        size = int.from_bytes(data[:2], "big")
        if not data[2 : 2 + size].startswith(b'{"client"'):
            return
        head = json.loads(data[2 : 2 + size])
        picture = self._under_way.get(head["id"])
        if picture is None or picture.done():
            return
        if head["piece"] + 1 == head["pieces"]:
            picture.set_result(time.perf_counter())
        else:
            await self.say(self._layer, {"type": "piece", "client": self._name, "push": head["push"], "piece": head["piece"] + 1})

    def _find_map(self, document: str) -> None:
        for model, held in _components(json.loads(document)):
            if held["name"].startswith("PictureLayer"):
                self._layer, self.home = model["id"], held["attributes"].get("home", [])
                return


def _event(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    made = {"type": "event", "name": name, "values": {"type": "map", "entries": [list(entry) for entry in values.items()]}}
    return {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": made}


def _mapped(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "map", "entries": [list(entry) for entry in value.items()]}


def _components(found: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Find Panel's components in a document: each model, and the one that holds its params."""
    if isinstance(found, dict):
        attributes = found.get("attributes")
        if isinstance(attributes, dict):
            held = attributes.get("data")
            if isinstance(held, dict) and isinstance(held.get("attributes"), dict):
                yield found, held
        for part in found.values():
            yield from _components(part)
    elif isinstance(found, list):
        for part in found:
            yield from _components(part)
