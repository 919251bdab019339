"""The lock alone: between processes, threads and forks, and beside the locks of other tools."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import spawnlock
from conftest import eventually
from spawnlock import SpawnLock
from spawnlock.types import LockKind

HOLD = """
import sys, time
from spawnlock import SpawnLock
with SpawnLock(sys.argv[1], lock=sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""
WAIT = """
import sys, time
from spawnlock import SpawnLock
print("asking", flush=True)
try:
    SpawnLock(sys.argv[1], lock=sys.argv[2]).acquire()
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
"""
OLD = time.time() - 3600

both_kinds = pytest.mark.parametrize("kind", ["flock", "excl"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "the.lock"


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def run(processes: list[subprocess.Popen[str]], code: str, path: Path, kind: str) -> subprocess.Popen[str]:
    """Another process, once it has said its first line."""
    arguments = [sys.executable, "-c", code, str(path), kind]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    processes.append(process)
    assert process.stdout is not None and process.stdout.readline() in ("held\n", "asking\n")
    return process


def elsewhere(path: Path, kind: LockKind) -> bool:
    """Whether another thread could have the lock now."""
    found: list[bool] = []

    def look() -> None:
        lock = SpawnLock(path, lock=kind)
        found.append(lock.try_acquire())
        lock.release()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


@both_kinds
def test_a_with_block_holds_it_and_its_end_releases_it(path: Path, kind: LockKind) -> None:
    with SpawnLock(path, lock=kind) as lock:
        assert lock.held and lock.is_locked and lock.kind == kind and lock.path == path
        assert not elsewhere(path, kind)
        holder = SpawnLock.holder_of(path, lock=kind)
        assert holder is not None and lock.holder is not None
        assert (holder.pid, holder.token) == (os.getpid(), lock.holder.token)
    assert not lock.held and not lock.is_locked and lock.holder is None
    assert SpawnLock.holder_of(path, lock=kind) is None and elsewhere(path, kind)


@both_kinds
def test_an_exception_in_the_block_releases_it(path: Path, kind: LockKind) -> None:
    with pytest.raises(ZeroDivisionError), SpawnLock(path, lock=kind):
        raise ZeroDivisionError
    assert elsewhere(path, kind)


@both_kinds
def test_acquire_with_a_time_is_a_block_too(path: Path, kind: LockKind) -> None:
    lock = SpawnLock(str(path), lock=kind, timeout=timedelta(seconds=20))
    with lock.acquire(timeout=1) as same:
        assert same is lock and lock.held
    assert not lock.held
    assert lock.acquire() and lock.release() and not lock.release()


@both_kinds
def test_another_process_is_waited_for(path: Path, kind: LockKind, processes: list[subprocess.Popen[str]]) -> None:
    other = run(processes, HOLD, path, kind)
    lock = SpawnLock(path, lock=kind)
    assert not lock.try_acquire()
    with pytest.raises(spawnlock.SpawnlockTimeoutError) as raised:
        lock.acquire(timeout=0.05)
    assert raised.value.code == "ERR_SPAWNLOCK_LOCK_TIMEOUT" and raised.value.pid == other.pid
    with pytest.raises(TimeoutError):
        lock.acquire(blocking=False)
    other.communicate()
    with lock:
        assert lock.held


@both_kinds
def test_a_killed_holder_holds_nothing(path: Path, kind: LockKind, processes: list[subprocess.Popen[str]]) -> None:
    other = run(processes, HOLD, path, kind)
    other.kill()
    with SpawnLock(path, lock=kind, timeout=20) as lock:
        assert lock.held


@both_kinds
def test_threads_take_turns_also_through_one_object(path: Path, kind: LockKind) -> None:
    lock = SpawnLock(path, lock=kind)
    inside: list[int] = []

    def turns() -> None:
        for _ in range(20):
            with lock:
                inside.append(1)
                assert inside == [1]
                inside.pop()

    threads = [threading.Thread(target=turns) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == [] and not lock.is_locked


@both_kinds
def test_taking_it_twice_is_an_error_and_no_deadlock(path: Path, kind: LockKind) -> None:
    lock = SpawnLock(path, lock=kind)
    with lock:
        for again in (lock, SpawnLock(path, lock=kind)):
            with pytest.raises(spawnlock.SpawnlockError) as raised:
                again.acquire()
            assert raised.value.code == "ERR_SPAWNLOCK_RECURSIVE"
        assert lock.held


@both_kinds
def test_a_reentrant_one_is_released_with_its_last_share(path: Path, kind: LockKind) -> None:
    lock = SpawnLock(path, lock=kind, reentrant=True)
    with lock:
        with lock:
            assert not elsewhere(path, kind)
        assert lock.held and not elsewhere(path, kind)
    assert elsewhere(path, kind)


@both_kinds
def test_a_forked_child_holds_nothing_and_releases_nothing(path: Path, kind: LockKind) -> None:
    lock = SpawnLock(path, lock=kind)
    with lock:
        child = os.fork()
        if child == 0:
            os._exit(int(lock.held or lock.is_locked or lock.release()))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert lock.held and not elsewhere(path, kind)


@both_kinds
def test_an_object_that_is_forgotten_releases_what_it_held(path: Path, kind: LockKind) -> None:
    lock = SpawnLock(path, lock=kind)
    lock.acquire()
    assert not elsewhere(path, kind)
    del lock
    gc.collect()
    assert elsewhere(path, kind)


@both_kinds
def test_ctrl_c_ends_a_wait(path: Path, kind: LockKind, processes: list[subprocess.Popen[str]]) -> None:
    with SpawnLock(path, lock=kind):
        waiter = run(processes, WAIT, path, kind)
        eventually(lambda: waits(waiter.pid), "the other process waits")
        sent = time.monotonic()
        waiter.send_signal(signal.SIGINT)
        assert waiter.stdout is not None
        word, at = waiter.stdout.readline().split()
    assert word == "interrupted" and float(at) - sent < 2


def waits(pid: int) -> bool:
    """Whether a process has come to wait for a lock: it has a bell to be woken by."""
    return any("eventfd" in str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink())


@both_kinds
def test_other_threads_run_while_one_waits(path: Path, kind: LockKind, processes: list[subprocess.Popen[str]]) -> None:
    other = run(processes, HOLD, path, kind)
    waiter = threading.Thread(target=lambda: SpawnLock(path, lock=kind).acquire().__exit__(None, None, None))
    waiter.start()
    # This very thread goes on, and ends what the other one waits for.
    assert waiter.is_alive()
    other.communicate()
    waiter.join(20)
    assert not waiter.is_alive()


def test_what_happens_is_told(path: Path, processes: list[subprocess.Popen[str]]) -> None:
    other = run(processes, HOLD, path, "flock")
    told: list[spawnlock.Event] = []
    with pytest.raises(spawnlock.SpawnlockTimeoutError):
        SpawnLock(path, lock="flock", on_event=told.append).acquire(timeout=1.3)
    assert [event.kind for event in told] == ["waiting"]
    assert told[0].holder is not None and told[0].holder.pid == other.pid


@pytest.mark.parametrize("text", ['{{"pid":{pid},"timestamp":1700000000000}}', "{pid}\n1700000000000\nabc\n", "{pid}"])
def test_the_lock_of_an_old_script_is_honoured_while_its_process_lives(path: Path, text: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    path.write_text(text.format(pid=child.pid))
    os.utime(path, (OLD, OLD))
    assert not SpawnLock(path, lock="excl").try_acquire()
    child.communicate()
    with SpawnLock(path, lock="excl", timeout=20) as lock:
        assert lock.held


@pytest.mark.parametrize("text", ["", "garbage", "{"])
def test_a_file_that_names_nobody_is_judged_by_its_age(path: Path, text: str) -> None:
    path.write_text(text)
    assert not SpawnLock(path, lock="excl").try_acquire()
    os.utime(path, (OLD, OLD))
    with SpawnLock(path, lock="excl", timeout=20) as lock:
        assert lock.held


def test_old_scripts_can_read_ours(path: Path) -> None:
    before = time.time() * 1000
    with SpawnLock(path, lock="excl"):
        written = json.loads(path.read_text())
    assert written["pid"] == os.getpid() and before - 5 <= written["timestamp"] <= time.time() * 1000 + 5
    assert not path.exists()


def test_a_soft_file_lock_of_filelock_and_ours_exclude_each_other(path: Path) -> None:
    filelock = pytest.importorskip("filelock")
    with filelock.SoftFileLock(path):
        assert not SpawnLock(path, lock="excl").try_acquire()
    with SpawnLock(path, lock="excl"), pytest.raises(filelock.Timeout):
        filelock.SoftFileLock(path).acquire(timeout=0)


def test_a_file_lock_of_filelock_and_ours_exclude_each_other(path: Path) -> None:
    filelock = pytest.importorskip("filelock")
    with filelock.FileLock(path):
        assert not SpawnLock(path, lock="flock").try_acquire()
    with SpawnLock(path, lock="flock"), pytest.raises(filelock.Timeout):
        filelock.FileLock(path).acquire(timeout=0)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"lock": "posix"}, "`posix`"),
        ({"timeout": -1}, "`timeout`"),
        ({"lock": "flock", "break_after": 1}, "`break_after`"),
        ({"lock": "excl", "stale_after": 0}, "`stale_after`"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_it(path: Path, options: dict[str, object], word: str) -> None:
    with pytest.raises(spawnlock.SpawnlockConfigError, match=word):
        SpawnLock(path, **options).acquire()  # type: ignore[arg-type]


def test_no_lock_at_all_is_an_error_at_once() -> None:
    with pytest.raises(spawnlock.SpawnlockError) as raised:
        SpawnLock("/proc/no/such.lock").acquire()
    assert raised.value.code == "ERR_SPAWNLOCK_LOCK_UNAVAILABLE" and raised.value.errno


def test_kernel_locks_work_here(tmp_path: Path) -> None:
    assert SpawnLock.test_flock(tmp_path) == "works"
    assert list(tmp_path.iterdir()) == []
