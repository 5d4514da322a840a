"""Room on the disk."""

from pathlib import Path

from mailhost.net.disk import DiskWatch, has_room


def test_room_is_what_is_above_the_reserve(tmp_path: Path) -> None:
    assert DiskWatch(tmp_path, reserve_octets=1).has_room()
    assert not DiskWatch(tmp_path, reserve_octets=1 << 60).has_room()
    assert DiskWatch(tmp_path / "not" / "yet", reserve_octets=1).has_room()


def test_the_disk_is_looked_at_once_a_second(tmp_path: Path) -> None:
    now = [0.0]
    free = [100]
    watch = DiskWatch(tmp_path, reserve_octets=50, clock=lambda: now[0])
    watch._free_octets = lambda: free[0]  # type: ignore[method-assign]
    assert watch.has_room()
    free[0] = 10
    assert watch.has_room()
    now[0] = 1.0
    assert not watch.has_room()


def test_the_settings_name_disk_and_reserve(settings: object) -> None:
    assert has_room()
    settings.DISK_RESERVE_OCTETS = 1 << 60  # type: ignore[attr-defined]
    assert not has_room()
