"""Where processes that we start find our modules: those of this very package, installed or not."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping
from pathlib import Path

from explorer import settings

__all__ = ["module_path"]


def module_path(environment: Mapping[str, str]) -> str:
    """Return the ``PYTHONPATH`` for a child process that leaves the current folder out (``python -P``).

    Parameters
    ----------
    environment : mapping
        Ours.
    """
    package = Path(settings.__file__).resolve().parent
    here = {Path(folder).resolve() for folder in sys.path if folder}  # a relative entry means another folder once we changed ours
    named = [Path(folder).resolve() for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    paths = [str(folder) for folder in named if folder in here and folder != package]
    installed = {Path(folder).resolve() for folder in [*site.getsitepackages(), site.getusersitepackages()]}
    if package.parent not in installed:
        paths.insert(0, str(package.parent))
    return os.pathsep.join(paths)
