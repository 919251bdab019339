"""Ports that are chosen, sockets that are passed, names that belong to a project."""

from __future__ import annotations

import json
import socket
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import spawnlock
from conftest import FIXTURE, ROOT, Scene


def auto(scene: Scene, *flags: str) -> Any:
    """Options for the fixture server on a port that is chosen for it."""
    command = [str(FIXTURE), "--port", "{port}", "--starts", str(scene.starts_file), *flags]
    return {"command": command, "port": "auto", "scope": "user", "timeout": 20}


def get(url: str | None) -> Any:
    with urllib.request.urlopen(url or "", timeout=5) as answer:
        return json.load(answer)


def test_twenty_calls_at_once_get_one_server_and_one_port(scene: Scene) -> None:
    servers: list[spawnlock.Server] = []
    options = auto(scene, "--delay", "50")
    threads = [threading.Thread(target=lambda: servers.append(spawnlock.ensure_server("api", **options))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scene.starts()) == 1
    assert len(servers) == 20
    assert {(server.port, server.pid, server.url) for server in servers} == {(servers[0].port, servers[0].pid, servers[0].url)}


def test_the_port_stays_over_a_stop_and_a_restart(scene: Scene) -> None:
    first = spawnlock.ensure_server("api", **auto(scene))
    spawnlock.stop_server("api")
    second = spawnlock.ensure_server("api", **auto(scene))
    third = spawnlock.restart_server("api")
    assert [second.port, third.port] == [first.port] * 2


def test_the_port_and_the_host_are_told_to_the_server(scene: Scene) -> None:
    spawnlock.ensure_server("api", command=scene.command(), port=scene.port, host="127.0.0.1", env={"AT": "{host}:{port}"})
    env = scene.get("/env")
    assert (env["PORT"], env["HOST"], env["AT"]) == (str(scene.port), "127.0.0.1", f"127.0.0.1:{scene.port}")


def test_a_server_in_python_serves_the_socket_it_is_passed(scene: Scene) -> None:
    command = [sys.executable, str(ROOT / "examples" / "listen" / "server.py")]
    server = spawnlock.ensure_server("api", command=command, port="auto", scope="user", listen={"web": "tcp:auto"})
    assert get(server.url)["pid"] == server.pid
    server.stop()


def test_an_address_that_somebody_else_has_is_an_error_with_its_code(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger, pytest.raises(spawnlock.SpawnlockError) as caught:
        scene.ensure(listen=[f"tcp:{stranger.getsockname()[1]}"])
    assert caught.value.code == "ERR_SPAWNLOCK_PORT_IN_USE"
    assert scene.starts() == []


def test_inside_a_project_its_short_name_does(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "project" / "src"
    below.mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    monkeypatch.chdir(below)
    server = spawnlock.ensure_server("api", **{**auto(scene), "scope": None})
    assert server.name == f"api@{(tmp_path / 'project').resolve()}"
    assert spawnlock.server_status("api").pid == server.pid
    spawnlock.stop_server("api")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": 0}, "`port`"),
        ({"port": "some"}, "`port`"),
        ({"host": "::1"}, "`host` needs"),
        ({"listen": "ftp:21"}, "`listen`"),
        ({"listen": [7]}, "`listen`"),
        ({"scope": "team"}, "`scope`"),
    ],
)
def test_a_wrong_address_is_named(scene: Scene, options: dict[str, Any], words: str) -> None:
    with pytest.raises(spawnlock.SpawnlockConfigError, match=words):
        scene.ensure(**options)
