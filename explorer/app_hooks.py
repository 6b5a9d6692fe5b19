"""What ``panel serve explorer`` runs once, before the first page: gets everything ready so that the first person does not wait."""

from __future__ import annotations

import sys
from pathlib import Path

_parent = str(Path(__file__).resolve().parent.parent)


def on_server_loaded(server_context: object) -> None:
    """Compile the drawing kernels and start the compute process."""
    if _parent not in sys.path:
        sys.path.insert(0, _parent)  # as main.py: this folder is what is served, installed or not
    from explorer.pages import warm

    warm()
