from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.compute.projections import PROJECTIONS
from explorer.state.appearance import NOTHING_HIDDEN, Appearance, Hidden
from explorer.state.inspection import Inspection
from explorer.state.projection import ProjectionChoice
from explorer.state.state import State
from explorer.state.viewport import Viewport

numbers = st.floats(allow_nan=False, allow_infinity=False)
hidden = st.builds(Hidden, st.frozensets(st.none() | st.text()), st.booleans())
VALUES: dict[type[State], st.SearchStrategy[dict[str, Any]]] = {
    Appearance: st.fixed_dictionaries(
        {},
        optional={
            "color_by": st.none() | st.text(),
            "colormap": st.text(),
            "color_scale": st.sampled_from(["linear", "log", "rank"]),
            "palette": st.text(),
            "hidden": st.dictionaries(st.text(), hidden.map(Hidden.as_json)),
            "density": st.sampled_from(["log", "equalized", "linear"]),
            "point_size": st.none() | st.floats(1, 20),
        },
    ),
    Inspection: st.fixed_dictionaries(
        {},
        optional={
            "row": st.none() | st.integers(0, 2**40),
            "k": st.integers(1, 100),
            "metric": st.sampled_from(["cosine", "euclidean"]),
        },
    ),
    Viewport: st.fixed_dictionaries({}, optional={"view": st.none() | st.tuples(numbers, numbers, numbers, numbers)}),
}
WRONG: list[tuple[type[State], dict[str, Any]]] = [
    (Appearance, {"color_by": "kind", "density": "loud"}),
    (Appearance, {"colormap": "fire", "color_by": 3}),
    (Appearance, {"colormap": "fire", "point_size": 0}),
    (Appearance, {"colormap": "fire", "point_size": "large"}),
    (Appearance, {"colormap": "fire", "hidden": ["a"]}),
    (Appearance, {"colormap": "fire", "hidden": {"kind": "a"}}),
    (Appearance, {"colormap": "fire", "hidden": {"kind": [3]}}),
    (Appearance, {"colormap": "fire", "hidden": {"kind": {"all_but": "a"}}}),
    (Appearance, {"colormap": "fire", "hidden": {"kind": {"all_but": [], "names": []}}}),
    (Appearance, {"colormap": "fire", "hidden": {3: ["a"]}}),
    (Inspection, {"k": 5, "row": -1}),
    (Inspection, {"row": 5, "k": 0}),
    (Inspection, {"row": 5, "k": 2.5}),
    (Inspection, {"row": 5, "metric": ["cosine"]}),
    (Viewport, {"view": [0, 1, 2]}),
    (Viewport, {"view": [0, 1, 2, "3"]}),
    (Viewport, {"view": "home"}),
    (ProjectionChoice, {"method": "isomap"}),
    (ProjectionChoice, {"method": "tsne", "params": {"umap": {"n_neighbors": 20}, "tsne": {"perplexity": "many"}}}),
    (ProjectionChoice, {"method": "isomap", "params": {"umap": {"n_neighbors": 20}}}),
]


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_what_is_set_survives_json(kind: type[State], data: st.DataObject):
    made = kind(**data.draw(VALUES[kind]))
    again = kind()
    again.load_json(json.loads(json.dumps(made.as_json())))
    assert again.as_json() == made.as_json()
    assert {name: value for name, value in again.param.values().items() if name != "name"} == {
        name: value for name, value in made.param.values().items() if name != "name"
    }


@given(
    method=st.sampled_from(list(PROJECTIONS)),
    n_neighbors=st.integers(2, 200),
    perplexity=st.none() | st.floats(5, 100),
    seed=st.integers(0, 99),
)
def test_a_choice_of_projection_survives_json_with_the_parameters_of_every_method(
    method: str, n_neighbors: int, perplexity: float | None, seed: int
):
    made = ProjectionChoice(method=method)
    made.projections["umap"].param.update(n_neighbors=n_neighbors, seed=seed)
    if perplexity is not None:
        made.projections["tsne"].param.update(perplexity=perplexity)
    again = ProjectionChoice()
    again.load_json(json.loads(json.dumps(made.as_json())))
    assert again.as_json() == made.as_json()
    assert again.current.method == method
    assert again.current.settings() == made.current.settings()


@pytest.mark.parametrize(("kind", "values"), WRONG)
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_changed(kind: type[State], values: dict[str, Any]):
    made = kind()
    before = made.as_json()
    with pytest.raises(ValueError, match=r"."):
        made.load_json(values)
    assert made.as_json() == before


@pytest.mark.parametrize("kind", [*VALUES, ProjectionChoice])
def test_names_that_are_not_known_are_left_out(kind: type[State]):
    made = kind()
    before = made.as_json()
    made.load_json({"name": "evil", "_as_param_value": 1, "load_json": None, "of a later version": {"a": [1]}})
    assert made.as_json() == before
    assert made.load_json.__self__ is made


@pytest.mark.parametrize(
    "params", [None, [], "umap", {"isomap": {"n_neighbors": 3}}, {"umap": 3}, {"umap": {"name": "x", "fit": 1, "later": 2}}]
)
def test_parameters_of_no_known_projection_are_left_out(params: Any):
    made = ProjectionChoice()
    before = made.as_json()
    made.load_json({"params": params})
    assert made.as_json() == before


def test_one_step_tells_its_watchers_once():
    made, told = Appearance(), []
    made.param.watch(lambda *events: told.append(len(events)), ["color_by", "density", "point_size"])
    made.load_json({"color_by": "kind", "density": "linear", "point_size": 3.0})
    assert told == [3]


@given(before=hidden, names=st.frozensets(st.none() | st.text()), asked=st.none() | st.text())
def test_hiding_and_showing_change_those_that_are_named_and_no_other(before: Hidden, names: frozenset[str | None], asked: str | None):
    assert (asked in before.hide(names)) == (asked in names or asked in before)
    assert (asked in before.show(names)) == (asked not in names and asked in before)
    assert (asked in Hidden.but(names)) == (asked not in names)
    assert Hidden.from_json(json.loads(json.dumps(before.as_json()))) == before


def test_each_column_keeps_what_is_hidden_of_it():
    made = Appearance()
    made.hide_in("kind", Hidden(frozenset(["b", "a", None])))
    made.hide_in("word", Hidden.but(["w7"]))
    assert made.as_json()["hidden"] == {"kind": ["a", "b", None], "word": {"all_but": ["w7"]}}
    assert made.hidden_in("word") == Hidden.but(["w7"])
    made.hide_in("kind", NOTHING_HIDDEN)
    assert made.hidden == {"word": {"all_but": ["w7"]}}
    assert made.hidden_in("kind") == made.hidden_in(None) == NOTHING_HIDDEN
