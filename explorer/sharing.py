"""What a session is shared by: its address, Python, a paragraph on its method, and bookmarks; follows what is set. Knows no browser."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import param

from explorer.address import Address, address_of, differing, encoded, entry_name, reopening, restore
from explorer.bookmarks import Bookmarks
from explorer.errors import ExplorerError
from explorer.snippet import python_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from explorer.bookmarks import Bookmark
    from explorer.plane import Plane
    from explorer.session import Session

__all__ = ["Shared", "Sharing"]


class Shared(NamedTuple):
    """What is written of one moment: for the address bar, for a bookmark, for a notebook."""

    address: Address
    bookmark: str
    python: str
    methods: str


class _Page(NamedTuple):
    """A dataset by its name in the catalog, "" where it is not there; how everything was set; and what people call the dataset."""

    entry: str
    text: str
    title: str


class Sharing(param.Parameterized):
    """Only the thread that owns the session's params calls this.

    Parameters
    ----------
    session : Session
        What is shared.
    """

    shared = param.Parameter(default=None, doc="What is written of how everything is set now (Shared); none before begin().")
    problem = param.String(default="", doc="Why a bookmark could not be kept, as a sentence.")

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.bookmarks = Bookmarks(session.visitor.login)
        self._items, self._opened = _Items(self), _Opened(self)
        self._page: _Page | None = None  # what is open, and how it is set; none until that is written
        self._left: _Page | None = None  # what was open before what is being opened
        self._returning = ""  # the name of what is opened because an undo, or a redo, asks for it
        self._begun = self._busy = self._again = False
        self._described: tuple[tuple[object, ...], str] = ((), "")  # the paragraphs, and what they depend on
        self._waiting = ""  # what is restored when the dataset is there
        self._reopened = ""  # the text for which it was opened again, with what that compares it with
        self._followed: set[Plane] = set()
        parts = (session.appearance, session.selection, session.filters, session.arrangement, session.inspection, session.histograms)
        for part in (*parts, session.table, session.choice, *session.choice.projections.values()):
            part.param.watch(self._on_change, [name for name in part.param if name != "name"])
        session.param.watch(self._on_change, ["columns", "runs", "catalog"])
        session.assessment.param.watch(self._on_change, ["known"])
        session.steadiness.param.watch(self._on_change, ["known"])
        session.param.watch(self._on_dataset, ["dataset"])
        session.param.watch(self._on_planes, ["planes"])
        self._on_planes()

    def begin(self, text: str = "") -> None:
        """Follow what is set from now on; what a link's text says is set first, as soon as its dataset is there."""
        self._waiting = text
        self._begun = True
        if not text or self._session.dataset is not None:
            self._arrive()

    def open_bookmark(self, name: str) -> None:
        """Show a bookmark; its dataset is opened first where another one is open."""
        found, dataset = self.bookmarks.find(name), self._session.dataset
        if found is None:
            return
        if dataset is None or dataset.name != found["dataset"]:
            if not found["entry"]:
                self._session.error = f"The bookmark {name!r} belongs to {found['dataset']!r}, which has to be opened first."
                return
            self._open(found["entry"], found["text"])
            return
        self._waiting = found["text"] or encoded({})
        self._arrive(f"open the bookmark {name}")

    def _open(self, entry: str, text: str) -> Future[None]:
        """Open a dataset of the catalog, and set what a text says when it is there."""
        self._waiting = text or encoded({})
        return self._session.open_entry(entry)

    def keep(self, name: str) -> None:
        """Keep what is on the screen as a bookmark."""
        dataset = self._session.dataset
        if dataset is not None and self.shared is not None:
            entry = entry_name(self._session) or ""
            add = partial(self.bookmarks.add, name, self.shared.bookmark, dataset=dataset.name, entry=entry)
            self._change(f"keep the bookmark {name}", add)

    def rename(self, name: str, new: str) -> None:
        """Give a bookmark another name."""
        self._change(f"rename the bookmark {name}", partial(self.bookmarks.rename, name, new))

    def delete(self, name: str) -> None:
        """Forget a bookmark."""
        self._change(f"delete the bookmark {name}", partial(self.bookmarks.delete, name))

    def undo(self) -> None:
        """Take the last change of the bookmarks back."""
        if self._session.history.last_is(self._items):
            self._session.history.undo()
        else:  # something else was done since, or another dataset was opened
            self._try(self.bookmarks.undo)

    def _change(self, what: str, change: Callable[[], None]) -> None:
        before = self._items.snapshot()
        self._try(change)
        if self.bookmarks.items != before[0]:
            self._session.history.record(self._items, what, before)

    def _try(self, change: Callable[[], None]) -> None:
        self.problem = ""
        try:
            change()
        except ExplorerError as error:
            self.problem = str(error)

    def _on_dataset(self, *_: object) -> None:
        if self._begun and self._session.dataset is not None:
            self._left, self._page = self._left or self._page, None
            self._session.soon(self._arrive)  # when its first layout is on its way

    def _arrive(self, what: str = "", problem: str = "") -> None:
        """Restore what is waiting; as a step of this name that can be undone, where there is something before it."""
        text, self._waiting = self._waiting, ""
        if text and self._reopen(text):
            return
        if text:
            try:
                history = self._session.history
                with history.together(what) if what else history.unrecorded():
                    restore(self._session, text, problem=problem)
            except ExplorerError as error:
                self._session.error = str(error)
            if not what:
                self._session.history.clear()  # there is nothing before what a page or a dataset was opened with
        self._note_opened()
        self._on_change()

    def _note_opened(self) -> None:
        """Have undone that another dataset was opened, where the one before can be opened again by name."""
        left, self._left, dataset = self._left, None, self._session.dataset
        returning, self._returning = self._returning, ""
        if left is None or not left.entry or (returning and returning == entry_name(self._session)):
            return
        what = f"open {dataset.name}"
        if left.title == dataset.name:
            what = f"compare with {'nothing' if dataset.compared is None else dataset.compared.title}"
        self._session.history.record(self._opened, what, (left, len(left.text)), lasting=True)

    def _return_to(self, page: _Page) -> None:
        """Open again what was open, as it was set."""
        if not page.entry:
            self._session.error = f"{page.title} is not in the catalog: open it again as you did before."
            return
        self._returning = page.entry

        def done(opening: Future[None]) -> None:
            if opening.exception() is not None:
                self._session.soon(setattr, self, "_returning", "")

        self._open(page.entry, page.text).add_done_callback(done)

    def _reopen(self, text: str) -> bool:
        """Begin to open what a text compares the rows with, once; whether it is waited for."""
        session, tried, self._reopened = self._session, self._reopened == text, ""
        try:
            read = None if tried else reopening(session, text)
        except ExplorerError:
            return False  # restoring it says so
        if read is None:
            return False
        self._waiting = self._reopened = text

        def done(opening: Future[None]) -> None:
            error = opening.exception()
            if isinstance(error, ExplorerError):
                session.soon(self._do_without, text, str(error))

        session.open_with(read, session.dataset.name).add_done_callback(done)
        return True

    def _do_without(self, text: str, problem: str) -> None:
        if self._waiting == text:
            self._arrive(problem=problem)

    def _on_planes(self, *_: object) -> None:
        for plane in self._session.planes:
            if plane not in self._followed:
                self._followed.add(plane)
                plane.param.watch(self._on_change, ["scene", "journey"])
                plane.viewport.param.watch(self._on_change, ["view"])

    def _on_change(self, *_: object) -> None:
        if not self._begun or self._waiting:
            return
        if self._busy:
            self._again = True
            return
        self._busy = True
        session = self._session
        make, python, entry = differing(session), python_of(session), entry_name(session)
        describe, about, (known_about, known) = session.describe_maps(), self._described_by(), self._described

        dataset = session.dataset

        def write() -> Shared:
            state = make()
            said = known if about == known_about else describe()  # which reads layouts and graphs
            self._described = about, said
            return Shared(address_of(state, entry), encoded(state) if state else "", python(state), said)

        def take(shared: Shared, _: int) -> None:
            if dataset is not None and dataset is session.dataset:
                self._page = _Page(entry or "", shared.bookmark, dataset.name)
            self._take(shared)

        session.in_thread("write the address", 0, lambda: 0, write, take, self._fail)

    def _described_by(self) -> tuple[object, ...]:
        """Say what the paragraphs on the method depend on."""
        session = self._session
        fingerprint = None if session.dataset is None else session.dataset.fingerprint
        titles = [run.title for plane in session.planes for run in plane.layouts]
        return fingerprint, tuple(titles), tuple(session.assessment.known), tuple(session.steadiness.known)

    def _take(self, shared: Shared) -> None:
        self._busy = False
        if shared != self.shared:
            self.shared = shared
        if self._again:
            self._again = False
            self._on_change()

    def _fail(self, sentence: str, _: int) -> None:
        self._busy = self._again = False
        self.problem = sentence


class _Items:
    """The bookmarks, for the history."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    def snapshot(self) -> tuple[list[Bookmark], int]:
        """Give what :meth:`restore` takes, and its size in bytes."""
        items = list(self._sharing.bookmarks.items)
        return items, sum(len(item["text"]) for item in items)

    def restore(self, snapshot: list[Bookmark]) -> None:
        """Have again the bookmarks that there were; where they cannot be kept, the panel says so."""
        self._sharing._try(partial(self._sharing.bookmarks.put_back, snapshot))


class _Opened:
    """What is open, for the history."""

    def __init__(self, sharing: Sharing) -> None:
        self._sharing = sharing

    def snapshot(self) -> tuple[_Page, int]:
        """Give what :meth:`restore` takes, and its size in bytes."""
        session = self._sharing._session
        page = self._sharing._page or _Page(entry_name(session) or "", "", "" if session.dataset is None else session.dataset.name)
        return page, len(page.text)

    def restore(self, snapshot: _Page) -> None:
        """Open again what was open; until it is there, what is open stays."""
        self._sharing._return_to(snapshot)
