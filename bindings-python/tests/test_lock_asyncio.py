"""The lock alone, under asyncio."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import spawnlock
from spawnlock import SpawnLock
from spawnlock.types import LockKind

both_kinds = pytest.mark.parametrize("kind", ["flock", "excl"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "the.lock"


@both_kinds
def test_tasks_of_one_loop_take_turns(path: Path, kind: LockKind) -> None:
    inside: list[int] = []

    async def turns(lock: SpawnLock) -> None:
        for _ in range(5):
            async with lock as same:
                assert same.held
                inside.append(1)
                await asyncio.sleep(0)
                assert inside == [1]
                inside.pop()

    async def all_of_them() -> None:
        one = SpawnLock(path, lock=kind, timeout=30)
        await asyncio.gather(turns(one), turns(one), turns(SpawnLock(path, lock=kind, timeout=30)))

    asyncio.run(all_of_them())


@both_kinds
def test_the_same_task_taking_it_twice_is_an_error(path: Path, kind: LockKind) -> None:
    async def twice() -> None:
        lock = SpawnLock(path, lock=kind)
        async with lock:
            with pytest.raises(spawnlock.SpawnlockError) as raised:
                await lock.acquire_async()
            assert raised.value.code == "ERR_SPAWNLOCK_RECURSIVE"
            assert lock.held
        assert not lock.held

    asyncio.run(twice())


@both_kinds
def test_the_loop_goes_on_while_a_task_waits_and_a_cancelled_wait_holds_nothing(path: Path, kind: LockKind) -> None:
    async def wait() -> None:
        async with SpawnLock(path, lock=kind):
            pass

    async def beside() -> None:
        with SpawnLock(path, lock=kind):
            task = asyncio.create_task(wait())
            # The wait holds nobody up: the loop turns.
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert not task.done()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with SpawnLock(path, lock=kind, timeout=20) as lock:
            assert lock.held

    asyncio.run(beside())


@both_kinds
def test_a_time_that_passes_is_an_error(path: Path, kind: LockKind) -> None:
    async def late() -> None:
        with pytest.raises(TimeoutError):
            await SpawnLock(path, lock=kind).acquire_async(timeout=0.05)

    with SpawnLock(path, lock=kind):
        asyncio.run(late())
