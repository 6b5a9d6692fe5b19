"""A sentence-transformers model in a process of its own, as the process that asks it holds it: PyTorch is large, and slow to load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from threading import Lock
from typing import IO, Any

import numpy as np

from explorer.encoders.encoder import Encoded
from explorer.errors import EncodingFailed
from explorer.module_path import module_path

__all__ = ["ModelProcess"]

_LAST_BYTES = 4_000  # of what it wrote before it died


class ModelProcess:
    """Encodes texts and images, one request after another; the process is started when it is first needed, and again when it has ended.

    Parameters
    ----------
    model : str
        A folder, or a name on the Hugging Face hub.
    title : str
        What people call the encoder.
    """

    def __init__(self, model: str, title: str) -> None:
        self._model, self._title = model, title
        self._lock = Lock()
        self._running: tuple[subprocess.Popen[bytes], IO[bytes]] | None = None
        self._end: weakref.finalize[Any, Any] | None = None

    def encode(self, texts: Sequence[str], *, average: bool = False) -> Encoded:
        """Make one vector of each text; may be called from several threads.

        Parameters
        ----------
        texts : sequence of str
        average : bool
            Whether the vector of a text that is too long is the mean of its parts' vectors, weighted by their lengths; else its end is
            left out.

        Raises
        ------
        EncodingFailed
            If the model cannot be loaded, or its process ends.
        """
        return self._made(json.dumps({"texts": list(texts), "average": average}).encode() + b"\n")  # escapes what is no character, too

    def encode_images(self, images: Sequence[bytes]) -> Encoded:
        """Make one vector of each image that can be read; raises what :meth:`encode` raises, and if the model takes no images."""
        return self._made(json.dumps({"images": [len(image) for image in images]}).encode() + b"\n" + b"".join(images))

    def _made(self, request: bytes) -> Encoded:
        with self._lock:
            process, errors = self._started()
            try:
                return self._asked(process, request)
            except (OSError, EOFError):
                errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LAST_BYTES))
                said = errors.read().decode(errors="replace").strip().splitlines()
                self._stop()
                last = f": {said[-1]}" if said else ""
                reason = f"its process ended with exit code {process.returncode}{last}. A model may need more memory than there is"
                raise EncodingFailed(self._title, reason) from None

    def _asked(self, process: subprocess.Popen[bytes], request: bytes) -> Encoded:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(request)
        process.stdin.flush()
        said = process.stdout.readline()
        if not said.endswith(b"\n"):
            raise EOFError
        answer = json.loads(said)
        if "failed" in answer:
            raise EncodingFailed(self._title, str(answer["failed"]))
        n, d = answer["shape"]
        numbers = process.stdout.read(4 * n * d)
        if len(numbers) < 4 * n * d:
            raise EOFError
        return Encoded(np.frombuffer(numbers, np.float32).reshape(n, d), tuple(answer["long"]), tuple(answer["broken"]))

    def _started(self) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        if self._running is not None and self._running[0].poll() is not None:  # it ends by itself when nobody asks for long
            self._stop()
        if self._running is None:
            errors = tempfile.TemporaryFile()  # noqa: SIM115  # its process writes there for as long as it lives
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "explorer.encoders.model_worker", self._model],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": module_path(os.environ)},
            )
            self._running = process, errors
            self._end = weakref.finalize(self, _end, process, errors)
        return self._running

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._running = self._end = None


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, errors):
        try:
            if stream is not None:
                stream.close()
        except OSError:  # what it was to read has nobody any more
            continue
