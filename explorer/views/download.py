"""Files from the server to the browser that asked for them, over the page's own connection: works served and in a notebook.

``Download(later=...)`` belongs somewhere on the page; ``download.send(source, name=, mime=, to=download.asker)`` saves a file there. A
piece of at most 512 kB is sent when the browser has the one before: pictures of the map go in between, and memory is that of a piece.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import panel as pn
import param

from explorer.session import Schedule

__all__ = ["Download", "file_name"]

logger = logging.getLogger(__name__)

_PIECE = 512 * 1024  # bytes
_AT_ONCE = 4  # downloads under way in one page; an older one has been left behind
_CLIENTS = 8  # browsers that show one page
_CLIENT_MOST = 64  # characters of the name that a browser gives itself
_NAME_MOST = 80  # characters of a file's name, without its ending
_readers = ThreadPoolExecutor(2, thread_name_prefix="explorer-download")


class DownloadComponent(pn.custom.JSComponent):
    """The browser's side; see ``download.js``."""

    piece = param.Bytes(default=b"", doc="A piece of a file, with its header.")

    _esm = Path(__file__).with_name("download.js")
    _stylesheets: ClassVar = [Path(__file__).with_name("panels.css")]  # type: ignore[list-item]  # as Panel allows

    def __init__(self, *, on_message: Callable[[object], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, data: object) -> None:
        self._on_message(data)


class Download(pn.viewable.Viewer):
    """Sends files to the browsers of one page, and shows there how far they are.

    Parameters
    ----------
    later : callable
        Runs a function on the thread that owns the widgets; may be called from any thread.
    on_error : callable
        Called on that thread with a sentence.
    """

    def __init__(self, *, later: Schedule, on_error: Callable[[str], object], **params: Any) -> None:
        super().__init__(**params)
        self._later = later
        self._on_error = on_error
        self._clients: OrderedDict[str, None] = OrderedDict()  # the one that clicked last is the last
        self._transfers: OrderedDict[int, _Transfer] = OrderedDict()
        self._numbers = count(1)
        self.component = DownloadComponent(on_message=self._on_message, sizing_mode="stretch_width", margin=(0, 10))

    def __panel__(self) -> pn.viewable.Viewable:
        return self.component

    @property
    def asker(self) -> str:
        """The browser in which somebody clicked last: where a file should go that the click asked for. Empty where no browser is."""
        return next(reversed(self._clients), "")

    def send(self, source: bytes | Path, *, name: str, mime: str, to: str, on_end: Callable[[], object] | None = None) -> None:
        """Send a file; returns at once. Call it on the thread that owns the widgets.

        Parameters
        ----------
        source : bytes or Path
            What the file holds, or a file that holds it.
        name : str
            What it is called where it is saved, see :func:`file_name`.
        mime : str
            Its type.
        to : str
            Which browser gets it: what ``asker`` was when somebody asked.
        on_end : callable, optional
            Called once, when the file is there, or canceled, or its browser gone: whatever ``source`` is may go then.
        """
        number = next(self._numbers)
        try:
            transfer = _Transfer(number, source, name, mime, to, on_end)
        except OSError as error:
            self._on_error(f"{name} could not be sent: {error.strerror}.")
            if on_end is not None:
                on_end()
            return
        self._transfers[number] = transfer
        while len(self._transfers) > _AT_ONCE:
            self._end(next(iter(self._transfers)), tell=True)
        if to in self._clients:
            self._send_piece(transfer)
        else:
            self._end(number)
            self._on_error(f"{name} could not be sent: the page that asked for it has lost its connection. Ask for it again.")

    def close(self) -> None:
        """Forget every download that is under way."""
        for number in list(self._transfers):
            self._end(number)

    # -- from the browser, on any thread

    def _on_message(self, message: object) -> None:
        if not isinstance(message, dict) or not isinstance(message.get("client"), str) or len(message["client"]) > _CLIENT_MOST:
            logger.warning("a message from the browser that makes no sense was left out: %.200r", message)
            return
        self._later(partial(self._take_message, message))

    def _take_message(self, message: dict[str, Any]) -> None:
        kind, client = message.get("type"), message["client"]
        transfer = self._transfers.get(message["id"]) if isinstance(message.get("id"), int) else None
        if kind == "here":
            self._clients.setdefault(client)
            self._clients.move_to_end(client, last=False)
        elif kind == "clicked":
            self._clients[client] = None
            self._clients.move_to_end(client)
        elif kind == "gone":
            self._clients.pop(client, None)
            for number in [number for number, known in self._transfers.items() if known.client == client]:
                self._end(number)
        elif transfer is not None and transfer.client == client:
            if kind == "stop":
                self._end(transfer.number)
            elif kind == "got" and message.get("at") == transfer.sent:
                self._send_piece(transfer)
        while len(self._clients) > _CLIENTS:
            self._clients.popitem(last=False)

    # -- pieces

    def _send_piece(self, transfer: _Transfer) -> None:
        if transfer.complete:
            self._end(transfer.number)
            return

        def read(done: Future[bytes]) -> None:
            self._later(partial(self._show_piece, transfer, done))

        _readers.submit(transfer.read).add_done_callback(read)

    def _show_piece(self, transfer: _Transfer, done: Future[bytes]) -> None:
        if transfer.number not in self._transfers:
            return
        error = done.exception()
        if error is not None:
            logger.error("a file could not be read to be sent", exc_info=error)
            self._end(transfer.number, tell=True)
            self._on_error(f"{transfer.name} could not be sent; the log has the details.")
            return
        self.component.piece = transfer.message(done.result())

    def _end(self, number: int, *, tell: bool = False) -> None:
        transfer = self._transfers.pop(number, None)
        if transfer is None:
            return
        if tell:
            self.component._send_msg(
                {"type": "end", "client": transfer.client, "id": number}
            )  # the component's own way to its browser side
        if not self._transfers:
            self.component.piece = b""
        transfer.close()


class _Transfer:
    """One file on its way to one browser."""

    def __init__(self, number: int, source: bytes | Path, name: str, mime: str, client: str, on_end: Callable[[], object] | None) -> None:
        self.number, self.name, self.mime, self.client = number, name, mime, client
        self.sent = 0
        self._on_end = on_end
        self._file: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        self.size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        self._begun = False

    @property
    def complete(self) -> bool:
        """Whether the browser has everything; an empty file is one piece without bytes."""
        return self._begun and self.sent >= self.size

    def read(self) -> bytes:
        """Read the next piece."""
        return self._file.read(_PIECE)

    def message(self, piece: bytes) -> bytes:
        """Pack a piece: two bytes of header length, the header as JSON, the bytes."""
        head = {"id": self.number, "client": self.client, "name": self.name, "mime": self.mime, "size": self.size, "at": self.sent}
        written = json.dumps(head).encode()
        self._begun = True
        self.sent += len(piece)
        return len(written).to_bytes(2, "big") + written + piece

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        if self._on_end is not None:
            self._on_end()


def file_name(*parts: str, ending: str) -> str:
    """Make a name for a file out of words: letters and digits of any script, what else there is becomes a hyphen."""
    words = (re.sub(r"[^\w.()]+", "-", re.sub(r"(?<=\d),(?=\d)", "", part)).strip("-.") for part in parts)
    return ("-".join(word for word in words if word)[:_NAME_MOST].strip("-.") or "explorer") + ending
