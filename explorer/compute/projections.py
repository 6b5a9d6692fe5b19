"""The projections there are, by name; the one place where a new method is added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.compute.axes_layout import Axes
from explorer.compute.principal_components import PCA
from explorer.compute.projection import CategoryColumn, GraphRequest, Layout, Projection, RowGroup, said
from explorer.compute.tsne_layout import TSNE
from explorer.compute.umap_layout import UMAP
from explorer.errors import BadParameter, UnknownChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from param import Parameterized

__all__ = ["PCA", "PROJECTIONS", "TSNE", "UMAP", "Axes", "GraphRequest", "Layout", "Projection", "allowed", "completed", "projection"]

PROJECTIONS: dict[str, type[Projection]] = {kind.method: kind for kind in (PCA, UMAP, TSNE, Axes)}


def projection(method: str, **params: object) -> Projection:
    """Make a projection from plain values, as the command line, the cache and JSON give them.

    Parameters
    ----------
    method : {"pca", "umap", "tsne", "axes"}
        Which projection.
    **params
        Its parameters; defaults where left out.

    Raises
    ------
    UnknownChoice
        If there is no such method, or the method has no such parameter.
    BadParameter
        If a value is of the wrong type or outside its bounds.
    """
    if method not in PROJECTIONS:
        raise UnknownChoice("projection", method, list(PROJECTIONS))
    made = PROJECTIONS[method]()
    known = made.parameter_names
    for name, value in params.items():
        if name not in known:
            raise UnknownChoice(f"parameter of {made.title}", name, known)
        try:
            made.param.update(**{name: value})
        except ValueError:
            raise BadParameter(name, value, allowed(made, name)) from None
    return made


def completed(method: str | None, params: Mapping[str, object]) -> dict[str, object] | None:
    """Return all parameters of a layout; those that its file, of an earlier version, does not know have their defaults.

    Returns
    -------
    dict or None
        None where the file does not say how the layout was made.
    """
    kind = None if method is None else PROJECTIONS.get(method)
    if kind is None:
        return None
    usual = kind().settings()
    if not usual.keys() - kind.added <= params.keys() <= usual.keys() | kind.unsaid.keys() & set(kind().parameter_names):
        return None
    return said(kind, {**usual, **params})


def allowed(made: Parameterized, name: str) -> str:
    """Say what a parameter takes, as the end of a sentence."""
    from param import Boolean, Integer, Selector, String

    parameter = made.param[name]
    if isinstance(parameter, Selector):
        *first, last = parameter.objects
        return f"choose {', '.join(first)} or {last}."
    if isinstance(parameter, Boolean):
        return "give True or False."
    if isinstance(parameter, CategoryColumn):
        return "give the name of a column of categories, or nothing."
    if isinstance(parameter, RowGroup):
        return "name a kept selection, or a category as column: value."
    if isinstance(parameter, String):
        return "give text."
    low, high = parameter.bounds
    kind = "a whole number" if isinstance(parameter, Integer) else "a number"
    automatic = ", or nothing for automatic" if parameter.allow_None else ""
    return f"give {kind} from {low:g} to {high:g}{automatic}."
