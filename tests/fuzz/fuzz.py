"""Coverage-guided fuzzing of what takes anybody's bytes: the readers and the query line. Goes on until something is wrong.

    pip install atheris
    python tests/fuzz/fuzz.py TARGET [FOLDER] [libFuzzer's options, such as -max_total_time=600]

TARGET is ``query``, ``search`` or the ending of a file that can be opened, such as ``csv``. FOLDER keeps inputs that reached new code, for
the next time. What is wrong is anything that ends neither in a result nor in one of Explorer's own sentences; the input is then written to
a file ``crash-…`` in the folder where this was started. A test that holds it belongs beside the mend (``tests/data/test_fuzz.py``).
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["explorer"]):
    import numpy as np
    import pyarrow as pa

    from explorer.data.dataset import open_dataset
    from explorer.data.files import FROM_ANYBODY
    from explorer.errors import ExplorerError
    from explorer.query.conditions import matching
    from explorer.query.search import Pattern, search

TABLE = open_dataset(
    pa.table(
        {
            "x": np.arange(20.0),
            "y": np.arange(20.0)[::-1],
            "name": [f"row {i}" for i in range(20)],
            "kind": pa.array(["a", "b", None, "d"] * 5).dictionary_encode(),
            "flag": [True, False, None, True] * 5,
            "n": pa.array(range(20), pa.int64()),
        }
    )
)


def ask(data: bytes) -> None:
    """Ask a query."""
    matching(TABLE, data.decode("utf-8", "ignore"))


def look(data: bytes) -> None:
    """Search a regular expression."""
    search(TABLE, Pattern.of(data.decode("utf-8", "ignore"), "regex"))


def reader(ending: str) -> Callable[[bytes], None]:
    """Open files of an ending."""
    path = Path(tempfile.mkdtemp(prefix="explorer-fuzz-")) / f"fuzzed{ending}"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        open_dataset(path)

    return read


def main() -> None:
    """Fuzz what the command line names."""
    targets: dict[str, Callable[[bytes], None]] = {"query": ask, "search": look}
    targets.update({ending.removeprefix("."): reader(ending) for ending in FROM_ANYBODY})
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if name not in targets:
        sys.exit(f"{__doc__}\nTARGET is one of: {', '.join(targets)}")
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")

    def one(data: bytes) -> None:
        try:
            targets[name](data)
        except ExplorerError as error:
            if not 0 < len(str(error)) < 2_000:
                raise

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
