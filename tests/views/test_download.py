from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.views.download import Download, file_name

PIECE = 512 * 1024


class Browser:
    """What a browser does with the pieces that it gets."""

    def __init__(self, download: Download, loop: Any, name: str) -> None:
        self.download, self.loop, self.name = download, loop, name
        self.files: dict[int, bytes] = {}
        self.heads: list[dict[str, Any]] = []
        self.say("here")

    def say(self, kind: str, **more: Any) -> None:
        """Send a message to the server."""
        self.download.component._handle_msg({"type": kind, "client": self.name, **more})
        self.loop.run()

    def take(self) -> dict[str, Any] | None:
        """Take the piece on the page, if it is for this browser and was not taken before."""
        raw = self.download.component.piece
        if not raw:
            return None
        length = int.from_bytes(raw[:2], "big")
        head = json.loads(raw[2 : 2 + length])
        if head["client"] != self.name or head in self.heads:
            return None
        self.heads.append(head)
        self.files[head["id"]] = self.files.get(head["id"], b"") + raw[2 + length :]
        return head

    def answer(self, head: dict[str, Any]) -> None:
        """Say that a piece is here."""
        self.say("got", id=head["id"], at=len(self.files[head["id"]]))

    def next(self) -> dict[str, Any]:
        """Wait for the next piece."""
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            head = self.take()
            if head:
                found.append(head)
            return bool(found)

        self.loop.until(arrived)
        return found[0]


@pytest.fixture
def errors() -> list[str]:
    return []


@pytest.fixture
def download(loop: Any, errors: list[str]) -> Download:
    return Download(later=loop, on_error=errors.append)


@pytest.fixture
def browser(download: Download, loop: Any) -> Callable[[str], Browser]:
    return lambda name: Browser(download, loop, name)


def test_a_file_comes_in_pieces_each_after_the_answer_to_the_one_before(download: Download, browser: Callable[[str], Browser], loop: Any):
    here = browser("a")
    content = bytes(range(256)) * 6000
    ended: list[str] = []
    download.send(content, name="map.png", mime="image/png", to=download.asker, on_end=lambda: ended.append("end"))
    n_pieces = -(-len(content) // PIECE)
    for at in range(n_pieces):
        head = here.next()
        assert (head["name"], head["mime"], head["size"], head["at"]) == ("map.png", "image/png", len(content), at * PIECE)
        loop.run()
        assert here.take() is None, "no piece before the answer"
        assert not ended
        here.answer(head)
    assert here.files == {1: content}
    assert ended == ["end"]
    assert download.component.piece == b""


def test_a_file_on_disk_is_sent_as_it_is_and_an_empty_one_too(download: Download, browser: Callable[[str], Browser], tmp_path: Path):
    here = browser("a")
    for content in (b"row,x\n1,2\n", b""):
        (tmp_path / "rows.csv").write_bytes(content)
        download.send(tmp_path / "rows.csv", name="rows.csv", mime="text/csv", to="a")
        head = here.next()
        assert here.files[head["id"]] == content
        here.answer(head)


def test_only_the_browser_that_was_clicked_in_gets_it(download: Download, browser: Callable[[str], Browser]):
    one, other = browser("one"), browser("other")
    one.say("clicked")
    assert download.asker == "one"
    other.say("clicked")
    assert download.asker == "other"
    browser("late")
    assert download.asker == "other", "to be there is no click"
    download.send(b"123", name="n", mime="text/plain", to=download.asker)
    head = other.next()
    assert head["client"] == "other"
    assert one.take() is None
    one.say("got", id=head["id"], at=3)
    assert download.component.piece != b"", "what another browser says of it does not count"
    other.answer(head)
    other.say("gone")
    assert download.asker in {"one", "late"}


def test_several_files_may_be_under_way(download: Download, browser: Callable[[str], Browser]):
    here = browser("a")
    first, second = b"1" * (PIECE + 1), b"2" * (PIECE + 1)
    download.send(first, name="1", mime="text/plain", to="a")
    head = here.next()
    download.send(second, name="2", mime="text/plain", to="a")
    other = here.next()
    here.answer(head)
    head = here.next()
    here.answer(other)
    other = here.next()
    here.answer(head)
    here.answer(other)
    assert here.files == {1: first, 2: second}


@pytest.mark.parametrize("how", ["stop", "gone", "close"])
def test_what_nobody_wants_any_more_is_let_go(download: Download, browser: Callable[[str], Browser], how: str):
    here = browser("a")
    ended: list[str] = []
    download.send(b"1" * (3 * PIECE), name="1", mime="text/plain", to="a", on_end=lambda: ended.append("end"))
    head = here.next()
    if how == "close":
        download.close()
    else:
        here.say(how, id=head["id"])
    assert ended == ["end"]
    here.answer(head)
    assert here.take() is None
    assert download.component.piece == b""


def test_left_behind_downloads_make_room_for_new_ones(download: Download, browser: Callable[[str], Browser]):
    here = browser("a")
    ended: list[int] = []
    for number in range(6):
        download.send(b"1" * (2 * PIECE), name="1", mime="text/plain", to="a", on_end=lambda number=number: ended.append(number))  # type: ignore[misc]
        here.next()
    assert ended == [0, 1]


def test_without_a_browser_nothing_is_kept_and_it_is_told(download: Download, errors: list[str]):
    ended: list[str] = []
    download.send(b"1", name="1", mime="text/plain", to=download.asker, on_end=lambda: ended.append("end"))
    assert ended == ["end"]
    assert errors == ["1 could not be sent: the page that asked for it has lost its connection. Ask for it again."]


def test_a_file_that_is_gone_is_an_error_in_a_sentence(
    download: Download, browser: Callable[[str], Browser], errors: list[str], tmp_path: Path
):
    browser("a")
    ended: list[str] = []
    download.send(tmp_path / "no", name="rows.csv", mime="text/csv", to="a", on_end=lambda: ended.append("end"))
    assert errors == ["rows.csv could not be sent: No such file or directory."]
    assert ended == ["end"]


@pytest.mark.parametrize(
    "message",
    [
        None,
        3,
        {},
        {"client": 3, "type": "got"},
        {"client": "a" * 65, "type": "here"},
        {"client": "a", "type": "got", "id": [1]},
        {"client": "a"},
    ],
)
def test_messages_that_make_no_sense_do_nothing(download: Download, browser: Callable[[str], Browser], loop: Any, message: object):
    here = browser("a")
    download.send(b"1", name="1", mime="text/plain", to="a")
    head = here.next()
    download.component._handle_msg(message)
    loop.run()
    assert download.component.piece != b""
    here.answer(head)
    assert here.files == {1: b"1"}


def test_many_browsers_are_not_all_remembered(download: Download, browser: Callable[[str], Browser]):
    for number in range(50):
        browser(f"{number}").say("clicked")
    assert download.asker == "49"
    assert len(download._clients) <= 8


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("WordNet, 10,000 senses", "UMAP, n_neighbors 50", "rows"), "WordNet-10000-senses-UMAP-n_neighbors-50-rows.csv"),
        (("../../etc/passwd\0", ""), "etc-passwd.csv"),
        (("Köln 中文", "<b>"), "Köln-中文-b.csv"),
        (("…", " "), "explorer.csv"),
        (("x" * 500,), "x" * 80 + ".csv"),
        (('a"b\\c:d|e?f*g\nh',), "a-b-c-d-e-f-g-h.csv"),
    ],
)
def test_a_file_s_name_is_made_of_letters_and_digits(parts: tuple[str, ...], name: str):
    assert file_name(*parts, ending=".csv") == name
