"""What pages show of the code itself, so that nothing is written twice.

``{param-table} explorer.UMAP`` is a table of a class's parameters, ``{tree} explorer.errors`` what a module's docstring draws.
"""

import re
from importlib import import_module

import param
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class ParamTable(SphinxDirective):
    """What each parameter is, its default and what it may be."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        module, _, name = self.arguments[0].rpartition(".")
        kind: type[param.Parameterized] = getattr(import_module(module), name)
        parameters = [parameter for parameter in kind.param.objects("existing").values() if parameter.name != "name"]
        rows = [["parameter", "default", "may be", "meaning"], ["---"] * 4]
        rows += [[f"`{each.name}`", _default(each), _choices(each), " ".join((each.doc or "").split())] for each in parameters]
        lines = ["|".join(cell.replace("|", r"\|") for cell in row) for row in rows]
        return self.parse_text_to_nodes("\n".join(f"|{line}|" for line in lines))


class Tree(SphinxDirective):
    """The tree in a module's docstring, between its first paragraph and its last."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Cut it out."""
        text = import_module(self.arguments[0]).__doc__ or ""
        _, tree, _ = re.split(r"\n\n(?! )", text.strip(), maxsplit=2)
        return [nodes.literal_block(tree, tree, language="none")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.add_directive("param-table", ParamTable)
    app.add_directive("tree", Tree)
    return {"parallel_read_safe": True}


def _default(parameter: param.Parameter) -> str:
    if parameter.default is None:
        return "automatic"
    return "none" if parameter.default == "" else _plain(parameter.default)


def _choices(parameter: param.Parameter) -> str:
    from explorer.compute.projection import CategoryColumn, RowGroup

    if isinstance(parameter, param.Selector):
        return ", ".join(f"`{choice}`" for choice in parameter.objects)
    if isinstance(parameter, CategoryColumn):
        return "a column of categories"
    if isinstance(parameter, RowGroup):
        return "a kept selection, or a category as `column: value`"
    if isinstance(parameter, param.Number):
        low, high = parameter.bounds
        return f"{'whole numbers' if isinstance(parameter, param.Integer) else 'numbers'} from {_plain(low)} to {_plain(high)}"
    return type(parameter).__name__.lower()


def _plain(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
