"""Real servers, started in both ways, asked what an administrator asks."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

import explorer

FOLDER = Path(explorer.__file__).resolve().parent
WAYS = {
    "explorer serve": ["-m", "explorer", "serve", "digits", "--prefix", "maps"],
    "panel serve explorer": [
        *("-m", "panel", "serve", str(FOLDER), "--prefix", "maps", "--liveness"),
        *("--unused-session-lifetime", "1000", "--check-unused-sessions", "500"),
    ],
}


class Server(NamedTuple):
    """A running server."""

    way: str
    url: str
    log: Path
    audit: Path

    def get(self, path: str, **options: Any) -> requests.Response:
        """Ask for something below its prefix."""
        return requests.get(f"{self.url}{path}", timeout=60, **options)

    def figures(self) -> dict[str, float]:
        """Every sample by its name and the values of its labels, with spaces between them."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        return {" ".join((sample.name, *sample.labels.values())): sample.value for family in families for sample in family.samples}

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


@contextmanager
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    running: list[subprocess.Popen[bytes]] = []

    def serve(way: str, *words: str, **environment: str) -> Server:
        with socket.socket() as probe:
            probe.bind(("localhost", 0))
            port = probe.getsockname()[1]
        folder = tmp_path_factory.mktemp("server")
        server = Server(way, f"http://localhost:{port}/maps", folder / "log.jsonl", folder / "audit.jsonl")
        given = {"EXPLORER_LOG": "json", "EXPLORER_AUDIT": str(server.audit), **environment}
        with server.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *WAYS[way], "--port", str(port), *words],
                cwd=folder,
                env={**os.environ, **given},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        running.append(process)
        eventually(lambda: process.poll() is not None or answers(server), "the server answers")
        assert process.poll() is None, server.log.read_text()
        return server

    try:
        yield serve
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGINT)
        for process in running:
            process.wait(30)


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start servers: ``start(way, **environment)``; they end with the test, for even a server that nobody asks anything warms up."""
    with starting(tmp_path_factory) as serve:
        yield serve


@pytest.fixture(scope="module", params=list(WAYS))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server, started in one way and then in the other."""
    with starting(tmp_path_factory) as serve:
        yield serve(request.param)


def answers(server: Server) -> bool:
    try:
        return server.get("/liveness").ok
    except requests.ConnectionError:
        return False


def eventually(true: Callable[[], object], what: str, *, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.1)


def test_liveness_builds_no_page_whatever_it_is_asked(server: Server):
    before = server.figures()["explorer_sessions_opened_total"]
    for path in ("/liveness", "/liveness?endpoint=/explorer", "/liveness?endpoint=/maps/explorer"):
        answer = server.get(path)
        assert (answer.status_code, answer.json()) == (200, {"/maps/liveness": True})
    assert requests.head(f"{server.url}/liveness", timeout=60).status_code == 200
    assert server.figures()["explorer_sessions_opened_total"] == before


