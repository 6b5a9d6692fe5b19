from __future__ import annotations

from pathlib import Path

import pytest

from explorer.data.access import Access, access, read_access
from explorer.data.catalog import Catalog, Entry, catalog
from explorer.errors import BadAccess

RULES = """
groups:
  linguists: [ada, grace]
datasets:
  digits: everyone
  "secret/*": nobody
  "words*": ["@linguists", bob]
others: nobody
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "access.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


@pytest.mark.parametrize(("user", "seen"), [
    (None, ["digits"]),
    ("ada", ["digits", "words-10k"]),
    ("bob", ["digits", "words-10k"]),
    ("eve", ["digits"]),
    ("linguists", ["digits"]),
    ("@linguists", ["digits"]),
])  # fmt: skip
def test_each_user_sees_what_the_rules_say(rules: Path, user: str | None, seen: list[str]) -> None:
    known = Catalog(tuple(Entry(name, name) for name in ("digits", "secret/plans", "words-10k", "other")), ("a file is broken",))
    kept = known.seen_by(user, read_access(rules))
    assert kept.names == seen
    assert kept.problems == ()


def test_the_first_pattern_that_fits_decides(tmp_path: Path) -> None:
    path = tmp_path / "access.yaml"
    path.write_text('datasets: {"a*": nobody, "ab": everyone, "B": [x]}', encoding="utf-8")
    found = read_access(path)
    assert not found.allows("x", "ab")
    assert found.allows("x", "B")
    assert found.allows(None, "b")  # names are compared as they are written
    assert [found.allows_anybody(name) for name in ("ab", "B", "b")] == [False, True, True]


def test_without_rules_everyone_sees_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXPLORER_ACCESS", raising=False)
    assert access() == Access()
    known = catalog()
    assert known.seen_by(None, access()) is known


def test_rules_that_are_broken_show_nothing_and_say_why(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_ACCESS", str(rules))
    rules.write_text("datasets: [1", encoding="utf-8")
    kept = catalog().seen_by("ada", access())
    assert kept.names == []
    assert kept.problems[0].startswith("No dataset can be opened: The access rules ")
    rules.unlink()
    assert "there is no such file" in access().problem


@pytest.mark.parametrize(("text", "sentence"), [
    ("- a", "it must hold the keys groups, datasets, others"),
    ("data: {}", "it has a key 'data'"),
    ("others: 3", "others must be everyone or nobody, not 3"),
    ("groups: [a]", "groups must be a mapping of names"),
    ("groups: {a: b}", r"group a must be a list of names, such as \[ada, grace\]"),
    ("datasets: {a: anyone}", "dataset a must be a list of names"),
    ("datasets: {a: [1]}", "dataset a must be a list of names"),
    ('datasets: {a: ["@b"]}', "dataset a names a group b, which groups does not have"),
    ("datasets: {1: everyone}", "datasets must be a mapping of names"),
    ("a: b: c", "line 1: mapping values are not allowed here"),
])  # fmt: skip
def test_what_cannot_be_understood_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "access.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadAccess, match=sentence):
        read_access(path)
