"""Which headers an answer gets; tests/operations/test_serving.py has those of real servers."""

from __future__ import annotations

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from explorer import settings
from explorer.errors import BadParameter
from explorer.operations.headers import protecting


def headers(path: str, *, had: dict[str, str] | None = None) -> HTTPHeaders:
    """The headers of an answer, of which ``had`` were there before."""
    request = HTTPServerRequest(start_line=RequestStartLine("GET", path, "HTTP/1.1"), headers=HTTPHeaders({"Host": "localhost"}))
    added = protecting(["/explorer"])(request)
    return added.transform_first_chunk(200, HTTPHeaders(had or {}), b"", finishing=True)[1]


def test_a_page_gets_the_whole_policy_and_everything_else_its_frame():
    whole, other = (headers(path)["Content-Security-Policy"] for path in ("/explorer", "/another"))
    assert {"default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'"} <= set(whole.split("; "))
    assert whole.endswith("; frame-ancestors 'self'")
    assert other == "frame-ancestors 'self'"
    assert headers("/explorer/")["Content-Security-Policy"] == whole


def test_a_header_that_is_there_stays():
    assert headers("/x", had={"referrer-policy": "no-referrer"})["Referrer-Policy"] == "no-referrer"


def test_other_sites_may_be_let_show_a_page(monkeypatch: pytest.MonkeyPatch):
    assert headers("/explorer")["X-Frame-Options"] == "SAMEORIGIN"
    monkeypatch.setenv("EXPLORER_EMBED", "https://wiki.example.org http://localhost:8888")
    assert headers("/explorer")["Content-Security-Policy"].endswith("frame-ancestors 'self' https://wiki.example.org http://localhost:8888")
    assert "X-Frame-Options" not in headers("/explorer")


@pytest.mark.parametrize(
    "origin", ["wiki.example.org", "https://a.org; script-src *", "https://a.org/path", "'none'", "https://a.org, https://b.org"]
)
def test_what_is_no_origin_is_refused(origin: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_EMBED", origin)
    with pytest.raises(BadParameter, match="EXPLORER_EMBED"):
        settings.check()


def test_scripts_from_elsewhere_are_not_stopped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BOKEH_RESOURCES", "cdn")
    assert headers("/explorer")["Content-Security-Policy"] == "frame-ancestors 'self'"
