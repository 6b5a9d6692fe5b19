"""catalog.yaml: which datasets have a name, a title and chosen columns. Checks every word of it; one wrong entry hides no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from explorer.data.yaml_mapping import read_mapping
from explorer.errors import BadCatalog

__all__ = ["CatalogFile", "Described", "read_catalog_file"]

_COLUMNS = ("vectors", "label", "color", "text")
_OPTIONS = (*_COLUMNS, "table", "encoder")
_KEYS = ("file", "loader", "title", "description", *_OPTIONS)


@dataclass(frozen=True)
class Described:
    """One entry: its name, the file or the loader it stands for, and what to show it with."""

    name: str
    file: str | None
    loader: str | None
    title: str
    description: str
    options: Mapping[str, str | list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class CatalogFile:
    """The entries that can be understood, in the file's order, and a sentence for each that cannot."""

    entries: tuple[Described, ...] = ()
    problems: tuple[str, ...] = ()


def read_catalog_file(path: Path) -> CatalogFile:
    """Read a catalog; a file that is not there is an empty one."""
    try:
        named = read_mapping(path, BadCatalog, "it must hold one entry a dataset: a name, a colon, and the dataset's keys indented below.")
    except FileNotFoundError:
        return CatalogFile()
    except BadCatalog as error:
        return CatalogFile(problems=(str(error),))
    entries, problems = [], []
    for name, described in named.items():
        try:
            entries.append(_entry(path, name, described))
        except BadCatalog as error:
            problems.append(str(error))
    return CatalogFile(tuple(entries), tuple(problems))


def _entry(path: Path, name: object, described: object) -> Described:
    if not isinstance(name, str) or not name.strip():
        raise BadCatalog(path, f"the name {name!r} of an entry must be text.")
    if not isinstance(described, dict):
        raise BadCatalog(path, f"entry {name} must hold keys, such as file: {name}.parquet.")
    unknown = [key for key in described if key not in _KEYS]
    if unknown:
        raise BadCatalog(path, f"entry {name} has a key {unknown[0]!r}; the keys are {', '.join(_KEYS)}.")
    for key, value in described.items():
        several = key == "vectors" and isinstance(value, list) and value and all(isinstance(column, str) for column in value)
        if not several and not isinstance(value, str):
            raise BadCatalog(path, f"entry {name}: {key} must be text, not {value!r}.")
    if ("file" in described) == ("loader" in described):
        raise BadCatalog(path, f"entry {name} must say either which file: it is, or which loader: makes it.")
    chosen = [key for key in ("vectors", "table") if key in described]
    if "loader" in described and chosen:
        raise BadCatalog(path, f"entry {name} has a loader, which chooses its vectors by itself: take {chosen[0]}: out.")
    return Described(
        name=name,
        file=described.get("file"),
        loader=described.get("loader"),
        title=described.get("title") or name,
        description=" ".join(described.get("description", "").split()),
        options={key: described[key] for key in _OPTIONS if key in described},
    )
