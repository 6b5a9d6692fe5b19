"""Undo and redo of what changes whole masks: what it was before each change, in packed form; bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import param
from numpy.typing import NDArray

__all__ = ["History", "PackedMask"]

_STEPS: Final = 100
_BYTES: Final = 100_000_000


class PackedMask(NamedTuple):
    """A mask of bools in an eighth of its memory."""

    bits: NDArray[np.uint8]
    size: int

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> PackedMask:
        """Pack a mask of shape (n_rows,)."""
        return cls(np.packbits(mask), mask.size)

    def unpack(self) -> NDArray[np.bool_]:
        """Give the mask back."""
        return np.unpackbits(self.bits, count=self.size).view(np.bool_)


class Remembered(Protocol):
    """Something whose changes are undone."""

    def snapshot(self) -> tuple[Any, int]:
        """Give what :meth:`restore` takes, and its size in bytes."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Be again what a snapshot was taken of."""
        ...


class _Step(NamedTuple):
    of: Remembered
    snapshot: Any
    size: int


class History(param.Parameterized):
    """The changes of one person, one after the other, whatever they changed."""

    can_undo = param.Boolean(default=False, doc="Whether there is something to undo.")
    can_redo = param.Boolean(default=False, doc="Whether there is something to redo.")

    def __init__(self, **params: object) -> None:
        super().__init__(**params)
        self._past: list[_Step] = []
        self._future: list[_Step] = []
        self._continuing = False

    @contextmanager
    def continued(self) -> Iterator[None]:
        """Make the changes within a part of the step before, as those while something is dragged: one undo takes them all back."""
        self._continuing = True
        try:
            yield
        finally:
            self._continuing = False

    def record(self, of: Remembered) -> None:
        """Remember how something is, just before it changes."""
        if self._continuing and self._past:
            return
        self._past.append(_Step(of, *of.snapshot()))
        while len(self._past) > _STEPS or (len(self._past) > 1 and sum(step.size for step in self._past) > _BYTES):
            self._past.pop(0)
        self._future.clear()
        self._tell()

    def undo(self) -> None:
        """Take the last change back; where there is none, nothing happens."""
        self._move(self._past, self._future)

    def redo(self) -> None:
        """Make the change again that was undone last."""
        self._move(self._future, self._past)

    def clear(self) -> None:
        """Forget everything."""
        self._past.clear()
        self._future.clear()
        self._tell()

    def _move(self, source: list[_Step], target: list[_Step]) -> None:
        if source:
            step = source.pop()
            target.append(_Step(step.of, *step.of.snapshot()))
            step.of.restore(step.snapshot)
            self._tell()

    def _tell(self) -> None:
        self.param.update(can_undo=bool(self._past), can_redo=bool(self._future))
