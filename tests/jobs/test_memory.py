"""What limits a computation, as the kernel and the settings tell it."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.errors import BadParameter
from explorer.jobs.memory import Room, room

GB = 10**9


def system(folder: Path, files: dict[str, str]) -> dict[str, Path]:
    """Write what a kernel would tell."""
    for name, text in {"proc/meminfo": f"MemTotal: 32 kB\nMemAvailable:   {8 * GB // 1024} kB\n", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return {"processes": folder / "proc", "groups": folder / "groups"}


def test_a_machine_has_what_is_available(tmp_path: Path) -> None:
    found = room(**system(tmp_path, {}))
    assert found is not None
    assert found.whose == "this machine"
    assert found.free == pytest.approx(8 * GB, rel=1e-6)


def test_a_container_has_what_its_limit_leaves_and_files_can_be_dropped(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/app\n",
        "groups/app/memory.max": f"{4 * GB}\n",
        "groups/app/memory.current": f"{3 * GB}\n",
        "groups/app/memory.stat": f"anon {GB}\ninactive_file {GB}\nactive_file {GB // 2}\n",
    }
    assert room(**system(tmp_path, files)) == Room(2 * GB + GB // 2, "this container")


def test_the_narrowest_of_the_groups_above_counts(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/pod/app\n",
        "groups/pod/app/memory.max": "max\n",
        "groups/pod/app/memory.current": f"{GB}\n",
        "groups/pod/memory.max": f"{3 * GB}\n",
        "groups/pod/memory.current": f"{GB}\n",
    }
    assert room(**system(tmp_path, files)) == Room(2 * GB, "this container")


@pytest.mark.parametrize("name", ["/docker/0123", "/"])
def test_the_first_version_of_control_groups_is_read_too(tmp_path: Path, name: str) -> None:
    files = {
        "proc/self/cgroup": f"12:cpu,cpuacct:/x\n4:memory:{name}\n0::/\n",
        "groups/memory/memory.limit_in_bytes": f"{2 * GB}\n",
        "groups/memory/memory.usage_in_bytes": f"{GB}\n",
        "groups/memory/memory.stat": f"cache 5\ntotal_inactive_file {GB // 2}\n",
    }
    assert room(**system(tmp_path, files)) == Room(GB + GB // 2, "this container")


def test_a_group_without_a_limit_limits_nothing(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "4:memory:/\n",
        "groups/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "groups/memory/memory.usage_in_bytes": f"{GB}\n",
    }
    found = room(**system(tmp_path, files))
    assert found is not None
    assert found.whose == "this machine"


def test_a_setting_allows_less_and_never_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = system(tmp_path, {})
    monkeypatch.setenv("EXPLORER_MEMORY", "500")
    assert room(**where) == Room(500_000_000, "EXPLORER_MEMORY")
    monkeypatch.setenv("EXPLORER_MEMORY", "500000")
    assert room(**where) != Room(500_000_000_000, "EXPLORER_MEMORY")
    monkeypatch.setenv("EXPLORER_MEMORY", "4GB")
    with pytest.raises(BadParameter, match="EXPLORER_MEMORY=4GB is not allowed: give a whole number"):
        room(**where)


def test_this_machine_has_some() -> None:
    found = room()
    assert found is None or found.free > 0
