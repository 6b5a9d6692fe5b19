"""Makes numba keep the compiled functions of umap-learn and pynndescent on disk; they ask for none of it themselves.

Nearly all the time of a first UMAP in a fresh process is compiling (13 s and more where 3 s is the work). Only the compute process calls this.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__all__ = ["cached_pynndescent", "cached_umap"]


def cached_pynndescent() -> ModuleType:
    """Import pynndescent with its compiled functions kept on disk."""
    import pynndescent

    _keep_compiled("pynndescent")
    return pynndescent


def cached_umap() -> Any:
    """Import ``umap.umap_`` with its compiled functions kept on disk."""
    import umap.umap_

    _keep_compiled("umap")
    _keep_compiled("pynndescent")
    return umap.umap_


def _keep_compiled(package: str) -> None:
    """Enable the disk cache of every numba function that was not compiled yet in the loaded modules of a package."""
    from numba.core.dispatcher import Dispatcher

    modules = [module for name, module in list(sys.modules.items()) if name == package or name.startswith(f"{package}.")]
    dispatchers = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)}
    for dispatcher in dispatchers.values():
        if not dispatcher.signatures and type(dispatcher._cache).__name__ == "NullCache":
            dispatcher.enable_caching()
