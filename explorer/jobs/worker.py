"""The compute process: takes tasks from its standard input, one at a time, and says on its standard output how they go.

Started by the runner as ``python -m explorer.jobs.worker STORE LIMIT_MB [DESCRIPTOR]``; see :mod:`explorer.jobs.protocol`. It owns every
parallel kernel, which all run on its main thread; it ends by itself, in the middle of a computation too, when its parent is gone.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import BinaryIO

from explorer.compute.progress import ShouldStop, Snapshot, Stopped
from explorer.errors import ExplorerError
from explorer.jobs.live import LiveMemory
from explorer.jobs.protocol import Message, decode, encode, error_to_json
from explorer.jobs.task_steps import VectorsGone
from explorer.jobs.tasks import task_or_part_from_json
from explorer.jobs.warmup import warm_up_steps
from explorer.lifetime import leave_with_parent
from explorer.store.store import Store

__all__ = ["Worker", "main"]

logger = logging.getLogger(__name__)

_NICER = 10  # the server process goes first on a machine with few cores
_REPORT_EVERY_S = 0.1
_IDLE_S = 0.5  # a queue this long empty means time to warm up


class Worker:
    """Runs tasks on the calling thread and hears cancel and quit on another.

    Parameters
    ----------
    store : Store
        Where vectors come from and results go.
    requests, answers : binary file
        The two ends of the protocol.
    live : LiveMemory, optional
        Where layouts are shown while they are computed.
    """

    def __init__(self, store: Store, requests: BinaryIO, answers: BinaryIO, live: LiveMemory | None = None) -> None:
        self._store = store
        self._requests = requests
        self._answers = answers
        self._live = live
        self._shown = 0  # live layouts of this task
        self._told_full = False  # whether it was said that there is no memory for them
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._canceled: set[int] = set()
        self._compiling: subprocess.Popen[bytes] | None = None  # see warmup.main
        self._steps: deque[Callable[[ShouldStop], object]] = deque()
        self._reported = ("", 0.0)  # stage and time of the last progress

    def run(self) -> None:
        """Work until there is no parent any more; never returns."""
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        leave_with_parent()
        self._send({"ready": os.getpid()})
        while True:
            message = self._next()
            if "warm" in message:
                self._prepare_to_warm_up()
            else:
                self._work(message["run"], message["task"])

    def _next(self) -> Message:
        """Wait for the next message, and use the time."""
        while self._steps:
            try:
                return self._inbox.get(timeout=_IDLE_S)
            except Empty:
                if self._compiling is None or self._compiling.poll() is not None:
                    self._warm_up(self._steps.popleft())
        return self._inbox.get()

    def _prepare_to_warm_up(self) -> None:
        self._steps.extend(warm_up_steps())
        try:
            self._compiling = subprocess.Popen([sys.executable, "-P", "-m", "explorer.jobs.warmup"], stdin=subprocess.DEVNULL)
        except OSError as error:  # no memory for another process: what it would compile is compiled here
            logger.warning("Compiling ahead is not possible: %s", error)

    def _warm_up(self, step: Callable[[ShouldStop], object]) -> None:
        try:
            step(lambda: not self._inbox.empty())
        except Stopped:
            self._steps.appendleft(step)
        except Exception:  # a border: warming up is a courtesy, the job that needs it will say what is wrong
            logger.exception("Warming up failed")

    def _listen(self) -> None:
        for line in self._requests:
            message = decode(line)
            if "run" in message or "warm" in message:
                self._inbox.put(message)
            elif "cancel" in message:
                self._canceled.add(message["cancel"])
            else:
                break
        if self._compiling is not None:
            self._compiling.kill()  # it would end by itself, but only a moment after us
        os._exit(0)  # quit, or the parent is gone: at once, whatever runs

    def _work(self, number: int, described: Message) -> None:
        def report(stage: str, fraction: float, layout: Snapshot | None = None) -> None:
            self._report(number, stage, fraction, layout)

        def should_stop() -> bool:
            return number in self._canceled

        self._reported, self._shown = ("", 0.0), 0
        report("starting", 0.0)  # so that the runner knows whose fault it is if we die
        try:
            if should_stop():
                raise Stopped
            artifact = task_or_part_from_json(described).run(self._store, report, should_stop)
        except Stopped:
            self._send({"of": number, "canceled": True})
        except VectorsGone:
            self._send({"of": number, "vectors_gone": True})
        except ExplorerError as error:
            self._send({"of": number, "failed": error_to_json(error), "traceback": traceback.format_exc()})
        except Exception as error:  # a border: the runner turns it into a sentence
            logger.exception("%s failed", described)
            self._send({"of": number, "failed": error_to_json(error), "traceback": traceback.format_exc()})
        else:
            self._send({"of": number, "done": artifact.key})
        self._canceled.discard(number)
        if self._live is not None:
            self._live.clear()

    def _report(self, number: int, stage: str, fraction: float, layout: Snapshot | None) -> None:
        last_stage, last_time = self._reported
        now = monotonic()
        shown = layout is not None and self._show(number, stage, layout)
        if shown or stage != last_stage or now - last_time >= _REPORT_EVERY_S:
            self._reported = (stage, now)
            live = {"live": self._shown} if shown else {}
            self._send({"of": number, "progress": float(fraction), "stage": stage, **live})

    def _show(self, number: int, stage: str, layout: Snapshot) -> bool:
        """Put a layout where the server process sees it; False where that is not possible."""
        if self._live is None:
            return False
        try:
            self._live.write(number, self._shown + 1, stage, layout)
        except OSError as error:  # no memory left for it: the computation itself may still have what it needs
            if not self._told_full:
                logger.warning("A layout cannot be shown while it is computed: %s", error)
            self._told_full = True
            return False
        self._shown += 1
        return True

    def _send(self, message: Message) -> None:
        try:
            self._answers.write(encode(message))
            self._answers.flush()
        except BrokenPipeError:
            os._exit(0)  # nobody reads any more


def main() -> None:
    """Take over this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it cancels, or closes us
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    requests, answers = _private_streams()
    if hasattr(os, "nice"):
        os.nice(_NICER)
    folder, limit_mb, *shared = sys.argv[1:]
    Worker(Store(Path(folder), int(limit_mb)), requests, answers, LiveMemory(int(shared[0])) if shared else None).run()


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep the protocol's two pipes for ourselves, so that nothing a library prints or reads gets into them."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


if __name__ == "__main__":
    main()
