"""How a caller comes by its server, and what it is told about it."""

from __future__ import annotations

import datetime
import socket
import threading
from pathlib import Path

import pytest

import spawnlock
from conftest import Scene, is_alive


def test_the_first_call_starts_the_server_and_the_next_one_reuses_it(scene: Scene) -> None:
    first = scene.ensure()
    second = scene.ensure()
    assert (first.origin, second.origin) == ("started", "reused")
    assert first.pid == second.pid == scene.starts()[0]
    assert len(scene.starts()) == 1


def test_a_call_during_the_start_joins_it(scene: Scene) -> None:
    origins: list[str] = []
    starting = threading.Event()

    def watch(event: spawnlock.Event) -> None:
        if event.kind == "starting":
            starting.set()

    first = threading.Thread(target=lambda: origins.append(scene.ensure("--initializing", "300", on_event=watch).origin))
    first.start()
    assert starting.wait(10)
    origins.append(scene.ensure().origin)
    first.join()
    assert sorted(origins) == ["joined", "started"]
    assert len(scene.starts()) == 1


def test_a_server_tells_all_about_itself(scene: Scene) -> None:
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    server = scene.ensure("--initializing", "100")
    assert server.name == scene.name
    assert server.url == f"http://127.0.0.1:{scene.port}"
    assert (server.host, server.port) == ("127.0.0.1", scene.port)
    assert server.generation == 1
    assert server.started_at is not None and before < server.started_at < before + datetime.timedelta(seconds=20)
    assert server.ready_seconds is not None and 0.1 <= server.ready_seconds < 10
    assert server.place == scene.state_dir / "api"
    assert server.log_file == server.place / "server.log"
    assert repr(server) == f'<Server "api" http://127.0.0.1:{scene.port} pid {server.pid} started>'


def test_a_stopped_server_is_gone_and_the_next_one_counts_on(scene: Scene) -> None:
    server = scene.ensure()
    server.stop()
    assert not is_alive(server.pid)
    assert scene.ensure().generation == 2


def test_stopping_by_name_stops_and_a_second_time_says_that_nothing_runs(scene: Scene) -> None:
    server = scene.ensure()
    spawnlock.stop_server(scene.name, stop_timeout=datetime.timedelta(seconds=5))
    assert not is_alive(server.pid)
    with pytest.raises(spawnlock.SpawnlockError) as caught:
        spawnlock.stop_server(scene.name)
    assert caught.value.code == "ERR_SPAWNLOCK_NOT_RUNNING"


def test_nothing_that_was_there_is_deleted(scene: Scene) -> None:
    place = scene.ensure().place
    stranger = place.parent / "not-ours.txt"
    stranger.write_text("kept")
    before = {path.name: path.stat().st_ino for path in place.iterdir() if path.name.endswith(".lock")}
    spawnlock.stop_server(scene.name)
    scene.ensure().stop()
    assert before == {name: (place / name).stat().st_ino for name in before}
    assert before.keys() >= {"start.lock", "alive.lock"}
    assert stranger.read_text() == "kept"


def test_status_and_list_tell_what_runs(scene: Scene) -> None:
    assert spawnlock.server_status(scene.name).state == "stopped"
    server = scene.ensure()
    status = spawnlock.server_status(scene.name)
    assert (status.state, status.health, status.pid, status.generation) == ("running", "ready", server.pid, 1)
    assert (status.url, status.started_at, status.log_file) == (server.url, server.started_at, server.log_file)
    assert status.holder is None and status.last_failure is None
    assert [status.name for status in spawnlock.list_servers(state_dir=scene.state_dir)] == [scene.name]


def test_the_state_directory_can_be_given_and_so_can_paths_of_any_kind(scene: Scene, tmp_path: Path) -> None:
    other, cwd, log = tmp_path / "other", tmp_path / "cwd", tmp_path / "own.log"
    cwd.mkdir()
    fixture, *flags = scene.command("--print", "hello")
    server = scene.ensure(command=[Path(fixture), *flags], state_dir=other, cwd=cwd, log=str(log), env={"COLOUR": "blue"}, umask=0o077)
    assert server.place.parent == other and server.log_file == log
    assert "hello" in log.read_text()
    assert scene.get("/env")["COLOUR"] == "blue"
    assert Path(f"/proc/{server.pid}/cwd").readlink() == cwd
    server.stop()


def test_without_a_name_the_server_is_named_after_its_address(scene: Scene) -> None:
    server = spawnlock.ensure_server(command=scene.command(), ready=scene.url)
    assert server.name == f"localhost_{scene.port}"


def test_a_shell_line_starts_a_server_too(scene: Scene) -> None:
    line = " ".join(scene.command())
    assert spawnlock.ensure_server(scene.name, shell=f"exec {line}", ready=scene.url).pid == scene.starts()[0]


def test_events_tell_what_happens_on_the_thread_that_waits(scene: Scene) -> None:
    told: list[tuple[str, str, int | None]] = []
    server = scene.ensure(on_event=lambda event: told.append((event.kind, threading.current_thread().name, event.pid)))
    assert told == [("starting", threading.current_thread().name, server.pid), ("ready", threading.current_thread().name, server.pid)]


def test_an_event_names_the_holder_of_the_lock(scene: Scene) -> None:
    told: list[spawnlock.Event] = []
    holder = scene.python("spawnlock.ensure_server(name, command=command + ['--initializing', '2000'], ready=ready)")
    while not scene.starts():
        assert holder.poll() is None
    scene.ensure(on_event=told.append)
    (waiting,) = [event for event in told if event.kind == "waiting"]
    assert waiting.holder is not None and waiting.holder.pid == holder.pid
    assert waiting.name == scene.name and waiting.elapsed >= 0.9 and str(holder.pid) in waiting.message


def test_what_a_listener_raises_is_reported_and_does_not_end_the_call(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[BaseException | None] = []
    monkeypatch.setattr("sys.unraisablehook", lambda report: reported.append(report.exc_value))

    def listen(event: spawnlock.Event) -> None:
        raise LookupError(event.kind)

    assert scene.ensure(on_event=listen).origin == "started"
    assert [str(error) for error in reported] == ["starting", "ready"]


def test_a_healthy_stranger_is_foreign_and_is_not_stopped(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", scene.port)):
        server = scene.ensure(ready=f"tcp:127.0.0.1:{scene.port}")
        assert (server.origin, server.pid, server.generation) == ("foreign", None, None)
        with pytest.raises(spawnlock.SpawnlockError) as caught:
            server.stop()
    assert caught.value.code == "ERR_SPAWNLOCK_STOP"
    assert scene.starts() == []
