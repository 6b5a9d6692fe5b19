"""Bookmarks: views of datasets under names. Kept in a user's file where somebody has logged in; else whoever shows them keeps them."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import param

from explorer import settings
from explorer.errors import BadParameter

__all__ = ["Bookmark", "Bookmarks"]

logger = logging.getLogger(__name__)

_NAME_MOST: Final = 80  # characters
_MOST: Final = 100  # bookmarks
_TEXT_MOST: Final = 200_000  # characters of one

Bookmark = dict[str, str]
"""``name``, ``text`` (see :mod:`explorer.address`), ``dataset`` (its title), ``entry`` (its name in the catalog, or empty)."""
_FIELDS: Final = ("name", "text", "dataset", "entry")


class Bookmarks(param.Parameterized):
    """The bookmarks of one person.

    Parameters
    ----------
    login : str or None
        The name that somebody has logged in with; without one nothing is written to disk.
    """

    items = param.List(default=[], doc="Bookmarks, the oldest first; replaced, never changed in place.")
    can_undo = param.Boolean(default=False, doc="Whether the last change can be taken back.")

    def __init__(self, login: str | None = None) -> None:
        super().__init__()
        self._file = None if login is None else _file_of(login)
        self._before: list[Bookmark] | None = None
        if self._file is not None:
            self.items = _read(self._file)

    @property
    def kept_here(self) -> bool:
        """Whether they are in a file of the server."""
        return self._file is not None

    def add(self, name: str, text: str, *, dataset: str, entry: str) -> None:
        """Keep a view under a name; what had this name is replaced.

        Raises
        ------
        BadParameter
            If the name is empty or longer than 80 characters, the view too large, or there are 100 already; nothing is changed then.
        """
        name = _checked(name)
        others = [item for item in self.items if item["name"] != name]
        if len(others) >= _MOST:
            raise BadParameter("name", name, f"{_MOST} bookmarks are kept already; delete one.")
        if len(text) > _TEXT_MOST:
            raise BadParameter("name", name, "what is selected and filtered is too large for a bookmark: keep the selection under a name.")
        self._set([*others, {"name": name, "text": text, "dataset": dataset, "entry": entry}])

    def rename(self, name: str, new: str) -> None:
        """Give a bookmark another name; one that is not there is none.

        Raises
        ------
        BadParameter
            If the new name is empty, too long, or that of another.
        """
        new = _checked(new)
        if new != name and any(item["name"] == new for item in self.items):
            raise BadParameter("name", new, "another bookmark has this name.")
        if new != name and any(item["name"] == name for item in self.items):
            self._set([{**item, "name": new} if item["name"] == name else item for item in self.items])

    def delete(self, name: str) -> None:
        """Forget a bookmark; one that is not there is none."""
        left = [item for item in self.items if item["name"] != name]
        if len(left) < len(self.items):
            self._set(left)

    def undo(self) -> None:
        """Take the last change back."""
        if self._before is not None:
            self.put_back(self._before)

    def put_back(self, items: Sequence[Bookmark]) -> None:
        """Have again those that there were.

        Raises
        ------
        BadParameter
            If the file cannot be written; nothing is changed then.
        """
        self._set(items)
        self._before = None
        self.can_undo = False

    def find(self, name: str) -> Bookmark | None:
        """Find one by its name."""
        return next((item for item in self.items if item["name"] == name), None)

    def load(self, items: object) -> None:
        """Take those that a browser has kept; what is no bookmark is left out. Where they are in a file, that counts."""
        if self._file is None:
            self.items = _sane(items)

    def _set(self, items: Sequence[Bookmark]) -> None:
        self._before = list(self.items)
        if self._file is not None:
            _write(self._file, items)
        self.param.update(items=list(items), can_undo=True)


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= _NAME_MOST:
        raise BadParameter("name", name, f"give 1 to {_NAME_MOST} characters.")
    return name


def _file_of(login: str) -> Path:
    user = blake2b(login.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return settings.store_folder() / "bookmarks" / f"{user}.json"


def _read(path: Path) -> list[Bookmark]:
    try:
        return _sane(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        logger.error("The bookmarks of a user cannot be read: %s", error)
        return []


def _sane(items: Any) -> list[Bookmark]:
    made: dict[str, Bookmark] = {}
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and all(isinstance(item.get(field), str) for field in _FIELDS) and len(item["text"]) <= _TEXT_MOST:
            made[item["name"]] = {field: item[field] for field in _FIELDS}
    return [item for item in made.values() if 0 < len(item["name"]) <= _NAME_MOST][:_MOST]


def _write(path: Path, items: Sequence[Bookmark]) -> None:
    """Write the file; it is whole at any moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", suffix=".part", delete=False) as file:
            json.dump(list(items), file, ensure_ascii=False)
        os.replace(file.name, path)  # noqa: PTH105
    except OSError as error:
        raise BadParameter("bookmark", path.name, f"it cannot be kept on this server: {error.strerror}.") from error
