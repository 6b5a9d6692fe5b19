"""Threads that wait must not spin: with other work on the machine, spinning makes each parallel region ten times slower."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when the OpenMP library is loaded
