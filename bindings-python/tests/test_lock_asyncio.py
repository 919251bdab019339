"""The lock alone under asyncio: tasks wait for each other, and the loop for nobody."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import spawnlock
from conftest import Desk, elsewhere, eventually
from spawnlock import SpawnlockError, SpawnlockTimeoutError


def test_an_asynchronous_block_holds_it_and_gives_it_back(desk: Desk) -> None:
    async def use() -> None:
        async with desk.lock() as lock:
            assert lock.held and not desk.is_free()
        assert not lock.held and desk.is_free()

    asyncio.run(use())


def test_an_acquire_is_a_scope_of_what_it_took(desk: Desk) -> None:
    async def use() -> None:
        lock = desk.lock()
        async with await lock.acquire_async(timeout=5) as same:
            assert same is lock and not desk.is_free()
        assert desk.is_free()
        with await lock.acquire_async():
            assert lock.held
        assert desk.is_free()

    asyncio.run(use())


@pytest.mark.parametrize("shared", [True, False])
def test_tasks_of_one_loop_take_turns(desk: Desk, shared: bool) -> None:
    the_lock, inside, most = desk.lock(), 0, 0

    async def take_turns() -> None:
        nonlocal inside, most
        lock = the_lock if shared else desk.lock()
        for _ in range(5):
            async with lock:
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

    async def all_of_them() -> None:
        await asyncio.gather(*(take_turns() for _ in range(8)))

    asyncio.run(all_of_them())
    assert most == 1 and desk.is_free()


def test_a_task_releases_only_its_own(desk: Desk) -> None:
    async def use() -> None:
        async with desk.lock() as lock:

            async def another() -> tuple[bool, bool]:
                return lock.held, lock.release()

            assert await asyncio.create_task(another()) == (False, False)
            assert elsewhere(lambda: (lock.held, lock.release())) == (False, False)
            assert lock.held and not desk.is_free()
            assert lock.release()
        assert desk.is_free()

    asyncio.run(use())


def test_the_same_task_cannot_take_it_twice_unless_it_is_reentrant(desk: Desk) -> None:
    async def use() -> None:
        async with desk.lock() as lock:
            with pytest.raises(SpawnlockError) as caught:
                await lock.acquire_async()
            assert caught.value.code == "ERR_SPAWNLOCK_RECURSIVE"
            async with desk.lock(reentrant=True):
                pass
            assert lock.held and not desk.is_free()

    asyncio.run(use())
    assert desk.is_free()


def test_a_wait_belongs_to_the_task_that_asks_even_if_another_awaits_it(desk: Desk) -> None:
    async def use() -> None:
        lock = desk.lock()
        await asyncio.wait_for(lock.acquire_async(), 20)
        assert lock.held and lock.release()
        await asyncio.create_task(lock.acquire_async())
        assert lock.held and lock.release()

    asyncio.run(use())
    assert desk.is_free()


def test_what_a_task_left_behind_is_released_by_whoever_ends_it(desk: Desk) -> None:
    """Fixtures of test runners begin in one task and end in another."""

    @asynccontextmanager
    async def fixture() -> AsyncIterator[spawnlock.SpawnLock]:
        async with desk.lock() as lock:
            yield lock

    async def use() -> None:
        scope = fixture()
        lock = await asyncio.create_task(scope.__aenter__())
        assert not desk.is_free() and lock.held
        await asyncio.create_task(scope.__aexit__(None, None, None))
        assert desk.is_free()

    asyncio.run(use())


def test_a_deadline_is_raised_where_it_is_awaited(desk: Desk) -> None:
    holder = desk.holder()

    async def use() -> None:
        for wait in (desk.lock(timeout=0.05).acquire_async(), desk.lock().acquire_async(0.05), desk.lock().acquire_async(blocking=False)):
            with pytest.raises(SpawnlockTimeoutError, match=str(holder.pid)):
                await wait
        with pytest.raises(ValueError, match="`timeout`"):
            await desk.lock().acquire_async(-1)

    asyncio.run(use())


def test_the_loop_runs_on_and_its_executor_is_not_used(desk: Desk) -> None:
    holder = desk.holder()

    async def count_while_waiting() -> int:
        waits = [asyncio.create_task(turn()) for _ in range(32)]
        turns = 0
        while not all(wait.done() for wait in waits):
            await asyncio.sleep(0.005)
            turns += 1
            if turns == 40:
                assert not any(wait.done() for wait in waits)
                holder.communicate("\n")
        assert getattr(asyncio.get_running_loop(), "_default_executor", None) is None
        assert [wait.exception() for wait in waits] == [None] * 32
        return turns

    async def turn() -> None:
        async with desk.lock():
            pass

    assert asyncio.run(count_while_waiting()) > 40
    eventually(lambda: threading.active_count() == 1, "the threads of the waits have ended")


def test_a_cancelled_wait_ends_and_the_next_one_is_served(desk: Desk) -> None:
    holder = desk.holder()

    async def use() -> None:
        first, second = desk.lock(), desk.lock()
        cancelled, next_one = (asyncio.create_task(lock.acquire_async()) for lock in (first, second))
        while threads_of_waits() < 2:
            await asyncio.sleep(0.001)
        begin = time.monotonic()
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert time.monotonic() - begin < 1
        holder.communicate("\n")
        await next_one

    asyncio.run(use())


def threads_of_waits() -> int:
    """How many waits of this process are under way: each has a thread of its own."""
    return [comm.read_text() for comm in Path("/proc/self/task").glob("*/comm")].count("spawnlock\n")


def test_a_task_that_is_cancelled_in_the_moment_of_its_turn_holds_nothing(desk: Desk) -> None:
    chance = random.Random(3)

    async def once() -> None:
        lock, waiting = desk.lock(), desk.lock()
        await lock.acquire_async()

        async def wait() -> None:
            async with waiting:
                pass

        task = asyncio.create_task(wait())
        await asyncio.sleep(0.002)
        lock.release()
        await asyncio.sleep(chance.random() * 0.002)
        task.cancel()
        await asyncio.wait([task])
        assert desk.is_free()

    async def many_times() -> None:
        for _ in range(60):
            await once()

    asyncio.run(many_times())


def test_a_block_whose_task_is_cancelled_gives_it_back(desk: Desk) -> None:
    async def use() -> None:
        inside = asyncio.Event()

        async def stay() -> None:
            async with desk.lock():
                inside.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(stay())
        await inside.wait()
        task.cancel()
        await asyncio.wait([task])
        assert desk.is_free()

    asyncio.run(use())


def test_a_timeout_around_it_cancels_the_wait(desk: Desk) -> None:
    desk.holder()

    async def hurry() -> None:
        await asyncio.wait_for(desk.lock().acquire_async(), 0.1)

    begin = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(hurry())
    assert time.monotonic() - begin < 5


def test_ctrl_c_ends_a_program_that_awaits(desk: Desk) -> None:
    desk.holder()
    waiter = desk.python(
        "import asyncio\n"
        "async def main():\n"
        "    asyncio.get_running_loop().call_soon(print, 'waiting')\n"
        "    async with lock: pass\n"
        "try: asyncio.run(main())\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    assert waiter.stdout is not None and waiter.stdout.readline() == "waiting\n"
    waiter.send_signal(signal.SIGINT)
    assert waiter.communicate(timeout=5)[0].endswith("interrupted\n")


def test_a_program_that_abandons_its_waits_ends(desk: Desk) -> None:
    desk.holder()
    program = desk.python(
        "import asyncio\n"
        "async def main():\n"
        "    waits = [asyncio.create_task(lock.acquire_async()) for _ in range(4)]\n"
        "    await asyncio.sleep(0.05)\n"
        "asyncio.run(main())\n"
        "print('over')\n"
    )
    assert program.communicate(timeout=10)[0] == "over\n" and program.returncode == 0
