"""`with server(…)` and `async with server(…)`: the last user has it stopped. And kicks, that nobody waits for."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

import spawnlock
from conftest import Scene, eventually, is_alive


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


def test_a_scope_leaves_a_server_alone_that_somebody_wants_kept(scene: Scene) -> None:
    with spawnlock.server(scene.name, **scene.options()) as server:
        assert scene.ensure().pid == server.pid
    assert is_alive(server.pid)


def test_scopes_nest_and_the_last_one_stops_the_server(scene: Scene) -> None:
    scope = spawnlock.server(scene.name, **scene.options())
    with scope as outer:
        with scope as inner:
            assert (outer.origin, inner.origin) == ("started", "reused")
        assert is_alive(outer.pid)
    assert not is_alive(outer.pid)


def test_the_one_who_started_it_may_leave_before_the_others(scene: Scene) -> None:
    with spawnlock.server(scene.name, **scene.options()) as first:
        other = scene.python(
            "import time\nwith spawnlock.server(name, command=command, ready=ready) as s:\n    print(s.origin, flush=True); time.sleep(60)"
        )
        assert other.stdout is not None and other.stdout.readline() == "reused\n"
    assert is_alive(first.pid), "another uses it still"
    os.kill(other.pid, signal.SIGKILL)
    eventually(lambda: not is_alive(first.pid), "the server is gone")


def test_a_killed_scope_has_its_server_stopped_all_the_same(scene: Scene) -> None:
    code = "with spawnlock.server(name, command=command, ready=ready) as s:\n    import os; os.kill(os.getpid(), 9)"
    assert scene.python(code).wait(20) == -signal.SIGKILL
    eventually(lambda: len(scene.starts()) == 1 and not any(map(is_alive, scene.starts())), "the server is gone")


def test_a_server_lingers_until_it_is_used_again(scene: Scene) -> None:
    with spawnlock.server(scene.name, **scene.options(linger=0.7)) as first:
        pass
    with spawnlock.server(scene.name, **scene.options(linger=0.7)) as second:
        assert (second.origin, second.pid) == ("reused", first.pid)
    eventually(lambda: not is_alive(first.pid), "the server is gone")


def test_a_release_is_the_end_of_a_use(scene: Scene) -> None:
    server = scene.ensure(stop="last")
    server.release()
    server.release()
    eventually(lambda: not is_alive(server.pid), "the server is gone")


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
        assert spawnlock.server_status(scene.name).state == "running"
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


def test_a_kick_returns_and_the_server_comes_up_although_the_process_ends(scene: Scene) -> None:
    client = scene.python("import os\nprint(spawnlock.kick_server(name, command=command, ready=ready).state, flush=True)\nos._exit(0)")
    assert client.stdout is not None and client.stdout.read() == "started\n"
    eventually(lambda: spawnlock.server_status(scene.name).state == "running", "the server is ready")
    assert len(scene.starts()) == 1


def test_a_kick_tells_what_it_found(scene: Scene) -> None:
    started = spawnlock.kick_server(scene.name, **scene.options("--delay", "300"))
    assert (started.state, started.server, started.error) == ("started", None, None)
    server = scene.ensure()
    running = spawnlock.kick_server(scene.name, **scene.options())
    assert running.state == "running" and running.server is not None and running.server.pid == server.pid


def test_a_kick_raises_for_wrong_options_and_for_nothing_else(scene: Scene) -> None:
    with pytest.raises(spawnlock.SpawnlockConfigError):
        spawnlock.kick_server(scene.name, **scene.options(shell="true"))
    with pytest.raises(spawnlock.SpawnlockConfigError, match="linger"):
        spawnlock.kick_server(scene.name, **scene.options(stop="never", linger=1))
    failed = spawnlock.kick_server(scene.name, ready=scene.url)
    assert failed.state == "failed" and failed.error is not None and failed.error.code == "ERR_SPAWNLOCK_NOT_RUNNING"
