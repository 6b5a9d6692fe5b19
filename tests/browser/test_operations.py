"""A server that an administrator watches while a person uses it: figures, audit, and pages whose policy stops what does not belong."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

import explorer
from tests.browser.conftest import Server, Watched, new_page

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

Open = Callable[..., Watched]

FOLDER = Path(explorer.__file__).resolve().parent
WAYS = {
    "explorer serve": ["-m", "explorer", "serve", "--port", "{port}"],
    "panel serve explorer": ["-m", "panel", "serve", str(FOLDER), "--port", "{port}"],
}


class Watching(NamedTuple):
    """A server with its audit."""

    url: str
    log: Path
    audit: Path

    def figures(self) -> dict[str, float]:
        """Every sample by its name and the values of its labels, with spaces between them."""
        with urllib.request.urlopen(self.url.replace("/explorer", "/metrics"), timeout=60) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return {" ".join((sample.name, *sample.labels.values())): sample.value for family in families for sample in family.samples}

    def audited(self) -> list[dict[str, Any]]:
        """What the audit has of people, not of the server that gets ready."""
        lines = [json.loads(line) for line in self.audit.read_text("utf-8").splitlines()]
        return [line for line in lines if line["session"] != "-"]


@pytest.fixture(scope="module", params=list(WAYS))
def watching(request: pytest.FixtureRequest, serving: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Watching:
    """A server, started in one way and then in the other."""
    audit = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    server = serving(*WAYS[request.param], EXPLORER_LOG="json", EXPLORER_AUDIT=str(audit))
    return Watching(server.url, server.log, audit)


def test_what_a_person_does_is_counted_and_audited(watching: Watching, open_page: Open):
    before, told = watching.figures(), len(watching.audited())
    page = open_page(f"{watching.url}?dataset=digits")
    page.wait_for_picture()
    page.zoom(3)
    page.settle()
    page.button("UMAP").click()
    page.button("Run").click()
    page.status().filter(has_text="· UMAP ·").wait_for()
    page.settle()
    with page.page.expect_download():
        page.button("Rows in view (CSV)").click()
    with page.page.expect_download():
        page.button("Picture (PNG)").click()
    page.upload("own.csv", b"x,y,word\n" + b"".join(b"%d,%d,w\n" % (row, row % 7) for row in range(60)))
    page.status().filter(has_text="60 of 60 rows").wait_for()

    now = watching.figures()
    more = {name: now[name] - before[name] for name in now if name in before}
    assert more["explorer_sessions"] == more["explorer_sessions_opened_total"] == 1
    assert more["explorer_picture_seconds_count moving"] >= 1
    assert more["explorer_picture_seconds_count rest"] >= 2
    assert more["explorer_picture_seconds_count live"] >= 1
    assert more["explorer_pictures_sent_total"] >= 4
    assert more["explorer_picture_sent_bytes_total"] > 10_000
    assert more["explorer_jobs_ended_total layout done"] >= 1
    assert now["explorer_jobs layout running"] == 0
    page.wait_until(lambda: watching.figures()["explorer_store_bytes"] > 1e5, "the store is looked through again")

    lines = watching.audited()[told:]
    assert [(line["action"], line["rows"]) for line in lines if line["action"] != "export"] == [
        ("open", 1797),
        ("upload", 60),
        ("open", 60),
    ]
    exports = {line["file"]: line["rows"] for line in lines if line["action"] == "export"}
    assert set(exports) == {"Handwritten-digits-UMAP-rows.csv", "Handwritten-digits-UMAP.png"}
    assert exports["Handwritten-digits-UMAP.png"] == 1797
    assert len({line["session"] for line in lines}) == 1
    assert {line["address"] for line in lines} <= {"127.0.0.1", "::1"}
    jobs = [json.loads(line) for line in watching.log.read_text("utf-8").splitlines() if "UMAP of" in line and '"explorer.jobs' in line]
    assert {job["session"] for job in jobs if ": done after" in job["message"]} == {lines[0]["session"]}


def test_a_page_is_drawn_under_its_policy_which_stops_scripts_that_got_in(watching: Watching, context: BrowserContext):
    page = new_page(context, watching.url, width=1400, height=900)
    page.wait_for_picture()
    assert page.n_colored() > 100
    assert not page.errors
    stopped = page.page.evaluate("""async () => {
        window.ran = [];
        const stopped = [];
        document.addEventListener("securitypolicyviolation", event => stopped.push(event.effectiveDirective));
        const box = document.createElement("div");
        box.innerHTML = "<img src='data:,' onerror='ran.push(1)'><iframe srcdoc='<script>parent.ran.push(2)</script>'></iframe>";
        document.body.append(box);
        const script = document.createElement("script");
        script.textContent = "ran.push(3)";
        document.body.append(script);
        await fetch("https://example.org/").then(() => ran.push(4), () => {});
        await new Promise(done => setTimeout(done, 1000));
        return [ran, [...new Set(stopped)].sort()];
    }""")
    page.page.close()
    assert stopped[0] == []
    assert {"connect-src", "script-src-attr", "script-src-elem"} <= set(stopped[1])


def test_another_site_cannot_show_the_page_in_a_frame(watching: Watching, context: BrowserContext):
    page = context.new_page()
    page.set_content(f"<iframe src='{watching.url}'></iframe>")  # whose own origin is none
    frame = page.frames[1]
    frame.wait_for_load_state()
    assert frame.locator(".map").count() == 0
    assert not frame.url.startswith(watching.url)
    page.close()
