"""What is raised, and what it says."""

from __future__ import annotations

import asyncio
import http.server
import json
import pickle
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import spawnlock
from conftest import Scene, best_of_three, eventually


def fails(scene: Scene, *flags: str, **options: Any) -> spawnlock.SpawnlockError:
    with pytest.raises(spawnlock.SpawnlockError) as caught:
        scene.ensure(*flags, **options)
    return caught.value


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "`ready`"),
        ({"ready": "localhost"}, "`ready`"),
        ({"ready": 7}, "`ready`"),
        ({"ready": {"http": "http://localhost:1/", "statuss": 200}}, "`statuss`"),
        ({"ready": "tcp:a:1", "timeout": -1}, "`timeout`"),
        ({"ready": "tcp:a:1", "timeout": float("nan")}, "`timeout`"),
        ({"ready": "tcp:a:1", "timeout": 0}, "`timeout`"),
        ({"ready": "tcp:a:1", "lock_patience": float("inf")}, "`lock_patience`"),
        ({"ready": "tcp:a:1", "stop_timeout": -0.5}, "`stop_timeout`"),
        ({"ready": "tcp:a:1", "command": ["true"], "shell": "true"}, "`shell`"),
        ({"ready": "tcp:a:1", "command": [""]}, "`command`"),
        ({"ready": "tcp:a:1", "command": ["a\0b"]}, "`command`"),
        ({"ready": "tcp:a:1", "command": ["true"], "cwd": "/no/such/directory"}, "`cwd`"),
        ({"ready": "tcp:a:1", "command": ["true"], "umask": 0o1000}, "`umask`"),
        ({"ready": "tcp:a:1", "command": ["true"], "env": {"A=B": "c"}}, "`env`"),
        ({"ready": "tcp:a:1", "identity": ["name"]}, "`identity`"),
        ({"ready": "tcp:a:1", "on_lock_unavailable": "shrug"}, "`shrug`"),
    ],
)
def test_a_wrong_option_is_a_value_error_that_names_it(scene: Scene, options: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        spawnlock.ensure_server("api", **options)
    assert isinstance(caught.value, spawnlock.SpawnlockConfigError)
    assert caught.value.code == "ERR_SPAWNLOCK_CONFIG"
    assert not scene.state_dir.exists() or not any(scene.state_dir.iterdir())


@pytest.mark.parametrize("options", [{"timeout": "5"}, {"command": "node server.js"}, {"cwd": 7}, {"reday": "tcp:a:1"}])
def test_an_option_of_the_wrong_type_is_a_type_error(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        spawnlock.ensure_server("api", **({"ready": "tcp:a:1"} | options))


def test_the_asynchronous_form_checks_its_options_alike() -> None:
    with pytest.raises(spawnlock.SpawnlockConfigError, match="`ready`"):
        asyncio.run(spawnlock.ensure_server_async("api"))


def test_an_early_death_is_told_within_300_ms(scene: Scene, tmp_path: Path) -> None:
    ended = tmp_path / "ended"

    def once() -> float:
        fails(scene, "--exit-after", "50", "--initializing", "60000", "--note-end", str(ended))
        return time.time() - float(ended.read_text().split()[-1]) / 1000

    assert best_of_three(once) < 0.3


def test_an_early_death_is_told_with_code_and_log(scene: Scene) -> None:
    error = fails(scene, "--exit-after", "50", "--exit-code", "7", "--initializing", "60000", "--print", "the last word")
    assert (error.code, error.exit_code, error.signal) == ("ERR_SPAWNLOCK_EXITED", 7, None)
    assert error.pid == scene.starts()[0]
    assert error.log_file == scene.state_dir / "api" / "server.log" and "the last word" in error.log_tail
    assert str(error).startswith('server "api" exited with code 7 after ')
    assert "[ERR_SPAWNLOCK_EXITED]" in str(error) and "  | the last word" in str(error)


def test_a_death_by_a_signal_names_it(scene: Scene) -> None:
    error = fails(scene, "--exit-after", "50", "--signal-self", "KILL", "--initializing", "60000")
    assert (error.exit_code, error.signal) == (None, "SIGKILL")


def test_a_missing_program_has_its_errno_and_its_cause(scene: Scene) -> None:
    error = fails(scene, command=["/no/such/program"])
    assert (error.code, error.errno) == ("ERR_SPAWNLOCK_SPAWN", 2)
    assert isinstance(error.__cause__, FileNotFoundError)
    assert error.hint is not None and "/no/such/program" in error.hint


def test_a_program_that_is_not_executable_says_so(scene: Scene, tmp_path: Path) -> None:
    script = tmp_path / "server.sh"
    script.write_text("#!/bin/sh\n")
    error = fails(scene, command=[script])
    assert error.code == "ERR_SPAWNLOCK_SPAWN" and isinstance(error.__cause__, PermissionError)


def test_a_server_that_is_not_ready_in_time_is_a_timeout_error_and_is_gone(scene: Scene) -> None:
    begin = time.monotonic()
    error = fails(scene, "--never-healthy", timeout=0.5)
    assert 0.5 <= time.monotonic() - begin < 5
    assert isinstance(error, TimeoutError) and isinstance(error, spawnlock.SpawnlockTimeoutError)
    assert error.code == "ERR_SPAWNLOCK_TIMEOUT" and error.errno is None
    assert not any(map(scene.is_ours, scene.starts()))


def test_a_failed_start_is_told_about_later(scene: Scene) -> None:
    error = fails(scene, "--exit-after", "20", "--exit-code", "9", "--initializing", "60000")
    told = spawnlock.server_status(scene.name).last_failure
    assert told is not None and (told.code, told.exit_code, str(told)) == (error.code, 9, str(error))


def test_an_error_can_be_sent_to_another_process(scene: Scene) -> None:
    for error in (fails(scene, command=["/no/such/program"]), fails(scene, "--never-healthy", timeout=0.2)):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error) and str(copy) == str(error) and vars(copy) == vars(error)


def test_a_failing_server_costs_all_who_wait_one_timeout_and_tells_them_one_reason(scene: Scene, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    clients = [scene.contender(gate, 1500, "--never-healthy") for _ in range(10)]
    waiting = gate.with_name("gate.waiting")
    eventually(lambda: waiting.exists() and len(waiting.read_text().split()) == 10, "all are at the gate")
    begin = time.monotonic()
    gate.touch()
    lines = [json.loads(client.communicate(timeout=20)[0]) for client in clients]
    assert time.monotonic() - begin < 6
    assert {line["code"] for line in lines} == {"ERR_SPAWNLOCK_TIMEOUT"}
    assert len(scene.starts()) <= 2


def test_an_answer_without_our_identity_is_a_stranger(scene: Scene) -> None:
    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"status": "ok", "service": "another"}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", scene.port), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, args=(0.01,)).start()
        try:
            assert scene.ensure(identity={"service": "another"}).origin == "foreign"
            error = fails(scene, identity={"service": "api"}, timeout=2)
        finally:
            stranger.shutdown()
    assert error.code == "ERR_SPAWNLOCK_FOREIGN"
    assert scene.starts() == []


def test_another_address_under_a_name_that_runs_is_a_conflict(scene: Scene) -> None:
    scene.ensure()
    error = fails(scene, ready="http://127.0.0.1:9/health", timeout=2)
    assert error.code == "ERR_SPAWNLOCK_CONFLICT"
    assert f":{scene.port}" in str(error) and ":9" in str(error)


def test_a_server_that_asks_for_itself_is_told_at_once(scene: Scene, tmp_path: Path) -> None:
    report, script = tmp_path / "report", tmp_path / "server.py"
    script.write_text(
        "import os, pathlib, sys, spawnlock\n"
        "fixture, report, ready, *flags = sys.argv[1:]\n"
        "try:\n"
        "    spawnlock.ensure_server('api', command=[sys.executable, __file__, *sys.argv[1:]], ready=ready)\n"
        "except spawnlock.SpawnlockError as error:\n"
        "    pathlib.Path(report).write_text(error.code)\n"
        "os.execv(fixture, [fixture, *flags])\n"
    )
    fixture, *flags = scene.command()
    scene.ensure(command=[sys.executable, script, fixture, report, scene.url, *flags])
    assert report.read_text() == "ERR_SPAWNLOCK_RECURSIVE"
    assert len(scene.starts()) == 1
