"""Inside a daemon: being the only one at a socket, and telling one's starter."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import socketserver
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import spawnlock
from conftest import ROOT, eventually
from spawnlock import SpawnlockConfigError, SpawnlockRunningError, claim_socket, notify, notify_ready

CLAIMER = Path(__file__).resolve().parent / "claimer.py"


@pytest.fixture
def path() -> Iterator[Path]:
    # The directories of pytest are longer than a socket's path may be.
    with tempfile.TemporaryDirectory(prefix="sl-claim-") as directory:
        yield Path(directory) / "d.sock"


class Daemon:
    """Another process that serves a socket."""

    def __init__(self, path: Path) -> None:
        line = [sys.executable, str(CLAIMER), str(path)]
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line: dict[str, Any] = json.loads(self.process.stdout.readline())
        return line

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def ask(path: Path) -> str:
    """What the server at a socket says."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(path))
        said = b""
        while part := client.recv(100):
            said += part
        return said.decode()


def test_a_claimed_socket_is_served_by_socketserver(path: Path) -> None:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"hello")

    with claim_socket(path) as claim, socketserver.UnixStreamServer(str(path), Handler, bind_and_activate=False) as server:
        assert claim.path == path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        server.socket.close()
        server.socket = socket.socket(fileno=claim.detach())
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        assert ask(path) == "hello"
        assert claim.still_owned()
        server.shutdown()
        serving.join()
    assert not path.exists()
    assert Path(f"{path}.lock").exists()
    assert (claim.close(), claim.still_owned(), claim.fileno()) == (False, False, -1)


def test_a_claimed_socket_is_served_by_asyncio(path: Path) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async def main() -> str:
        listener = socket.socket(fileno=claim.detach())
        async with await asyncio.start_unix_server(answer, sock=listener):
            return await asyncio.to_thread(ask, path)

    claim = claim_socket(path)
    assert asyncio.run(main()) == "hello"
    claim.close()
    assert not path.exists()


def test_a_descriptor_is_taken_once(path: Path) -> None:
    with claim_socket(path) as claim:
        number = claim.fileno()
        assert number > 2
        assert claim.detach() == number
        assert claim.fileno() == -1
        with pytest.raises(OSError, match="Bad file descriptor"):
            claim.detach()
        os.close(number)


def test_a_second_daemon_is_told_who_serves(path: Path) -> None:
    other = Daemon(path)
    assert other.line() == {"ok": True, "pid": other.process.pid}
    with pytest.raises(SpawnlockRunningError) as told:
        claim_socket(path)
    assert (told.value.code, told.value.pid) == ("ERR_SPAWNLOCK_RUNNING", other.process.pid)
    out, _ = other.process.communicate()
    assert json.loads(out) == {"stillOwned": True, "removed": True}

    with claim_socket(path):
        last = Daemon(path)
        assert last.line()["pid"] == os.getpid()
        assert last.process.wait(20) == 0
        last.process.communicate()


def test_of_many_threads_one_gets_the_socket(path: Path) -> None:
    def claim(_at: int) -> spawnlock.ClaimedSocket | None:
        try:
            return claim_socket(path)
        except SpawnlockRunningError:
            return None

    with ThreadPoolExecutor(20) as threads:
        got = [claim for claim in threads.map(claim, range(20)) if claim is not None]
    assert len(got) == 1
    got[0].close()


def test_the_socket_of_a_killed_daemon_is_replaced_and_what_is_no_socket_is_left_alone(path: Path) -> None:
    other = Daemon(path)
    other.line()
    other.kill()
    assert path.exists()
    claim_socket(path).close()

    path.write_text("a letter")
    with pytest.raises(SpawnlockConfigError, match="no socket"):
        claim_socket(path)
    assert path.read_text() == "a letter"
    with pytest.raises(SpawnlockConfigError, match="103"):
        claim_socket("/tmp/" + "x" * 200)


def test_one_whose_socket_was_replaced_is_told_when_it_asks_and_removes_nothing(path: Path) -> None:
    claim = claim_socket(path)
    path.unlink()
    assert not claim.still_owned()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(path))
        assert not claim.still_owned()
        assert claim.close() is False
        assert path.exists()


