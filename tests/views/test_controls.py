from __future__ import annotations

import io
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import param
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.compute.projection import CategoryColumn, RowGroup
from explorer.compute.projections import PCA, PROJECTIONS, Projection
from explorer.data.catalog import catalog
from explorer.data.dataset import Dataset
from explorer.data.uploads import uploads_folder
from explorer.job_list import Listed
from explorer.session import Session
from explorer.views.controls import DataControls, ProjectionControls, parameter_widgets, progress_text

seeds = count(100)  # data that no other test has, so that nothing of it is in the store


@pytest.fixture
def openings(session: Session, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Note what is opened by name."""
    names: list[str | None] = []
    real = session.open_entry

    def noting(name: str | None = None) -> Any:
        names.append(name)
        return real(name)

    monkeypatch.setattr(session, "open_entry", noting)
    return names


# -- data


def test_the_list_follows_the_catalog_and_what_is_opened_and_opens_nothing_itself(
    session: Session, loop: Any, toolkit: Any, openings: list[str | None]
):
    controls = DataControls(session, toolkit)
    session.open_entry("digits")
    assert controls.choice.value == ""
    loop.until(lambda: session.dataset is not None)
    assert controls.choice.value == "digits"
    assert list(controls.choice.options.values()) == catalog().names
    loop.until(lambda: session.scene is not None)
    assert openings == ["digits"]


def test_choosing_opens_once_and_what_cannot_be_opened_is_not_chosen(
    session: Session, loop: Any, toolkit: Any, openings: list[str | None], opened: Callable[..., Dataset], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    (tmp_path / "broken.npy").write_bytes(b"no array")
    np.save(tmp_path / "fine.npy", np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    data = opened()
    controls = DataControls(session, toolkit)
    session.catalog = catalog()
    controls.choice.value = "fine"
    loop.until(lambda: session.dataset is not data)
    assert (session.dataset.name, controls.choice.value) == ("fine", "fine")
    assert "fine" in session.catalog.names
    controls.choice.value = "broken"
    loop.until(lambda: session.error)
    assert controls.choice.value == "fine"
    assert session.dataset.name == "fine"
    assert openings == ["fine", "broken"]


def test_what_was_opened_by_other_means_is_in_the_list(session: Session, toolkit: Any, opened: Callable[..., Dataset]):
    controls = DataControls(session, toolkit)
    session.catalog = catalog()
    data = opened()
    assert list(controls.choice.options) == [data.name, *[entry.title for entry in catalog()]]
    before = controls.choice.value
    assert before == controls.choice.options[data.name] != ""
    other = opened(seed=1)
    assert controls.choice.value == controls.choice.options[other.name] != before


def upload(controls: DataControls, name: str, data: bytes) -> None:
    controls.upload.filename = name
    controls.upload.value = data


def npy(seed: int) -> bytes:
    file = io.BytesIO()
    np.save(file, np.random.default_rng(seed).normal(size=(30, 4)).astype(np.float32))
    return file.getvalue()


def test_a_file_of_ones_own_is_opened_and_a_second_of_its_name_leaves_the_first_alone(session: Session, loop: Any, toolkit: Any):
    controls = DataControls(session, toolkit)
    upload(controls, "mine.npy", npy(1))
    loop.until(lambda: session.dataset is not None)
    first, values = session.dataset, session.dataset.vectors.copy()
    assert first.name == "mine.npy"
    upload(controls, "mine.npy", npy(2))
    loop.until(lambda: session.dataset is not first)
    assert not any(path.is_file() for path in (uploads_folder() / "passing").rglob("data*"))
    assert np.array_equal(first.vectors, values)
    assert not np.array_equal(session.dataset.vectors, values)
    assert controls.choice.value == controls.choice.options["mine.npy"]
    assert np.array_equal(first.vectors, values)


@pytest.mark.parametrize(
    ("name", "as_file"),
    [
        ("../../escape.npy", "escape.npy"),
        ("C:\\data\\mine.npy", "mine.npy"),
        ("nul\0byte.npy", "nulbyte.npy"),
        ("/etc/passwd.npy", "passwd.npy"),
        ("😀" * 300 + ".npy", "😀" * 56 + ".npy"),
    ],
)
def test_an_uploaded_file_has_a_name_and_no_path(session: Session, loop: Any, toolkit: Any, name: str, as_file: str):
    controls = DataControls(session, toolkit)
    upload(controls, name, npy(1))
    loop.until(lambda: session.dataset is not None or session.error)
    assert (session.error, session.dataset.name) == ("", as_file)


@pytest.mark.parametrize("name", ["", "..", ".", "/", "noending", "a.pickle"])
def test_an_upload_that_is_no_data_file_is_a_sentence(session: Session, loop: Any, toolkit: Any, name: str):
    controls = DataControls(session, toolkit)
    upload(controls, name, b"anything")
    loop.until(lambda: session.error)
    assert "Something went wrong" not in session.error
    assert session.dataset is None


def test_the_columns_of_vectors_are_what_the_person_says(session: Session, loop: Any, toolkit: Any, tmp_path: Path):
    vectors = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    table = pa.table({f"{part}_{i}": vectors[:, i] for i, part in enumerate(["a", "a", "a", "b", "b", "b"])})
    pq.write_table(table, tmp_path / "wide.parquet")
    controls = DataControls(session, toolkit)
    controls.vectors.value = " b_* "
    upload(controls, "wide.parquet", (tmp_path / "wide.parquet").read_bytes())
    loop.until(lambda: session.dataset is not None or session.error)
    assert session.error == ""
    assert np.array_equal(session.dataset.vectors, vectors[:, 3:])


def test_where_nobody_uploads_and_computes_nothing_offers_it(
    session: Session, toolkit: Any, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EXPLORER_READ_ONLY", "true")
    opened()
    data, projections = DataControls(session, toolkit), ProjectionControls(session, toolkit)
    assert not data.own.visible
    offered = (projections.method, projections.run, projections.keep, projections.cancel, *projections._parameters.values())
    assert not any(widget.visible for widget in offered)
    assert projections.progress.text == "This server is read-only: it shows the layouts that are there, and computes no others."
    session.choice.method = "tsne"
    assert not any(column.visible for column in projections._parameters.values())


def test_what_is_wrong_with_the_catalog_is_said(session: Session, toolkit: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXPLORER_DATA", "/nowhere/at/all")
    controls = DataControls(session, toolkit)
    session.catalog = catalog()
    assert controls.problems.visible
    assert "/nowhere/at/all" in controls.problems.text


# -- projection


@pytest.mark.parametrize("method", PROJECTIONS)
def test_every_parameter_has_a_widget_that_goes_both_ways(
    method: str, session: Session, toolkit: Any, loop: Any, opened: Callable[..., Dataset]
):
    opened()
    color(session, loop, "kind")
    made = PROJECTIONS[method]()
    widgets = dict(zip(names_of(made), parameter_widgets(made, toolkit, session), strict=True))
    for name, widget in widgets.items():
        there, back = other_values(made, name)
        as_text = isinstance(widget.value, str) and not isinstance(made.param[name], param.Selector | CategoryColumn | RowGroup)
        widget.value = str(there) if as_text else there
        assert getattr(made, name) != there  # not before the loop turns
        loop.run()
        assert getattr(made, name) == there
        setattr(made, name, back)
        loop.run()
        assert widget.value == (str(back) if as_text else back)
        assert getattr(made, name) == back


def test_the_target_is_one_of_the_category_columns_of_whatever_is_open(
    session: Session, toolkit: Any, loop: Any, opened: Callable[..., Dataset]
):
    opened(seed=2, sort=["q", "r"] * 20)
    made = session.choice.projections["umap"]
    target = dict(zip(names_of(made), parameter_widgets(made, toolkit, session), strict=True))["target"]
    assert list(target.options) == ["— none —", "kind", "sort"]
    target.value = "sort"
    loop.run()
    assert made.target == "sort"
    opened(seed=3)
    loop.run()
    assert list(target.options) == ["— none —", "kind"]
    assert (made.target, target.value) == ("", "")


def test_an_axis_is_offered_what_has_a_name_now(session: Session, toolkit: Any, loop: Any, opened: Callable[..., Dataset]):
    opened(seed=4)
    color(session, loop, "kind")
    made = session.choice.projections["axes"]
    there = dict(zip(names_of(made), parameter_widgets(made, toolkit, session), strict=True))["x_to"]
    assert list(there.options) == ["— none —", "kind: a", "kind: b", "kind: c"]
    session.selection.apply([1, 2])
    session.selection.keep("mine")
    session.inspection.give(3, "liked")
    loop.run()
    assert list(there.options)[1:4] == ["mine", "selected rows", "rows to be like"]
    there.value = "mine"
    loop.run()
    assert made.x_to == "mine"
    color(session, loop, None)
    session.selection.clear()
    loop.run()
    assert list(there.options) == ["— none —", "mine", "rows to be like"]
    session.selection.forget("mine")
    loop.run()
    assert (made.x_to, there.value) == ("", "")


def color(session: Session, loop: Any, column: str | None) -> None:
    session.appearance.color_by = column
    loop.until(lambda: session.scene is not None and session.scene.coloring.column == column)


def names_of(made: Projection) -> list[str]:
    return [name for name in made.param if name != "name"]


def other_values(made: Projection, name: str) -> tuple[Any, Any]:
    parameter, value = made.param[name], getattr(made, name)
    if isinstance(parameter, CategoryColumn):
        return "kind", ""
    if isinstance(parameter, RowGroup):
        return "kind: a", ""
    if isinstance(parameter, param.Selector):
        return next(choice for choice in parameter.objects if choice != value), value
    if name == "n_components":
        return 3, 2
    if isinstance(parameter, param.Integer):
        return 77, 78
    return (0.25, 0.75) if parameter.bounds[1] <= 1 else (2.25, 3.125)


@pytest.mark.parametrize(
    ("method", "name", "typed", "value"),
    [
        ("umap", "n_epochs", "50", 50),
        ("umap", "n_epochs", " 1,000 ", 1000),
        ("umap", "n_epochs", "", None),
        ("tsne", "learning_rate", "200.5", 200.5),
        ("tsne", "learning_rate", "1234567.25", 1234567.25),
        ("tsne", "learning_rate", "1e3", 1000.0),
        ("tsne", "learning_rate", "  ", None),
    ],
)
def test_a_field_that_may_be_empty_takes_numbers_and_nothing(
    session: Session, loop: Any, toolkit: Any, method: str, name: str, typed: str, value: float | None
):
    made, field, complaints = field_of(session, toolkit, method, name)
    field.value = "3"
    loop.run()
    field.value = typed
    loop.run()
    assert getattr(made, name) == value
    assert not complaints[-1]


@pytest.mark.parametrize("typed", ["abc", "0", "-5", "1e9", "20000000", "nan", "inf", "12.5.1", "<b>"])
@pytest.mark.parametrize(("method", "name"), [("umap", "n_epochs"), ("tsne", "learning_rate")])
def test_a_field_that_may_be_empty_says_what_it_takes(session: Session, loop: Any, toolkit: Any, method: str, name: str, typed: str):
    made, field, complaints = field_of(session, toolkit, method, name)
    field.value = "30"
    loop.run()
    field.value = typed
    loop.run()
    assert getattr(made, name) == 30
    assert complaints[-1] == f"a number from 1 to {10_000 if name == 'n_epochs' else 10_000_000:,}, or empty"
    field.value = ""
    loop.run()
    assert getattr(made, name) is None
    assert complaints[-1] == ""


def field_of(session: Session, toolkit: Any, method: str, name: str) -> tuple[Projection, Any, list[str]]:
    complaints: list[str] = []
    real = toolkit.complain

    def noting(field: Any, sentence: str) -> None:
        complaints.append(sentence)
        real(field, sentence)

    toolkit.complain = noting
    made = session.choice.projections[method]
    widgets = parameter_widgets(made, toolkit, session)
    return made, widgets[names_of(made).index(name)], complaints


def test_two_numbers_typed_quickly_end_with_the_last(session: Session, loop: Any, toolkit: Any):
    made, field, _ = field_of(session, toolkit, "umap", "n_epochs")
    for typed in ("1", "12", "120"):
        field.value = typed
    loop.run()
    assert (made.n_epochs, field.value) == (120, "120")


def test_the_parameters_of_the_chosen_method_are_shown(session: Session, loop: Any, toolkit: Any):
    controls = ProjectionControls(session, toolkit)
    controls.method.value = "tsne"
    loop.run()
    assert session.choice.method == "tsne"
    assert [method for method, column in controls._parameters.items() if column.visible] == ["tsne"]
    session.choice.method = "pca"
    assert controls.method.value == "pca"
    assert [method for method, column in controls._parameters.items() if column.visible] == ["pca"]


def press(button: Any) -> None:
    button.clicks += 1


def test_run_computes_what_is_set(session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]):
    controls = ProjectionControls(session, toolkit)
    assert controls.run.disabled
    opened(seed=next(seeds))
    assert not controls.run.disabled
    controls.method.value = "pca"
    press(controls.run)
    loop.until(lambda: session.scene.shown.layout.method == "pca")


def test_while_it_computes_there_is_progress_and_cancel(session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]):
    controls = ProjectionControls(session, toolkit)
    opened(seed=next(seeds))
    assert (controls.run.visible, controls.cancel.visible, controls.bar.visible) == (True, False, False)
    session.choice.projections["tsne"].n_iter = 10_000
    controls.method.value = "tsne"
    press(controls.run)
    loop.until(lambda: controls.bar.value > 0)
    assert (controls.run.visible, controls.cancel.visible, controls.bar.visible) == (False, True, True)
    assert controls.progress.text.startswith("t-SNE")
    press(controls.cancel)
    loop.until(lambda: not session.running)
    assert (controls.run.visible, controls.cancel.visible, controls.bar.value) == (True, False, 0)
    assert not controls.progress.text.startswith("t-SNE")


def test_beneath_run_stands_what_it_takes_and_follows_what_is_set(
    session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]
):
    controls = ProjectionControls(session, toolkit)
    assert controls.progress.text == ""
    opened(seed=next(seeds))
    loop.until(lambda: re.fullmatch(r"Takes about \d+ s and \d+ MB of memory\.", controls.progress.text))
    session.choice.projections["umap"].n_epochs = 10_000
    session.choice.projections["umap"].param.update(min_dist=1.0, spread=0.5)
    loop.until(lambda: controls.progress.text.startswith("min_dist=1.0 is not allowed"))
    controls.method.value = "pca"
    loop.until(lambda: controls.progress.text.startswith("Takes about "))


def test_what_is_computed_already_takes_nothing(session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset]):
    controls = ProjectionControls(session, toolkit)
    opened(seed=next(seeds))
    controls.method.value = "pca"
    loop.until(lambda: controls.progress.text)
    press(controls.run)
    loop.until(lambda: session.scene.shown.layout.method == "pca" and not session.running)
    loop.until(lambda: not controls.progress.text)
    session.choice.projections["pca"].param.update(x=2, y=1)
    loop.until(lambda: controls.progress.text.startswith("Takes about "))


def test_what_does_not_fit_is_said_before_and_after_run(
    session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
):
    controls = ProjectionControls(session, toolkit)
    data = opened(seed=next(seeds))
    monkeypatch.setenv("EXPLORER_MEMORY", "60")
    controls.method.value = "tsne"
    sentence = f"t-SNE of {data.name} needs about "
    loop.until(lambda: controls.progress.text.startswith(sentence))
    assert controls.progress.text.endswith("EXPLORER_MEMORY allows 60 MB. What would fit: PCA.")
    press(controls.run)
    loop.until(lambda: session.error.startswith(sentence))
    assert (session.running, controls.run.visible) == ("", True)


def test_following_the_map_shows_nothing_again(
    session: Session, loop: Any, toolkit: Any, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
):
    shown: list[str] = []
    monkeypatch.setattr(session, "show", lambda run: shown.append(run.title))
    ProjectionControls(session, toolkit)
    opened(seed=next(seeds))
    session.run_now(PCA())
    loop.run()
    opened(seed=next(seeds))
    loop.run()
    assert shown == []


def test_progress_is_said_in_words(session: Session):
    session.param.update(running="UMAP", stage="", fraction=0.0)
    assert progress_text(session) == "UMAP · 0%"
    session.jobs.listed = [
        Listed(1, f"{session.running} of noise", "yours", 3, 0, None),
        Listed(2, "A computation", "somebody's", 1, 0, None),
    ]
    assert progress_text(session) == f"{session.running} · waiting: 3rd in the queue"
    session.jobs.listed = []
    session.param.update(stage="neighbor graph", fraction=0.255, seconds_left=12.4)
    assert progress_text(session) == "UMAP · neighbor graph · 26% · 12 s left"
    session.param.update(stage="UMAP", fraction=0.5, seconds_left=600)
    assert progress_text(session) == "UMAP · 50% · 10 min left"
    session.param.update(seconds_left=0.01)
    assert progress_text(session).endswith("1 s left")
