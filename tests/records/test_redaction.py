"""Secrets do not get into what is written down, and what is no secret stays readable."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.records.redaction import readable_address, redacted

TOKEN = base64.urlsafe_b64encode(json.dumps({"session_id": "abc", "user": "anna"}).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /explorer?dataset=digits&token=hunter2 (127.0.0.1)", "GET /explorer?dataset=digits&token=*** (127.0.0.1)"),
        ("/explorer?bokeh-session-id=hunter2", "/explorer?bokeh-session-id=***"),
        ("api_key=hunter2, n=3", "api_key=***, n=3"),
        ("Authorization: Bearer hunter2", "Authorization: ***"),
        ("{'Cookie': 'user=hunter2'}", "{'Cookie': ***"),
        ("{'password': 'hunter2', 'n': 3}", "{'password': ***, 'n': 3}"),
        ('{"arguments": {"client_secret": ["hunter2"]}}', '{"arguments": {"client_secret": [***]}}'),
        ("{'token': [b'hunter2']}", "{'token': [***]}"),
        ("postgresql://anna:hunter2@host/rows", "postgresql://***@host/rows"),
        ("Session id had invalid signature: 'hunter2hunter2hunter2'", "Session id had invalid signature: '***'"),
        (f"bearer {TOKEN}.hunter2", "bearer ***"),
    ],
)
def test_secrets_are_replaced(text: str, expected: str):
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "UMAP of WordNet: done after 3.2 s",
        "KeyError: 'embedding'",
        "rows = sorted(rows, key=lambda row: row.size)",
        "https://example.org/a@b?dataset=digits",
        "Opened 'a very long dataset name' with 3 columns",
    ],
)
def test_what_is_no_secret_stays(text: str):
    assert redacted(text) == text


def test_of_an_address_only_what_is_known_to_be_harmless_is_shown():
    assert readable_address("/explorer", "dataset=digits&x=hunter2&t%6Fken=hunter2") == "/explorer?dataset=digits&x=***&token=***"
    assert readable_address("/explorer", "") == "/explorer"
    assert len(readable_address("/" + "x" * 5000, "dataset=" + "y" * 5000)) == 200


@given(
    st.text(),
    st.sampled_from(["token", "my-key", "PASSWORD", "X-Secret", "session_id"]),
    st.from_regex("[A-Za-z0-9]{3,20}", fullmatch=True),
)
def test_a_named_secret_never_stays_wherever_it_stands(before: str, name: str, value: str):
    assert not redacted(f"{before} {name}=~{value}~").endswith(f"~{value}~")


@pytest.mark.parametrize("piece", ["key", "session", "a://", "token=", "eyJ", "'auth", "cookie:"])
def test_a_long_line_takes_no_longer_than_its_length(piece: str):
    def seconds(times: int) -> float:
        start = time.process_time()  # other programs' work is not counted
        redacted(piece * times)
        return time.process_time() - start

    seconds(1_000)
    assert seconds(40_000) < 200 * max(seconds(1_000), 0.001)  # forty times as long; its square would be 1,600
