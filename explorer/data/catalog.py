"""What can be opened by name: the shipped datasets, the datasets folder, and what lies below the data roots. Lists without reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, overload

from explorer import settings
from explorer.data.access import Access
from explorer.data.catalog_file import Described, read_catalog_file
from explorer.data.dataset import Dataset, open_dataset
from explorer.data.delimited import PAIRS
from explorer.data.files import ENDINGS
from explorer.data.folders import ENDINGS as FOLDER_ENDINGS
from explorer.data.parts import part_files
from explorer.data.places import data_sources, inside
from explorer.data.uploads import Upload, uploads_folder
from explorer.encoders.encoder import late_encoder
from explorer.errors import BadCatalog, FileMissing, UnknownDataset

__all__ = ["Catalog", "Entry", "catalog", "datasets_folder", "open_entry"]

_SAMPLE = "wordnet-10k"
_MOST_FILES = 1_000
_ALLOWED = "the datasets folder and the folders of EXPLORER_DATA"


@dataclass(frozen=True)
class Entry:
    """A dataset that can be opened.

    Attributes
    ----------
    name : str
        Unique in the catalog; what ``explorer NAME`` takes.
    title, description : str
        For people. The title is the opened dataset's name.
    path : Path or None
        The file or folder, where it is one.
    loader : callable or None
        What makes the dataset, where it is no file.
    options : mapping
        What :func:`explorer.data.dataset.open_dataset` is told: vectors, label, color, text; and the encoder's name.
    """

    name: str
    title: str
    description: str = ""
    path: Path | None = None
    loader: Callable[[], Dataset] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> Dataset:
        """Read or make the dataset.

        Raises
        ------
        DataError
            If it cannot be explored.
        """
        source = str(self.path) if self.loader is None else self.loader()
        options = dict(self.options)
        encoder = options.pop("encoder", None)
        dataset = open_dataset(source, name=self.title, **options)
        if encoder is not None and dataset.vectors is not None:
            dataset = replace(dataset, encoder=late_encoder(encoder))
        return replace(dataset, description=self.description or dataset.description)


@dataclass(frozen=True)
class Catalog(Sequence[Entry]):
    """The entries in the order they are shown, and a sentence for each thing that is wrong.

    A problem hides no more than the entry it is about. ``uploads`` are those of the one user that it is for, who finds them among the
    entries, too.
    """

    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()
    uploads: tuple[Upload, ...] = ()

    @overload
    def __getitem__(self, key: int) -> Entry: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Entry]: ...
    def __getitem__(self, key: int | slice) -> Entry | Sequence[Entry]:
        return self.entries[key]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @property
    def names(self) -> list[str]:
        """The entries' names, in order."""
        return [entry.name for entry in self.entries]

    def seen_by(self, user: str | None, rules: Access) -> Catalog:
        """Keep what a user may see, None where nobody has logged in; what is wrong with other people's files is not told."""
        if not rules.rules and rules.others:
            return self
        entries = tuple(entry for entry in self.entries if rules.allows(user, entry.name))
        return Catalog(entries, (rules.problem,) if rules.problem else ())

    def with_uploads(self, uploads: Sequence[Upload]) -> Catalog:
        """Add what one user has uploaded, for that user."""
        added = [Entry(upload.name, upload.title, loader=upload.open) for upload in uploads]
        return replace(self, entries=tuple(_told_apart([*self.entries, *added])), uploads=tuple(uploads))

    def find(self, name: str) -> Entry | None:
        """Return the entry of this name, or None."""
        return next((entry for entry in self.entries if entry.name == name), None)


def datasets_folder() -> Path:
    """Return the folder of the shipped datasets: inside the installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "datasets"
    return installed if installed.is_dir() else package.parent / "datasets"


def catalog() -> Catalog:
    """List what can be opened by name.

    First what catalog.yaml describes, in its order; then scikit-learn's digits; then every other data file in the datasets folder; then the
    files below the folders that ``EXPLORER_DATA`` names. A folder that is one dataset stands for the files in it. Scans the folders each
    time, so a file that is dropped in shows at once.

    A folder ``datasets`` with a catalog.yaml where the program was started, such as a checkout's own, comes before the installed one.
    """
    shipped, here = datasets_folder(), Path.cwd() / "datasets"
    roots = settings.data_roots()
    shipped_too = _catalog(shipped, roots, listed=roots)
    if not (here / "catalog.yaml").is_file() or here.resolve() == shipped.resolve():
        return shipped_too
    own = _catalog(here, roots, listed=())
    paths = {entry.path for entry in own if entry.path is not None}
    rest = tuple(entry for entry in shipped_too if entry.name not in own.names and entry.path not in paths)
    return Catalog(own.entries + rest, own.problems + shipped_too.problems)


def open_entry(name: str) -> Dataset:
    """Open a dataset of the catalog.

    Raises
    ------
    UnknownDataset
        If the catalog has none of this name.
    DataError
        If its file cannot be explored.
    """
    known = catalog()
    entry = known.find(name)
    if entry is None:
        raise UnknownDataset(name, known.names)
    return entry.open()


def _catalog(folder: Path, roots: Sequence[Path], *, listed: Sequence[Path]) -> Catalog:
    """Read a folder's catalog; its entries may lie below the roots, the files below ``listed`` are listed as well."""
    described = read_catalog_file(folder / "catalog.yaml")
    entries: list[Entry] = []
    problems = list(described.problems)
    for one in described.entries:
        try:
            entries.append(_entry(one, folder, roots))
        except BadCatalog as error:
            problems.append(str(error))
    if not any(entry.loader is _digits for entry in entries) and "digits" not in {entry.name for entry in entries}:
        entries.append(Entry("digits", "Handwritten digits", loader=_digits))
    entries += sorted(_files(folder, folder, (folder, *roots), entries, problems), key=lambda entry: entry.name != _SAMPLE)
    for root in listed:
        if root.is_dir():
            entries += _files(root, root, (folder, *roots), entries, problems)
        else:
            problems.append(str(FileMissing(root)))
    if not described.entries:  # without its catalog the sample still comes first
        entries.sort(key=lambda entry: entry.name != _SAMPLE)
    return Catalog(tuple(_told_apart(entries)), tuple(problems))


