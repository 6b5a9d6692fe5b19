"""Who may see which dataset of the catalog: a small YAML file of groups and rules. Decides by names; opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from explorer import settings
from explorer.data.yaml_mapping import read_mapping
from explorer.errors import BadAccess

__all__ = ["Access", "access", "read_access"]

EVERYONE: Final = "everyone"
NOBODY: Final = "nobody"
_KEYS: Final = ("groups", "datasets", "others")
_GROUP: Final = "@"


@dataclass(frozen=True)
class Access:
    """The rules, in the file's order.

    Attributes
    ----------
    rules : tuple of (pattern, users)
        The first pattern that a dataset's name fits decides; users are None where it is everyone.
    others : bool
        Whether everyone may see what fits no pattern.
    problem : str
        Why nothing may be seen, if that is so.
    """

    rules: tuple[tuple[str, frozenset[str] | None], ...] = ()
    others: bool = True
    problem: str = field(default="", compare=False)

    def allows(self, user: str | None, name: str) -> bool:
        """Say whether a user, None where nobody has logged in, may see the dataset of this name."""
        for pattern, users in self.rules:
            if fnmatchcase(name, pattern):
                return users is None or (user is not None and user in users)
        return self.others

    def allows_anybody(self, name: str) -> bool:
        """Say whether there is anybody who may see the dataset of this name."""
        for pattern, users in self.rules:
            if fnmatchcase(name, pattern):
                return users is None or len(users) > 0
        return self.others


def access() -> Access:
    """Read the rules that ``EXPLORER_ACCESS`` names: without it everyone may see everything, and where it is broken nobody anything."""
    path = settings.access_file()
    if path is None:
        return Access()
    try:
        return read_access(path)
    except BadAccess as error:
        return Access(others=False, problem=f"No dataset can be opened: {error}")


def read_access(path: Path) -> Access:
    """Read and check the rules.

    Parameters
    ----------
    path : Path
        A YAML file: ``groups``, each a list of users; ``datasets``, patterns of names (``*`` stands for anything) and for each "everyone",
        "nobody", or a list of users and of groups (``@name``); ``others``, "everyone" or "nobody", for names that fit no pattern.

    Raises
    ------
    BadAccess
        If there is no such file, or it says something else.
    """
    try:
        said = read_mapping(path, BadAccess, f"it must hold the keys {', '.join(_KEYS)}.")
    except FileNotFoundError:
        raise BadAccess(path, "there is no such file.") from None
    unknown = [key for key in said if key not in _KEYS]
    if unknown:
        raise BadAccess(path, f"it has a key {unknown[0]!r}; the keys are {', '.join(_KEYS)}.")
    groups = {name: frozenset(_texts(path, f"group {name}", users)) for name, users in _named(path, said, "groups").items()}
    rules = tuple((pattern, _users(path, pattern, who, groups)) for pattern, who in _named(path, said, "datasets").items())
    others = said.get("others", EVERYONE)
    if others not in (EVERYONE, NOBODY):
        raise BadAccess(path, f"others must be {EVERYONE} or {NOBODY}, not {others!r}.")
    return Access(rules, others == EVERYONE)


def _named(path: Path, said: Mapping[Any, Any], key: str) -> Mapping[str, Any]:
    found = said.get(key) or {}
    if not isinstance(found, dict) or not all(isinstance(name, str) and name for name in found):
        raise BadAccess(path, f"{key} must be a mapping of names.")
    return found


def _users(path: Path, pattern: str, who: object, groups: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    if who == EVERYONE:
        return None
    if who == NOBODY:
        return frozenset()
    users: set[str] = set()
    for name in _texts(path, f"dataset {pattern}", who):
        if not name.startswith(_GROUP):
            users.add(name)
        elif name[1:] in groups:
            users |= groups[name[1:]]
        else:
            raise BadAccess(path, f"dataset {pattern} names a group {name[1:]}, which groups does not have.")
    return frozenset(users)


def _texts(path: Path, what: str, found: object) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(name, str) and name for name in found):
        raise BadAccess(path, f"{what} must be a list of names, such as [ada, grace].")
    return found
