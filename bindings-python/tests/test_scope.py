"""`with server(…)` and `async with server(…)`: who started it stops it."""

from __future__ import annotations

import asyncio
import os

import pytest

import spawnlock
from conftest import Scene, is_alive


def test_a_scope_stops_the_server_it_started(scene: Scene) -> None:
    with spawnlock.server(scene.name, **scene.options()) as server:
        assert server.origin == "started" and is_alive(server.pid)
    assert not is_alive(server.pid)


def test_a_scope_leaves_a_server_alone_that_ran_before(scene: Scene) -> None:
    scene.ensure()
    with spawnlock.server(scene.name, **scene.options()) as server:
        assert server.origin == "reused"
    assert is_alive(server.pid)


def test_a_scope_that_fails_stops_its_server_and_passes_the_error_on(scene: Scene) -> None:
    with pytest.raises(LookupError), spawnlock.server(scene.name, **scene.options()) as server:
        raise LookupError
    assert not is_alive(server.pid)


def test_a_scope_does_not_mind_a_server_that_is_stopped_already(scene: Scene) -> None:
    with spawnlock.server(scene.name, **scene.options()) as server:
        server.stop()
    assert not is_alive(server.pid)


def test_a_scope_does_not_stop_the_successor_of_its_server(scene: Scene) -> None:
    with spawnlock.server(scene.name, **scene.options()) as server:
        server.stop()
        successor = scene.ensure()
    assert is_alive(successor.pid)


def test_scopes_nest(scene: Scene) -> None:
    scope = spawnlock.server(scene.name, **scene.options())
    with scope as outer:
        with scope as inner:
            assert (outer.origin, inner.origin) == ("started", "reused")
        assert is_alive(outer.pid)
    assert not is_alive(outer.pid)


@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_that_leaves_the_scope_stops_nothing(scene: Scene) -> None:
    scope = spawnlock.server(scene.name, **scene.options())
    with scope as server:
        child = os.fork()
        if child == 0:
            scope.__exit__()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert is_alive(server.pid)
    assert not is_alive(server.pid)


def test_an_asynchronous_scope_stops_the_server_it_started(scene: Scene) -> None:
    async def use() -> int | None:
        async with spawnlock.server(scene.name, **scene.options()) as server:
            assert server.origin == "started" and is_alive(server.pid)
        return server.pid

    assert not is_alive(asyncio.run(use()))


def test_an_asynchronous_scope_leaves_a_server_alone_that_ran_before(scene: Scene) -> None:
    async def use() -> int | None:
        async with spawnlock.server(scene.name, **scene.options()) as server:
            return server.pid

    scene.ensure()
    assert is_alive(asyncio.run(use()))


def test_an_asynchronous_scope_whose_task_is_cancelled_stops_its_server(scene: Scene) -> None:
    pids: list[int | None] = []

    async def use() -> None:
        async with spawnlock.server(scene.name, **scene.options()) as server:
            pids.append(server.pid)
            await asyncio.sleep(60)

    async def cancel_it() -> None:
        task = asyncio.create_task(use())
        while not pids:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_it())
    assert not is_alive(pids[0])
