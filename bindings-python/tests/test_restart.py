"""Restarting: once for all who ask at the same moment, as it was declared."""

from __future__ import annotations

import asyncio
import threading

import pytest

import spawnlock
from conftest import Scene, eventually, is_alive


def test_a_restart_ends_the_server_and_starts_it_again_as_it_was_declared(scene: Scene) -> None:
    first = scene.ensure(env={"COLOUR": "blue"})
    kinds: list[str] = []
    second = spawnlock.restart_server(scene.name, on_event=lambda event: kinds.append(event.kind))
    assert (second.origin, second.generation, second.url) == ("started", 2, first.url)
    assert scene.starts() == [first.pid, second.pid]
    assert not is_alive(first.pid)
    assert kinds == ["stopping", "starting", "ready"]
    assert scene.get("/env")["COLOUR"] == "blue"


def test_many_who_restart_at_once_are_one_restart(scene: Scene) -> None:
    scene.ensure("--die-slowly", "700")
    servers: list[spawnlock.Server] = []
    threads = [threading.Thread(target=lambda: servers.append(spawnlock.restart_server(scene.name))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [server.generation for server in servers] == [2] * 12
    assert sorted(server.origin for server in servers) == ["joined"] * 11 + ["started"]
    assert len(scene.starts()) == 2


def test_a_server_restarts_itself_once_for_all_who_hold_it(scene: Scene) -> None:
    first = scene.ensure()
    second = first.restart()
    assert (second.origin, second.generation) == ("started", 2)
    told = first.restart()
    assert (told.origin, told.generation, told.pid) == ("joined", 2, second.pid)


def test_only_the_generation_that_was_asked_for_is_restarted(scene: Scene) -> None:
    scene.ensure()
    assert spawnlock.restart_server(scene.name, only_generation=1).origin == "started"
    assert spawnlock.restart_server(scene.name, only_generation=1, stop_timeout=5, break_after=60).origin == "joined"
    with pytest.raises(spawnlock.SpawnlockError) as caught:
        spawnlock.restart_server(scene.name, only_generation=7)
    assert caught.value.code == "ERR_SPAWNLOCK_NOT_RUNNING"


def test_a_wrong_option_is_named(scene: Scene) -> None:
    with pytest.raises(spawnlock.SpawnlockConfigError, match="only_generation"):
        spawnlock.restart_server(scene.name, only_generation=-1)
    with pytest.raises(spawnlock.SpawnlockConfigError, match="break_after"):
        spawnlock.restart_server(scene.name, break_after=-1)


def test_the_loop_runs_on_while_a_server_is_restarted(scene: Scene) -> None:
    async def restart() -> tuple[int, list[spawnlock.Server]]:
        first = await spawnlock.ensure_server_async(scene.name, **scene.options("--die-slowly", "500"))
        waits = [asyncio.create_task(spawnlock.restart_server_async(scene.name)) for _ in range(8)]
        turns = 0
        while not all(wait.done() for wait in waits):
            await asyncio.sleep(0.005)
            turns += 1
        return turns, [*(wait.result() for wait in waits), await first.restart_async()]

    turns, servers = asyncio.run(restart())
    assert turns > 10
    assert [server.generation for server in servers] == [2] * 9
    assert len(scene.starts()) == 2


def test_cancelling_the_task_ends_a_restart(scene: Scene) -> None:
    async def cancel_it() -> None:
        server = await spawnlock.ensure_server_async(scene.name, **scene.options("--die-slowly", "1500"))
        stopping = threading.Event()
        task = asyncio.create_task(spawnlock.restart_server_async(scene.name, on_event=lambda _: stopping.set()))
        while not stopping.is_set():
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        eventually(lambda: not is_alive(server.pid), "it dies of the signal it was sent")

    asyncio.run(cancel_it())
    assert len(scene.starts()) == 1
