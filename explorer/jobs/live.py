"""Layouts on their way from the compute process to the server process while they are computed: a piece of memory that both hold open.

It has no name in any file system and is there only as long as one of the two holds it, so nothing is left behind, however they end.
It is read and written like a file, never mapped: a mapped page that the other process has cut off would end this one.

Two places are written in turn. Each has a head, which is void while the place is written. Who reads compares the head before and after,
and reads again if it is another one, so it never gets half of one layout and half of the next.
"""

from __future__ import annotations

import math
import os
import struct
import tempfile
import weakref
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.compute.progress import Snapshot

__all__ = ["LiveLayout", "LiveMemory", "LiveNews", "LiveRun"]

_PLACES: Final = 2
_HEAD: Final = struct.Struct("<6qd32s")  # run, number, rows, columns, iteration, iterations, loss (NaN: none), stage
_SUM: Final = struct.Struct("<I")  # of the head: one that is half written is void too
_HEAD_BYTES: Final = 128
_FIRST_ROW: Final = 4096
_TRIES: Final = 20  # a place is written again only after many times as long as it takes to read it; see Cadence


class LiveLayout(NamedTuple):
    """A layout in the middle of its computation.

    Attributes
    ----------
    number : int
        Counts up from 1; a higher one is newer.
    coordinates : ndarray of shape (n_rows, n_components), float32
        Of all rows of the dataset; NaN for those that are not drawn. Nobody else's: it is never written again.
    stage : str
        What was being done: "starting" for the initialization, then "UMAP" or "t-SNE".
    iteration, iterations : int
        How many iterations made it, 0 for the initialization, and how many there will be.
    loss : float or None
        What the optimizer lowers, when it was last evaluated: t-SNE's Kullback-Leibler divergence. None where it was not.
    """

    number: int
    coordinates: NDArray[np.float32]
    stage: str
    iteration: int
    iterations: int
    loss: float | None


class LiveNews(NamedTuple):
    """That there is a live layout, and how to read it, or a newer one; None where it is gone."""

    number: int
    read: Callable[[], LiveLayout | None]


class LiveMemory:
    """Memory that a process writes layouts into and another reads them from; each has an object of its own over the same descriptor.

    Safe to read from several threads, while the other process writes.

    Parameters
    ----------
    descriptor : int
        Of an open file. It is closed with this object.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        weakref.finalize(self, os.close, descriptor).atexit = False  # with the last that reads: a closed number may soon be another file's

    @classmethod
    def make(cls) -> LiveMemory | None:
        """Make some; None where a process cannot hand an open file to its child."""
        if os.name == "nt":
            return None
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("explorer-live"))
        with tempfile.TemporaryFile() as file:  # without a name as well
            return cls(os.dup(file.fileno()))

    def write(self, run: int, number: int, stage: str, layout: Snapshot) -> None:
        """Write a layout, for readers of this run.

        Parameters
        ----------
        run : int
            Which computation it is of. All layouts of a run have the same rows, and between two runs there is a :meth:`clear`.
        number : int
            One more than that of the layout before.
        stage : str
            See :class:`LiveLayout`.
        layout : Snapshot
            Of all rows of the dataset.

        Raises
        ------
        OSError
            If there is no memory left.
        """
        coordinates = np.ascontiguousarray(layout.coordinates, np.float32)
        (rows, columns), place = coordinates.shape, number % _PLACES
        loss = math.nan if layout.loss is None else layout.loss
        head = _HEAD.pack(run, number, rows, columns, layout.iteration, layout.iterations, loss, stage.encode())
        self._put(place * _HEAD_BYTES, bytes(_HEAD_BYTES))
        self._put(_FIRST_ROW + place * coordinates.nbytes, coordinates.data.cast("B"))
        self._put(place * _HEAD_BYTES, head + _SUM.pack(zlib.crc32(head)))

    def read(self, run: int) -> LiveLayout | None:
        """Copy the newest layout of a run; None where there is none (any more)."""
        for _ in range(_TRIES):
            heads = [head for place in range(_PLACES) if (head := self._head(place)) and _HEAD.unpack(head)[0] == run]
            if not heads:
                continue  # one may have been begun and the other finished while we looked
            head = max(heads, key=_HEAD.unpack)
            _, number, rows, columns, iteration, iterations, loss, stage = _HEAD.unpack(head)
            place = number % _PLACES
            coordinates = np.empty((rows, columns), np.float32)
            if self._fill(_FIRST_ROW + place * coordinates.nbytes, coordinates) and self._head(place) == head:
                known = None if math.isnan(loss) else loss
                return LiveLayout(number, coordinates, stage.rstrip(b"\0").decode(errors="ignore"), iteration, iterations, known)
        return None

    def clear(self) -> None:
        """Give the memory back, for others and for the next run."""
        os.ftruncate(self.descriptor, 0)

    def _head(self, place: int) -> bytes:
        """Read the head of a place; empty while it is void."""
        raw = os.pread(self.descriptor, _HEAD.size + _SUM.size, place * _HEAD_BYTES)
        head, checksum = raw[: _HEAD.size], raw[_HEAD.size :]
        return head if checksum == _SUM.pack(zlib.crc32(head)) else b""

    def _put(self, at: int, data: bytes | memoryview) -> None:
        left = memoryview(data)
        while left:
            written = os.pwrite(self.descriptor, left, at)
            left, at = left[written:], at + written

    def _fill(self, at: int, array: NDArray[np.float32]) -> bool:
        """Read into an array; False where there is less."""
        left = array.data.cast("B")
        while left:
            got = os.preadv(self.descriptor, [left], at)
            if not got:
                return False
            left, at = left[got:], at + got
        return True


@dataclass(frozen=True)
class LiveRun:
    """How the newest layout of one run is read; what :class:`LiveNews` calls where the memory may be handed to another process."""

    memory: LiveMemory
    run: int
    before: int = 0  # how many an earlier run of the same computation has shown: numbers only ever grow

    def __call__(self) -> LiveLayout | None:
        """Read it."""
        live = self.memory.read(self.run)
        return None if live is None else live._replace(number=self.before + live.number)