def test_metrics_are_those_that_the_documentation_lists(server: Server, root: Path):
    families = list(text_string_to_metric_families(server.get("/metrics").text))
    rows = re.findall(r"^\| (`(?:explorer|process)_.+?`) \| (\w+) \|", (root / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE)
    documented = {(name.removesuffix("_total"), kind) for names, kind in rows for name in re.findall(r"`(\w+)", names)}
    known = {(family.name, family.type) for family in families} | {("explorer_build_info", "gauge")}
    assert known >= documented
    assert {name for name, _ in known} - {"explorer_build"} == {name for name, _ in documented}


def test_metrics_tell_versions_memory_store_and_the_loop(server: Server):
    figures = server.figures()
    build = next(name for name in figures if name.startswith("explorer_build_info "))
    assert explorer.__version__ in build.split()
    assert figures["process_resident_memory_bytes"] > 50e6
    assert figures["explorer_store_limit_bytes"] == 20e9
    assert figures["explorer_store_bytes"] >= 0
    eventually(
        lambda: server.figures()["explorer_event_loop_lag_seconds_count"] > figures["explorer_event_loop_lag_seconds_count"], "a beat"
    )


def test_a_page_that_is_opened_is_counted_logged_and_audited(server: Server):
    before = server.figures()
    page = server.get(
        "/explorer", params={"dataset": "digits", "token": "hunter2", "x": "hunter3"}, headers={"Authorization": "Bearer hunter4"}
    )
    assert page.status_code == 200
    after = server.figures()
    assert after["explorer_sessions_opened_total"] == before["explorer_sessions_opened_total"] + 1
    (access,) = [
        line for line in server.lines() if "hunter" in str(line) or line["request"].startswith("GET /maps/explorer?dataset=digits")
    ]
    assert access["request"] == "GET /maps/explorer?dataset=digits&token=***&x=***"
    assert (access["logger"], access["level"], access["status"], access["user"]) == ("explorer.access", "INFO", 200, "-")
    opened = [line for line in server.lines() if line["logger"] == "explorer.sessions" and line["message"].startswith("session opened")][-1]
    assert re.fullmatch("[0-9a-f]{8}", opened["session"])
    assert opened["request"] == "/maps/explorer"


def test_no_secret_gets_into_the_log_or_the_page(server: Server):
    secrets = {
        "token": "hunter5",
        "password": "hunter6",
        "bokeh-session-id": "hunter7" * 6,
        "api_key": "hunter8",
        "bokeh-token": "eyJhunter9",
    }
    for name, value in secrets.items():
        server.get("/explorer", params={name: value}, cookies={"session": "hunter10"})
        server.get("/no-such-page", params={name: value})
    assert "hunter" not in server.log.read_text()


def test_what_is_not_found_is_logged_as_a_warning(server: Server):
    server.get("/no-such-thing")

    def found() -> set[tuple[str, int]]:
        return {(line["level"], line["status"]) for line in server.lines() if line["request"] == "GET /maps/no-such-thing"}

    eventually(found, "the line of the request")  # it comes after the answer
    assert found() == {("WARNING", 404)}


@pytest.mark.parametrize("path", ["/explorer", "/no-such-page", "/static/js/bokeh.min.js", "/metrics", "/liveness"])
def test_every_answer_has_the_headers(path: str, server: Server):
    headers = server.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert ("default-src 'self'" in headers["Content-Security-Policy"]) == (path == "/explorer")


def test_each_script_in_a_page_has_its_nonce_which_is_another_one_each_time(server: Server):
    nonces = set()
    for _ in range(2):
        page = server.get("/explorer").text
        (nonce,) = set(re.findall(r"'nonce-([\w-]+)'", page))
        body = page[page.index("<body") :]
        assert body.count("<script") == body.count(f'<script nonce="{nonce}"') > 2
        assert re.search(r"<script(?![^>]* src=)", page[: page.index("<body")]) is None
        nonces.add(nonce)
    assert len(nonces) == 2


def test_sessions_that_nobody_comes_to_are_closed_and_counted(start: Callable[..., Server]):
    server = start("panel serve explorer")
    for _ in range(3):
        server.get("/explorer?dataset=digits")
    eventually(lambda: server.figures()["explorer_sessions"] == 0, "all sessions are closed")
    figures = server.figures()
    assert figures["explorer_sessions_closed_total"] == figures["explorer_sessions_opened_total"] == 3
    said = [line for line in server.lines() if line["logger"] == "explorer.sessions"]
    assert len({line["session"] for line in said}) == 3
    assert len(said) == 6


def test_who_logs_in_is_named_and_the_login_page_is_protected(start: Callable[..., Server]):
    server = start("panel serve explorer", "--basic-auth", "hunter11", "--cookie-secret", "hunter12")
    with requests.Session() as browser:
        login = browser.get(f"{server.url}/explorer", timeout=60)
        assert login.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "<title>Explorer · Log in</title>" in login.text
        page = browser.post(login.url, data={"username": "anna", "password": "hunter11"}, timeout=60)
        assert page.status_code == 200
        assert "nonce-" in page.text
        browser.get(f"{server.url}/explorer", cookies={"is_guest": "1"}, timeout=60)  # says anybody: Panel makes it "guest"
    eventually(
        lambda: any(line["user"] == "anna" for line in server.lines() if line["logger"] == "explorer.sessions"), "a session of anna's"
    )
    eventually(lambda: any(line["user"] == "anna" for line in server.lines() if line["logger"] == "explorer.access"), "a request of anna's")
    said = {line["session"]: line["user"] for line in server.lines() if line["logger"] == "explorer.sessions"}  # one may have ended by now
    assert list(said.values()) == ["anna", "-"]
    assert "hunter" not in server.log.read_text()


@pytest.mark.parametrize("way", list(WAYS))
def test_an_audit_and_rules_that_cannot_be_had_are_told_at_the_start(way: str, start: Callable[..., Server], tmp_path: Path):
    server = start(way, EXPLORER_AUDIT=str(tmp_path / "missing" / "audit.jsonl"), EXPLORER_ACCESS=str(tmp_path / "access.yaml"))
    errors = [line["message"] for line in server.lines() if line["level"] == "ERROR"]
    assert any("audit.jsonl cannot be written" in error for error in errors)
    assert any("access.yaml cannot be understood: there is no such file" in error for error in errors)


@pytest.mark.parametrize("way", list(WAYS))
def test_the_log_is_text_where_nothing_is_said(way: str, start: Callable[..., Server]):
    server = start(way, EXPLORER_LOG="")
    server.get("/explorer?token=hunter2")
    time, request = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", r"GET /maps/explorer\?token=\*\*\*"
    line = re.compile(rf"^{time} INFO explorer\.access \[- - {request}\] 200 in [\d.]+ ms to [\d.:]+$", re.MULTILINE)
    eventually(lambda: line.search(server.log.read_text()), "the line of the request")
    assert all(re.match(r"\d{4}-\d\d-\d\d |    ", each) for each in server.log.read_text().splitlines())
