"""The asyncio forms keep out of the loop's way."""

from __future__ import annotations

import asyncio
import signal
import threading
import time

import pytest

import spawnlock
from conftest import Scene, eventually, is_alive


def test_awaiting_gives_the_server(scene: Scene) -> None:
    async def both() -> list[spawnlock.Server]:
        return [await spawnlock.ensure_server_async(scene.name, **scene.options()) for _ in range(2)]

    first, second = asyncio.run(both())
    assert (first.origin, second.origin, second.pid) == ("started", "reused", first.pid)


def test_the_loop_runs_on_and_its_executor_is_not_used(scene: Scene) -> None:
    async def count_while_waiting() -> int:
        loop = asyncio.get_running_loop()
        waits = [
            asyncio.create_task(spawnlock.ensure_server_async(scene.name, **scene.options("--initializing", "600"))) for _ in range(64)
        ]
        turns = 0
        while not all(wait.done() for wait in waits):
            await asyncio.sleep(0.005)
            turns += 1
        assert getattr(loop, "_default_executor", None) is None
        assert {wait.result().pid for wait in waits} == set(scene.starts())
        return turns

    assert asyncio.run(count_while_waiting()) > 10
    assert len(scene.starts()) == 1
    eventually(lambda: threading.active_count() == 1, "the threads of the waits have ended")


def test_a_failure_is_raised_where_it_is_awaited(scene: Scene) -> None:
    with pytest.raises(spawnlock.SpawnlockError) as caught:
        asyncio.run(spawnlock.ensure_server_async(scene.name, **scene.options(command=["/no/such/program"])))
    assert caught.value.code == "ERR_SPAWNLOCK_SPAWN"


def test_cancelling_the_task_ends_the_wait_and_leaves_the_server_to_the_next(scene: Scene) -> None:
    async def cancel_it() -> float:
        task = asyncio.create_task(spawnlock.ensure_server_async(scene.name, **scene.options("--initializing", "1500")))
        while not scene.starts():
            await asyncio.sleep(0.005)
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - begin

    assert asyncio.run(cancel_it()) < 1
    assert spawnlock.server_status(scene.name).state == "starting"
    assert [scene.ensure().pid] == scene.starts()


def test_a_cancelled_wait_has_let_go_of_the_lock(scene: Scene) -> None:
    async def cancel_it() -> spawnlock.Status:
        task = asyncio.create_task(spawnlock.ensure_server_async(scene.name, **scene.options("--never-healthy")))
        while not scene.starts():
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.wait([task])
        return spawnlock.server_status(scene.name)

    assert asyncio.run(cancel_it()).holder is None


def test_a_timeout_around_it_cancels_the_wait(scene: Scene) -> None:
    async def hurry() -> None:
        await asyncio.wait_for(spawnlock.ensure_server_async(scene.name, **scene.options("--never-healthy")), 0.3)

    begin = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(hurry())
    assert time.monotonic() - begin < 5


def test_a_function_is_asked_on_the_thread_of_the_wait(scene: Scene) -> None:
    threads: set[threading.Thread] = set()

    def ask() -> bool:
        threads.add(threading.current_thread())
        return len(scene.starts()) == 1

    asyncio.run(spawnlock.ensure_server_async(scene.name, **scene.options(ready=ask)))
    assert threads and threading.main_thread() not in threads


def test_an_exit_from_within_a_function_reaches_the_task(scene: Scene) -> None:
    def ask() -> bool:
        raise SystemExit(5)

    with pytest.raises(SystemExit) as caught:
        asyncio.run(spawnlock.ensure_server_async(scene.name, **scene.options(ready=ask)))
    assert caught.value.code == 5 and scene.starts() == []


def test_stopping_by_name_and_by_server_can_be_awaited(scene: Scene) -> None:
    async def stop_both_ways() -> list[int | None]:
        first = await spawnlock.ensure_server_async(scene.name, **scene.options())
        await first.stop_async()
        second = await spawnlock.ensure_server_async(scene.name, **scene.options())
        await spawnlock.stop_server_async(scene.name, stop_timeout=5, state_dir=scene.state_dir)
        return [first.pid, second.pid]

    assert not any(map(is_alive, asyncio.run(stop_both_ways())))


def test_ctrl_c_ends_a_program_that_awaits(scene: Scene) -> None:
    client = scene.python(
        "import asyncio\n"
        "try: asyncio.run(spawnlock.ensure_server_async(name, command=command + ['--never-healthy'], ready=ready))\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    eventually(scene.starts, "the server runs")
    client.send_signal(signal.SIGINT)
    assert client.communicate(timeout=5)[0] == "interrupted\n"


def test_a_program_that_only_ensures_ends_by_itself(scene: Scene) -> None:
    client = scene.python("import asyncio\nasyncio.run(spawnlock.ensure_server_async(name, command=command, ready=ready))\n")
    assert client.wait(10) == 0 and is_alive(scene.starts()[0])
