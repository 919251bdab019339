"""What a call tells: the application's `logging`, and people at stderr."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

import spawnlock
from conftest import Scene

ENSURES = "server = spawnlock.ensure_server(name, command=command + ['--initializing', '200'], ready=ready{})\n"


def run(scene: Scene, code: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    setting = f"import spawnlock\nname = {scene.name!r}\ncommand = {scene.command()!r}\nready = {scene.url!r}\n"
    done = subprocess.run([sys.executable, "-c", setting + code], text=True, capture_output=True, **settings)
    assert done.returncode == 0, done.stderr
    return done


def test_a_start_and_its_end_are_told_to_logging(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = scene.ensure()
    server.stop()
    told = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert told[0][:2] == ("spawnlock", "INFO")
    assert told[0][2].startswith("api: started `")
    assert told[1:] == [
        ("spawnlock", "INFO", 'api: server "api" is ready'),
        ("spawnlock", "INFO", 'api: stopping server "api"'),
    ]
    event = caplog.records[0].__dict__["event"]
    assert isinstance(event, spawnlock.Event)
    assert (event.kind, event.pid, event.log_file) == ("starting", server.pid, server.log_file)


def test_a_level_that_nobody_wants_is_not_told(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    scene.ensure()
    assert caplog.records == []


def test_the_listener_is_told_beside_logging(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    kinds: list[str] = []
    scene.ensure(on_event=lambda event: kinds.append(event.kind))
    assert kinds == ["starting", "ready"]
    assert len(caplog.records) == 2


def test_logging_is_neither_imported_nor_written_to_unless_the_application_has_set_it_up(scene: Scene) -> None:
    done = run(scene, "import sys\n" + ENSURES.format("") + "assert 'logging' not in sys.modules\n")
    assert done.stderr == ""
    # Without a handler `logging` would write warnings to stderr by itself.
    warns = "import logging, os\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
    done = run(scene, warns + ENSURES.format("") + "server.stop()\n", cwd=scene.directory)
    assert done.stderr == ""


def test_progress_is_shown_in_lines_where_stderr_is_no_terminal(scene: Scene) -> None:
    first, second = run(scene, ENSURES.format(", progress=True")).stderr.splitlines()
    assert first.startswith("spawnlock: started `")
    assert second == 'spawnlock: server "api" is ready'


@pytest.mark.parametrize("progress", ["", ", progress=False", ", progress='auto'"])
def test_nothing_is_shown_unless_asked_for(scene: Scene, progress: str) -> None:
    assert run(scene, ENSURES.format(progress)).stderr == ""


def test_on_a_terminal_there_is_one_live_line_and_it_is_gone_at_the_end(scene: Scene) -> None:
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "CLICOLOR_FORCE")}
    setting = f"import spawnlock\nname = {scene.name!r}\ncommand = {scene.command('--print', 'Loading models')!r}\nready = {scene.url!r}\n"
    line = [sys.executable, "-c", setting + ENSURES.format(", progress='auto'")]
    with subprocess.Popen(line, stderr=theirs, env={**env, "TERM": "xterm"}) as child:
        os.close(theirs)
        seen = "".join(read_all(ours))
    assert child.returncode == 0, seen
    assert "api: starting, " in seen
    assert " | Loading models" in seen
    assert seen.endswith('\r\x1b[2Kspawnlock: server "api" is ready\r\n'), repr(seen)


def read_all(terminal: int) -> list[str]:
    parts = []
    try:
        while part := os.read(terminal, 4096):
            parts.append(part.decode())
    except OSError:
        # The other end is closed.
        pass
    finally:
        os.close(terminal)
    return parts


def test_a_wrong_word_names_the_option(scene: Scene) -> None:
    progress: Any = "sometimes"
    with pytest.raises(spawnlock.SpawnlockConfigError, match="option `progress` is `sometimes`"):
        scene.ensure(progress=progress)
    assert scene.starts() == []


def test_the_asyncio_form_tells_the_same(scene: Scene) -> None:
    # In a process of its own: up to Python 3.11 a thread that is not Python's and logs once stays in the list of threads.
    setting = "import asyncio, logging, sys\nlogging.basicConfig(level='INFO', format='%(levelname)s %(message)s', stream=sys.stdout)\n"
    ensures = "asyncio.run(spawnlock.ensure_server_async(name, command=command, ready=ready))\n"
    first, second = (line for line in run(scene, setting + ensures).stdout.splitlines() if line.split()[1] == "api:")
    assert first.startswith("INFO api: started `")
    assert second == 'INFO api: server "api" is ready'
