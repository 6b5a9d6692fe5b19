from __future__ import annotations

import logging
import threading

import numpy as np
import pytest

from explorer.errors import JobCanceled, JobFailed
from explorer.jobs import job as module
from explorer.jobs.job import Job
from explorer.jobs.live import LiveLayout, LiveNews


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(module, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def job() -> Job[str]:
    return Job("UMAP of digits", lambda canceled: None)


def test_a_new_job_is_queued_and_knows_nothing(job: Job[str]) -> None:
    assert (job.state, job.stage, job.fraction, job.error, job.seconds_elapsed, job.seconds_left) == ("queued", "", 0.0, None, 0.0, None)
    with pytest.raises(TimeoutError, match="UMAP of digits has not ended after 0 s"):
        job.result(0)


def test_a_result_wakes_who_waits_for_it(job: Job[str]) -> None:
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.append(job.result(5)))
    waiting.start()
    job.advance("UMAP", 0.5)
    job.end("done", value="layout")
    waiting.join()
    assert got == ["layout"]
    assert (job.state, job.fraction, job.seconds_left) == ("done", 1.0, 0.0)


def test_an_end_is_final(job: Job[str]) -> None:
    assert job.end("failed", error=JobFailed(job.what, "ValueError: no"))
    assert not job.end("done", value="layout")
    job.advance("UMAP", 0.5)
    job.cancel()
    assert (job.state, job.fraction) == ("failed", 0.0)
    for _ in range(2):
        with pytest.raises(JobFailed, match="UMAP of digits failed: ValueError: no"):
            job.result()


def test_cancel_shows_at_once_and_is_told_once() -> None:
    canceled: list[Job[str]] = []
    job: Job[str] = Job("UMAP of digits", canceled.append)
    job.cancel()
    job.cancel()
    assert job.state == "canceled"
    assert canceled == [job]
    with pytest.raises(JobCanceled, match=r"UMAP of digits was canceled\."):
        job.result()


def test_progress_never_goes_back(job: Job[str]) -> None:
    for fraction in (0.2, 0.1, 7.0, 0.3):
        job.advance("UMAP", fraction)
    assert job.fraction == 1.0


def test_watchers_hear_states_and_stages_always_and_progress_ten_times_a_second(job: Job[str], clock: Clock) -> None:
    heard: list[tuple[str, str, float]] = []
    job.watch(lambda now: heard.append((now.state, now.stage, round(now.fraction, 2))))
    job.advance("graph", 0.0)
    for step in range(1, 31):
        clock.now += 0.01
        job.advance("graph", step / 100)
    job.advance("UMAP", 0.31)
    job.end("done", value="layout")
    job.tell()
    job.tell()
    assert heard[0] == ("running", "graph", 0.0)
    assert 2 <= len([item for item in heard if item[1] == "graph"]) <= 4
    assert heard[-2:] == [("running", "UMAP", 0.31), ("done", "UMAP", 1.0)]


def news(number: int) -> LiveNews:
    return LiveNews(number, lambda: LiveLayout(number, np.zeros((3, 2), np.float32), "UMAP", number, 200, None))


def test_a_live_layout_is_told_each_time_and_there_until_the_job_ends(job: Job[str], clock: Clock) -> None:
    heard: list[int] = []
    job.watch(lambda now: heard.append(now.live_number))
    assert (job.live_number, job.live()) == (0, None)
    job.advance("UMAP", 0.1, news(1))
    job.advance("UMAP", 0.1)
    job.advance("UMAP", 0.1, news(2))
    live = job.live()
    assert live is not None
    assert (job.live_number, live.number, live.iteration) == (2, 2, 2)
    assert heard == [1, 2]  # without a word of the report between that brought none
    job.end("done", value="layout")
    assert (job.live_number, job.live()) == (0, None)
    job.advance("UMAP", 0.1, news(3))
    assert job.live_number == 0


def test_stop_is_for_whoever_keeps_layouts_and_else_cancels() -> None:
    stopped: list[Job[str]] = []
    job: Job[str] = Job("UMAP of digits", lambda canceled: None, stopped.append)
    job.stop()
    assert (stopped, job.state) == ([job], "queued")
    job.end("done", value="layout")
    job.stop()
    assert (stopped, job.state) == ([job], "done")
    other: Job[str] = Job("UMAP of digits", lambda canceled: None)
    other.stop()
    assert other.state == "canceled"


def test_a_watcher_that_fails_is_logged_and_disturbs_nobody(job: Job[str], caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    job.watch(lambda now: 1 / 0)
    job.watch(lambda now: heard.append(now.state))
    job.advance("UMAP", 0.1)
    assert heard == ["running"]
    assert "A watcher of UMAP of digits failed" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR


def test_unwatch_ends_the_calls(job: Job[str]) -> None:
    heard: list[str] = []
    unwatch = job.watch(lambda now: heard.append(now.stage))
    job.advance("graph", 0.1)
    unwatch()
    unwatch()
    job.advance("UMAP", 0.2)
    assert heard == ["graph"]


def test_watching_what_has_ended_calls_back_at_once(job: Job[str]) -> None:
    heard: list[str] = []
    job.end("done", value="layout")
    job.watch(lambda now: heard.append(now.state))()
    assert heard == ["done"]


def test_time_left_follows_the_pace(job: Job[str], clock: Clock) -> None:
    job.advance("UMAP", 0.0)
    clock.now += 0.5
    job.advance("UMAP", 0.05)
    assert job.seconds_left is None  # too early to say
    for step in range(2, 11):
        clock.now += 0.5
        job.advance("UMAP", step * 0.05)
    assert job.seconds_elapsed == pytest.approx(5.0)
    assert job.seconds_left == pytest.approx(5.0, rel=0.05)
    clock.now += 1.0
    assert job.seconds_left == pytest.approx(4.0, rel=0.05)  # counts down between reports
    for _ in range(40):  # a slower stage: the estimate turns to it
        clock.now += 1.0
        job.advance("t-SNE", job.fraction + 0.005)
    assert job.seconds_left == pytest.approx(60.0, rel=0.2)
