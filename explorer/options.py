"""Command-line options made from params, such as those of projections, so that each is defined once; never a second default or bound."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

import param

from explorer.compute.projection import PLANE
from explorer.errors import BadParameter

if TYPE_CHECKING:
    from explorer.compute.projections import Projection

__all__ = ["add_options", "add_projection_options", "projections_from", "values_from"]


_SHARED: Final = "n_components"  # a parameter of several methods that one option sets
_EACH: Final = "--n-components"
_EACH_DEST: Final = "each__n_components"


def add_options(parser: argparse.ArgumentParser, kind: type[param.Parameterized], *, title: str) -> None:
    """Add a group of options, one a parameter of a class."""
    group = parser.add_argument_group(title)
    for name, parameter in _parameters(kind).items():
        group.add_argument(f"--{name.replace('_', '-')}", dest=name, help=_help(parameter), **_accepted(parameter))


def values_from(options: argparse.Namespace, kind: type[param.Parameterized]) -> dict[str, Any]:
    """Give the values that were set of options which :func:`add_options` has added."""
    values = {name: getattr(options, name) for name in _parameters(kind)}
    return {name: value for name, value in values.items() if value is not None}


def add_projection_options(parser: argparse.ArgumentParser) -> None:
    """Add one option a parameter, ``--umap-n-neighbors``, ``--tsne-perplexity``, to the parser, and ``--n-components`` for all of them."""
    from explorer.compute.projections import PROJECTIONS

    parser.add_argument(
        _EACH,
        dest=_EACH_DEST,
        type=int,
        metavar="N",
        help=f"dimensions of each layout, where its own option says nothing (default {PLANE})",
    )
    for method, kind in PROJECTIONS.items():
        group = parser.add_argument_group(f"{kind.title} options")
        for name, parameter in _parameters(kind).items():
            group.add_argument(_flag(method, name), dest=_dest(method, name), help=_help(parameter), **_accepted(parameter))


def projections_from(options: argparse.Namespace, methods: list[str]) -> list[Projection]:
    """Make the projections that were asked for.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed by a parser that :func:`add_projection_options` has filled.
    methods : list of str
        Keys of ``PROJECTIONS``, without repeats.

    Raises
    ------
    BadParameter
        If a value is out of its bounds, or an option belongs to a method that was not asked for.
    """
    from explorer.compute.projections import PROJECTIONS, projection

    given: dict[str, dict[str, object]] = {}
    for method, kind in PROJECTIONS.items():
        values = {name: getattr(options, _dest(method, name)) for name in _parameters(kind)}
        given[method] = {name: value for name, value in values.items() if value is not None}
        if given[method] and method not in methods:
            name, value = next(iter(given[method].items()))
            raise BadParameter(_flag(method, name), value, f"it needs --method {method} beside it.")
    every = getattr(options, _EACH_DEST)
    if every is not None:
        for method in methods:
            if _SHARED not in _parameters(PROJECTIONS[method]):
                raise BadParameter(_EACH, every, f"{PROJECTIONS[method].title} has {PLANE} dimensions.")
            given[method].setdefault(_SHARED, every)
    return [projection(method, **given[method]) for method in methods]


def _parameters(kind: type[param.Parameterized]) -> dict[str, param.Parameter[Any]]:
    return {name: parameter for name, parameter in kind.param.objects("existing").items() if name != "name"}


def _flag(method: str, name: str) -> str:
    return f"--{method}-{name.replace('_', '-')}"


def _dest(method: str, name: str) -> str:
    return f"{method}__{name}"


def _help(parameter: param.Parameter[Any]) -> str:
    text = " ".join((parameter.doc or "").split())
    facts = [] if parameter.default is None else [f"default {_plain(parameter.default)}"]
    bounds = getattr(parameter, "bounds", None)
    if bounds and None not in bounds:
        facts.append(f"{_plain(bounds[0])} to {_plain(bounds[1])}")
    return (f"{text} ({', '.join(facts)})" if facts else text).replace("%", "%%")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return f"{int(value):,}"
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def _accepted(parameter: param.Parameter[Any]) -> dict[str, Any]:
    """Say what argparse must know to read a value of this parameter."""
    if isinstance(parameter, param.Boolean):
        return {"action": argparse.BooleanOptionalAction, "default": None}
    if isinstance(parameter, param.Selector):
        return {"choices": list(parameter.objects)}
    if isinstance(parameter, param.Integer):
        return {"type": int, "metavar": "N"}
    if isinstance(parameter, param.Number):
        return {"type": float, "metavar": "X"}
    return {"metavar": "TEXT"}
