"""A server as a fixture of pytest, in a pytest of its own with four workers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import FIXTURE, ROOT, Scene, is_alive

EXAMPLE = ROOT / "examples" / "test-runners" / "pytest"


def run(project: Path, *flags: str) -> str:
    """What a run of the project's tests says; all of them pass."""
    # The runs of a pytest that is tested by a pytest know nothing of each other.
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *flags]
    ended = subprocess.run(line, cwd=project, env=env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_four_workers_share_one_server_and_the_last_of_them_stops_it(scene: Scene) -> None:
    project = shutil.copytree(EXAMPLE, scene.directory / "project")
    said = run(project, "-n", "4", "-v")
    assert "20 passed" in said
    assert set(re.findall(r"\[(gw\d)\]", said)) == {"gw0", "gw1", "gw2", "gw3"}
    (log,) = scene.state_dir.glob("*/server.log")
    started = re.findall(r"Started server process \[(\d+)\]", log.read_text())
    assert len(started) == 1
    assert not is_alive(int(started[0]))


def test_the_fixture_is_stopped_with_its_scope_and_may_be_declared(scene: Scene) -> None:
    project = scene.directory / "project"
    project.mkdir()
    command = ", ".join(f'"{word}"' for word in scene.command())
    (project / "spawnlock.toml").write_text(f'[servers.api]\ncommand = [{command}]\nready = "{scene.url}"\n')
    own = [str(FIXTURE), "--port", "{port}"]
    (project / "conftest.py").write_text(
        "from spawnlock.pytest import server_fixture\n\n"
        'api = server_fixture("api", scope="module", timeout=20)\n'
        f'own = server_fixture("own", "function", server_scope="project", port="auto", command={own})\n'
    )
    for name in ("test_a.py", "test_b.py"):
        (project / name).write_text('def test_it(api, own):\n    assert api.origin == "started" and own.name.startswith("own@/")\n')
    assert "2 passed" in run(project)
    assert len(scene.starts()) == 2
    assert not any(map(is_alive, scene.starts()))


def test_an_import_of_the_package_does_not_bring_pytest() -> None:
    code = "import sys, spawnlock; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["url", "port"])
def test_a_server_tells_what_programs_are_told_that_use_it(scene: Scene, name: str) -> None:
    server = scene.ensure()
    assert server.variables()[f"SPAWNLOCK_API_{name.upper()}"] == str(getattr(server, name))
