"""Every error that Explorer raises on purpose; never anything but sentences a person can act on.

ExplorerError                    catch this one to catch them all
    DataError (ValueError)       what was given cannot be explored
        FileMissing (FileNotFoundError)
        Unreadable               a file that is broken, truncated or not what its name says
        UnknownFormat            a file whose ending has no reader, or no writer
        UnknownSource (TypeError) an object that is neither a path, nor a table, nor an array
        Unwritable               a file that cannot be written
        NoVectors                neither vectors nor coordinates were found
            OnlyTexts            but texts, of which an encoder can make vectors
            OnlyImages           but images, likewise
        BadVectors               vectors that cannot be used, with the row where it shows
        UnknownColumn (KeyError) a column that is not there
        UnknownTable (KeyError)  a table that is not there, or several to choose from
        DuplicateColumns         two columns of one name
        EmptyDataset             no row, or not enough of them
        UnknownDataset           a catalog name that is not in the catalog
        BadCatalog               catalog.yaml cannot be understood
        BadAccess                the rules of who may see what cannot be understood
        NotTheSameRows           other vectors that are not of the rows they are to be compared on
        VectorsNeeded            coordinates are there, but what was asked for needs vectors
        EncoderUnknown           what makes vectors of texts like those of the data is not known
        TooLarge                 more rows or columns than this server opens
        UploadTooLarge           a file that is larger than what may be uploaded
        QuotaReached             a file for which a user has no room left
        EncodingFailed           an encoder makes no vectors of texts or images; says what is kept
    ParameterError (ValueError)  a parameter does not fit the data
        UnknownChoice            not one of the choices; suggests the closest
        NotEnoughRows            k neighbors need more than k rows
        BadParameter             a value outside what is allowed
        NotEnoughMemory (MemoryError) a computation that would need more memory than there is; says what would fit
        UnknownRow (IndexError)  a row number outside the dataset
        BadPattern               a regular expression that does not compile
        BadQuery                 a query that cannot be read, or that asks for what a query cannot do
        BadState                 a state that cannot be set
        ComparisonGone           other vectors that a state was kept with, and that cannot be had any more
        SearchTooSlow            a search that would go on for too long
    JobError (RuntimeError)      a computation did not finish
        JobFailed                it raised
        JobCanceled              somebody pressed Cancel
        WorkerDied               the compute process ended
        JobTooLong               it took longer than this server allows
        SchedulerUnreachable     the Dask cluster does not answer
    PictureOvertaken             a picture that nobody waits for any more
    ReadOnly                     a server that neither computes nor takes uploads was asked to
    TooManyPages                 a page more than one person may have open
    NotStarted (RuntimeError)    a server, or the compute hub, ends before it is ready
    StoreUnwritable (OSError)    results cannot be kept where they should be
    ExtraMissing (ImportError)   an optional library is not installed

Errors keep the values they were made from, positionally, so that they survive pickle and JSON; ``str(error)`` makes the sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Self

__all__ = [
    "BadAccess",
    "BadCatalog",
    "BadParameter",
    "BadPattern",
    "BadQuery",
    "BadState",
    "BadVectors",
    "ComparisonGone",
    "DataError",
    "DuplicateColumns",
    "EmptyDataset",
    "EncoderUnknown",
    "EncodingFailed",
    "ExplorerError",
    "ExtraMissing",
    "FileMissing",
    "JobCanceled",
    "JobError",
    "JobFailed",
    "JobTooLong",
    "NoVectors",
    "NotEnoughMemory",
    "NotEnoughRows",
    "NotStarted",
    "NotTheSameRows",
    "OnlyImages",
    "OnlyTexts",
    "ParameterError",
    "PictureOvertaken",
    "QuotaReached",
    "ReadOnly",
    "SchedulerUnreachable",
    "SearchTooSlow",
    "StoreUnwritable",
    "TooLarge",
    "TooManyPages",
    "UnknownChoice",
    "UnknownColumn",
    "UnknownDataset",
    "UnknownFormat",
    "UnknownRow",
    "UnknownSource",
    "UnknownTable",
    "Unreadable",
    "Unwritable",
    "UploadTooLarge",
    "VectorsNeeded",
    "WorkerDied",
]

_MEGABYTE = 10**6
_GIGABYTE = 10**9
_QUOTED = 40  # characters of what somebody typed that a sentence repeats
_LISTED = 12  # how many names a sentence lists before it says "and N more"


class ExplorerError(Exception):
    """The root: what Explorer raises on purpose."""


class DataError(ExplorerError, ValueError):
    """What was given cannot be explored."""


class FileMissing(DataError, FileNotFoundError):
    """No file at this path: ``FileMissing(path)``."""

    def __new__(cls, *args: object) -> Self:
        """Be one of the system's errors in memory: unpickling would take ValueError's way, the first by the bases, which Python refuses."""
        return FileNotFoundError.__new__(cls, *args)

    def __str__(self) -> str:
        return f"There is no file {self.args[0]}. Check the path."


class Unreadable(DataError):
    """A file that cannot be read: ``Unreadable(path, reason)``."""

    def __str__(self) -> str:
        path, reason = self.args
        return f"{path} cannot be read: {reason}"


class UnknownFormat(DataError):
    """A file whose ending has no reader, or no writer: ``UnknownFormat(path, endings)``."""

    def __str__(self) -> str:
        path, endings = self.args
        return f"{path} has an ending that is not understood here. These are: {_listed(endings)}."


class UnknownSource(DataError, TypeError):
    """An object that cannot be explored: ``UnknownSource(type_name, reason)``."""

    def __str__(self) -> str:
        type_name, reason = self.args
        return f"A {type_name} cannot be explored: {reason}"


class Unwritable(DataError):
    """A file that cannot be written: ``Unwritable(path, reason)``."""

    def __str__(self) -> str:
        path, reason = self.args
        return f"{path} cannot be written: {reason}"


class NoVectors(DataError):
    """Neither vectors nor coordinates: ``NoVectors(source, columns)``."""

    def __str__(self) -> str:
        source, columns = self.args
        return (
            f"{source} has no column of vectors and no pair of coordinates: its columns are {_listed(columns)}. "
            "Vectors are a column of lists, or number columns named like embedding_1 … embedding_n; name them with vectors=… "
            "(--vectors on the command line)."
        )


class OnlyTexts(NoVectors):
    """Neither vectors nor coordinates, but columns of text: ``OnlyTexts(source, columns, texts)``.

    Attributes
    ----------
    encodable : explorer.data.encodable.Encodable or None
        What was read, for who has it encoded; it does not travel to other processes.
    """

    encodable: Any = None

    def __str__(self) -> str:
        source, columns, texts = self.args
        said = str(NoVectors(source, columns))
        return f"{said} Texts become vectors by an encoder: text={texts[0]!r} and encoder=… (--text, --encoder)."


class OnlyImages(NoVectors):
    """Neither vectors nor coordinates nor text, but images: ``OnlyImages(source, columns, images)``; none is named of a folder of images.

    Attributes
    ----------
    encodable : explorer.data.encodable.Encodable or None
        See :class:`OnlyTexts`.
    """

    encodable: Any = None

    def __str__(self) -> str:
        source, columns, images = self.args
        model = "sentence-transformers:clip-ViT-B-32"
        if not images:
            return f"{source} holds images and no vectors. An encoder makes them: encoder={model!r} (--encoder {model})."
        said = str(NoVectors(source, columns))
        return f"{said} Images become vectors by an encoder such as {model}: image={images[0]!r} and encoder=… (--image, --encoder)."


class BadVectors(DataError):
    """Vectors that cannot be used: ``BadVectors(source, column, row, reason)``; row is None where no single row is to blame."""

    def __str__(self) -> str:
        source, column, row, reason = self.args
        where = "" if row is None else f", row {row}"
        what = column if str(column).startswith(("the ", "its ")) else f"column {column}"  # an array is no column
        return f"{source}, {what}{where}: {reason}"


class UnknownColumn(DataError, KeyError):
    """A column that is not there: ``UnknownColumn(source, column, columns)``, or with what else to do as a fourth value."""

    def __str__(self) -> str:
        source, column, columns, hint = (*self.args, "")[:4]
        return f"{source} has no column {column}.{_closest(column, columns)} Its columns are {_listed(columns)}.{hint and ' '}{hint}"


class UnknownTable(DataError, KeyError):
    """A table that is not there: ``UnknownTable(source, table, tables)``; table is None where none was named."""

    def __str__(self) -> str:
        source, table, tables = self.args
        if not tables:
            return f"{source} holds no table."
        if table is None:
            return f"{source} holds the tables {_listed(tables)}. Name one of them: table=… (--table on the command line)."
        return f"{source} has no table {table}.{_closest(table, tables)} Its tables are {_listed(tables)}."


class DuplicateColumns(DataError):
    """Two columns of one name: ``DuplicateColumns(source, column)``."""

    def __str__(self) -> str:
        source, column = self.args
        return f"{source} has more than one column named {column}. Rename one of them."


class EmptyDataset(DataError):
    """Too few rows to draw: ``EmptyDataset(source, n)``."""

    def __str__(self) -> str:
        source, n = self.args
        rows = {0: "no row", 1: "one row"}.get(n, f"{n} rows")
        return f"{source} has {rows}; a map needs at least two."


class UnknownDataset(DataError):
    """A catalog name that is not there: ``UnknownDataset(name, names)``."""

    def __str__(self) -> str:
        name, names = self.args
        return f"The catalog has no dataset {name}.{_closest(name, names)} It has {_listed(names)}."


class BadCatalog(DataError):
    """The catalog cannot be understood: ``BadCatalog(path, reason)``."""

    def __str__(self) -> str:
        path, reason = self.args
        return f"The catalog {path} cannot be understood: {reason}"


class BadAccess(DataError):
    """The rules of who may see what cannot be understood: ``BadAccess(path, reason)``."""

    def __str__(self) -> str:
        path, reason = self.args
        return f"The access rules {path} cannot be understood: {reason}"


class NotTheSameRows(DataError):
    """Other vectors that cannot be compared: ``NotTheSameRows(name, other, reason)``, the reason as the end of a sentence."""

    def __str__(self) -> str:
        name, other, reason = self.args
        return f"{other} cannot be compared with {name}: {reason}"


class VectorsNeeded(DataError):
    """Only coordinates were given: ``VectorsNeeded(what, source)``."""

    def __str__(self) -> str:
        what, source = self.args
        return f"{what} needs vectors, and {source} came with coordinates only. Open it with its vectors: vectors=… or --vectors."


class EncoderUnknown(DataError):
    """Nothing is known that makes a vector of what somebody looks for: ``EncoderUnknown(source, text)``."""

    def __str__(self) -> str:
        source, text = self.args
        shown = text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"
        return (
            f"No row of {source} is called {shown!r}, and what made its vectors is not known. Give the name of a row, or say what made "
            "them when you open the data: encoder=… or --encoder MODEL."
        )


class TooLarge(DataError):
    """More than this server opens: ``TooLarge(source, what, n, limit, setting)``; ``what`` is "rows" or "columns"."""

    def __str__(self) -> str:
        source, what, n, limit, setting = self.args
        return f"{source} has {n:,} {what}, and {setting} allows {limit:,}. Open fewer {what} of it, or have the limit raised."


class UploadTooLarge(DataError):
    """A file that is larger than what may be uploaded: ``UploadTooLarge(name, size, limit)``, in bytes."""

    def __str__(self) -> str:
        name, size, limit = self.args
        return (
            f"{name} has {size_text(size)}; a file that is uploaded here may have {size_text(limit)} (EXPLORER_UPLOAD_MB). "
            "Upload a part of it, or have it put into a folder of the server."
        )


class QuotaReached(DataError):
    """A file for which a user has no room left: ``QuotaReached(name, size, taken, limit)``, in bytes."""

    def __str__(self) -> str:
        name, size, taken, limit = self.args
        what_to_do = (
            "Upload a part of it, or have it put into a folder of the server."
            if size > limit
            else "Delete one of them in the list of your uploads, and upload it again."
        )
        return (
            f"There is no room for {name} ({size_text(size)}): your uploads take {size_text(taken)} of the {size_text(limit)} "
            f"that each user has here (EXPLORER_UPLOAD_QUOTA_MB). {what_to_do}"
        )


class EncodingFailed(DataError):
    """An encoder makes no vectors: ``EncodingFailed(encoder, reason, n_kept=0, n=0, what="texts")``."""

    @property
    def reason(self) -> str:
        """What went wrong."""
        return str(self.args[1])

    def __str__(self) -> str:
        encoder, reason, *progress = self.args
        sentence = f"{encoder} could not encode: {reason}."
        if not progress:
            return sentence
        n_kept, n, what, *_ = (*progress, "texts")
        return f"{sentence} {n_kept:,} of {n:,} {what} are encoded and kept: the next try goes on from there."


class ParameterError(ExplorerError, ValueError):
    """A parameter does not fit the data."""


class UnknownChoice(ParameterError):
    """Not one of the choices: ``UnknownChoice(what, value, choices)``."""

    def __str__(self) -> str:
        what, value, choices = self.args
        return f"{value} is not a {what}.{_closest(value, choices)} The choices are {_listed(choices)}."


class NotEnoughRows(ParameterError):
    """k neighbors need more than k rows: ``NotEnoughRows(parameter, k, n)``."""

    def __str__(self) -> str:
        parameter, k, n = self.args
        return f"{parameter}={k} needs more than {k} rows; this dataset has {n} to draw. Lower {parameter} below {n}."


class BadParameter(ParameterError):
    """A value outside what is allowed: ``BadParameter(parameter, value, allowed)``."""

    def __str__(self) -> str:
        parameter, value, allowed = self.args
        return f"{parameter}={value} is not allowed: {allowed}"


class NotEnoughMemory(ParameterError, MemoryError):
    """A computation that does not fit: ``NotEnoughMemory(what, needed, free, whose, fitting)``.

    ``needed`` and ``free`` in bytes; ``whose`` memory it is, such as "this machine", or the setting that allows no more; ``fitting`` are
    changes of which each alone makes it fit.
    """

    def __str__(self) -> str:
        what, needed, free, whose, fitting = self.args
        has = f"{whose} allows {memory_text(free)}" if whose.isupper() else f"{whose} has {memory_text(free)} left"
        hint = (
            f"What would fit: {_either(fitting)}." if fitting else "Nothing smaller would fit: end other programs, or use a larger machine."
        )
        return f"{what} needs about {memory_text(needed)} of memory, and {has}. {hint}"


class UnknownRow(ParameterError, IndexError):
    """A row number outside the dataset: ``UnknownRow(row, n)``."""

    def __str__(self) -> str:
        row, n = self.args
        return f"There is no row {row}: {f'the rows of this dataset are numbered 0 to {n - 1:,}' if n else 'no dataset is open'}."


class BadPattern(ParameterError):
    """A regular expression that does not compile: ``BadPattern(pattern, reason, place)``; place counts characters from 0, or is None."""

    def __str__(self) -> str:
        _, reason, place = self.args
        where = "" if place is None else f" at character {place + 1}"
        return f"The regular expression cannot be read{where}: {reason}"


class BadQuery(ParameterError):
    """A query that cannot be read or carried out: ``BadQuery(reason, place)``; place counts characters from 0, or is None."""

    def __str__(self) -> str:
        reason, place = self.args
        return reason if place is None else f"At character {place + 1}: {reason}"


class BadState(ParameterError):
    """A state that cannot be set: ``BadState(reason)``."""

    def __str__(self) -> str:
        return f"This state cannot be set: {self.args[0]}. Nothing was changed."


class ComparisonGone(ParameterError):
    """Other vectors that a state was kept with: ``ComparisonGone(title, reason)``, the reason as a sentence."""

    def __str__(self) -> str:
        title, reason = self.args
        return f"This view was kept while it was compared with {title}. {reason} The rest is shown as it was."


class SearchTooSlow(ParameterError):
    """A search that goes on for too long: ``SearchTooSlow(seconds)``."""

    def __str__(self) -> str:
        return (
            f"This search was given up after {self.args[0]:g} seconds. Search one column instead of all, or use a simpler expression: "
            "counted repeats such as {1,500} are slow."
        )


class JobError(ExplorerError, RuntimeError):
    """A computation did not finish."""


class JobFailed(JobError):
    """The computation raised: ``JobFailed(what, reason)``."""

    def __str__(self) -> str:
        what, reason = self.args
        return f"{what} failed: {reason}"


class JobCanceled(JobError):
    """Somebody pressed Cancel: ``JobCanceled(what)``."""

    def __str__(self) -> str:
        return f"{self.args[0]} was canceled."


class WorkerDied(JobError):
    """The compute process ended: ``WorkerDied(what, exit_code)``, or with what it wrote last as a third value."""

    def __str__(self) -> str:
        what, exit_code, last_words = (*self.args, "")[:3]
        said = f" It last wrote: {last_words}" if last_words else ""
        return (
            f"The compute process ended (exit code {exit_code}) while it worked on {what}; often the machine ran out of memory. "
            f"The next run starts a new one: try again, perhaps with fewer rows or a smaller n_neighbors.{said}"
        )


class SchedulerUnreachable(JobError):
    """The scheduler of the Dask cluster: ``SchedulerUnreachable(address, reason)``."""

    def __str__(self) -> str:
        address, reason = self.args
        return (
            f"The Dask cluster at {address} cannot be used: {reason}. See that its scheduler runs and can be reached from here, then run "
            "this again; without EXPLORER_SCHEDULER, this machine computes."
        )


class JobTooLong(JobError):
    """It took longer than this server allows: ``JobTooLong(what, minutes, iteration)``; none where no layout could be kept."""

    @property
    def iteration(self) -> int | None:
        """After how many iterations its layout was kept; none where there is none."""
        iteration: int | None = self.args[2]
        return iteration

    def __str__(self) -> str:
        what, minutes, iteration = self.args
        kept = (
            "Nothing of it could be kept: try fewer rows." if iteration is None else f"It was kept as it was after iteration {iteration:,}."
        )
        limit = "1 minute" if minutes == 1 else f"{minutes:g} minutes"
        return f"{what} was ended after {limit}, which is how long a computation may take here (EXPLORER_JOB_MINUTES). {kept}"


class PictureOvertaken(ExplorerError):
    """A picture that nobody waits for any more: ``PictureOvertaken()``."""

    def __str__(self) -> str:
        return "This picture was given up: a newer one was asked for."


class ReadOnly(ExplorerError):
    """A server that neither computes nor takes uploads was asked to: ``ReadOnly(what)``."""

    def __str__(self) -> str:
        return (
            f"{self.args[0]} was refused: this server is read-only (EXPLORER_READ_ONLY). "
            "It shows what came with the data and what is in its store."
        )


class TooManyPages(ExplorerError):
    """A page more than one person may have open: ``TooManyPages(limit)``."""

    def __str__(self) -> str:
        limit = self.args[0]
        has = "a page of Explorer open already, and more than one" if limit == 1 else f"{limit:,} pages of Explorer open already, and more"
        return f"You have {has} is not allowed here (EXPLORER_SESSIONS). Close one that you do not need: this one then opens by itself."


class NotStarted(ExplorerError, RuntimeError):
    """A process of ours that never gets ready: ``NotStarted(name, what_it_did)``."""

    def __str__(self) -> str:
        name, reason = self.args
        return f"{name} {reason}, before it was ready once. What it wrote last says why."


class StoreUnwritable(ExplorerError, OSError):
    """Results cannot be kept: ``StoreUnwritable(folder, reason)``."""

    def __str__(self) -> str:
        folder, reason = self.args
        return f"Results cannot be kept in {folder}: {reason}. Free some space, or name another folder with EXPLORER_STORE."


class ExtraMissing(ExplorerError, ImportError):
    """An optional library is not installed: ``ExtraMissing(what, extra)``."""

    def __str__(self) -> str:
        what, extra = self.args
        return f'{what} needs a library that is not installed here: pip install "panel-embedding-explorer[{extra}]"'


def size_text(size: float) -> str:
    """Say so many bytes of a file in two digits: "12 kB", "340 MB", "1.2 GB"."""
    return f"{size / 1000:,.0f} kB" if size < _MEGABYTE else memory_text(size)


def memory_text(size: float) -> str:
    """Say so many bytes in two digits: "340 MB", "1.2 GB"."""
    rounded = float(f"{size:.2g}")
    if rounded < _GIGABYTE:
        return f"{rounded / 1e6:,.0f} MB"
    return f"{rounded / _GIGABYTE:,.{0 if rounded >= 10 * _GIGABYTE else 1}f} GB"


def _either(choices: Sequence[object]) -> str:
    words = [str(choice) for choice in choices]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _listed(names: Sequence[object]) -> str:
    shown = ", ".join(str(name) for name in names[:_LISTED]) or "none"
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED:,} more"


def _closest(name: object, names: Sequence[object]) -> str:
    near = get_close_matches(str(name), [str(known) for known in names], n=1)
    return f" Did you mean {near[0]}?" if near else ""
