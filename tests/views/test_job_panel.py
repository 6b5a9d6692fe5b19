from __future__ import annotations

from typing import Any

import pytest

from explorer.job_list import SOMEBODYS, YOURS, Listed
from explorer.session import Session
from explorer.views.job_panel import JobPanel, how_far

RUNNING = Listed(4, "UMAP of <b>WordNet</b>", YOURS, 0, 42, 12)
WAITING = Listed(5, "A computation", SOMEBODYS, 1, 0, None)


@pytest.mark.parametrize(
    ("place", "seconds", "told"),
    [
        *[(0, 12, "42% · 12 s left"), (0, None, "42%"), (0, 600, "42% · 10 min left"), (1, None, "next in the queue")],
        *[(2, None, "2nd in the queue"), (3, None, "3rd in the queue"), (11, None, "11th in the queue"), (22, None, "22nd in the queue")],
    ],
)
def test_it_says_how_far_a_computation_is(place: int, seconds: int | None, told: str):
    assert how_far(RUNNING._replace(place=place, seconds_left=seconds)) == told


def test_it_shows_what_the_session_knows_as_text(session: Session):
    panel = JobPanel(session)
    assert panel.component.content["running"] == panel.component.content["waiting"] == 0
    session.jobs.param.update(listed=[RUNNING, WAITING], n_running=1, n_waiting=7)
    assert panel.component.content == {
        "jobs": [
            [4, "UMAP of <b>WordNet</b>", "yours", True, 42, "42% · 12 s left"],
            [5, "A computation", "somebody's", False, 0, "next in the queue"],
        ],
        "running": 1,
        "waiting": 7,
    }


def test_only_a_number_cancels(session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch):
    panel, canceled = JobPanel(session), []
    monkeypatch.setattr(session.jobs, "cancel", canceled.append)
    for nonsense in (None, [], {}, {"type": "open"}, {"number": 4}):
        panel.component._handle_msg(nonsense)
    assert loop.waiting == 0
    panel.component._handle_msg({"type": "cancel", "number": 4})
    loop.run()
    assert canceled == [4]
