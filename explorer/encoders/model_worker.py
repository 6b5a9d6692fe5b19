"""The process of a sentence-transformers model: a line with texts comes in, a line with a shape and the numbers go out.

Started as ``python -m explorer.encoders.model_worker MODEL``. ``{"texts": […]}`` is answered by ``{"shape": [n, d]}`` and n x d float32
numbers, or by ``{"failed": reason}``; no texts have the model loaded. It ends when nobody has asked for ten minutes, and with its parent.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from threading import Timer
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from explorer.lifetime import leave_with_parent

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["main", "serve"]

logger = logging.getLogger(__name__)

_IDLE_S = 600.0
_NICER = 10  # the server goes first on a machine with few cores


def main() -> None:
    """Serve the parent."""
    leave_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    if hasattr(os, "nice"):
        os.nice(_NICER)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print does not get between
    serve(sys.argv[1], sys.stdin.buffer, answers)


def serve(name: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until there are no more.

    Parameters
    ----------
    name : str
        The model's folder, or its name.
    requests, answers : binary file
    """
    model: SentenceTransformer | None = None
    while line := _next(requests):
        try:
            model = model or _load(name)
            texts = json.loads(line)["texts"]
            made = model.encode(texts, show_progress_bar=False) if texts else np.empty((0, 0))
            found = np.ascontiguousarray(made, np.float32)
            answers.write(json.dumps({"shape": found.shape}).encode() + b"\n" + found.tobytes())
        except Exception as error:  # a border: who asked is told
            logger.exception("texts could not be encoded")
            answers.write(json.dumps({"failed": _said(error, loaded=model is not None)}).encode() + b"\n")
        answers.flush()


def _next(requests: BinaryIO) -> bytes:
    idle = Timer(_IDLE_S, os._exit, (0,))
    idle.daemon = True
    idle.start()
    try:
        return requests.readline()
    finally:
        idle.cancel()


def _load(name: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(name, model_kwargs={"use_safetensors": True})


def _said(error: Exception, *, loaded: bool) -> str:
    if loaded:
        return f"{type(error).__name__}: {error}"
    if isinstance(error, OSError | ValueError):
        return f"there is no such model here, and cannot be fetched ({type(error).__name__}). Give a model's folder, or its name"
    return f"the model cannot be loaded ({type(error).__name__}: {error})"


if __name__ == "__main__":
    main()
