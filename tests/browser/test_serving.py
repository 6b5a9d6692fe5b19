"""The server behind the pages, asked while and after people use it: nothing leaks, nothing heavy is loaded, nothing holds it up."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Server, Watched

Open = Callable[..., Watched]

HELD_UP_MS = 500  # a bound for sanity on any machine; benchmarks/server.py has the true figures


@pytest.fixture(scope="module")
def probed(serving: Callable[..., Server]) -> str:
    """A server that tells about itself."""
    return serving(str(Path(__file__).with_name("probe_server.py")), "{port}").url


def probe(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url.replace("/explorer", "/probe"), timeout=60) as answer:
        return dict(json.load(answer))


def left_over(before: dict[str, int], now: dict[str, int]) -> dict[str, int]:
    """Count what was not there before; what was only on its way out then may be missing now."""
    return {kind: now[kind] - before[kind] for kind in now if now[kind] > before[kind]}


def test_closed_pages_leave_nothing_behind(probed: str, open_page: Open):
    last = open_page(probed)
    last.wait_for_picture()
    last.wait_until(lambda: probe(probed)["open"]["sessions"] == 1, "one open session")
    before, counted = probe(probed)["alive"], probe(probed)["open"]
    for _ in range(3):
        page = open_page(probed)
        page.wait_for_picture()
        page.page.mouse.click(*page.place_of_some_row())
        page.wait_until(page.neighbors, "neighbors")
        page.page.close()
    last.wait_until(lambda: not left_over(before, probe(probed)["alive"]), "three closed sessions are gone")
    after = probe(probed)["open"]
    assert after["sessions"] == 1
    assert after["sessions_opened_total"] == counted["sessions_opened_total"] + 3


def test_the_server_never_loads_what_computes(probed: str, open_page: Open):
    page = open_page(f"{probed}?dataset=digits")
    page.wait_for_picture()
    page.button("UMAP").click()
    page.button("Run").click()
    page.status().filter(has_text="· UMAP ·").wait_for()
    loaded = set(probe(probed)["loaded"])
    assert {"explorer", "panel"} <= loaded
    assert not {"umap", "pynndescent", "openTSNE"} & loaded


@pytest.mark.alone
def test_four_people_zooming_do_not_hold_up_the_server(probed: str, open_page: Open):
    pages = [open_page(probed, own_window=True) for _ in range(4)]
    for page in pages:
        page.settle()
    probe(probed)
    for ticks in (4, 4, -4, -4):
        for page in pages:
            page.zoom(ticks)
    for page in pages:
        page.settle()
    lag = probe(probed)["lag_ms"]
    print(f"event loop held up: {lag['p50']:.1f} ms p50, {lag['p99']:.1f} ms p99, {lag['most']:.1f} ms at most, {lag['beats']} beats")  # noqa: T201
    assert lag["most"] < HELD_UP_MS
