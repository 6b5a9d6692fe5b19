"""Who is told what of what is computed: names only to those who see them anyway."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from explorer.compute.projections import PCA, TSNE
from explorer.data.catalog import Catalog, Entry
from explorer.data.dataset import Dataset, open_dataset
from explorer.job_list import SHARED, SOMEBODYS, UNKNOWN, YOURS, Listed, listed_for
from explorer.jobs.board import Computing
from explorer.jobs.job import Job
from explorer.jobs.runner import Runner
from explorer.session import Session
from explorer.store.store import Store

CATALOG = Catalog((Entry("wordnet", "WordNet"), Entry("digits", "Digits")))


def dataset(name: str, seed: int) -> Dataset:
    return open_dataset(np.random.default_rng([11, seed]).normal(size=(600, 8)).astype(np.float32), name=name)


def one(name: str, *, key: str = "k", fingerprint: str = "f", **fields: Any) -> Computing:
    return Computing("layout", key, "UMAP", name, fingerprint, fields.pop("state", "running"), **fields)


def titles(
    *computing: Computing, own: dict[tuple[str, str], Job[Any]] | None = None, opened: Dataset | None = None
) -> list[tuple[str, str]]:
    numbers = {(each.kind, each.key): at for at, each in enumerate(computing)}
    return [(each.title, each.whose) for each in listed_for(computing, numbers, own or {}, opened, CATALOG)]


# -- what may be told


def test_a_name_is_told_where_the_catalog_shows_it_and_else_nothing_of_it():
    assert titles(one("WordNet"), one("Salaries", key="s")) == [("UMAP of WordNet", SOMEBODYS), (UNKNOWN, SOMEBODYS)]


def test_what_has_the_content_of_the_open_dataset_has_its_name_here():
    mine = dataset("mine.npy", 1)
    assert titles(one("Salaries", fingerprint=mine.fingerprint), opened=mine) == [("UMAP of mine.npy", SOMEBODYS)]


def test_ones_own_are_told_as_one_has_named_them_and_that_somebody_else_waits_too():
    own = {("layout", "k"): Job("UMAP of what I call it", lambda _: None)}
    assert titles(one("Salaries"), own=own) == [("UMAP of what I call it", YOURS)]
    assert titles(one("Salaries", n_owners=2), own=own) == [("UMAP of what I call it", SHARED)]


def test_of_many_that_are_not_ones_own_the_first_are_told_and_all_that_are():
    queue = [one("WordNet", key=str(at), state="queued", place=at) for at in range(1, 31)]
    own = {("layout", "29"): Job("mine", lambda _: None)}
    numbers = {(each.kind, each.key): each.place for each in queue}
    told = listed_for(queue, numbers, own, None, CATALOG)
    assert [each.place for each in told] == [*range(1, 9), 29]
    assert [each.own for each in told] == [False] * 8 + [True]


def test_figures_are_rounded_so_that_lines_stay_for_a_while():
    told = listed_for([one("WordNet", fraction=0.4249, seconds_left=61.3)], {("layout", "k"): 1}, {}, None, CATALOG)
    assert told == [Listed(1, "UMAP of WordNet", SOMEBODYS, 0, 42, 60)]
    assert listed_for([one("WordNet", seconds_left=11.6)], {("layout", "k"): 1}, {}, None, CATALOG)[0].seconds_left == 12


# -- two people on one machine


@pytest.fixture
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """One process."""
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000), workers=1)
    yield made
    made.close()


@pytest.fixture
def people(loop: Any, jobs: Runner) -> Iterator[tuple[Session, Session]]:
    made = Session(schedule=loop, jobs=jobs), Session(schedule=loop, jobs=jobs)
    yield made
    for session in made:
        session.close()


def test_two_people_see_both_computations_and_each_cancels_only_their_own(people: tuple[Session, Session], loop: Any, jobs: Runner):
    for at, session in enumerate(people):
        session.jobs.begin()
        session.jobs.begin()
        session.open_now(dataset(f"private {at}", at + 2))
        loop.until(lambda session=session: not session.running and session.scene is not None)
    first, second = people
    first.run(TSNE(n_iter=10_000))
    loop.until(lambda: first.jobs.n_running == 1 and second.jobs.n_running == 1)
    second.run(PCA(x=3, y=4))
    loop.until(lambda: first.jobs.n_waiting == 1 and second.jobs.n_waiting == 1)
    seen = [[(each.title, each.whose, each.place) for each in session.jobs.listed] for session in people]
    assert seen[0] == [("t-SNE of private 0", YOURS, 0), (UNKNOWN, SOMEBODYS, 1)]
    assert seen[1] == [(UNKNOWN, SOMEBODYS, 0), ("PCA of private 1", YOURS, 1)]

    numbers = [each.number for each in second.jobs.listed]
    for nonsense in (numbers[0], None, "1", [], 99):
        second.jobs.cancel(nonsense)
    assert [job.ended for job in jobs.asked_by([first.owner, second.owner]).values()] == [False, False]
    second.jobs.cancel(numbers[1])
    loop.until(lambda: not second.running and first.jobs.n_waiting == 0)
    assert second.error == ""
    assert first.running
    first.jobs.cancel(first.jobs.listed[0].number)
    loop.until(lambda: not first.running and not first.jobs.listed and not second.jobs.listed)
    assert first.error == ""


def test_what_is_as_it_was_does_not_get_to_the_page(people: tuple[Session, Session], loop: Any):
    session = people[0]
    same = (one("Salaries", state="queued", place=1),)
    session.jobs._hear(same)
    assert loop.waiting == 1
    for _ in range(5):
        session.jobs._hear(same)
    assert loop.waiting == 1
    session.jobs._hear(())
    loop.run()
    assert (session.jobs.listed, session.jobs.n_waiting) == ([], 0)


def test_a_session_that_has_ended_is_told_nothing(people: tuple[Session, Session], jobs: Runner):
    session = people[0]
    session.jobs.begin()
    heard: list[object] = []
    session.jobs._asker = SimpleNamespace(soon=lambda *values: heard.append(values), dataset=None, catalog=CATALOG)
    session.jobs.close()
    job = jobs.submit_layout(dataset("noise", 9), PCA(), owner="x")
    job.result(60)
    assert not heard
