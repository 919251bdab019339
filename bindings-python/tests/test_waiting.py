"""Checks that ask no server, and waiting for anything."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

import spawnlock
from conftest import Scene, free_port
from spawnlock.types import Check


def test_a_line_of_the_log_a_file_and_the_word_of_the_server_make_it_ready(scene: Scene) -> None:
    events: list[spawnlock.Event] = []
    checks = ["log:listening on (?<port>\\d+)", "notify", f"file:{scene.starts_file}"]
    flags = ["--print", "listening on 4321", "--notify", "STATUS=nearly", "--notify", "READY=1"]
    server = scene.ensure(*flags, ready=checks, on_event=events.append)
    assert (server.origin, server.port, server.url) == ("started", 4321, "tcp://localhost:4321")
    assert [event.message for event in events if event.kind == "status"] == ["nearly"]
    assert scene.ensure(*flags, ready=checks).origin == "reused"


def test_a_command_makes_it_ready_and_runs_where_the_server_does(scene: Scene, tmp_path: Path) -> None:
    server = scene.ensure(ready={"exec": ["test", "-s", scene.starts_file.name]}, cwd=tmp_path)
    assert server.origin == "started"


def test_a_command_that_does_not_exist_is_a_wrong_option(scene: Scene) -> None:
    for check in ({"exec": ["no-such-program-here"]}, "exec:no-such-program-here"):
        with pytest.raises(spawnlock.SpawnlockConfigError, match="no-such-program-here"):
            scene.ensure(ready=check)
    assert scene.starts() == []


def test_a_status_is_in_the_error_of_one_that_is_never_ready(scene: Scene) -> None:
    with pytest.raises(spawnlock.SpawnlockTimeoutError, match="status   step 3 of 7") as caught:
        scene.ensure("--notify", "STATUS=step 3 of 7", ready="notify", timeout=0.5)
    assert caught.value.status == "step 3 of 7"


def test_a_wait_ends_when_everything_is_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        timer = threading.Timer(0.1, file.touch)
        timer.start()
        checks: list[Check] = [f"tcp:127.0.0.1:{listener.getsockname()[1]}", f"file:{file}", lambda: file.exists(), "exec:true"]
        spawnlock.wait_for(checks, timeout=timedelta(seconds=20), probe_timeout=5)
        timer.join()
    assert file.exists()


def test_a_wait_can_be_for_the_end_of_something(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(spawnlock.SpawnlockTimeoutError, match="still there"):
        spawnlock.wait_for(f"file:{file}", gone=True, timeout=0.1)
    timer = threading.Timer(0.1, file.unlink)
    timer.start()
    spawnlock.wait_for(f"file:{file}", gone=True, timeout=20)
    timer.join()


def test_an_error_names_each_check_that_failed() -> None:
    checks = [f"tcp:127.0.0.1:{free_port()}", "exec:echo no; exit 3", "exec:true"]
    with pytest.raises(spawnlock.SpawnlockTimeoutError) as caught:
        spawnlock.wait_for(checks, timeout=0.2)
    text = str(caught.value)
    assert text.startswith("2 of 3 checks were not ready") and "connection refused" in text and "exit code 3: no" in text


@pytest.mark.parametrize("wrong", ["localhost", "notify", "log:ready", "https-get://localhost", []])
def test_what_makes_no_sense_is_refused(wrong: str) -> None:
    with pytest.raises(spawnlock.SpawnlockConfigError, match="option `checks`"):
        spawnlock.wait_for(wrong)


def test_ctrl_c_ends_a_wait() -> None:
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        spawnlock.wait_for("file:/no/such/file", timeout=20)
    timer.join()


def test_a_wait_does_not_block_the_loop_and_ends_with_its_task(tmp_path: Path) -> None:
    file = tmp_path / "file"

    async def both() -> None:
        waiting = asyncio.create_task(spawnlock.wait_for_async(f"file:{file}", timeout=20))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        file.touch()
        await waiting
        never = asyncio.create_task(spawnlock.wait_for_async("file:/no/such/file", timeout=20))
        await asyncio.sleep(0.05)
        never.cancel()
        with pytest.raises(asyncio.CancelledError):
            await never

    asyncio.run(both())
