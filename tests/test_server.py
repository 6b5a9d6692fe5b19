"""Serving from the command line: addresses of pages, and a real server's start and end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import requests

from explorer.data.dataset import Dataset, open_dataset
from explorer.server import pages


def dataset(name: str) -> Dataset:
    return open_dataset(np.eye(4, dtype=np.float32), name=name)


def test_one_dataset_is_served_as_explorer():
    assert list(pages([dataset("My words")])) == ["explorer"]
    assert list(pages([None])) == ["explorer"]


def test_several_datasets_are_served_side_by_side_under_their_own_names():
    assert list(pages([dataset("WordNet, 10,000 senses"), dataset("a/b"), dataset("a b"), dataset("…")])) == [
        "wordnet-10-000-senses",
        "a-b",
        "a-b-2",
        "explorer",
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("words", [["vectors.npy"], ["serve", "vectors.npy", "--prefix", "maps"]])
def test_a_page_is_served_until_ctrl_c(words: list[str], tmp_path: Path):
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    port = free_port()
    command = [sys.executable, "-m", "explorer", *words, "--no-show", "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        prefix = "/maps" if "--prefix" in words else ""
        page = answered(f"http://localhost:{port}{prefix}/explorer", process)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert page.status_code == 200
    assert "<title>Explorer</title>" in page.text
    assert process.returncode == 0, said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", [[], ["--use-xheaders"]])
def test_who_comes_through_a_proxy_has_the_address_that_it_names_where_that_is_wanted(words: list[str], tmp_path: Path):
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    port = free_port()
    command = [sys.executable, "-m", "explorer", "serve", "vectors.npy", "--port", str(port), *words]
    with subprocess.Popen(command, cwd=tmp_path, env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        answered(f"http://localhost:{port}/liveness", process)
        assert requests.get(f"http://localhost:{port}/explorer", headers={"X-Real-Ip": "10.1.2.3"}, timeout=60).status_code == 200
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    served = next(line for line in said.splitlines() if "GET /explorer]" in line)
    assert served.endswith(" to 10.1.2.3") == bool(words), said


def answered(address: str, process: subprocess.Popen[str]) -> requests.Response:
    """Wait for a server that is starting."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            return requests.get(address, timeout=30)
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail(f"No answer from {address}: {process.communicate()[0] if process.poll() is not None else 'it is still starting'}")


def test_two_that_start_at_the_same_time_take_two_ports(tmp_path: Path):
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    command = [sys.executable, "-u", "-m", "explorer", "vectors.npy", "--no-show"]
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    try:
        said = [process.stdout.readline() for process in both if process.stdout]
    finally:
        for process in both:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    ports = [line.rpartition(":")[2].strip() for line in said if line.startswith("Launching server at http://localhost:")]
    assert len(set(ports)) == 2, said
