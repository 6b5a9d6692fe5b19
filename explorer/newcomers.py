"""New rows that somebody drops in: what they are near to, whether the data knows anything like them, and where they are on each map.

They are texts, vectors or rows of a file; they join no dataset, and are gone with the session; their vectors stay in the store until room
is needed. Knows no browser and no widget.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import param
from numpy.typing import NDArray

from explorer import settings
from explorer.data.image_source import ImageSource
from explorer.data.texts import TextSource
from explorer.encoders.encoding import encode_images, encode_texts
from explorer.errors import BadParameter, EncoderUnknown, OnlyImages, OnlyTexts, VectorsNeeded
from explorer.query.formula import encoded
from explorer.threaded import Threaded

if TYPE_CHECKING:
    from explorer.compute.projections import Layout
    from explorer.data.dataset import Dataset
    from explorer.data.encodable import Encodable
    from explorer.jobs.job import Job
    from explorer.jobs.placement_task import Placement
    from explorer.jobs.runner import Runner
    from explorer.plane import Plane
    from explorer.scene import Shown
    from explorer.state.inspection import Inspection

__all__ = ["MOST", "Newcomer", "Newcomers", "newcomer_words"]

MOST = 1_000
"""New rows at a time."""

_TITLE = 60  # characters
_NUMBERS = frozenset("0123456789+-.eE,;[]() \t\r\n")


class Asker(Threaded, Protocol):
    """The session that has the dataset open."""

    dataset: Any
    planes: Any
    inspection: Inspection
    param: Any


class Newcomer(NamedTuple):
    """A new row: what people call it, and its vector (d,)."""

    title: str
    vector: NDArray[np.float32]


class Newcomers(param.Parameterized):
    """The new rows of one session; only the thread that owns the session's params calls this.

    Parameters
    ----------
    asker : Asker
        The session.
    jobs : Runner
        Places them.
    """

    items = param.List(default=[], doc="The new rows (Newcomer), the newest first.")
    found = param.Parameter(default=None, doc="What is known of them (Placement), in the same order; none until it is.")
    places = param.Dict(default={}, doc="Where they are on each map: (m, 2) in its coordinates, by Plane; maps without it have none.")
    working = param.Boolean(default=False, doc="Whether they are being encoded or placed.")
    problem = param.String(default="", doc="Why something could not be dropped in, as a sentence; empty when all went well.")

    def __init__(self, asker: Asker, *, jobs: Runner) -> None:
        super().__init__()
        self._asker, self._jobs = asker, jobs
        self.owner = f"{id(self)} drops in"  # as the runner knows it: nothing waits for the session's layouts
        self._asked = 0  # counts questions where they are: a late answer to an old one is dropped
        self._cleared = 0  # what was read for a list that is gone is dropped
        self._reading = 0  # how many are being read or encoded
        self._placing = False
        self._job: Job[Placement] | None = None
        self._watched: list[tuple[Plane, Any]] = []
        self._of: list[Layout] = []  # what they are placed on, or will be in a moment
        asker.param.watch(self._on_dataset, ["dataset"])
        asker.param.watch(self._on_planes, ["planes"])
        asker.inspection.param.watch(self._place_again, ["metric"])
        self.param.watch(self._on_items, ["items"])
        self._on_planes()

    def drop(self, text: str) -> None:
        """Drop in what somebody has typed or pasted: vectors where it is numbers, else a text for the dataset's encoder."""
        dataset = self._asker.dataset
        if dataset is None or not text.strip():
            return
        self._begin(partial(_read, dataset, text))

    def drop_rows(self, read: Callable[[], Dataset]) -> None:
        """Drop in the rows of what a function reads, in a thread; of texts or images the dataset's encoder makes vectors."""
        dataset = self._asker.dataset
        if dataset is not None:
            self._begin(partial(_rows_of, dataset, read))

    def drop_image(self, name: str, read: Callable[[], bytes]) -> None:
        """Drop in an image, read in a thread, whose vector the dataset's encoder makes, if it takes images."""
        dataset = self._asker.dataset
        if dataset is not None:
            self._begin(partial(_image_of, dataset, name, read))

    def remove(self, at: int) -> None:
        """Forget one of them, by its place in the list."""
        if 0 <= at < len(self.items):
            self.items = [item for place, item in enumerate(self.items) if place != at]

    def clear(self) -> None:
        """Forget them all."""
        self._stop()
        self._cleared, self._reading = self._cleared + 1, 0
        self.param.update(items=[], found=None, places={}, working=False, problem="")

    def close(self) -> None:
        """Let go of what runs; says so to nobody, for there is nobody any more."""
        self._stop()

    def _begin(self, read: Callable[[], list[Newcomer]]) -> None:
        self._reading += 1
        self.param.update(working=True, problem="")
        self._asker.in_thread("read new rows", self._cleared, lambda: self._cleared, read, self._take_items, self._fail_reading)

    def _take_items(self, made: list[Newcomer], number: int) -> None:
        if number == self._cleared:
            self._reading -= 1
            self.items = [*made, *self.items][:MOST]

    def _fail_reading(self, sentence: str, number: int) -> None:
        if number == self._cleared:
            self._reading -= 1
            self.param.update(working=self._busy, problem=sentence)

    def _on_items(self, *_: object) -> None:
        self._place()

    def _place_again(self, *_: object) -> None:
        if self.items:
            self._place()

    def _place(self) -> None:
        """Ask where they are on what the maps show now."""
        self._stop()
        dataset, items = self._asker.dataset, list(self.items)
        if dataset is None or not items:
            self.param.update(found=None, places={}, working=self._busy)
            return
        shown = self._shown()
        self._of = [each.layout for each in shown.values()]
        self._placing = self.working = True
        make = partial(_submit, self._jobs, dataset, self._of, items, self._asker.inspection.metric, self.owner)
        self._asker.in_thread("place new rows", self._asked, lambda: self._asked, make, self._follow_job, self._fail)

    def _follow_job(self, job: Job[Placement], number: int) -> None:
        if number != self._asked:
            job.cancel()
            return
        self._job = job
        job.watch(lambda changed: self._asker.soon(self._follow, changed))

    def _follow(self, job: Job[Placement]) -> None:
        if job is not self._job or not job.ended:
            return
        self._job, self._placing = None, False
        if job.state == "done":
            found = job.result()
            self.param.update(found=found, places=self._places(found), working=self._busy)
        elif job.state == "failed":
            self._fail(str(job.error), self._asked)
        else:
            self.working = self._busy

    def _places(self, found: Placement) -> dict[Plane, NDArray[np.float32]]:
        """Say where they are on each map, as it is seen now."""
        on_maps = ((plane, shown, self._at(shown)) for plane, shown in self._shown().items())
        return {plane: shown.seen(found.placed[at].coordinates) for plane, shown, at in on_maps if at is not None}

    def _at(self, shown: Shown) -> int | None:
        return next((at for at, layout in enumerate(self._of) if layout is shown.layout), None)

    def _fail(self, sentence: str, number: int) -> None:
        if number == self._asked:
            self._placing = False
            self.param.update(working=self._busy, problem=sentence)

    def _stop(self) -> None:
        self._asked += 1
        self._placing = False
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    @property
    def _busy(self) -> bool:
        return self._placing or self._reading > 0

    def _shown(self) -> dict[Plane, Shown]:
        dataset = self._asker.dataset
        scenes = {plane: plane.scene for plane in self._asker.planes}
        return {
            plane: scene.shown
            for plane, scene in scenes.items()
            if scene is not None and scene.dataset is dataset and not scene.in_progress and not scene.shown.run.of  # other vectors
        }

    def _on_dataset(self, *_: object) -> None:
        self.clear()

    def _on_planes(self, *_: object) -> None:
        for plane, watcher in self._watched:
            plane.param.unwatch(watcher)
        self._watched = [(plane, plane.param.watch(self._on_scene, ["scene"])) for plane in self._asker.planes]
        self._on_scene()

    def _on_scene(self, *_: object) -> None:
        """Place them on another layout as soon as a map shows one; colors and filters move nobody, turning does."""
        shown = list(self._shown().values())
        if self.items and any(self._at(each) is None for each in shown):
            self._place()
        elif self.found is not None and any(each.told for each in shown):
            self.places = self._places(self.found)