def _told_apart(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Give each entry a title that no other one has: people choose by it."""
    taken: set[str] = set()
    for entry in entries:
        candidates = (entry.title, f"{entry.title} ({entry.name})", *(f"{entry.title} ({n})" for n in range(2, len(entries) + 2)))
        title = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(title)
        yield replace(entry, title=title)


def _entry(described: Described, folder: Path, roots: Sequence[Path]) -> Entry:
    path = folder / "catalog.yaml"
    if described.loader is not None:
        if described.loader not in _LOADERS:
            raise BadCatalog(path, f"entry {described.name} names a loader {described.loader}; there is {', '.join(_LOADERS)}.")
        return Entry(
            described.name, described.title, described.description, loader=_LOADERS[described.loader], options=dict(described.options)
        )
    file = inside(folder / str(described.file), (folder, *roots))
    if file is None or _is_upload(file):
        raise BadCatalog(path, f"entry {described.name}: file {described.file} lies outside {_ALLOWED}.")
    if not file.exists():
        raise BadCatalog(path, f"entry {described.name}: there is no file {described.file}.")
    if _leads_outside(file, (folder, *roots)):
        raise BadCatalog(path, f"entry {described.name}: a part of {described.file} is a link to a place outside {_ALLOWED}.")
    return Entry(described.name, described.title, described.description, path=file, options=dict(described.options))


def _files(folder: Path, base: Path, allowed: Sequence[Path], known: Sequence[Entry], problems: list[str]) -> list[Entry]:
    names = {entry.name for entry in known}
    paths = {entry.path for entry in known}
    found: list[Entry] = []
    for file in data_sources(folder, ENDINGS, most=_MOST_FILES):
        real = inside(file, allowed)
        if real is None:
            problems.append(f"{file} is a link to a place outside {_ALLOWED}; it is left out.")
            continue
        if _leads_outside(real, allowed):
            problems.append(f"A part of {file} is a link to a place outside {_ALLOWED}; it is left out.")
            continue
        if real in paths or _is_second_of_pair(file) or _is_upload(real):
            continue
        relative = file.relative_to(base.parent if file == base else base)
        name = next(candidate for candidate in _names(relative) if candidate not in names)
        names.add(name)
        paths.add(real)
        found.append(Entry(name, name, path=real))
    if len(found) == _MOST_FILES:
        problems.append(f"{folder} has more than {_MOST_FILES:,} data files; the catalog lists the first ones.")
    return found


def _is_upload(real: Path) -> bool:
    """Tell whether a file is somebody's upload, which is in nobody else's catalog, wherever the store lies."""
    return inside(real, [uploads_folder()]) is not None


def _leads_outside(path: Path, allowed: Sequence[Path]) -> bool:
    """Tell whether a part of a folder that is one dataset is a link to somewhere else; in a Zarr folder every link is refused anyway."""
    return path.is_dir() and any(inside(part, allowed) is None for part in part_files(path))


def _names(relative: Path) -> Iterator[str]:
    known = relative.suffix.lower() in (*ENDINGS, *FOLDER_ENDINGS)  # a folder may be called by a date or a version
    yield (relative.with_suffix("") if known else relative).as_posix()
    yield relative.as_posix()
    number = 2
    while True:
        yield f"{relative.as_posix()} ({number})"
        number += 1


def _is_second_of_pair(file: Path) -> bool:
    if file.suffix.lower() != ".tsv":
        return False
    beginnings = ((vectors, file.stem[: -len(metadata)]) for vectors, metadata in PAIRS if file.stem.lower().endswith(metadata))
    return any(file.with_name(f"{beginning}{vectors}{file.suffix}").is_file() for vectors, beginning in beginnings)


def _digits() -> Dataset:
    from explorer.data.digits import digits

    return digits()


_LOADERS: dict[str, Callable[[], Dataset]] = {"digits": _digits}
