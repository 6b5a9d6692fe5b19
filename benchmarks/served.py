"""A server started as an administrator starts it, and what its process, its log and its metrics say."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

import psutil
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Served", "artifacts", "lag_between"]

START_S: Final = 300
END_S: Final = 30
LAG: Final = "explorer_event_loop_lag_seconds_bucket"


class Served:
    """``explorer serve`` with a store, its data in a folder; started by :meth:`start`, ended by :meth:`end`.

    Parameters
    ----------
    folder : Path
        Where its log is written and its store is.
    words : str
        For the command line.
    environment : str
        Settings.
    """

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self.store, self.log = folder / "store", folder / "server.jsonl"
        self._words, self._environment = words, environment
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""
        self.started_s = 0.0  # until it answered

    def start(self) -> None:
        """Start it; returns when it answers.

        Raises
        ------
        RuntimeError
            If it does not, with what it logged.
        """
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address, began = f"http://localhost:{port}/explorer", time.monotonic()
        settings = {"EXPLORER_STORE": str(self.store), "EXPLORER_LOG": "json", "BOKEH_RESOURCES": "server", **self._environment}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "explorer", "serve", *self._words, "--port", str(port)],
                env={**os.environ, **settings},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - began > START_S:
                message = f"the server does not answer:\n{self.log.read_text()}"
                raise RuntimeError(message)
            time.sleep(0.05)
        self.started_s = time.monotonic() - began

    def end(self) -> None:
        """End it and all that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        for how in (signal.SIGINT, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, how)
                try:
                    process.wait(END_S)
                except subprocess.TimeoutExpired:
                    continue

    def memory(self) -> float:
        """Bytes in the memory of the server's own process that no other process has, too."""
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_full_info().uss)

    def figures(self) -> dict[str, float]:
        """Read its metrics: each by its name and the values of its labels, with spaces between them."""
        with urllib.request.urlopen(self.address.removesuffix("/explorer") + "/metrics", timeout=60) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        return {" ".join((sample.name, *sample.labels.values())): sample.value for family in families for sample in family.samples}

    def errors(self) -> list[str]:
        """Read what it has logged as errors."""
        lines = [json.loads(line) for line in self.log.read_text("utf-8").splitlines() if line.startswith("{")]
        return [line.get("message", "") for line in lines if line.get("level") in ("ERROR", "CRITICAL")]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.address.removesuffix("/explorer") + "/liveness", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


def lag_between(before: dict[str, float], after: dict[str, float], share: float) -> float:
    """Find by how much the event loop came too late between two looks at the metrics: a share of its beats came earlier, in seconds."""
    grown = sorted((float(name.partition(" ")[2]), after[name] - before.get(name, 0.0)) for name in after if name.startswith(f"{LAG} "))
    wanted, below, n_below = share * grown[-1][1], 0.0, 0.0
    for most, n in grown:
        if n >= wanted and n > n_below:
            return below if most == float("inf") else below + (most - below) * (wanted - n_below) / (n - n_below)
        below, n_below = most, n
    return below


def artifacts(store: Path) -> set[str]:
    """Name the artifacts in a store."""
    return {str(meta.parent.relative_to(store)) for meta in store.glob("*/*/*/meta.json")}