def test_a_forked_child_may_serve_and_closes_nothing(path: Path) -> None:
    claim = claim_socket(path)
    child = os.fork()
    if child == 0:
        # What a child does before it ends must not be pytest's.
        try:
            os._exit(0 if claim.close() is False and path.exists() else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert claim.still_owned()
    with pytest.raises(SpawnlockRunningError):
        claim_socket(path)
    assert claim.close()


def test_a_child_that_goes_on_keeps_the_socket_alive_when_its_parent_is_killed(path: Path) -> None:
    code = f"""
import os, socket, spawnlock
claim = spawnlock.claim_socket({str(path)!r})
server = socket.socket(fileno=claim.detach())
if os.fork() == 0:
    print(os.getpid(), flush=True)
    while True:
        server.accept()[0].close()
os.kill(os.getpid(), 9)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.wait(20)
        try:
            with pytest.raises(SpawnlockRunningError):
                claim_socket(path)
        finally:
            os.kill(worker, signal.SIGKILL)
    eventually(lambda: claim_when_free(path), "the socket is free once the worker is gone")


def claim_when_free(path: Path) -> bool:
    try:
        return claim_socket(path).close()
    except SpawnlockRunningError:
        return False


def test_a_claim_that_is_served_lasts_without_a_variable_and_one_that_is_not_does_not(path: Path) -> None:
    claim_socket(path)
    gc.collect()
    assert not path.exists()
    server = socket.socket(fileno=claim_socket(path).detach())
    gc.collect()
    with pytest.raises(SpawnlockRunningError):
        claim_socket(path)
    server.close()


@pytest.fixture
def starter() -> Iterator[socket.socket]:
    """Whoever waits to be told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(10)
        yield listener


def told_by(code: str, name: str) -> str:
    env = {**os.environ, "NOTIFY_SOCKET": name}
    server = subprocess.run(
        [sys.executable, "-c", f"import spawnlock; print({code})"], env=env, capture_output=True, text=True, check=False
    )
    return server.stdout.strip() or server.stderr


def test_a_starter_is_told_at_a_path_and_at_a_name(path: Path, starter: socket.socket) -> None:
    starter.bind(str(path))
    assert told_by("spawnlock.notify_ready(port=8080, status='warm')", str(path)) == "True"
    assert starter.recv(1000) == b"PORT=8080\nSTATUS=warm\nREADY=1"
    assert told_by("spawnlock.notify(stopping=True)", str(path)) == "True"
    assert starter.recv(1000) == b"STOPPING=1"
    if sys.platform == "linux":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as named:
            named.bind(f"\0spawnlock-{os.getpid()}")
            assert told_by("spawnlock.notify_ready()", f"@spawnlock-{os.getpid()}") == "True"
            assert named.recv(1000) == b"READY=1"


def test_a_starter_that_has_gone_or_does_not_read_is_no_reason_to_fail(path: Path, starter: socket.socket) -> None:
    assert told_by("spawnlock.notify_ready()", str(path)) == "False"
    starter.bind(str(path))
    until_nobody_takes_it = "next(heard for heard in iter(lambda: spawnlock.notify(status='busy'), None) if not heard)"
    assert told_by(until_nobody_takes_it, str(path)) == "False"


def test_a_variable_that_makes_no_sense_is_named(path: Path) -> None:
    assert "option `NOTIFY_SOCKET`" in told_by("spawnlock.notify_ready()", "somewhere")
    with pytest.raises(SpawnlockConfigError, match="`status`"):
        notify(status="two\nlines")
    for port in (-1, 0, 70_000):
        with pytest.raises(SpawnlockConfigError, match="`port`"):
            notify_ready(port=port)
    assert notify_ready() is False


def test_the_daemon_of_the_guide_runs(path: Path) -> None:
    line = [sys.executable, str(ROOT / "examples" / "daemon.py"), str(path)]
    with subprocess.Popen(line) as first:
        try:
            eventually(path.exists, "it listens")
            assert ask(path) == f"hello from {first.pid}\n"
            assert subprocess.run(line, check=False).returncode == 0
            first.terminate()
            assert first.wait(20) == 0
            assert not path.exists()
        finally:
            first.kill()
