"""Two servers behind the nginx of the documentation, with exactly its file: the page works, and a browser stays with one server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from tests.browser.conftest import Watched, end_group, free_port, wait_for_url

pytestmark = pytest.mark.timeout(300)  # two servers start for the first of them

Open = Callable[..., Watched]

CONFIGURATION = Path(__file__).resolve().parents[2] / "docs" / "nginx.conf"
AROUND = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    log_format upstreams '$upstream_addr|$cookie_explorer|$status|$request';
    access_log {folder}/access.log upstreams;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/explorer.conf;
}}
"""


class Deployed(NamedTuple):
    """What runs."""

    port: int  # nginx's
    first: int  # the first server's, the other's is the next
    access_log: Path
    supervisor: int

    @property
    def url(self) -> str:
        """The page's address, for people."""
        return f"http://localhost:{self.port}/explorer"


def nginx_path() -> str:
    """Find nginx; who has none goes without this test, but continuous integration."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if found is None:
        assert not os.environ.get("CI"), "This test needs nginx: apt-get install nginx-light"
        pytest.skip("there is no nginx: apt-get install nginx-light")
    return found


def two_free_ports() -> int:
    while True:
        port = free_port()
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port + 1))
            return port
        except OSError:
            continue


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    nginx, folder, first, port = nginx_path(), tmp_path_factory.mktemp("nginx"), two_free_ports(), free_port()
    text = CONFIGURATION.read_text("utf-8")
    for theirs, ours in (("127.0.0.1:5006 ", f"127.0.0.1:{first} "), ("127.0.0.1:5007 ", f"127.0.0.1:{first + 1} ")):
        assert text.count(theirs) == 1
        text = text.replace(theirs, ours)
    assert text.count("listen 80;") == 1
    (folder / "explorer.conf").write_text(text.replace("listen 80;", f"listen 127.0.0.1:{port};"), "utf-8")
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder), "utf-8")
    words = [sys.executable, "-m", "explorer", "serve", "--processes", "2", "--port", str(first), "--address", "127.0.0.1"]
    words += ["--allow-websocket-origin", f"localhost:{port}"]
    environment = {**os.environ, "EXPLORER_STORE": str(folder / "store"), "BOKEH_RESOURCES": "server", "EXPLORER_DRAIN_S": "1"}
    log = folder / "server.log"
    started = []
    try:
        with log.open("wb") as out:
            started.append(subprocess.Popen(words, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True))
        for each in (first, first + 1):
            wait_for_url(f"http://127.0.0.1:{each}/liveness", started[0], log)
        with (folder / "nginx.log").open("wb") as out:
            command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
            started.append(subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True))
        wait_for_url(f"http://localhost:{port}/liveness", started[1], folder / "nginx.log")
        yield Deployed(port, first, folder / "access.log", started[0].pid)
    finally:
        for process in reversed(started):
            end_group(process)


def requests(deployed: Deployed, cookie: str | None = None) -> list[tuple[str, str, str, str]]:
    """Read server, cookie, status and request of each that nginx noted."""
    lines = [tuple(line.split("|", 3)) for line in deployed.access_log.read_text().splitlines()]
    return [line for line in lines if cookie is None or line[1] == cookie]


def ask(url: str) -> str | None:
    """Ask as a browser does that comes for the first time; returns the cookie it gets."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.headers.get("Set-Cookie")


def test_a_page_works_behind_nginx_and_stays_with_one_server(deployed: Deployed, open_page: Open) -> None:
    page = open_page(deployed.url, own_window=True)
    page.wait_for_picture()
    before = page.view()
    page.zoom(4)
    page.wait_until(lambda: page.view() != before, "the map is zoomed")
    page.settle()
    assert page.pixels()[..., 3].any()
    cookie = next(each["value"] for each in page.page.context.cookies() if each["name"] == "explorer")
    page.page.reload()
    page.wait_for_picture()
    page.page.close()
    page_url = re.compile(r"GET /explorer/ws")
    deadline = time.monotonic() + 60
    while sum(bool(page_url.match(request)) for *_, request in requests(deployed, cookie)) < 2:  # noted when they are closed
        assert time.monotonic() < deadline
        time.sleep(0.1)
    mine = requests(deployed, cookie)
    assert len({upstream for upstream, *_ in mine}) == 1, mine
    assert {status for _, _, status, request in mine if page_url.match(request)} == {"101"}


def test_browsers_are_spread_over_the_servers_and_recognized(deployed: Deployed) -> None:
    url = deployed.url.replace("/explorer", "/liveness")
    cookies = {ask(url) for _ in range(40)}
    assert len(cookies) == 40
    assert all(cookie and re.fullmatch(r"explorer=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax", cookie) for cookie in cookies)
    assert {upstream for upstream, *_ in requests(deployed)} == {f"127.0.0.1:{deployed.first}", f"127.0.0.1:{deployed.first + 1}"}
    known = str(cookies.pop()).partition(";")[0]
    asked = urllib.request.Request(url, headers={"Cookie": known})
    for _ in range(5):
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert answer.headers.get("Set-Cookie") is None
    assert len({upstream for upstream, *_ in requests(deployed, known.partition("=")[2])}) == 1


def test_two_servers_share_one_computation_and_its_result(deployed: Deployed, open_page: Open) -> None:
    pages = [open_page(f"http://127.0.0.1:{deployed.first + i}/explorer?dataset=digits", own_window=True) for i in range(2)]
    for page in pages:
        page.wait_for_picture()
        page.button("t-SNE").click()
    for page in pages:
        page.button("Run").click()
    for page in pages:
        page.status().filter(has_text="· t-SNE ·").wait_for()
    family = psutil.Process(deployed.supervisor).children(recursive=True)
    workers = [child for child in family if "explorer.jobs.worker" in child.cmdline()]
    assert {"explorer.jobs.hub" in worker.parent().cmdline() for worker in workers} == {True}, "no server computes for itself"
