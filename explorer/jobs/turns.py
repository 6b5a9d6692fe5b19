"""A queue in which askers take turns, so that one who asks for ten things does not keep the others waiting. Not thread-safe."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

__all__ = ["Turns"]

T = TypeVar("T")


class Turns(Generic[T]):
    """First in, first out for each owner; owners one after the other."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Hashable, deque[T]] = OrderedDict()

    def put(self, owner: Hashable, item: T) -> None:
        """Line up for an owner; the same item may stand in several lines."""
        self._lines.setdefault(owner, deque()).append(item)

    def take(self, wanted: Callable[[T], bool], busy: Collection[Hashable] = ()) -> tuple[Hashable, T] | None:
        """Take the next owner who is not busy and that one's next item that is still wanted, dropping what is not; None if none is left."""
        for owner in [owner for owner in self._lines if owner not in busy]:
            line = self._lines.pop(owner)
            while line:
                item = line.popleft()
                if wanted(item):
                    if line:
                        self._lines[owner] = line
                    return owner, item
        return None

    def order(self) -> list[T]:
        """List everything in the order in which it would be taken if nobody were busy, each item once."""
        lines = [list(line) for line in self._lines.values()]
        found = [line[at] for at in range(max(map(len, lines), default=0)) for line in lines if at < len(line)]
        return list(dict.fromkeys(found))
