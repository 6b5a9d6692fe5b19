"""Makes numba keep the compiled functions of another library on disk, where the library does not ask for it itself.

Nearly all the time of a first neighbor graph in a fresh process is compiling. Only the compute process calls this.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["keep_compiled"]


def keep_compiled(package: str, *, arguments: Sequence[Any] = ()) -> None:
    """Enable the disk cache of every numba function in the loaded modules of a package that has none and was not compiled yet.

    Parameters
    ----------
    package : str
        An imported package.
    arguments : sequence of numba functions
        Functions of the package that are passed to others as arguments. Numba names them anew in each process and so never finds what it
        kept for those others; here they get names that last.
    """
    from numba.core.caching import NullCache
    from numba.core.dispatcher import Dispatcher

    modules = [module for name, module in list(sys.modules.items()) if name == package or name.startswith(f"{package}.")]
    dispatchers: dict[int, Any] = {
        id(value): value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)
    }
    for dispatcher in dispatchers.values():
        if not dispatcher.signatures and isinstance(dispatcher._cache, NullCache):
            dispatcher.enable_caching()
    for argument in arguments:
        if argument._MemoMixin__uuid is None:
            argument._set_uuid(f"{argument.py_func.__module__}.{argument.__name__}")
