"""Sessions with a real compute process; what crosses threads waits in the loop until the test runs it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.compute.projections import PCA, TSNE, UMAP
from explorer.data.catalog import catalog
from explorer.data.dataset import Dataset, open_dataset
from explorer.errors import ExplorerError, FileMissing, ParameterError, UnknownColumn, UnknownDataset, UnknownRow
from explorer.jobs.runner import Runner
from explorer.neighborhood import find_neighbors
from explorer.records.visitor import NOBODY, Visitor, current
from explorer.session import Session
from explorer.state.appearance import Hidden
from explorer.store.store import Store

LONG = {"n_iter": 10_000}  # a t-SNE that runs for a minute when nobody stops it


def table(n: int = 60, d: int = 8, *, seed: int = 0, places: bool = False, left_out: tuple[int, ...] = ()) -> pa.Table:
    """Rows that nobody has seen, with coordinates where asked for; few enough for every projection to take a moment."""
    numbers = np.random.default_rng(seed)
    vectors = numbers.normal(size=(n, d)).astype(np.float32)
    vectors[list(left_out)] = np.nan
    columns: dict[str, Any] = {
        "embedding": pa.FixedSizeListArray.from_arrays(vectors.ravel(), d),
        "kind": np.array(["a", "b", "c"])[np.arange(n) % 3],
        "score": np.linspace(0, 1, n),
    }
    if places:
        columns |= {"x": numbers.normal(size=n).astype(np.float32), "y": numbers.normal(size=n).astype(np.float32)}
    return pa.table(columns)


def dataset(**options: Any) -> Dataset:
    return open_dataset(table(**options), name=f"Noise {options}")


class Slow:
    """A table that is handed over when the test says so."""

    def __init__(self, given: pa.Table | Exception) -> None:
        self.given = given
        self.begun, self.ready = threading.Event(), threading.Event()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        self.begun.set()
        assert self.ready.wait(60)
        if isinstance(self.given, Exception):
            raise self.given
        return self.given.__arrow_c_stream__()


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    made = Runner(Store(tmp_path_factory.mktemp("store"), limit_mb=1000))
    yield made
    made.close()


@pytest.fixture
def session(loop: Any, jobs: Runner) -> Iterator[Session]:
    made = Session(schedule=loop, jobs=jobs)
    yield made
    made.close()


@pytest.fixture
def opened(session: Session, loop: Any) -> Callable[..., Dataset]:
    """Open a dataset and wait until something is on the map."""

    def open_and_wait(**options: Any) -> Dataset:
        data = dataset(**options)
        session.open(data)
        loop.until(lambda: session.scene is not None and session.scene.dataset is data)
        return data

    return open_and_wait


def seen(session: Session, name: str) -> list[Any]:
    """Collect what a param becomes from now on."""
    values: list[Any] = []
    session.param.watch(lambda event: values.append(event.new), [name])
    return values


# -- opening


def test_the_sample_is_on_the_map_at_once_without_any_computing(session: Session, loop: Any, jobs: Runner):
    running = seen(session, "running")
    session.open_entry()
    assert session.opening
    loop.until(lambda: session.scene is not None)
    assert session.scene.dataset is session.dataset
    assert session.catalog.names == catalog().names
    assert [run.title for run in session.runs][:2] == ["UMAP", "t-SNE"]
    assert session.scene.shown.run is session.runs[0]
    assert session.scene.coloring.column == session.dataset.color
    assert (running, session.opening, session.error) == ([], "", "")
    assert jobs.worker_pid is None


def test_a_dataset_without_a_layout_gets_pca_by_itself(session: Session, loop: Any):
    data = dataset(seed=1)
    assert session.open(data).exception(60) is None
    loop.until(lambda: session.dataset is data)
    assert session.running == "PCA"
    loop.until(lambda: session.scene is not None)
    assert session.scene.shown.layout.method == "pca"
    assert [run.title for run in session.runs] == ["PCA"]
    assert (session.running, session.error) == ("", "")


def test_the_one_that_was_asked_for_last_is_opened(session: Session, loop: Any):
    slow, quick = Slow(table(seed=2, places=True)), dataset(seed=3, places=True)
    first = session.open(slow)
    assert slow.begun.wait(60)
    second = session.open(quick)
    assert second.exception(60) is None
    loop.run()
    slow.ready.set()
    assert first.exception(60) is None
    loop.until(lambda: session.scene is not None)
    assert session.dataset is quick
    assert session.scene.dataset is quick
    assert session.opening == ""


def test_what_nobody_waits_for_any_more_is_not_even_read(session: Session, loop: Any, monkeypatch: pytest.MonkeyPatch):
    first, last, read = Slow(table(seed=4)), dataset(seed=5), []
    with ThreadPoolExecutor(1) as one:
        monkeypatch.setattr("explorer.session._readers", one)
        session.open(first)
        session.open_with(lambda: read.append("second") or dataset(seed=6), "second")
        session.open(last)
        first.ready.set()
    loop.until(lambda: session.dataset is not None)
    assert (session.dataset, read) == (last, [])


def test_a_click_does_not_wait_for_what_others_open(session: Session, loop: Any, opened: Callable[..., Dataset], jobs: Runner):
    opened(seed=1, places=True)
    others = [(Session(schedule=loop, jobs=jobs), Slow(FileMissing("gone"))) for _ in range(4)]
    for other, slow in others:
        other.open(slow)
    try:
        session.inspection.row = 5
        loop.until(lambda: session.neighbors is not None, 20)
    finally:
        for other, slow in others:
            slow.ready.set()
            other.close()


def test_an_error_of_what_nobody_waits_for_any_more_is_dropped(session: Session, loop: Any):
    slow, later = Slow(pa.table({"word": ["a", "b"]})), Slow(table(seed=4, places=True))
    first = session.open(slow)
    assert slow.begun.wait(60)
    second = session.open(later)
    slow.ready.set()
    assert isinstance(first.exception(60), ExplorerError)
    loop.run()
    assert session.error == ""
    assert session.opening == "a Slow"
    later.ready.set()
    assert second.exception(60) is None
    loop.until(lambda: session.scene is not None)


def test_what_cannot_be_opened_leaves_everything_as_it_was(session: Session, loop: Any, opened: Callable[..., Dataset]):
    data, scene = opened(seed=5, places=True), session.scene
    failed = session.open("/nowhere/at/all.npy").exception(60)
    assert isinstance(failed, FileMissing)
    loop.run()
    assert session.error == str(failed)
    assert (session.dataset, session.scene, session.opening) == (data, scene, "")
    with pytest.raises(FileMissing, match="There is no file /nowhere"):
        session.open_now("/nowhere/at/all.npy")
    assert (session.dataset, session.scene, session.opening) == (data, scene, "")


def test_each_opening_is_audited_for_whose_session_it_is_and_no_other(loop: Any, jobs: Runner, caplog: pytest.LogCaptureFixture):
    session = Session(schedule=loop, jobs=jobs, visitor=Visitor("1a2b3c4d", "anna"))
    with caplog.at_level("INFO", "explorer.audit"):
        session.open(dataset(places=True))
        loop.until(lambda: session.scene is not None)
        session.open("nowhere.csv")
        loop.until(lambda: session.error)
    session.close()
    told, refused = [record for record in caplog.records if record.name == "explorer.audit"]
    assert (told.facts["action"], told.facts["rows"], told.visitor.user) == ("open", 60, "anna")
    assert (refused.facts["action"], refused.facts["dataset"], refused.visitor.user) == ("open", "nowhere.csv", "anna")
    assert refused.facts["refused"] == session.error


def test_what_is_asked_for_while_a_script_ends_is_left_undone(loop: Any, jobs: Runner):
    session, done = Session(schedule=loop, jobs=jobs), list[object]()
    ended = ThreadPoolExecutor(1)
    ended.shutdown()
    asked = session.in_thread("look", 0, lambda: 0, lambda: done.append("made"), lambda *_: done.append("took"), done.append, threads=ended)
    assert asked.cancelled()
    assert not done


def test_what_is_done_for_a_session_is_done_in_its_name_in_threads_and_back(loop: Any, jobs: Runner):
    session, found = Session(schedule=loop, jobs=jobs, visitor=Visitor("1a2b3c4d", "anna")), list[Visitor]()

    def look(*_: object) -> None:
        found.append(current())

    session.in_thread("look", 0, lambda: 0, look, look, look)
    loop.until(lambda: len(found) == 2)
    session.close()
    assert {visitor.user for visitor in found} == {"anna"}
    assert current() is NOBODY


def test_what_was_not_meant_to_happen_is_a_sentence_as_well_and_is_logged(session: Session, loop: Any, caplog: pytest.LogCaptureFixture):
    def read() -> Dataset:
        raise ZeroDivisionError("by accident")

    assert isinstance(session.open_with(read, "Accident").exception(60), ZeroDivisionError)
    loop.run()
    assert "ZeroDivisionError: by accident" in session.error
    assert session.opening == ""
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


def test_nobody_opens_what_the_rules_keep_from_them(jobs: Runner, loop: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    rules = tmp_path / "access.yaml"
    rules.write_text("datasets: {digits: everyone, wordnet-10k: [ada]}\nothers: nobody", encoding="utf-8")
    monkeypatch.setenv("EXPLORER_ACCESS", str(rules))
    ada, eve = (Session(schedule=loop, jobs=jobs, visitor=Visitor(user=name)) for name in ("ada", "eve"))
    for session, first in ((ada, "wordnet-10k"), (eve, "digits")):
        session.open_entry()
        loop.until(lambda session=session: session.scene is not None)
        assert session.catalog.names[0] == first
    assert not eve.open_ready("wordnet-10k")
    assert isinstance(eve.open_entry("wordnet-10k").exception(60), UnknownDataset)
    loop.run()
    assert "wordnet" not in eve.error.replace("The catalog has no dataset wordnet-10k", "")
    rules.write_text("datasets: ada", encoding="utf-8")
    assert isinstance(ada.open_entry("digits").exception(60), UnknownDataset)
    loop.run()
    assert ada.catalog.problems[0].startswith("No dataset can be opened: ")
    for session in (ada, eve):
        session.close()


def test_a_name_from_an_address_never_opens_a_file(session: Session, loop: Any, tmp_path: Any):
    np.save(tmp_path / "mine.npy", np.eye(5, dtype=np.float32))
    for name in ("../../etc/passwd", str(tmp_path / "mine.npy"), "", "../datasets/wordnet-10k", "wordnet-10k.parquet", "\0"):
        assert isinstance(session.open_entry(name).exception(60), UnknownDataset)
        loop.run()
        assert session.error.startswith("The catalog has no dataset")
        assert (session.dataset, session.opening) == (None, "")


def test_opening_another_dataset_forgets_what_belonged_to_the_first(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=6, places=True)
    session.selection.apply([1, 2])
    session.inspection.row = 50
    loop.until(lambda: session.neighbors is not None)
    session.appearance.color_by = "score"
    data = opened(seed=7, n=20, places=True)
    loop.run()
    assert (session.inspection.row, session.neighbors, session.selection.count) == (None, None, 0)
    assert session.selection.mask.shape == (20,)
    assert session.appearance.color_by == data.color == "kind"
    assert session.scene.coloring.column == "kind"


def test_opened_now_it_is_there_for_the_next_line(session: Session, loop: Any):
    session.open_now(table(seed=8, places=True), name="Now")
    assert session.dataset.name == "Now"
    assert session.scene.dataset is session.dataset
    assert loop.waiting == 0


# -- computing


def test_a_run_is_shown_and_kept_and_found_by_others_without_computing(
    session: Session, loop: Any, opened: Callable[..., Dataset], jobs: Runner
):
    data = opened(seed=9)
    stages = seen(session, "stage")
    session.choice.method = "umap"
    session.choice.current.n_epochs = 20
    job = session.run()
    assert (job.what, session.running) == (f"UMAP of {data.name}", "UMAP")
    loop.until(lambda: session.scene.shown.layout.method == "umap", 110)
    assert [run.title for run in session.runs] == ["UMAP, n_epochs 20", "PCA"]
    assert (session.running, session.fraction, session.seconds_left) == ("", 0.0, None)
    assert any(stages)

    other = Runner(jobs.store)
    second = Session(schedule=loop, jobs=other)
    second.open(dataset(seed=9))
    loop.until(lambda: second.scene is not None)
    assert second.scene.shown.layout.method == "umap"
    second.run(PCA())
    loop.until(lambda: second.scene.shown.layout.method == "pca")
    second.run(UMAP(n_epochs=20))
    loop.until(lambda: second.scene.shown.layout.method == "umap")
    assert other.worker_pid is None
    second.close()


def test_a_canceled_run_leaves_the_map_and_says_nothing(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=10)
    scene = session.scene
    job = session.run(TSNE(**LONG))
    loop.until(lambda: session.fraction > 0)
    session.cancel()
    assert job.state == "canceled"
    loop.run()
    assert (session.running, session.stage, session.fraction, session.error) == ("", "", 0.0, "")
    assert session.scene is scene


def test_what_somebody_has_open_is_there_at_once(
    session: Session, loop: Any, jobs: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    pq.write_table(table(places=True, seed=14), tmp_path / "places.parquet")
    other = Session(schedule=loop, jobs=jobs)
    assert not other.open_ready("places")
    assert not other.open_ready("nothing of this name")
    assert (other.dataset, other.error, other.opening) == (None, "", "")
    other.announce_entry("places")
    assert other.opening == "places", "a page says what is coming"
    session.open_entry("places")
    loop.until(lambda: session.scene is not None)
    assert other.open_ready("places")
    assert other.scene is not None
    assert other.dataset is session.dataset
    assert (other.scene.shown, other.scene.color) == (session.scene.shown, session.scene.color)
    assert other.catalog.find("places") is not None
    other.close()


def test_what_would_take_time_is_not_opened_at_once(
    session: Session, loop: Any, jobs: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    pq.write_table(table(places=True, seed=15), tmp_path / "colored.parquet")
    session.open_entry("colored")
    loop.until(lambda: session.scene is not None)
    session.appearance.color_by = "score"  # nobody has the usual colors any more
    loop.until(lambda: session.scene.coloring.column == "score")
    gc.collect()
    other = Session(schedule=loop, jobs=jobs)
    assert not other.open_ready("colored")
    assert other.dataset is None
    other.close()


def test_what_was_seen_of_a_layout_that_took_too_long_stays_on_the_map_and_a_sentence_says_why(
    session: Session, loop: Any, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
):
    opened(seed=14, n=600)
    monkeypatch.setenv("EXPLORER_JOB_MINUTES", "0.05")
    session.run(TSNE(**LONG))
    loop.until(lambda: session.error)
    assert "t-SNE" in session.error
    assert "EXPLORER_JOB_MINUTES" in session.error
    loop.until(lambda: "stopped at" in session.scene.shown.run.title)
    assert session.scene.shown.run in session.runs
    assert "EXPLORER_JOB_MINUTES" in session.error
    assert session.running == ""


def test_where_nothing_is_computed_a_page_without_a_layout_shows_pca_all_the_same(
    session: Session, loop: Any, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EXPLORER_READ_ONLY", "true")
    opened(seed=15)
    assert session.scene.shown.layout.method == "pca"
    session.run(UMAP(n_epochs=20))
    loop.until(lambda: session.error)
    assert "was refused: this server is read-only" in session.error
    assert session.scene.shown.layout.method == "pca"


def test_nobody_waits_for_what_another_computes(session: Session, loop: Any, opened: Callable[..., Dataset], jobs: Runner):
    opened(seed=12, n=600)
    long = session.run(TSNE(**LONG))
    other = Session(schedule=loop, jobs=jobs)
    other.open(dataset(seed=13))  # its first map is a PCA that has to be computed
    loop.until(lambda: other.scene is not None)
    other.run(UMAP(n_epochs=20))
    loop.until(lambda: other.scene.shown.layout.method == "umap")
    assert (long.state, session.running) == ("running", "t-SNE")
    session.cancel()
    other.close()


def test_another_run_cancels_the_one_before(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=11)
    first = session.run(TSNE(**LONG))
    session.run(TSNE(n_iter=10))
    assert first.state == "canceled"
    loop.until(lambda: session.scene.shown.layout.method == "tsne")
    assert session.scene.shown.run.settings["n_iter"] == 10


def test_opening_another_dataset_cancels_the_run(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=12)
    job = session.run(TSNE(**LONG))
    data = opened(seed=13, places=True)
    assert job.state == "canceled"
    assert (session.running, session.scene.dataset) == ("", data)


def test_a_run_that_the_data_does_not_allow_is_a_sentence_and_leaves_the_map(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=14, n=3)
    scene = session.scene
    session.run(TSNE())
    loop.until(lambda: session.error)
    assert session.error == "rows=3 is not allowed: t-SNE needs at least 4; PCA and UMAP show fewer."
    assert (session.scene, session.running) == (scene, "")
    session.run(PCA())
    assert session.error == ""


def test_a_run_without_a_dataset_says_what_to_do(session: Session):
    assert session.run() is None
    assert session.error == "Open a dataset first."


def test_run_now_shows_the_layout_that_it_returns_before_the_loop_turns(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=15)
    layout = session.run_now(TSNE(n_iter=10))
    assert session.scene.shown.layout is layout
    assert [run.title for run in session.runs] == ["t-SNE, n_iter 10", "PCA"]
    loop.run()
    assert session.scene.shown.layout is layout
    with pytest.raises(ParameterError, match=r"min_dist=1\.0 is not allowed"):
        session.run_now(UMAP(min_dist=1.0, spread=0.5))
    assert session.scene.shown.layout is layout


def test_who_stops_waiting_for_run_now_stops_the_run(session: Session, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch):
    opened(seed=16)
    jobs = []

    def interrupted(job: Any, timeout: float | None = None) -> None:
        jobs.append(job)
        raise KeyboardInterrupt

    monkeypatch.setattr("explorer.jobs.job.Job.result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.run_now(TSNE(**LONG))
    assert [job.state for job in jobs] == ["canceled"]


# -- showing


@pytest.fixture
def two_layouts(session: Session, loop: Any, opened: Callable[..., Dataset]) -> list[Any]:
    opened(seed=17, places=True)
    session.run(PCA())
    loop.until(lambda: len(session.runs) == 2 and not session.running)
    return list(session.runs)


def test_the_layout_that_was_asked_for_last_is_shown(session: Session, loop: Any, two_layouts: list[Any]):
    given, computed = two_layouts
    scenes = seen(session, "scene")
    for asked in (given, computed):
        assert session.show(asked).exception(60) is None  # what was found in threads for both waits for the loop
    loop.until(lambda: scenes)
    assert [scene.shown.run for scene in scenes] == [computed]
    session.show(computed)
    session.show(given)
    loop.until(lambda: session.scene.shown.run == given)


def test_another_color_is_another_scene_of_the_same_layout(session: Session, loop: Any, two_layouts: list[Any]):
    before = session.scene
    session.appearance.color_by = "score"
    loop.until(lambda: session.scene is not before)
    assert session.scene.shown is before.shown
    assert session.scene.coloring.column == "score"
    assert session.scene.normalization is before.normalization
    session.appearance.density = "linear"
    loop.until(lambda: session.scene.normalization.how == "linear")
    assert session.scene.coloring.column == "score"
    assert session.scene.shown is before.shown


def test_quick_changes_end_in_one_scene_with_all_of_them(session: Session, loop: Any, two_layouts: list[Any]):
    scenes = seen(session, "scene")
    session.appearance.color_by = "score"
    session.appearance.colormap = "fire"
    session.appearance.point_size = 5.0
    session.selection.apply([3, 4])
    loop.until(lambda: scenes)
    (scene,) = scenes
    assert (scene.coloring.column, scene.coloring.cmap, scene.point_size) == ("score", "fire", 5.0)
    assert scene.selection_mask is session.selection.mask


def test_clearing_the_selection_takes_the_mask_off_the_map(session: Session, loop: Any, two_layouts: list[Any]):
    session.selection.apply([3, 4])
    loop.until(lambda: session.scene.selected is not None)
    session.selection.clear()
    loop.until(lambda: session.scene.selected is None)


def test_a_color_that_cannot_be_leaves_the_map_and_the_next_one_works(session: Session, loop: Any, two_layouts: list[Any]):
    scene = session.scene
    session.appearance.color_by = "mood"
    loop.until(lambda: session.error)
    assert session.error == str(UnknownColumn(session.dataset.name, "mood", ["kind", "score"]))
    assert session.scene is scene
    session.appearance.color_by = "kind"
    loop.until(lambda: session.scene is not scene)


def test_an_error_about_a_color_that_is_no_longer_set_is_dropped(session: Session, loop: Any, two_layouts: list[Any]):
    scene = session.scene
    session.appearance.color_by = "mood"
    session.appearance.color_by = "score"
    loop.until(lambda: session.scene is not scene)
    assert session.error == ""


def test_a_layout_that_is_no_longer_in_the_store_says_so_and_leaves_the_map(session: Session, loop: Any, two_layouts: list[Any]):
    given, computed = two_layouts
    session.show(given)
    loop.until(lambda: session.scene.shown.run == given)
    scene = session.scene
    gone = computed._replace(title="gone", method="umap", settings={"seed": 12345})
    session.show(gone)
    loop.until(lambda: session.error)
    assert "no longer in the store" in session.error
    session.appearance.color_by = "score"
    loop.until(lambda: session.scene is not scene)
    assert session.scene.shown is scene.shown


# -- the clicked row


def exact(data: Dataset, row: int, metric: str, k: int) -> tuple[np.ndarray, np.ndarray]:
    vectors = data.vectors.astype(np.float64)
    if metric == "cosine":
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        far = 1 - unit @ unit[row]
    else:
        far = np.linalg.norm(vectors - vectors[row], axis=1)
    far[row] = np.inf
    far[~data.drawable] = np.inf
    nearest = np.argsort(far, kind="stable")[:k]
    return nearest, far[nearest]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("how", ["exact search", "graph"])
def test_neighbors_are_those_of_an_exhaustive_search(
    session: Session, loop: Any, opened: Callable[..., Dataset], jobs: Runner, metric: str, how: str
):
    data = opened(seed=18 if how == "graph" else 19, places=True, left_out=(4, 11))
    if how == "graph":
        jobs.submit_graph(data, metric=metric, k=10).result(60)
    session.inspection.param.update(metric=metric, row=7, k=6)
    loop.until(lambda: session.neighbors is not None)
    found = session.neighbors
    rows, distances = exact(data, 7, metric, 6)
    assert (found.row, found.metric, found.recall, found.found_by) == (7, metric, 1.0, how)
    assert found.rows.tolist() == rows.tolist()
    np.testing.assert_allclose(found.distances, distances, atol=1e-5)


def test_the_row_that_was_clicked_last_is_looked_at(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=20, places=True)
    found = seen(session, "neighbors")
    for row in (3, 9, 5):
        session.inspection.row = row
    loop.until(lambda: found)
    assert [one.row for one in found] == [5]
    session.inspection.k = 3
    loop.until(lambda: len(session.neighbors.rows) == 3)
    session.inspection.row = 6
    session.inspection.row = None
    loop.until(lambda: session.neighbors is None)


def test_a_row_that_was_left_out_has_no_neighbors_and_is_nobodys(session: Session, loop: Any, opened: Callable[..., Dataset], jobs: Runner):
    data = opened(seed=21, places=True, left_out=(4,))
    assert find_neighbors(data, 4, k=5, metric="cosine", jobs=jobs) is None
    everybody = find_neighbors(data, 0, k=1000, metric="cosine", jobs=jobs)
    assert sorted(everybody.rows.tolist()) == [row for row in range(1, 60) if row != 4]
    session.inspection.row = 4
    loop.until(lambda: session.neighbors is None)
    assert session.error == ""


def test_more_neighbors_than_rows_are_all_rows(jobs: Runner):
    data = open_dataset(np.eye(3, dtype=np.float32), name="Three")
    assert sorted(find_neighbors(data, 1, k=50, metric="euclidean", jobs=jobs).rows.tolist()) == [0, 2]


def test_without_vectors_there_are_no_neighbors(session: Session, loop: Any, jobs: Runner):
    data = open_dataset(table(seed=22, places=True).drop_columns("embedding"), name="Places")
    session.open(data)
    loop.until(lambda: session.scene is not None)
    assert find_neighbors(data, 0, k=5, metric="cosine", jobs=jobs) is None
    session.inspection.row = 0
    session.run(UMAP())
    loop.until(lambda: session.error)
    assert "needs vectors" in session.error
    assert session.neighbors is None


@pytest.mark.parametrize("row", [60, 10**9, 10**30])
def test_a_row_that_is_not_there_is_nobodys_click(session: Session, loop: Any, opened: Callable[..., Dataset], jobs: Runner, row: int):
    data = opened(seed=23, places=True)
    session.inspection.row = row
    assert session.inspection.row is None
    assert session.error == str(UnknownRow(row, 60))
    for wrong in (row, -1):
        with pytest.raises(UnknownRow, match=f"no row {wrong}"):
            find_neighbors(data, wrong, k=5, metric="cosine", jobs=jobs)


# -- ending


def test_after_close_nothing_is_scheduled_and_the_run_is_canceled(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=24)
    job = session.run(TSNE(**LONG))
    loop.until(lambda: session.fraction > 0)
    slow = Slow(table(seed=25, places=True))
    opening = session.open(slow)
    scene, dataset_then = session.scene, session.dataset
    session.appearance.color_by = "score"
    session.close()
    loop.run()  # what was scheduled before does nothing any more
    assert job.state == "canceled"
    slow.ready.set()
    assert opening.exception(60) is None
    assert (session.scene, session.dataset, loop.waiting) == (scene, dataset_then, 0)


def test_a_session_that_is_closed_leaves_the_same_run_of_another_alone(
    session: Session, loop: Any, opened: Callable[..., Dataset], jobs: Runner
):
    data = opened(seed=26)
    other = Session(schedule=loop, jobs=jobs)
    other.open(data)
    loop.until(lambda: other.scene is not None)
    assert other.scene.shown is session.scene.shown
    session.run(TSNE(n_iter=2000))
    other.run(TSNE(n_iter=2000))
    session.close()
    loop.until(lambda: other.scene.shown.layout.method == "tsne")
    assert other.error == ""
    other.close()


# -- hiding


def test_what_is_hidden_of_a_column_is_in_force_when_it_colors_the_map(session: Session, loop: Any, two_layouts: list[Any]):
    session.appearance.hide_in("kind", Hidden(frozenset(["a"])))
    session.appearance.color_by = "kind"
    loop.until(lambda: session.scene.coloring.column == "kind" and session.scene.n_shown == 40)
    session.appearance.color_by = "score"
    loop.until(lambda: session.scene.coloring.column == "score")
    assert (session.scene.n_shown, session.scene.shown_mask) == (60, None)
    session.appearance.color_by = "kind"
    loop.until(lambda: session.scene.coloring.column == "kind")
    assert session.scene.n_shown == 40
    session.appearance.palette = "Tableau"
    loop.until(lambda: session.scene.coloring.palette_name == "Tableau")
    assert session.scene.n_shown == 40


def test_another_dataset_begins_with_nothing_hidden(session: Session, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=31, places=True)
    session.appearance.hide_in("kind", Hidden(frozenset(["a"])))
    opened(seed=32, places=True)
    assert session.appearance.hidden == {}
    loop.until(lambda: session.scene is not None and session.scene.dataset is session.dataset)
    assert session.scene.n_shown == 60


def test_a_palette_that_cannot_be_leaves_the_map_and_says_the_choices(session: Session, loop: Any, two_layouts: list[Any]):
    session.appearance.color_by = "kind"
    loop.until(lambda: session.scene.coloring.column == "kind")
    scene = session.scene
    session.appearance.palette = "sunset"
    loop.until(lambda: session.error)
    assert "sunset is not a palette." in session.error
    assert session.scene is scene
