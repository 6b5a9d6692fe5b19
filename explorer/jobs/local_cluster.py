"""A Dask cluster of this machine alone, for ``explorer cluster``: to try what a larger one would do."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from typing import Final

from explorer import settings
from explorer.errors import BadParameter, ExtraMissing
from explorer.ports import check_port

__all__ = ["run_cluster"]

_HERE: Final = "127.0.0.1"


def run_cluster(*, workers: int, port: int, say: Callable[[str], None]) -> None:
    """Run a scheduler and workers until somebody presses Ctrl-C or ends the process.

    Parameters
    ----------
    workers : int
        How many; each computes one task at a time, with its share of the machine's threads, or of ``EXPLORER_THREADS``.
    port : int
        Of the scheduler, which listens on this machine only.
    say : callable
        Told the scheduler's address once it can be used.

    Raises
    ------
    BadParameter
        If a number cannot be used, or the port is taken.
    ExtraMissing
        If Dask is not installed.
    """
    try:
        from distributed import LocalCluster
    except ImportError:
        raise ExtraMissing("A cluster", "dask") from None
    if workers < 1:
        raise BadParameter("--workers", workers, "give 1 or more.")
    check_port(_HERE, port)
    logging.getLogger("distributed").setLevel(logging.WARNING)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    threads = str(max(1, settings.compute_threads() // workers))
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host=_HERE,
        scheduler_port=port,
        dashboard_address=None,
        env={"EXPLORER_SCHEDULER": "", "EXPLORER_THREADS": threads},
    )
    with cluster:
        say(f"A cluster of {workers} workers: {cluster.scheduler_address}")
        ended.wait()
