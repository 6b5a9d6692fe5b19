"""Pages of the site whose text lies elsewhere: shown as they are, with their links, and those to them, leading within the site.

Most lie outside of docs/. ``search.md`` needs another name on the site, whose page for searching is called so.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
OUTSIDE = {
    "benchmarks": "benchmarks/README.md",
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "search-and-query": "docs/search.md",
}
PAGES = {ROOT / file: DOCS / f"{page}.md" for page, file in OUTSIDE.items()}
LINK = re.compile(r"(?<=\]\()[^)\s]+")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True}


def _read(_app: Sphinx, page: str, source: list[str]) -> None:
    file = ROOT / OUTSIDE[page] if page in OUTSIDE else DOCS / f"{page}.md"
    text = file.read_text("utf-8") if page in OUTSIDE else source[0]
    source[0] = LINK.sub(lambda link: _within(file, link[0]), text)


def _within(file: Path, link: str) -> str:
    """Say where a link of a file leads from a page of the site."""
    path, hash_mark, anchor = link.partition("#")
    if not path or "://" in path:
        return link
    target = (file.parent / path).resolve()
    target = PAGES.get(target, target)
    if target.is_relative_to(DOCS):
        return f"{target.relative_to(DOCS).as_posix()}{hash_mark}{anchor}"
    return f"../{target.relative_to(ROOT).as_posix()}"  # a file that readers may download
