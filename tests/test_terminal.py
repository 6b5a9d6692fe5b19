"""The progress bar, watched on a job that the test moves by hand."""

from __future__ import annotations

import pytest

from explorer.jobs.job import Job
from explorer.terminal import duration, progress_bar, report_bar


def a_job() -> Job[str]:
    return Job("UMAP of words", on_cancel=lambda job: None)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (125, "2 min 05 s"), (3599.6, "1 h 00 min"), (4320, "1 h 12 min")],
)
def test_durations_are_said_as_people_do(seconds: float, said: str):
    assert duration(seconds) == said


def test_a_bar_shows_stage_and_percent(capsys: pytest.CaptureFixture[str]):
    job = a_job()
    with progress_bar(job, shown=True):
        job.advance("neighbor graph", 0.42)
    shown = capsys.readouterr()
    assert "neighbor graph" in shown.err
    assert " 42 %" in shown.err
    assert not shown.out


def test_nothing_is_written_where_nobody_watches(capsys: pytest.CaptureFixture[str]):
    job = a_job()
    with progress_bar(job):
        job.advance("UMAP", 0.5)
    assert capsys.readouterr() == ("", "")


def test_a_bar_is_no_longer_moved_when_its_block_has_ended(capsys: pytest.CaptureFixture[str]):
    job = a_job()
    with progress_bar(job, shown=True):
        pass
    capsys.readouterr()
    job.advance("UMAP", 0.5)
    assert capsys.readouterr() == ("", "")


def test_what_runs_here_reports_to_a_bar(capsys: pytest.CaptureFixture[str]):
    with report_bar(shown=True) as report:
        report("animation", 0.42)
    shown = capsys.readouterr()
    assert "animation" in shown.err
    assert " 42 %" in shown.err
    assert not shown.out


def test_what_runs_here_reports_to_nobody_where_nobody_watches(capsys: pytest.CaptureFixture[str]):
    with report_bar() as report:
        report("animation", 0.42)
    assert capsys.readouterr() == ("", "")
