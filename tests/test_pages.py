"""What goes to browsers arrives: also what Panel puts aside and may forget."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from bokeh.document import Document
from panel.io import document as writing

from explorer import pages
from explorer.pages import _send_what_stayed, scheduler


class Connection:
    """A browser whose line is busy until ``free`` is set."""

    def __init__(self, free: asyncio.Future[None]) -> None:
        self.sent: list[str] = []
        self._socket, self.protocol, self._free = self, self, free

    def create(self, kind: str, events: list[str]) -> Any:
        """Make a message, as Bokeh's protocol does."""
        return SimpleNamespace(header_json=kind, metadata_json="", content_json=json.dumps(events), _buffers=[])

    def send(self, text_data: str) -> asyncio.Future[None]:
        """Take a part of a message."""
        self.sent.append(text_data)
        return self._free


@pytest.mark.skipif(not hasattr(writing, "_WRITE_MSGS"), reason="Panel 1.10 has another way")
def test_a_message_that_panel_forgot_is_sent():
    async def race() -> tuple[list[str], list[str]]:
        document, free = Document(), asyncio.get_running_loop().create_future()
        connection = Connection(free)
        writing.schedule_write_events(document, [connection], ["first"])
        await asyncio.sleep(0)
        free.set_result(None)  # what was written first ends before the task of what comes now begins
        writing.schedule_write_events(document, [connection], ["second"])
        await asyncio.sleep(0.05)
        forgotten = list(connection.sent)
        _send_what_stayed(document)
        await asyncio.sleep(0.2)
        assert document not in writing._WRITE_MSGS
        return forgotten, connection.sent

    forgotten, sent = asyncio.run(race())
    assert '["second"]' not in forgotten, "Panel forgets it no longer: what sends it can go"
    assert sent.count('["first"]') == sent.count('["second"]') == 1


def test_a_kernel_that_has_ended_is_told_nothing():
    async def find() -> Any:
        return scheduler()

    later = asyncio.run(find())  # whose loop is closed by now
    later(lambda: pytest.fail("it ran"))


def test_a_page_that_is_closed_is_told_nothing(monkeypatch: pytest.MonkeyPatch):
    document = Document()
    monkeypatch.setattr(type(document), "session_context", property(lambda _: object()))
    monkeypatch.setattr(pages.pn, "state", SimpleNamespace(curdoc=document))
    later = scheduler()
    later(lambda: None)
    assert len(document.session_callbacks) == 1
    document.callbacks.destroy()  # as Bokeh does in a thread of its own
    later(lambda: pytest.fail("it ran"))
