"""What a kernel and a notebook's browser say to each other arrives whole and in order, also before the cell is drawn."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bokeh.document import Document
from bokeh.models import Div
from panel.io import notebook
from pyviz_comms import Comm, JupyterCommJS

from explorer.views import cells
from explorer.views.cells import drawn, keep_back

if TYPE_CHECKING:
    import pytest

LATER_S = 0.5


class Line(Comm):
    """A way to the browser that lets another thread go first; knows what was sent, and from where."""

    def __init__(self) -> None:
        super().__init__()
        self._comm = True
        self.sent: list[str] = []

    def send(self, data: str | None = None, metadata: object = None, buffers: object = ()) -> None:
        """Take a part of a message."""
        time.sleep(0.002)
        self.sent.append(data or "")


def message(name: str) -> SimpleNamespace:
    return SimpleNamespace(header_json=name, metadata_json=name, content_json=name, buffers=[])


def told(line: Line) -> str:
    """The names of the messages that came, each of which is three parts."""
    assert all(len(set(line.sent[at : at + 3])) == 1 for at in range(0, len(line.sent), 3))
    return "".join(line.sent[::3])


def test_parts_of_messages_from_several_threads_are_not_mixed() -> None:
    line = Line()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: notebook.send(line, message(name)), "abcdefgh"))
    assert sorted(told(line)) == list("abcdefgh")


def test_nothing_is_sent_before_the_cell_is_drawn_and_then_everything_in_order() -> None:
    async def show() -> None:
        line, other, document = Line(), Line(), Document()
        keep_back(document, line)
        notebook.send(line, message("a"))
        notebook.send(other, message("x"))
        drawn(Document())  # another one
        assert told(line) == "", "the browser would leave it out"
        assert told(other) == "x", "what somebody else shows is not held up"
        drawn(document)
        notebook.send(line, message("b"))
        await asyncio.sleep(LATER_S)
        assert told(line) == "ab"
        keep_back(document, line)  # a second map is put beside the first
        notebook.send(line, message("c"))
        assert told(line) == "abc"

    asyncio.run(show())


def test_a_change_made_before_the_browser_has_connected_is_told_before_a_later_one() -> None:
    async def show() -> list[Any]:
        line, document, div = Line(), Document(), Div(text="")
        document.add_root(div)
        document.hold()
        document.callbacks._held_events = []
        line._comm = None
        keep_back(document, line)
        div.text = "first"
        notebook.push(document, line)  # Panel tries again later
        await asyncio.sleep(0.05)
        line._comm = True
        div.text = "second"
        notebook.push(document, line)
        drawn(document)
        await asyncio.sleep(LATER_S)
        return [part for part in line.sent if "ModelChanged" in part]

    said = asyncio.run(show())
    assert ["first" in part for part in said] == [True, False]
    assert ["second" in part for part in said] == [False, True]


def test_a_cell_that_is_never_drawn_does_not_fill_the_memory() -> None:
    line = Line()
    keep_back(Document(), line)
    for _ in range(cells._KEPT_MOST + 10):
        notebook.send(line, message("a"))
    assert len(cells._kept.pop(line.id)) == cells._KEPT_MOST


def test_what_a_browser_says_is_heard_on_the_main_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[threading.Thread] = []
    monkeypatch.setattr("explorer.views.cells._loops", [])
    comm = SimpleNamespace(decode=lambda msg: msg, _on_msg=lambda _: heard.append(threading.current_thread()), send=lambda metadata: None)

    async def show() -> None:
        keep_back(Document(), Line())
        await asyncio.to_thread(JupyterCommJS._handle_msg, comm, {})
        await asyncio.sleep(0)

    asyncio.run(show())
    assert heard == [threading.main_thread()]
