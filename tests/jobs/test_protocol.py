from __future__ import annotations

import pytest

from explorer import errors
from explorer.errors import BadParameter, ExplorerError, JobFailed, NotEnoughRows, StoreUnwritable, UnknownChoice
from explorer.jobs.protocol import decode, encode, error_from_json, error_to_json


@pytest.mark.parametrize(
    "error",
    [
        NotEnoughRows("k", 30, 12),
        BadParameter("min_dist", 2.0, "it may be at most spread, which is 1."),
        UnknownChoice("metric", "cosin", ("cosine", "euclidean")),
        StoreUnwritable("/full", "No space left on device"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_our_errors_arrive_as_they_left(error: ExplorerError) -> None:
    arrived = error_from_json(decode(encode(error_to_json(error))), "UMAP of digits")
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)


def test_other_errors_arrive_as_a_failed_job() -> None:
    arrived = error_from_json(decode(encode(error_to_json(ValueError("matrix is singular")))), "UMAP of digits")
    assert isinstance(arrived, JobFailed)
    assert str(arrived) == "UMAP of digits failed: ValueError: matrix is singular"
    assert str(error_from_json(error_to_json(MemoryError()), "PCA of digits")) == "PCA of digits failed: MemoryError"


def test_only_errors_of_ours_are_ever_made_from_a_message() -> None:
    for name in ("SystemExit", "get_close_matches", "_listed", "__builtins__"):
        assert isinstance(error_from_json({"type": name, "args": []}, "PCA of digits"), JobFailed)
    assert all(issubclass(getattr(errors, name), ExplorerError) for name in errors.__all__)


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b"null", b"\xff"])
def test_a_line_that_is_no_message_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|not an object|decode"):
        decode(line)
