"""Which Explorer this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["own_version"]


def own_version() -> str:
    """Return the version that is installed; ``panel serve explorer`` serves a folder that may not be."""
    try:
        return version("panel-embedding-explorer")
    except PackageNotFoundError:
        return "0+uninstalled"
