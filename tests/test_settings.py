"""Limits and modes of a server: what may be said, and what is told about the rest."""

from __future__ import annotations

import pytest

from explorer import settings
from explorer.errors import BadParameter


@pytest.mark.parametrize(
    ("text", "meant"), [("", False), ("0", False), ("no", False), ("False", False), ("1", True), ("true", True), ("YES", True)]
)
def test_yes_and_no_are_said_in_several_ways(text: str, meant: bool, monkeypatch: pytest.MonkeyPatch):  # noqa: FBT001  # as pytest gives it
    monkeypatch.setenv("EXPLORER_READ_ONLY", text)
    assert settings.read_only() is meant


def test_by_default_nothing_is_limited_but_what_is_kept_of_uploads(monkeypatch: pytest.MonkeyPatch):
    for name in ("READ_ONLY", "MAX_ROWS", "MAX_COLUMNS", "SESSIONS", "JOB_MINUTES", "UPLOAD_QUOTA_MB", "UPLOAD_HOURS"):
        monkeypatch.delenv(f"EXPLORER_{name}", raising=False)
    assert not settings.read_only()
    assert (settings.max_rows(), settings.max_columns(), settings.pages_per_user(), settings.job_minutes()) == (None, None, None, None)
    assert (settings.upload_quota_mb(), settings.upload_hours()) == (10_000, 168.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXPLORER_READ_ONLY", "ture"),
        ("EXPLORER_JOB_MINUTES", "0"),
        ("EXPLORER_JOB_MINUTES", "-1"),
        ("EXPLORER_JOB_MINUTES", "nan"),
        ("EXPLORER_JOB_MINUTES", "inf"),
        ("EXPLORER_UPLOAD_HOURS", "a week"),
        ("EXPLORER_UPLOAD_QUOTA_MB", "1.5"),
        ("EXPLORER_MAX_ROWS", "1"),
        ("EXPLORER_MAX_COLUMNS", "many"),
        ("EXPLORER_SESSIONS", "-2"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_told_before_anything_starts(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(BadParameter, match=f"{name}={value} is not allowed"):
        settings.check()
