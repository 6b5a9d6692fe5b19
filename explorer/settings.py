"""Every environment variable that Explorer reads, with its meaning and default; nothing else reads the environment.

Each function reads its variable when called, so that a test or a notebook may set it late.
"""

from __future__ import annotations

import math
import os
import re
from importlib.util import find_spec
from pathlib import Path

from explorer.errors import BadParameter

__all__ = [
    "access_file",
    "audit_file",
    "check",
    "compute_threads",
    "data_roots",
    "drain_s",
    "embedding_origins",
    "hub",
    "job_minutes",
    "log_form",
    "max_columns",
    "max_rows",
    "memory_mb",
    "pages_per_user",
    "pixel_ratio",
    "read_only",
    "render_threads",
    "scheduler",
    "set_scheduler",
    "store_folder",
    "store_limit_mb",
    "stream_mb",
    "upload_hours",
    "upload_limit_mb",
    "upload_quota_mb",
    "workers",
]

_TWO_TO_FOUR = min(4, max(2, os.cpu_count() or 1))


def check() -> None:
    """Read every variable, so that a value that cannot be used is told before anything starts.

    Raises
    ------
    BadParameter
        The sentence names the variable.
    """
    for read in (
        store_folder,
        store_limit_mb,
        stream_mb,
        data_roots,
        upload_limit_mb,
        upload_quota_mb,
        upload_hours,
        read_only,
        max_rows,
        max_columns,
        pages_per_user,
        job_minutes,
        compute_threads,
        workers,
        memory_mb,
        render_threads,
        pixel_ratio,
        log_form,
        audit_file,
        embedding_origins,
        drain_s,
        scheduler,
    ):
        read()


def store_folder() -> Path:
    """``EXPLORER_STORE``: where graphs, layouts and vectors are kept; the user's cache folder by default."""
    named = os.environ.get("EXPLORER_STORE")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("explorer", appauthor=False) / "store"


def store_limit_mb() -> int:
    """``EXPLORER_STORE_MB``: the store's size limit in MB (10**6 bytes); what was not used for the longest time goes first."""
    return _whole_number("EXPLORER_STORE_MB", 20_000, least=10)


def stream_mb() -> int:
    """``EXPLORER_STREAM_MB``: from how many MB of vectors on those of a file go through memory into the store, and are mapped there."""
    return _whole_number("EXPLORER_STREAM_MB", 256, least=0)


def data_roots() -> tuple[Path, ...]:
    """``EXPLORER_DATA``: folders whose files join the catalog and may be opened from the page, separated like ``PATH``."""
    named = os.environ.get("EXPLORER_DATA", "")
    return tuple(Path(part).expanduser().absolute() for part in named.split(os.pathsep) if part)


def access_file() -> Path | None:
    """``EXPLORER_ACCESS``: a YAML file of who may see which dataset; everyone everything by default."""
    named = os.environ.get("EXPLORER_ACCESS")
    return Path(named).expanduser().absolute() if named else None


def encoders() -> tuple[str, ...]:
    """``EXPLORER_ENCODERS``: what the page offers to encode with, between spaces; models for this machine where one can be run."""
    named = os.environ.get("EXPLORER_ENCODERS")
    if named is None:
        return (
            ("sentence-transformers:all-MiniLM-L6-v2", "sentence-transformers:clip-ViT-B-32") if find_spec("sentence_transformers") else ()
        )
    return tuple(named.split())


def upload_limit_mb() -> int:
    """``EXPLORER_UPLOAD_MB``: the largest file, in MB, that the page takes as an upload."""
    return _whole_number("EXPLORER_UPLOAD_MB", 2_000, least=1)


def upload_quota_mb() -> int:
    """``EXPLORER_UPLOAD_QUOTA_MB``: how many MB (10**6 bytes) the uploads of one user who has logged in may take together."""
    return _whole_number("EXPLORER_UPLOAD_QUOTA_MB", 10_000, least=1)


def upload_hours() -> float:
    """``EXPLORER_UPLOAD_HOURS``: how long an upload of a user who has logged in is kept; a week by default."""
    return _number("EXPLORER_UPLOAD_HOURS") or 168.0


def read_only() -> bool:
    """``EXPLORER_READ_ONLY``: whether nobody uploads or computes, and what is there is shown; no by default."""
    return _yes_or_no("EXPLORER_READ_ONLY")


def max_rows() -> int | None:
    """``EXPLORER_MAX_ROWS``: the most rows that a dataset which is opened may have; any number by default."""
    return _whole_number("EXPLORER_MAX_ROWS", 0, least=2) or None


