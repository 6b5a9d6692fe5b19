"""Reads a small YAML file whose top is a mapping; says what is wrong with it in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["read_mapping"]


def read_mapping(path: Path, refusal: Callable[[Path, str], Exception], shape: str) -> Mapping[Any, Any]:
    """Read a YAML file; an empty one is an empty mapping.

    Parameters
    ----------
    path : Path
        The file; a missing one raises FileNotFoundError.
    refusal : callable(path, reason)
        Makes the exception that is raised where the file cannot be understood.
    shape : str
        What to say where its top is no mapping.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise refusal(path, f"{error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise refusal(path, "it is not UTF-8 text.") from error
    try:
        loaded = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"line {mark.line + 1}: "
        raise refusal(path, f"{where}{getattr(error, 'problem', None) or 'it is not YAML'}.") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise refusal(path, shape)
    return loaded
