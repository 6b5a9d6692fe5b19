"""The documentation says what is there: settings, commands, layers, links and code."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

import explorer
from explorer import cli, settings
from explorer.compute.projections import PROJECTIONS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").glob("*.md"))
LINK = re.compile(r"""(?:\]\(|srcset="|src=")([^)"\s]+)""")
FENCE = re.compile(r"^ *```([^`\n]*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page: Path):
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_index():
    linked = set(LINK.findall((ROOT / "docs" / "index.md").read_text("utf-8")))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md", "search-and-query.md"} <= linked


def test_every_page_has_a_place_in_the_site():
    listed = [
        page.strip()
        for language, content in FENCE.findall((ROOT / "docs" / "index.md").read_text("utf-8"))
        if language == "{toctree}"
        for page in content.splitlines()
        if page and not page.startswith(":")
    ]
    assert sorted(listed) == sorted({page.stem for page in (ROOT / "docs").glob("*.md")} - {"index", "search"})


def test_every_public_name_is_in_the_reference():
    page = (ROOT / "docs" / "reference.md").read_text("utf-8")
    assert set(explorer.__all__) == set(re.findall(r"explorer\.(\w+)\n", page)) - {"errors"} | {"__version__"}
    tables = re.findall(r"^```{param-table} explorer\.(\w+)$", page, re.MULTILINE)
    assert sorted(tables) == sorted(kind.__name__ for kind in PROJECTIONS.values())


def test_every_setting_is_documented():
    named = set(re.findall(r"EXPLORER_\w+", Path(settings.__file__).read_text("utf-8")))
    documented = set(re.findall(r"^\| `(EXPLORER_\w+)`", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.MULTILINE))
    assert named
    assert named == documented


def test_every_setting_is_read_in_one_place():
    readers = [
        path.name
        for path in Path(explorer.__file__).parent.rglob("*.py")
        if re.search(r"os\.(environ\.get|environ\[|getenv)", path.read_text("utf-8")) and path.name != "settings.py"
    ]
    assert not readers


def test_every_layer_is_documented():
    with (ROOT / "pyproject.toml").open("rb") as file:
        contract = tomllib.load(file)["tool"]["importlinter"]["contracts"][0]
    layers = [re.findall(r"\w+", layer) for layer in contract["layers"]]
    rows = re.findall(r"^\| (`.+`) \|", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE)
    assert [re.findall(r"`(\w+)`", row) for row in rows] == layers


def test_every_parameter_is_documented_with_its_default():
    page = (ROOT / "docs" / "projections.md").read_text("utf-8")
    for kind in PROJECTIONS.values():
        section = page.partition(f"### {kind.title}\n")[2].partition("\n#")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE))
        usual = kind()
        values = {name: getattr(usual, name) for name in usual.parameter_names}
        automatic = {None: "automatic", "": "none"}
        defaults = {name: automatic.get(value) or (value if isinstance(value, str) else f"{value:g}") for name, value in values.items()}
        assert rows == defaults


def test_the_readme_shows_every_command():
    assert set(cli.COMMANDS) - {""} <= {
        word for line in re.findall(r"`explorer ([^`]*)`", PAGES[0].read_text("utf-8")) for word in line.split()[:1]
    }


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_python_is_python_and_names_what_is_public(page: Path):
    for language, code in FENCE.findall(page.read_text("utf-8")):
        if language != "python":
            continue
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "explorer":
                assert node.attr in explorer.__all__
