"""One server of one test: its place, its port, what it was started as, and proof that nothing of it stays behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

import spawnlock
from spawnlock.types import LockKind, Options

ROOT = Path(__file__).resolve().parent.parent.parent
FIXTURE = Path(os.environ.get("SPAWNLOCK_FIXTURE", ROOT / "target" / "debug" / "fixture-server"))
T = TypeVar("T")
CONTENDER = Path(__file__).resolve().parent / "contender.py"


class Scene:
    """A name, a port, a private state directory, and a file to which every started server appends its pid."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state_dir = directory / "state"
        self.starts_file = directory / "starts"
        self.name = "api"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/health"
        self._clients: list[subprocess.Popen[str]] = []

    def command(self, *flags: str) -> list[str]:
        """The fixture server, listening on the port of this scene."""
        return [str(FIXTURE), "--port", str(self.port), "--starts", str(self.starts_file), *flags]

    def options(self, *flags: str, **others: Any) -> Options:
        options: Any = {"command": self.command(*flags), "ready": self.url, "timeout": 20, **others}
        return cast("Options", options)

    def ensure(self, *flags: str, **others: Any) -> spawnlock.Server:
        return spawnlock.ensure_server(self.name, **self.options(*flags, **others))

    def starts(self) -> list[int]:
        """The pid of every server that was ever started here: an oracle that cannot be argued with."""
        return [int(line) for line in self.starts_file.read_text().split()] if self.starts_file.exists() else []

    def get(self, page: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{page}", timeout=5) as answer:
            return json.load(answer)

    def python(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """A Python process that runs `code`; `options` and `name` of this scene are its first lines."""
        setting = f"import json, spawnlock\nname = {self.name!r}\ncommand = {self.command()!r}\nready = {self.url!r}\n"
        client = subprocess.Popen([sys.executable, "-c", setting + code, *arguments], stdout=subprocess.PIPE, text=True)
        self._clients.append(client)
        return client

    def contender(self, gate: Path, timeout_ms: int, *flags: str) -> subprocess.Popen[str]:
        asked = ["--name", self.name, "--ready", self.url, "--timeout-ms", str(timeout_ms)]
        line = [
            sys.executable,
            str(CONTENDER),
            *asked,
            "--state-dir",
            str(self.state_dir),
            "--gate",
            str(gate),
            "--",
            *self.command(*flags),
        ]
        client = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        self._clients.append(client)
        return client

    def end(self) -> None:
        for client in self._clients:
            if client.poll() is None:
                client.kill()
            client.communicate()
        for pid in filter(self.is_ours, self.starts()):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not any(map(self.is_ours, self.starts())), "the servers of the test are gone")

    def is_ours(self, pid: int) -> bool:
        """Whether this number still means a server of this scene, and not a later process."""
        return str(self.starts_file) in command_line(pid)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    assert FIXTURE.exists(), f"{FIXTURE} is missing: cargo build -p spawnlock-tests --bin fixture-server"
    scene = Scene(tmp_path)
    monkeypatch.setenv("SPAWNLOCK_STATE_DIR", str(scene.state_dir))
    yield scene
    scene.end()


class Desk:
    """One lock of one test, and the processes that want it too."""

    def __init__(self, directory: Path, kind: LockKind) -> None:
        self.directory = directory
        self.path = directory / "the.lock"
        self.kind = kind
        self._clients: list[subprocess.Popen[str]] = []

    def lock(self, **options: Any) -> spawnlock.SpawnLock:
        return spawnlock.SpawnLock(self.path, **{"lock": self.kind, "timeout": 20, **options})

    def is_free(self) -> bool:
        """Whether another thread gets it at once."""

        def try_it() -> bool:
            lock = self.lock()
            return lock.try_acquire() and lock.release()

        return elsewhere(try_it)

    def python(self, code: str) -> subprocess.Popen[str]:
        """A Python process that runs `code`, which knows this lock as `lock`."""
        setting = f"import spawnlock\nlock = spawnlock.SpawnLock({str(self.path)!r}, lock={self.kind!r}, timeout=20)\n"
        client = subprocess.Popen([sys.executable, "-uc", setting + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._clients.append(client)
        return client

    def holder(self) -> subprocess.Popen[str]:
        """A process that holds it until its stdin ends."""
        holder = self.python("with lock: print('held'); input()\n")
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        return holder

    def end(self) -> None:
        for client in self._clients:
            if client.poll() is None:
                client.kill()
            client.communicate()


@pytest.fixture(params=["flock", "excl"])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    desk = Desk(tmp_path, request.param)
    yield desk
    desk.end()


@pytest.fixture
def excl(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, "excl")
    yield desk
    desk.end()


def elsewhere(what: Callable[[], T]) -> T:
    """What a thread of its own gets."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(what).result(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def is_alive(pid: int | None) -> bool:
    """Whether this process runs. A dead one that its parent has not collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def eventually(is_so: Callable[[], object], what: str, within: float = 10) -> None:
    """Waits for a condition, with a deadline."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.005)


def best_of_three(measure: Callable[[], float]) -> float:
    """The shortest of three times: a busy machine delays one, but hardly all."""
    return min(measure() for _ in range(3))
