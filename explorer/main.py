"""What ``panel serve explorer`` runs once a session: a few lines, and absolute imports only."""

import importlib.util
import sys
from pathlib import Path

# Panel puts this folder itself on sys.path: its modules must not be importable a second time under short names, and
# `panel serve explorer` shows this folder, installed or not.
_here = Path(__file__).resolve().parent
while str(_here) in sys.path:
    sys.path.remove(str(_here))
_spec = importlib.util.find_spec("explorer")
if _spec is None or _spec.origin is None or Path(_spec.origin).resolve().parent != _here:
    sys.modules.pop("explorer", None)
    sys.path.insert(0, str(_here.parent))

from explorer.pages import create_page  # noqa: E402  (the path is set above)

create_page().servable(title="Explorer")
