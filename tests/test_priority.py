from __future__ import annotations

import os
import sys
import threading

import pytest

from explorer.priority import give_way


@pytest.mark.skipif(not hasattr(os, "setpriority"), reason="no priorities of threads")
def test_a_thread_gives_way_also_where_the_server_itself_has_a_low_priority():
    nice = []

    def twice() -> None:
        for _ in range(2):
            give_way(8)
            nice.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=twice)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread.start()
    thread.join()
    if sys.platform == "linux":
        assert nice == [min(before + 8, 19), min(before + 16, 19)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
