"""How Sphinx makes a site of these pages: ``sphinx-build -W -b html docs docs/_build``. Nothing is fetched."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import explorer

project = "Explorer"
author = "the authors of Explorer"
version = release = explorer.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "from_code", "outside_pages"]
exclude_patterns = ["_build", "_extensions", "search.md"]  # search.html is the site's own; see outside_pages
smartquotes = False  # texts of parameters stand as in the code
highlight_language = "none"  # a fenced block without a language is a command or a query

myst_heading_anchors = 4  # as GitHub names them, so a link works on both

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say the types, with shapes and units
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = "Explorer"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
