"""The process that asks stays healthy: its signals, its threads, its forks, its output."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import spawnlock
from conftest import Scene, best_of_three, eventually, is_alive

ASK_AND_END = """
import asyncio, sys, spawnlock
asyncio.run(spawnlock.wait_for_async(sys.argv[1]))
"""

WAIT_AND_TELL = """
import sys, time
def tell(event): print(event.kind, flush=True)
try:
    spawnlock.ensure_server(name, command=command + sys.argv[1:], ready=ready, on_event=tell)
except KeyboardInterrupt:
    print("interrupted", time.monotonic(), flush=True)
"""


def interrupt(client: subprocess.Popen[str]) -> float:
    """Sends the signal of Ctrl-C; how long it took until the exception was raised."""
    assert client.stdout is not None
    sent = time.monotonic()
    client.send_signal(signal.SIGINT)
    word, at = client.stdout.readlines()[-1].split()
    assert word == "interrupted" and client.wait(10) == 0
    return float(at) - sent


def says(client: subprocess.Popen[str], word: str) -> bool:
    return client.stdout is not None and client.stdout.readline() == f"{word}\n"


def descriptors(pid: int | None) -> dict[str, str]:
    """What a process has open; what it closes while we look is not."""
    found: dict[str, str] = {}
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[fd.name] = str(fd.readlink())
    return found


def test_ctrl_c_ends_a_start_within_100_ms_and_leaves_the_server_to_the_next(scene: Scene) -> None:
    def once() -> float:
        client = scene.python(WAIT_AND_TELL, "--initializing", "2000")
        assert says(client, "starting")
        took = interrupt(client)
        assert spawnlock.server_status(scene.name).holder is None
        assert scene.ensure().pid == scene.starts()[-1]
        spawnlock.stop_server(scene.name)
        return took

    assert best_of_three(once) < 0.1


def test_ctrl_c_ends_a_wait_for_another_starter_within_100_ms(scene: Scene) -> None:
    def once() -> float:
        starter = scene.python(WAIT_AND_TELL, "--initializing", "4000")
        assert says(starter, "starting")
        waiter = scene.python(WAIT_AND_TELL)
        assert says(waiter, "waiting")
        took = interrupt(waiter)
        assert says(starter, "ready") and starter.wait(10) == 0
        spawnlock.stop_server(scene.name)
        return took

    assert best_of_three(once) < 0.1


def test_a_signal_handler_runs_while_waiting_and_the_wait_goes_on(scene: Scene) -> None:
    client = scene.python(
        "import signal\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('handled', flush=True))\n"
        "print('set', flush=True)\n"
        "print(spawnlock.ensure_server(name, command=command + ['--initializing', '1000'], ready=ready).origin)\n"
    )
    assert says(client, "set")
    assert client.stdout is not None
    eventually(scene.starts, "the server runs")
    client.send_signal(signal.SIGUSR1)
    assert client.stdout.read() == "handled\nstarted\n"


def test_ctrl_c_ends_a_stop_within_100_ms(scene: Scene) -> None:
    def once() -> float:
        client = scene.python(
            "import time\n"
            "server = spawnlock.ensure_server(name, command=command + ['--ignore-term'], ready=ready)\n"
            "print('ready', flush=True)\n"
            "try: server.stop()\n"
            "except KeyboardInterrupt: print('interrupted', time.monotonic(), flush=True)\n"
        )
        assert says(client, "ready")
        eventually(lambda: spawnlock.server_status(scene.name).holder, "the stop is under way")
        took = interrupt(client)
        spawnlock.stop_server(scene.name, stop_timeout=0)
        return took

    assert best_of_three(once) < 0.1


def test_other_threads_run_while_one_waits(scene: Scene) -> None:
    turns = 0
    done = threading.Event()

    def run() -> None:
        nonlocal turns
        while not done.wait(0.005):
            turns += 1

    thread = threading.Thread(target=run)
    thread.start()
    scene.ensure("--initializing", "500")
    done.set()
    thread.join()
    assert turns > 10


def test_captured_output_ends_while_the_server_lives(scene: Scene) -> None:
    code = f"import spawnlock; print(spawnlock.ensure_server('api', command={scene.command()!r}, ready={scene.url!r}).pid)"
    caller = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert is_alive(int(caller.stdout))


def test_the_server_holds_nothing_of_the_callers(scene: Scene, tmp_path: Path) -> None:
    mine = (tmp_path / "mine").open("w")
    os.set_inheritable(mine.fileno(), True)
    pid = scene.ensure().pid
    place = scene.state_dir / "api"
    inherited = {target for target in descriptors(pid).values() if not target.startswith(("socket:", "anon_inode:", "pipe:"))}
    assert inherited == {"/dev/null", str(place / "server.log"), str(place / "alive.lock")}
    mine.close()


def test_a_fork_while_holding_the_lock_keeps_nothing(scene: Scene) -> None:
    """The child of the fork lives on when the holder is killed; the next caller need not wait for it."""
    holder = scene.python(
        "import os, sys, threading, time\n"
        "def fork():\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        time.sleep(60)\n"
        "        os._exit(0)\n"
        "    print(child, flush=True)\n"
        "def tell(event):\n"
        "    if event.kind == 'starting': threading.Thread(target=fork).start()\n"
        "spawnlock.ensure_server(name, command=command + ['--initializing', '1500'], ready=ready, on_event=tell)\n"
    )
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    try:
        eventually(
            lambda: not [target for target in descriptors(child).values() if target.endswith(".lock")], "no lock is held by the child"
        )
        holder.kill()
        begin = time.monotonic()
        server = scene.ensure("--initializing", "1500")
        assert time.monotonic() - begin < 3
        assert [server.pid] == scene.starts()
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_fork_while_holding_the_lock_releases_nothing(scene: Scene) -> None:
    """The child unwinds out of the very call that holds the lock; its parent holds it still, and its server lives."""
    holder = scene.python(
        "import os, sys\n"
        "def tell(event):\n"
        "    if event.kind == 'starting':\n"
        "        child = os.fork()\n"
        "        if child == 0: sys.exit(3)\n"
        "        print(os.waitpid(child, 0)[1] >> 8, flush=True)\n"
        "print(spawnlock.ensure_server(name, command=command + ['--initializing', '1000'], ready=ready, on_event=tell).origin)\n"
    )
    assert holder.stdout is not None and holder.stdout.readline() == "3\n"
    held_by = spawnlock.server_status(scene.name).holder
    assert held_by is not None and held_by.pid == holder.pid
    assert scene.ensure("--initializing", "1000").origin == "joined"
    assert holder.stdout.read() == "started\n"
    assert len(scene.starts()) == 1


@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_can_ask_for_itself(scene: Scene) -> None:
    scene.ensure()
    child = os.fork()
    if child == 0:
        os._exit(0 if scene.ensure().origin == "reused" else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_no_zombie_stays_in_a_process_that_lives_on(scene: Scene) -> None:
    with pytest.raises(spawnlock.SpawnlockError):
        scene.ensure("--exit-after", "20", "--initializing", "60000")
    spawnlock.ensure_server(scene.name, **scene.options()).stop()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in scene.starts()), "no zombie is left")


def test_a_process_may_end_in_the_very_moment_in_which_a_wait_of_asyncio_has_ended(tmp_path: Path) -> None:
    file = tmp_path / "there"
    file.touch()
    clients = [subprocess.Popen([sys.executable, "-c", ASK_AND_END, f"file:{file}"], stderr=subprocess.PIPE, text=True) for _ in range(60)]
    ended = [(client.communicate(timeout=60)[1], client.returncode) for client in clients]
    assert ended == [("", 0)] * 60
