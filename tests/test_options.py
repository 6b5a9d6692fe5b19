"""Options of the command line are made from parameters: all of them, with their own bounds and texts."""

from __future__ import annotations

import argparse

import pytest

from explorer.animation.options import AnimationOptions
from explorer.compute.projections import PROJECTIONS
from explorer.errors import BadParameter
from explorer.options import add_options, add_projection_options, projections_from, values_from


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    add_projection_options(made)
    return made


def test_every_parameter_of_every_method_is_an_option_with_its_text(parser: argparse.ArgumentParser):
    shown = " ".join(parser.format_help().split())
    parameters = [(method, name, kind.param[name]) for method, kind in PROJECTIONS.items() for name in kind().parameter_names]
    assert len(parameters) > 5
    for method, name, parameter in parameters:
        assert f"--{method}-{name.replace('_', '-')}" in shown
        assert " ".join(parameter.doc.split()[:4]) in shown


def test_what_is_left_out_keeps_its_default(parser: argparse.ArgumentParser):
    (umap,) = projections_from(parser.parse_args([]), ["umap"])
    assert umap.settings() == PROJECTIONS["umap"]().settings()


def test_what_is_given_reaches_its_own_method_only(parser: argparse.ArgumentParser):
    options = parser.parse_args(["--umap-seed", "7", "--umap-min-dist", "0.25", "--tsne-metric", "euclidean"])
    umap, tsne = projections_from(options, ["umap", "tsne"])
    assert (umap.seed, umap.min_dist, umap.metric) == (7, 0.25, "cosine")
    assert (tsne.seed, tsne.metric) == (0, "euclidean")


def test_one_option_sets_the_dimensions_of_all_methods_that_have_them(parser: argparse.ArgumentParser):
    options = parser.parse_args(["--n-components", "3", "--tsne-n-components", "2"])
    assert [made.dimensions for made in projections_from(options, ["umap", "tsne", "pca"])] == [3, 2, 3]
    with pytest.raises(BadParameter, match="--n-components=3 is not allowed: Axes has 2 dimensions"):
        projections_from(options, ["umap", "tsne", "axes"])
    with pytest.raises(BadParameter, match="n_components=4 is not allowed: give a whole number from 2 to 3"):
        projections_from(parser.parse_args(["--n-components", "4"]), ["umap"])


def test_projections_come_in_the_order_asked_for(parser: argparse.ArgumentParser):
    asked = ["tsne", "pca", "umap"]
    assert [projection.method for projection in projections_from(parser.parse_args([]), asked)] == asked


def test_a_value_out_of_bounds_is_refused(parser: argparse.ArgumentParser):
    with pytest.raises(BadParameter, match=r"min_dist=7\.0 is not allowed: give a number from 0 to 1"):
        projections_from(parser.parse_args(["--umap-min-dist", "7"]), ["umap"])


def test_an_option_of_a_method_that_was_not_asked_for_is_refused(parser: argparse.ArgumentParser):
    with pytest.raises(BadParameter, match="--umap-seed=3 is not allowed: it needs --method umap"):
        projections_from(parser.parse_args(["--umap-seed", "3"]), ["pca"])


def test_any_class_of_parameters_becomes_options_and_values():
    parser = argparse.ArgumentParser()
    add_options(parser, AnimationOptions, title="picture and time")
    assert values_from(parser.parse_args([]), AnimationOptions) == {}
    given = parser.parse_args(["--width", "640", "--no-loop", "--title", "Words"])
    assert values_from(given, AnimationOptions) == {"width": 640, "loop": False, "title": "Words"}
    shown = " ".join(parser.format_help().split())
    assert "(default 4, 0.1 to 60)" in shown
    assert "(default yes)" in shown
    assert "()" not in shown