def max_columns() -> int | None:
    """``EXPLORER_MAX_COLUMNS``: the most columns that it may have, those of its arrays among them; any number by default."""
    return _whole_number("EXPLORER_MAX_COLUMNS", 0, least=1) or None


def pages_per_user() -> int | None:
    """``EXPLORER_SESSIONS``: how many pages one person may have open on this machine's servers; any number by default."""
    return _whole_number("EXPLORER_SESSIONS", 0, least=1) or None


def job_minutes() -> float | None:
    """``EXPLORER_JOB_MINUTES``: after so many minutes a computation is ended; never by default."""
    return _number("EXPLORER_JOB_MINUTES")


def compute_threads() -> int:
    """``EXPLORER_THREADS``: threads of each compute process; every core by default."""
    return _whole_number("EXPLORER_THREADS", os.cpu_count() or 1, least=1)


def workers() -> int:
    """``EXPLORER_WORKERS``: compute processes, which is how many people's computations run at once; two to four by default."""
    return _whole_number("EXPLORER_WORKERS", _TWO_TO_FOUR, least=1)


def memory_mb() -> int | None:
    """``EXPLORER_MEMORY``: the most memory, in MB (10**6 bytes), that one computation may take; whatever is free by default."""
    return _whole_number("EXPLORER_MEMORY", 0, least=1) or None


def render_threads() -> int:
    """``EXPLORER_RENDER_THREADS``: threads that draw pictures in the server process; two to four by default."""
    return _whole_number("EXPLORER_RENDER_THREADS", _TWO_TO_FOUR, least=1)


def pixel_ratio() -> int:
    """``EXPLORER_PIXEL_RATIO``: the most device pixels a CSS pixel that a picture at rest has; a screen may have more."""
    return _whole_number("EXPLORER_PIXEL_RATIO", 2, least=1)


def log_form() -> str:
    """``EXPLORER_LOG``: how a server writes its log, "text" for people, by default, or "json" for machines: one object a line."""
    form = os.environ.get("EXPLORER_LOG") or "text"
    if form not in ("text", "json"):
        raise BadParameter("EXPLORER_LOG", form, "give text or json.")
    return form


def audit_file() -> Path | None:
    """``EXPLORER_AUDIT``: a file that gets a line for each dataset opened, file uploaded or taken along, or refused; none by default."""
    named = os.environ.get("EXPLORER_AUDIT")
    return Path(named).expanduser().absolute() if named else None


def embedding_origins() -> tuple[str, ...]:
    """``EXPLORER_EMBED``: origins whose pages may show Explorer's in a frame, besides this server's own, separated by spaces."""
    origins = tuple(os.environ.get("EXPLORER_EMBED", "").split())
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[\w.\-*]+(:\d{1,5}|:\*)?", origin):
            raise BadParameter("EXPLORER_EMBED", origin, "give origins such as https://wiki.example.org, with spaces between them.")
    return origins


def drain_s() -> int:
    """``EXPLORER_DRAIN_S``: seconds that open pages have, once ``explorer serve --processes`` is asked to end."""
    return _whole_number("EXPLORER_DRAIN_S", 30, least=0)


def scheduler() -> str | None:
    """``EXPLORER_SCHEDULER``: the address of a Dask cluster that computes in this machine's place."""
    address = os.environ.get("EXPLORER_SCHEDULER", "")
    if address and not re.fullmatch(r"(tcp|tls|ws|wss|ucx|ucxx)://\S+", address):
        raise BadParameter("EXPLORER_SCHEDULER", address, "give an address such as tcp://cluster:8786.")
    return address or None


def set_scheduler(address: str) -> None:
    """Set ``EXPLORER_SCHEDULER`` for this process and those that it starts."""
    os.environ["EXPLORER_SCHEDULER"] = address
    scheduler()


def hub() -> str | None:
    """``EXPLORER_HUB``: the compute hub's socket, set by ``explorer serve --processes`` for its servers; each computes itself without."""
    return os.environ.get("EXPLORER_HUB") or None


def _whole_number(name: str, default: int, *, least: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        raise BadParameter(name, text, "give a whole number.") from None
    if number < least:
        raise BadParameter(name, text, f"give {least} or more.")
    return number


def _number(name: str) -> float | None:
    text = os.environ.get(name, "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise BadParameter(name, text, "give a number.") from None
    if not 0 < number < math.inf:
        raise BadParameter(name, text, "give a number above 0.")
    return number


def _yes_or_no(name: str) -> bool:
    text = os.environ.get(name, "").lower()
    if text in ("", "0", "false", "no"):
        return False
    if text in ("1", "true", "yes"):
        return True
    raise BadParameter(name, text, "give true or false.")
