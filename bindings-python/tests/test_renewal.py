"""A server that runs already and will not do, what it wrote, and what is left of it."""

from __future__ import annotations

import datetime
import os
import signal

import pytest

import spawnlock
from conftest import Scene, eventually, is_alive


def test_a_newer_version_takes_the_place_of_an_older_one_and_an_older_one_uses_the_newer(scene: Scene) -> None:
    old = scene.ensure(version="1.9")
    new = scene.ensure(version="1.10")
    assert (new.origin, new.generation, new.version) == ("started", 2, "1.10")
    assert not is_alive(old.pid)
    told: list[spawnlock.Event] = []
    assert scene.ensure(version="1.9", on_event=told.append).pid == new.pid
    assert [event.kind for event in told] == ["warning"] and "version 1.10 and not 1.9" in told[0].message
    with pytest.raises(spawnlock.SpawnlockError) as raised:
        scene.ensure(version="2", on_mismatch="error")
    assert raised.value.code == "ERR_SPAWNLOCK_VERSION"
    status = spawnlock.server_status(scene.name)
    assert (status.version, status.phase, status.leases) == ("1.10", "ready", [])
    assert status.restarted_because == "version 1.9 → 1.10"
    ended = status.ended
    assert ended is not None and (ended.generation, ended.reason) == (1, "outdated")
    assert datetime.datetime.now(datetime.timezone.utc) - ended.ended_at < datetime.timedelta(seconds=20)


def last_end(scene: Scene) -> int:
    """Which start ended last."""
    ended = spawnlock.server_status(scene.name).ended
    return ended.generation if ended else 0


def test_a_server_that_dies_soon_after_every_ready_is_not_started_for_ever(scene: Scene) -> None:
    flags = ("--exit-after-ready", "50", "--exit-code", "3", "--print", "out of cheese")
    for start in (1, 2, 3):
        scene.ensure(*flags)
        eventually(lambda: last_end(scene) == start, "it is noted")  # noqa: B023 - it is asked within this round
    with pytest.raises(spawnlock.SpawnlockError) as raised:
        scene.ensure(*flags)
    error = raised.value
    assert error.code == "ERR_SPAWNLOCK_CRASH_LOOP" and error.log_tail == ("out of cheese",)
    assert error.retry_after is not None and 0 < error.retry_after <= 60
    assert len(scene.starts()) == 3
    ended = spawnlock.server_status(scene.name).ended
    assert ended is not None and (ended.exit_code, ended.log_tail) == (3, ["out of cheese"])
    assert spawnlock.restart_server(scene.name).generation == 4


def test_a_hung_server_is_an_error_or_replaced(scene: Scene) -> None:
    hung = scene.ensure().pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(spawnlock.SpawnlockError) as raised:
        scene.ensure(probe_timeout=0.3, stop_timeout=0.2)
    assert raised.value.code == "ERR_SPAWNLOCK_UNRESPONSIVE"
    assert scene.ensure(probe_timeout=0.3, stop_timeout=0.2, unresponsive="replace").generation == 2
    assert not is_alive(hung)


def test_a_fresh_server_can_be_asked_for(scene: Scene) -> None:
    scene.ensure(reuse="owned")
    assert scene.ensure(reuse="never").generation == 2
    with pytest.raises(spawnlock.SpawnlockConfigError, match="reuse"):
        scene.ensure(reuse="sometimes")


def test_a_server_ends_by_its_own_signal(scene: Scene) -> None:
    scene.ensure("--ignore-term", stop_signal="SIGINT")
    spawnlock.stop_server(scene.name)
    eventually(lambda: (ended := spawnlock.server_status(scene.name).ended) and ended.signal == "SIGINT", "its parent tells how it ended")


def test_the_lines_of_a_server_can_be_read_by_its_name_and_from_itself(scene: Scene) -> None:
    with pytest.raises(spawnlock.SpawnlockError) as raised:
        spawnlock.server_logs(scene.name)
    assert raised.value.code == "ERR_SPAWNLOCK_NOT_RUNNING"
    server = scene.ensure("--print", "one", "--print", "two")
    assert spawnlock.server_logs(scene.name) == ["one", "two"]
    assert spawnlock.server_logs(scene.name, lines=1) == server.tail(1) == ["two"]
    with pytest.raises(spawnlock.SpawnlockConfigError):
        server.tail(-1)


def test_prune_removes_what_is_dead(scene: Scene) -> None:
    place = scene.ensure().place
    assert spawnlock.prune_servers() == []
    spawnlock.stop_server(scene.name)
    assert spawnlock.prune_servers(dry_run=True) == [scene.name]
    assert place.exists()
    assert spawnlock.prune_servers() == [scene.name]
    assert not place.exists()
