"""Lock files of other tools are honoured, and ours by them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest

import spawnlock
from conftest import Desk, Scene, elsewhere, eventually


@pytest.fixture
def living() -> Iterator[int]:
    """The pid of a process that lives."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def dead() -> int:
    """The pid of a process that is gone."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


WAYS: dict[str, Callable[[int], str]] = {
    "JSON": lambda pid: json.dumps({"pid": pid, "timestamp": int(time.time() * 1000)}),
    "three lines": lambda pid: f"{pid}\n{int(time.time() * 1000)}\nabc\n",
    "a bare pid": lambda pid: f"{pid}\n",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_lock_of_an_old_script_that_lives_is_honoured(excl: Desk, living: int, way: str) -> None:
    excl.path.write_text(WAYS[way](living))
    assert not excl.lock().try_acquire()
    holder = spawnlock.SpawnLock.holder_of(excl.path, lock="excl")
    assert holder is not None and holder.pid == living


@pytest.mark.parametrize("way", WAYS)
def test_the_lock_of_an_old_script_that_is_dead_is_taken_over(excl: Desk, dead: int, way: str) -> None:
    excl.path.write_text(WAYS[way](dead))
    assert spawnlock.SpawnLock.holder_of(excl.path, lock="excl") is None
    assert excl.lock().try_acquire()


@pytest.mark.parametrize("text", ["", "garbage", '{"timestamp": 1}'])
def test_a_file_that_names_nobody_is_judged_by_its_time(excl: Desk, text: str) -> None:
    excl.path.write_text(text)
    assert not excl.lock().try_acquire()
    os.utime(excl.path, (time.time() - 60, time.time() - 60))
    assert excl.lock(stale_after=10).try_acquire()


def test_an_old_script_can_read_who_holds_ours(excl: Desk) -> None:
    with excl.lock():
        written = json.loads(excl.path.read_text())
        assert written["pid"] == os.getpid()
        assert abs(written["timestamp"] / 1000 - time.time()) < 60
        with pytest.raises(FileExistsError):
            excl.path.open("x")
    assert not excl.path.exists()


def test_a_lock_that_was_removed_is_ours_no_more(excl: Desk) -> None:
    with excl.lock() as lock:
        excl.path.unlink()
        assert not lock.held and lock.release() is False


def test_a_lock_that_lives_is_broken_only_when_asked_for_and_with_a_word(excl: Desk) -> None:
    holder = excl.holder()
    told: list[spawnlock.Event] = []
    with excl.lock(break_after=0.05, on_event=told.append) as lock:
        assert lock.held
    (event,) = told
    assert event.kind == "warning" and event.holder is not None and event.holder.pid == holder.pid


@pytest.mark.parametrize(("kind", "theirs"), [("excl", filelock.SoftFileLock), ("flock", filelock.UnixFileLock)])
def test_a_lock_of_filelock_and_ours_exclude_each_other(tmp_path: Path, kind: str, theirs: type[filelock.BaseFileLock]) -> None:
    desk = Desk(tmp_path, "excl" if kind == "excl" else "flock")
    with desk.lock(), pytest.raises(filelock.Timeout):
        elsewhere(lambda: theirs(desk.path).acquire(timeout=0))
    with theirs(desk.path):
        assert not desk.is_free()
    assert desk.is_free()


def test_a_start_keeps_away_from_the_lock_file_of_an_old_script(scene: Scene, tmp_path: Path, living: int) -> None:
    lock_file = tmp_path / "old.lock"
    lock_file.write_text(WAYS["JSON"](living))
    with pytest.raises(spawnlock.SpawnlockTimeoutError) as caught:
        scene.ensure(lock_file=lock_file, timeout=0.2)
    assert caught.value.code == "ERR_SPAWNLOCK_LOCK_TIMEOUT" and scene.starts() == []
    lock_file.unlink()
    assert scene.ensure(lock_file=lock_file).origin == "started"
    assert not lock_file.exists()


def test_an_old_script_finds_the_lock_file_of_a_start(scene: Scene, tmp_path: Path) -> None:
    lock_file = tmp_path / "old.lock"
    starter = scene.python(
        "spawnlock.ensure_server(name, command=command + ['--initializing', '1000'], ready=ready, lock='excl',"
        f" lock_file={str(lock_file)!r})"
    )
    eventually(lambda: lock_file.exists() and json.loads(lock_file.read_text())["pid"] == starter.pid, "the start holds it")
    assert starter.wait(20) == 0 and not lock_file.exists()


def test_a_kind_of_lock_that_there_is_not_is_named(scene: Scene) -> None:
    with pytest.raises(spawnlock.SpawnlockConfigError, match="`lock`"):
        scene.ensure(lock="bogus")
