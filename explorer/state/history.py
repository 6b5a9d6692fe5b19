"""Undo and redo of what a person does, in the order in which it was done: what was before each step, masks in packed form; bounded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import param
from numpy.typing import NDArray

__all__ = ["Followed", "History", "PackedMask", "Say"]

_STEPS: Final = 100
_PASSING: Final = 12  # steps one after the other that only changed what is looked at: of more, those between the first and the last go
_BYTES: Final = 100_000_000
_WORDS_MOST: Final = 60  # characters of what a step is called
_DRAG_S: Final = 1.0  # a value that changes again within so long is still being dragged
_ENTRY: Final = 8  # bytes of an entry of a list; what it refers to is shared

Say: TypeAlias = Callable[[str, Any, Any], str]
"""Says what a change of a param is called: its name, the value before, the value after."""


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


class _Change(NamedTuple):
    of: Remembered
    snapshot: Any
    size: int


class _Step(NamedTuple):
    what: str
    changes: tuple[_Change, ...]  # in the order in which they were made
    passing: bool = False  # whether it made nothing, but only changed what is looked at
    lasting: bool = False  # whether it can still be undone when another dataset is open

    @property
    def size(self) -> int:
        return sum(change.size for change in self.changes)


class History(param.Parameterized):
    """The steps of one person, one after the other, whatever they changed."""

    can_undo = param.Boolean(default=False, doc="Whether there is something to undo.")
    can_redo = param.Boolean(default=False, doc="Whether there is something to redo.")
    undoes = param.String(default="", doc="What an undo takes back, in a few words; text, never markup.")
    redoes = param.String(default="", doc="What a redo does again.")

    def __init__(self, **params: object) -> None:
        super().__init__(**params)
        self._past: list[_Step] = []
        self._future: list[_Step] = []
        self._continuing = False
        self._unrecorded = False
        self._together: list[_Change] | None = None

    @contextmanager
    def continued(self) -> Iterator[None]:
        """Make the changes within a part of the step before, if that changed the same: while something is dragged, say."""
        self._continuing = True
        try:
            yield
        finally:
            self._continuing = False

    @contextmanager
    def together(self, what: str) -> Iterator[None]:
        """Make all changes within one step, of the outer one where there are two.

        When it fails nothing is remembered: whoever fails has put everything back.
        """
        if self._together is not None:
            yield
            return
        changes: list[_Change] = []
        self._together = changes
        try:
            yield
        finally:
            self._together = None
        if changes:
            self._add(_Step(_words(what), tuple(changes)))

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Remember nothing of the changes within: nobody has made them."""
        before, self._unrecorded = self._unrecorded, True
        try:
            yield
        finally:
            self._unrecorded = before

    @property
    def recording(self) -> bool:
        """Whether changes are remembered now: not those that an undo makes."""
        return not self._unrecorded

    def record(
        self, of: Remembered, what: str, before: tuple[Any, int] | None = None, *, passing: bool = False, lasting: bool = False
    ) -> None:
        """Remember how something was before it changes, and what the change is called.

        Parameters
        ----------
        of : Remembered
            What changes.
        what : str
            What is done, as in "color by topic".
        before : tuple, optional
            A snapshot and its size in bytes, where it has changed already; taken now by default.
        passing : bool
            Whether only what is looked at changes: of many such steps in a row few are kept, so that what was made before is not far.
        lasting : bool
            Whether :meth:`clear` leaves it.
        """
        if self._unrecorded:
            return
        if self._together is not None:
            if not any(change.of == of for change in self._together):
                self._together.append(_Change(of, *(before or of.snapshot())))
            return
        if self._continuing and self.last_is(of):
            self._past[-1] = self._past[-1]._replace(what=_words(what))
            self._future.clear()
            self._tell()
            return
        self._add(_Step(_words(what), (_Change(of, *(before or of.snapshot())),), passing, lasting))

    def last_is(self, of: Remembered) -> bool:
        """Say whether the last step changed this alone."""
        return bool(self._past) and all(change.of == of for change in self._past[-1].changes)

    def undo(self) -> None:
        """Take the last step back; where there is none, nothing happens."""
        self._move(self._past, self._future)

    def redo(self) -> None:
        """Make the step again that was undone last."""
        self._move(self._future, self._past)

    def clear(self) -> None:
        """Forget everything but what lasts: it was of another dataset."""
        for steps in (self._past, self._future):
            steps[:] = [step for step in steps if step.lasting]
        self._tell()

    def _add(self, step: _Step) -> None:
        before = self._past[-_PASSING:]
        if step.passing and len(before) == _PASSING and all(each.passing for each in before):
            del self._past[-_PASSING + 1]
        self._past.append(step)
        while len(self._past) > _STEPS or (len(self._past) > 1 and sum(step.size for step in self._past) > _BYTES):
            self._past.pop(0)
        self._future.clear()
        self._tell()

    def _move(self, source: list[_Step], target: list[_Step]) -> None:
        if not source:
            return
        step = source.pop()
        target.append(step._replace(changes=tuple(_Change(change.of, *change.of.snapshot()) for change in step.changes)))
        with self.unrecorded():
            for change in reversed(step.changes):
                change.of.restore(change.snapshot)
        self._tell()

    def _tell(self) -> None:
        past, future = self._past, self._future
        undoes, redoes = past[-1].what if past else "", future[-1].what if future else ""
        self.param.update(can_undo=bool(past), can_redo=bool(future), undoes=undoes, redoes=redoes)


