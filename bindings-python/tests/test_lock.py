"""The lock alone: one holder, whoever asks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import spawnlock
from conftest import Desk, elsewhere
from spawnlock import SpawnLock, SpawnlockConfigError, SpawnlockError, SpawnlockTimeoutError


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(SpawnlockError) as caught:
        call()
    return caught.value.code


def test_making_the_object_takes_nothing(desk: Desk) -> None:
    lock = desk.lock()
    assert not (lock.held or lock.is_locked or desk.path.exists())
    assert lock.holder is SpawnLock.holder_of(desk.path, lock=desk.kind) is None
    assert (lock.path, lock.kind) == (desk.path, desk.kind)


def test_a_block_holds_it_and_gives_it_back(desk: Desk) -> None:
    with desk.lock() as lock:
        assert lock.held and not desk.is_free()
    assert not lock.held and desk.is_free()


def test_a_block_that_fails_gives_it_back(desk: Desk) -> None:
    with pytest.raises(LookupError), desk.lock():
        raise LookupError
    assert desk.is_free()


def test_it_is_taken_and_released_by_hand(desk: Desk) -> None:
    lock = desk.lock()
    lock.acquire()
    assert lock.held and not desk.is_free()
    assert (lock.release(), lock.release()) == (True, False)
    assert desk.is_free()


def test_an_acquire_is_a_scope_of_what_it_took(desk: Desk) -> None:
    lock = desk.lock()
    with lock.acquire(timeout=5) as same:
        assert same is lock and not desk.is_free()
    assert desk.is_free()


def test_a_release_within_the_block_is_enough(desk: Desk) -> None:
    with desk.lock() as lock:
        assert lock.release() and desk.is_free()
    assert desk.is_free()


def test_trying_answers_now(desk: Desk) -> None:
    first, second = desk.lock(), desk.lock()
    assert first.try_acquire()
    assert elsewhere(second.try_acquire) is False
    assert first.release() and second.try_acquire()


def test_without_blocking_it_is_one_try_and_a_timeout_error(desk: Desk) -> None:
    holder = desk.holder()
    with pytest.raises(TimeoutError) as caught:
        desk.lock().acquire(blocking=False)
    assert isinstance(caught.value, SpawnlockTimeoutError)
    assert (caught.value.code, caught.value.pid) == ("ERR_SPAWNLOCK_LOCK_TIMEOUT", holder.pid)


@pytest.mark.parametrize("time_out", [0.05, timedelta(milliseconds=50)])
def test_a_wait_ends_at_its_deadline(desk: Desk, time_out: float | timedelta) -> None:
    holder = desk.holder()
    with pytest.raises(SpawnlockTimeoutError, match=str(holder.pid)):
        desk.lock(timeout=time_out).acquire()
    with pytest.raises(SpawnlockTimeoutError, match=str(holder.pid)):
        desk.lock().acquire(time_out)


def test_a_waiter_gets_it_from_the_one_who_releases(desk: Desk) -> None:
    holder = desk.holder()
    waiter = threading.Thread(target=lambda: taken.append(desk.lock().acquire()))
    taken: list[object] = []
    waiter.start()
    assert holder.communicate("\n")[0] == ""
    waiter.join(20)
    assert len(taken) == 1


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("lock", {"lock": "bogus"}),
        ("timeout", {"timeout": -1}),
        ("stale_after", {"stale_after": 0}),
        ("break_after", {"break_after": 1, "lock": "flock"}),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, option: str, options: dict[str, Any]) -> None:
    with pytest.raises(SpawnlockConfigError, match=f"`{option}`"):
        SpawnLock(tmp_path / "the.lock", **options).acquire()


def test_an_endless_wait_is_refused(desk: Desk) -> None:
    for time_out in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="`timeout`"):
            desk.lock().acquire(time_out)


def test_taking_it_twice_is_an_error_and_no_deadlock(desk: Desk) -> None:
    lock = desk.lock()
    with lock:
        assert code_of(lock.acquire) == code_of(desk.lock().acquire) == code_of(lock.try_acquire) == "ERR_SPAWNLOCK_RECURSIVE"
        assert lock.held
    assert desk.is_free()


def test_a_reentrant_lock_is_released_with_the_last(desk: Desk) -> None:
    lock = desk.lock(reentrant=True)
    with lock:
        with lock, lock.acquire():
            assert not desk.is_free()
        assert lock.held and not desk.is_free()
    assert not lock.held and desk.is_free()


def test_threads_that_share_an_object_take_turns(desk: Desk) -> None:
    lock, inside, most = desk.lock(), 0, 0

    def take_turns() -> None:
        nonlocal inside, most
        for _ in range(25):
            with lock:
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=take_turns) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 1 and desk.is_free()


def test_a_thread_releases_only_its_own(desk: Desk) -> None:
    with desk.lock() as lock:
        assert elsewhere(lambda: (lock.is_locked, lock.held, lock.release())) == (True, False, False)
        assert lock.held and not desk.is_free()


def test_its_holder_can_be_asked_for(desk: Desk) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    process = desk.holder()
    holder = SpawnLock.holder_of(desk.path, lock=desk.kind)
    assert holder is not None and holder.since is not None
    assert (holder.pid, holder.host) == (process.pid, os.uname().nodename)
    assert "python" in holder.program and holder.token
    assert before < holder.since < datetime.now(timezone.utc) + timedelta(seconds=1)
    assert str(process.pid) in repr(holder)


def test_whoever_holds_it_is_what_others_read(desk: Desk) -> None:
    with desk.lock() as lock:
        read = SpawnLock.holder_of(str(desk.path), lock=desk.kind)
        assert read is not None and lock.holder is not None
        assert (read.pid, read.token) == (os.getpid(), lock.holder.token)
    assert lock.holder is None


def test_a_holder_that_is_not_recorded_is_held_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "the.lock"
    with SpawnLock(path, record_holder=False):
        holder = SpawnLock.holder_of(path)
        assert holder is not None and (holder.pid, holder.since) == (0, None)
        assert path.read_bytes() == b""


def test_a_listener_is_told_on_whom_one_waits(desk: Desk) -> None:
    holder = desk.holder()
    told: list[spawnlock.Event] = []

    def tell(event: spawnlock.Event) -> None:
        told.append(event)
        holder.communicate("\n")

    with desk.lock(on_event=tell):
        (event,) = told
    assert event.kind == "waiting" and event.name == str(desk.path)
    assert event.holder is not None and event.holder.pid == holder.pid


def test_missing_directories_are_made(desk: Desk) -> None:
    with SpawnLock(desk.directory / "a/b/the.lock", lock=desk.kind) as lock:
        assert lock.held


def test_a_place_without_locks_is_told_at_once_with_its_reason(desk: Desk) -> None:
    with pytest.raises(SpawnlockError) as caught:
        SpawnLock("/proc/no/such/place.lock", lock=desk.kind, timeout=60).acquire()
    assert caught.value.code == "ERR_SPAWNLOCK_LOCK_UNAVAILABLE"
    assert caught.value.errno is not None and isinstance(caught.value.__cause__, OSError)


def test_whether_kernel_locks_work_can_be_asked(tmp_path: Path) -> None:
    assert SpawnLock.test_flock(tmp_path) == "works"
    lock = SpawnLock(tmp_path / "the.lock")
    kinds = [lock.kind]
    with lock:
        kinds.append(lock.kind)
    assert kinds == ["auto", "flock"]
