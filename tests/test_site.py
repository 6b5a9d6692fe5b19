"""The documentation is made into a site without a warning, and shows what it takes from the code."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.compute.projections import PROJECTIONS

pytestmark = pytest.mark.timeout(300)  # as tests/test_lint.py: another program reads the whole project


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the site by the command that docs/development.md shows, in another folder."""
    out = tmp_path_factory.mktemp("site")
    line = re.search(r"^sphinx-build (.*) docs/_build$", (root / "docs" / "development.md").read_text("utf-8"), re.MULTILINE)
    assert line
    words = [sys.executable, "-m", "sphinx", *line[1].split(), str(out / "html"), "-q", "-d", str(out / "read")]
    done = subprocess.run(words, cwd=root, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return out / "html"


def text_of(page: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def test_every_page_is_there(site: Path, root: Path):
    assert {page.stem for page in (root / "docs").glob("*.md")} <= {page.stem for page in site.glob("*.html")}
    assert "king - man + woman" in text_of(site / "search-and-query.html")  # search.html is the site's own
    assert 'href="search-and-query.html#meaning"' in (site / "data.html").read_text("utf-8")


def test_parameters_are_those_of_the_classes(site: Path):
    shown = text_of(site / "reference.html")
    for kind in PROJECTIONS.values():
        for name in kind().parameter_names:
            assert " ".join(kind.param[name].doc.split()) in shown


def test_functions_and_errors_come_with_their_docstrings(site: Path):
    shown = text_of(site / "reference.html")
    assert "neighbor_graph" in shown
    assert "NotEnoughMemory (MemoryError)" in shown


def test_pages_from_outside_are_shown_whole_and_their_links_stay_inside(site: Path):
    page = (site / "benchmarks.html").read_text("utf-8")
    assert "forecast.py: what a computation takes" in text_of(site / "benchmarks.html")
    assert 'href="cluster.html#drawing"' in page
    assert 'href="benchmarks.html#forecast' in (site / "projections.html").read_text("utf-8")


def test_nothing_is_fetched(site: Path):
    fetched = re.compile(r"""<(?:link|script|img|iframe)\b[^>]*?(?:href|src)=["'](?:https?:)?//[^"']+""")
    assert not [match for page in site.glob("*.html") for match in fetched.findall(page.read_text("utf-8"))]