def _read(dataset: Dataset, text: str) -> list[Newcomer]:
    """Make new rows of what was typed: of numbers one for each line or list, else one by the encoder.

    Raises
    ------
    VectorsNeeded, EncoderUnknown, BadParameter
        If the dataset has no vectors; if it is a text, and nothing makes a vector of it; if there are numbers, but not vectors as long.
    """
    if dataset.vectors is None:
        raise VectorsNeeded("Dropping in new rows", dataset.name)
    vectors = _numbers(text, dataset.n_dims)
    if vectors is not None:
        return [Newcomer(f"vector {at}" if len(vectors) > 1 else "a vector", vector) for at, vector in enumerate(vectors, 1)]
    if dataset.encoder is None:
        raise EncoderUnknown(dataset.name, text.strip())
    return [Newcomer(_short(text), encoded(dataset, text.strip()))]


def _numbers(text: str, d: int) -> NDArray[np.float32] | None:
    """Read vectors of d numbers: JSON, or numbers between commas, semicolons or spaces; None where it is no numbers."""
    if not set(text) <= _NUMBERS or not any(letter.isdigit() for letter in text):
        return None
    try:
        values = np.array(json.loads(text), np.float64).ravel() if text.strip().startswith("[") else _split(text)
    except (ValueError, TypeError):
        return None
    if not len(values) or len(values) % d:
        raise BadParameter("vector", f"{len(values):,} numbers", f"a vector of this data has {d:,}.")
    _check_number(len(values) // d)
    return values.reshape(-1, d).astype(np.float32)


def _split(text: str) -> NDArray[np.float64]:
    for between in ",;":
        text = text.replace(between, " ")
    return np.array([float(part) for part in text.split()], np.float64)


def _rows_of(dataset: Dataset, read: Callable[[], Dataset]) -> list[Newcomer]:
    """Make new rows of those of another dataset that have a usable vector, or of its texts or images.

    Raises
    ------
    VectorsNeeded, BadParameter
        If one of the two has no vectors, or they are not of one length, or there are too many.
    DataError
        If it cannot be read, or encoded.
    """
    if dataset.vectors is None:
        raise VectorsNeeded("Dropping in new rows", dataset.name)
    try:
        opened = read()
    except (OnlyTexts, OnlyImages) as error:
        if dataset.encoder is None:
            raise
        return _encoded(dataset, str(error.args[0]), error.encodable)
    if opened.vectors is None:
        raise VectorsNeeded("Dropping in new rows", opened.name)
    if opened.n_dims != dataset.n_dims:
        raise BadParameter("file", opened.name, f"its vectors have {opened.n_dims:,} numbers, this data has {dataset.n_dims:,}.")
    rows = np.flatnonzero(opened.drawable)
    _check_number(len(rows))
    return [Newcomer(_title(opened, int(row)), np.array(opened.vectors[row], np.float32)) for row in rows]


def _encoded(dataset: Dataset, name: str, found: Encodable) -> list[Newcomer]:
    """Encode the column of the longest texts, or that of images where there are none."""
    assert dataset.encoder is not None
    if found.texts:
        texts = [text for text in TextSource(found.source, found.texts[0]).texts if text and text.strip()]
        _check_number(len(texts))
        return _named(dataset, name, [_short(text) for text in texts], encode_texts(texts, dataset.encoder, store=settings.store_folder()))
    images = ImageSource(found.source, found.images[0], folder=found.folder).images
    _check_number(len(images))
    titles = [f"image {row:,} of {name}" for row in range(len(images))]
    return _named(dataset, name, titles, encode_images(images, dataset.encoder, store=settings.store_folder()))


def _image_of(dataset: Dataset, name: str, read: Callable[[], bytes]) -> list[Newcomer]:
    """Make a new row of an image.

    Raises
    ------
    VectorsNeeded, EncoderUnknown
        If the dataset has no vectors, or nothing makes one of an image.
    DataError
        If it cannot be read, or encoded.
    """
    if dataset.vectors is None:
        raise VectorsNeeded("Dropping in new rows", dataset.name)
    if dataset.encoder is None:
        raise EncoderUnknown(dataset.name, name)
    return _named(dataset, name, [_short(name)], encode_images([read()], dataset.encoder, store=settings.store_folder()))


def _named(dataset: Dataset, name: str, titles: Sequence[str], vectors: NDArray[np.float32]) -> list[Newcomer]:
    """Make new rows of those that the encoder has made a vector of."""
    assert dataset.encoder is not None
    if vectors.shape[1] != dataset.n_dims:
        reason = f"{dataset.encoder.title} makes vectors of {vectors.shape[1]:,} numbers, this data has {dataset.n_dims:,}."
        raise BadParameter("file", name, reason)
    made = [Newcomer(title, vector) for title, vector in zip(titles, vectors, strict=True)]
    return [each for each in made if np.isfinite(each.vector[0])]


def _check_number(n: int) -> None:
    if n > MOST:
        raise BadParameter("file", f"{n:,} rows", f"drop in at most {MOST:,} at a time; open larger files as data of their own.")


def _title(opened: Dataset, row: int) -> str:
    label = opened.label
    value = None if label is None else opened.row(row, [label])[label]
    return f"row {row:,} of {opened.name}" if value is None else _short(str(value))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _TITLE else f"{text[: _TITLE - 1]}…"


def _submit(jobs: Runner, dataset: Dataset, layouts: Sequence[Any], items: Sequence[Newcomer], metric: str, owner: str) -> Job[Placement]:
    return jobs.submit_placement(dataset, layouts, np.stack([item.vector for item in items]), metric=metric, owner=owner)


def newcomer_words(name: str, before: list[Newcomer], after: list[Newcomer]) -> str:
    """Say what a change of the new rows is called."""
    del name
    longer, shorter = (after, before) if len(after) > len(before) else (before, after)
    known = {id(item) for item in shorter}
    changed = [item for item in longer if id(item) not in known]
    what = changed[0].title if len(changed) == 1 else f"{len(changed):,} new rows"
    return f"{'drop in' if longer is after else 'forget'} {what}"
