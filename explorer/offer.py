"""What a session offers for a source that has texts or images and no vectors: to encode a column; asks before, and can be canceled."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, get_args

import param

from explorer import settings
from explorer.data.image_source import ImageSource
from explorer.data.texts import TextSource
from explorer.encoders.encoder import LongTexts, encoder_for, image_encoder
from explorer.encoders.encoding import unknown_texts
from explorer.errors import JobCanceled
from explorer.priority import give_way
from explorer.records import audit
from explorer.threaded import Threaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.data.dataset import Dataset
    from explorer.data.encodable import Encodable
    from explorer.records.visitor import Visitor

__all__ = ["Asker", "TextOffer"]

_NICER = 10
_LEAST_S = 2.0  # of encoding, before it is said how long it will take
_NONE = "No encoder is set up here: name one in EXPLORER_ENCODERS, or install “panel-embedding-explorer[text]”."

_threads = ThreadPoolExecutor(2, thread_name_prefix="explorer-encode", initializer=give_way, initargs=(_NICER,))


class Asker(Threaded, Protocol):
    """The session that opens it."""

    visitor: Visitor
    error: Any

    def open_with(self, read: Callable[[], Dataset], title: str) -> Any:
        """Open what a function reads, in a thread."""
        ...


class TextOffer(param.Parameterized):
    """One offer at a time; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    """

    title = param.String(default="", doc="Of the source; empty where nothing is offered.")
    columns = param.List(default=[], item_type=str, doc="Its columns of text, the one with the longest texts first, and those of images.")
    column = param.String(default="", doc="The one to be encoded.")
    encoders = param.List(default=[], item_type=str, doc="What may encode it.")
    encoder = param.String(default="", doc="What is to encode it.")
    long_texts: LongTexts = param.Selector(  # type: ignore[assignment]
        default="cut", objects=list(get_args(LongTexts)), doc="What becomes of texts that are longer than it takes."
    )
    images = param.Boolean(default=False, doc="Whether that column holds images.")
    told = param.String(default="", doc="How many texts that are and what they cost, or why it cannot be.")
    ready = param.Boolean(default=False, doc="Whether that is known, and nothing stands against it.")
    encoding = param.Boolean(default=False, doc="Whether it is being encoded.")
    fraction = param.Number(default=0.0, bounds=(0, 1), doc="How much of it is done.")
    seconds_left = param.Number(default=None, allow_None=True, doc="Estimated seconds until it is.")

    def __init__(self, asker: Asker) -> None:
        super().__init__()
        self._asker = asker
        self._found: Encodable | None = None
        self._asked = 0  # counts questions: a late answer to an old one is dropped, and its encoding stops
        self.param.watch(self._ask, ["column", "encoder", "long_texts"])

    def put(self, title: str, found: Encodable) -> None:
        """Offer to encode a column of a source, in place of what was offered before."""
        self.dismiss()
        names = [*found.texts, *found.images]
        encoders = list(settings.encoders())
        usual = next((name for name in encoders if not found.texts and "clip" in name.lower()), next(iter(encoders), ""))
        self._found = found
        with param.parameterized.batch_call_watchers(self):
            self.param.update(title=title, columns=names, encoders=encoders, column=names[0], encoder=usual, images=not found.texts)
        if not encoders:
            self.told = _NONE

    def dismiss(self) -> None:
        """Offer nothing any more, and stop encoding; what is encoded stays in the store."""
        self._asked += 1
        self._found = None
        self.param.update(title="", columns=[], encoders=[], column="", encoder="", images=False, told="", ready=False)
        self.param.update(encoding=False, fraction=0.0, seconds_left=None)

    def begin(self) -> None:
        """Encode the column and open the source with its vectors."""
        found, title, column, encoder, long_texts = self._found, self.title, self.column, self.encoder, self.long_texts
        if found is None or not self.ready or self.encoding or not self._offered:
            return
        self._asked += 1
        number, began = self._asked, monotonic()
        self.param.update(encoding=True, fraction=0.0, seconds_left=None, told="")
        audit.record("encode", dataset=title, rows=found.n_rows, who=self._asker.visitor, encoder=encoder, column=column)

        def report(stage: str, fraction: float) -> None:
            if number != self._asked:
                raise JobCanceled(title)
            if stage.startswith("encoding"):
                self._asker.soon(self._show, number, fraction, monotonic() - began)

        def make() -> None:
            _source(found, column).encode(encoder_for(encoder, long_texts=long_texts), report=report)

        def take(_: None, number: int) -> None:
            if number == self._asked:
                self.dismiss()
                read = partial(_opened, found, column, encoder, long_texts, title)
                self._asker.open_with(read, title)

        self._asker.in_thread(f"encode {title}", number, lambda: self._asked, make, take, self._fail, threads=_threads)

    def cancel(self) -> None:
        """Stop encoding; the offer stays, and what is encoded counts the next time."""
        if self.encoding:
            self._asked += 1
            self.param.update(encoding=False, fraction=0.0, seconds_left=None)
            self._ask()

    def close(self) -> None:
        """Stop encoding; says so to nobody, for there is nobody any more."""
        self._asked += 1
        self._found = None

    @property
    def _offered(self) -> bool:
        """Whether what is chosen is on offer: a browser says what it likes."""
        return self.column in self.columns and self.encoder in self.encoders

    def _ask(self, *_: object) -> None:
        """Find out what it would cost."""
        found, column, encoder = self._found, self.column, self.encoder
        if found is None or not self._offered:
            return
        self._asked += 1
        self.param.update(images=column in found.images, told="Counting …", ready=False, encoding=False)
        make = partial(_cost, found, column, encoder, self.long_texts)
        self._asker.in_thread("count texts", self._asked, lambda: self._asked, make, self._tell, self._fail)

    def _tell(self, told: str, number: int) -> None:
        if number == self._asked:
            self.param.update(told=told, ready=True)

    def _show(self, number: int, fraction: float, seconds: float) -> None:
        if number == self._asked:
            left = seconds / fraction * (1 - fraction) if fraction and seconds > _LEAST_S else None
            self.param.update(fraction=min(1.0, fraction), seconds_left=left)

    def _fail(self, sentence: str, number: int) -> None:
        if number == self._asked:
            self.param.update(told=sentence, encoding=False, fraction=0.0, seconds_left=None)


def _source(found: Encodable, column: str) -> TextSource | ImageSource:
    if column in found.images:
        return ImageSource(found.source, column, folder=found.folder)
    return TextSource(found.source, column)


def _cost(found: Encodable, column: str, encoder: str, long_texts: LongTexts) -> str:
    source, by = _source(found, column), encoder_for(encoder, long_texts=long_texts)
    if isinstance(source, ImageSource):
        image_encoder(by)
        return f"{source.n:,} images."
    new = unknown_texts(source.texts, by, store=settings.store_folder())
    known = "" if len(new) == source.n else f", {source.n - len(new):,} of them encoded before"
    cost = by.cost(new) if new else ""
    return f"{source.n:,} different texts{known}{': ' if cost else ''}{cost}."


def _opened(found: Encodable, column: str, encoder: str, long_texts: LongTexts, title: str) -> Dataset:
    text = None if column in found.images else column
    return _source(found, column).opened(encoder_for(encoder, long_texts=long_texts), name=title, text=text)