class Followed:
    """Params whose changes are steps; those that are set in one update are one step.

    Parameters
    ----------
    history : History
        Where they are remembered.
    of : Parameterized
        Whose params.
    names : sequence of str
        Which of them. Their values are replaced, never changed in place.
    say : callable(name, before, after)
        What a change is called.
    dragged : collection of str
        Those that a slider sets: what one drag does to them is one step.
    passing : bool
        Whether they only say what is looked at, see :meth:`History.record`.
    """

    def __init__(
        self,
        history: History,
        of: param.Parameterized,
        names: Sequence[str],
        say: Say,
        *,
        dragged: Collection[str] = (),
        passing: bool = False,
    ) -> None:
        self._history, self._of, self._say, self._dragged, self._passing = history, of, say, frozenset(dragged), passing
        self._last: tuple[str, ...] = ()  # what was changed last, and when
        self._at = -_DRAG_S
        of.param.watch(self._on_change, list(names))

    def _on_change(self, *events: param.parameterized.Event) -> None:
        changed = [event for event in events if event.old != event.new]
        if not self._history.recording:
            self._last = ()
        if not changed or not self._history.recording:
            return
        names = tuple(event.name for event in changed)
        before = {event.name: event.old for event in changed}
        goes_on = names == self._last and self._dragged.issuperset(names) and monotonic() - self._at < _DRAG_S
        self._last, self._at = names, monotonic()
        first = changed[0]
        values, what = _Values(self._of, names), self._say(first.name, first.old, first.new)
        if goes_on:
            with self._history.continued():
                self._history.record(values, what, (before, _size(before)))
        else:
            self._history.record(values, what, (before, _size(before)), passing=self._passing)


class _Values(NamedTuple):
    """Some params of an object."""

    of: param.Parameterized
    names: tuple[str, ...]

    def snapshot(self) -> tuple[dict[str, Any], int]:
        """Give the values."""
        values = {name: getattr(self.of, name) for name in self.names}
        return values, _size(values)

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Set the values."""
        self.of.param.update(**snapshot)


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_size, value.values())) + _ENTRY * len(value)
    return _ENTRY * (len(value) if isinstance(value, list) else 1)


def _words(what: str) -> str:
    line = " ".join(what.split())
    return line if len(line) <= _WORDS_MOST else line[: _WORDS_MOST - 1].rstrip() + "…"
