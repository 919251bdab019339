"""Servers that the project declares: a name is enough."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jsonschema
import pytest
import tomli

import spawnlock
from conftest import ROOT, Scene


def declare(scene: Scene, *names: str, **others: str) -> Path:
    """Writes the pyproject.toml of the scene's directory."""
    lines = ["[project]", 'name = "an-app"']
    for name in names:
        lines += ["", f"[tool.spawnlock.servers.{name}]", f"command = {json.dumps(scene.command())}", f"ready = {json.dumps(scene.url)}"]
        lines += [f"{key.replace('_', '-')} = {json.dumps(value)}" for key, value in others.items()]
    file = scene.directory / "pyproject.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_name_alone_is_a_server_that_the_project_declares(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(scene, "web", "other")
    below = scene.directory / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    web = spawnlock.ensure_server("web")
    assert (web.name, web.origin, web.port) == ("web", "started", scene.port)
    assert asyncio.run(spawnlock.ensure_server_async("web")).pid == web.pid
    with spawnlock.server("web", timeout=5) as again:
        assert again.origin == "reused"
    assert len(scene.starts()) == 1


def test_nothing_at_all_is_the_only_server_that_is_declared(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(scene, "web", stop_timeout="3s")
    monkeypatch.chdir(scene.directory)
    assert spawnlock.ensure_server().name == "web"
    declare(scene, "web", "db")
    with pytest.raises(spawnlock.SpawnlockConfigError, match='declares several servers: "web", "db"'):
        spawnlock.ensure_server()


def test_options_win_over_a_file_that_is_named(scene: Scene) -> None:
    file = declare(scene, "web", timeout="1ms")
    assert spawnlock.ensure_server("web", config=file, timeout=20).origin == "started"


def test_a_call_that_says_it_all_reads_no_file(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(scene, "api", nonsense="1")
    monkeypatch.chdir(scene.directory)
    assert scene.ensure().origin == "started"
    with pytest.raises(spawnlock.SpawnlockConfigError, match=r'pyproject\.toml:7: server "api" has the unknown key `nonsense`') as raised:
        spawnlock.ensure_server("api")
    assert raised.value.code == "ERR_SPAWNLOCK_CONFIG"


def test_what_somebody_else_runs_is_foreign_at_their_address(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = scene.ensure()
    monkeypatch.setenv("SPAWNLOCK_WEB_URL", f"http://127.0.0.1:{scene.port}")
    web = spawnlock.ensure_server("web", command=["false"], ready="http://localhost:1/health")
    assert (web.origin, web.url, web.pid) == ("foreign", f"http://127.0.0.1:{scene.port}", None)
    assert theirs.pid == scene.ensure().pid


def schema() -> jsonschema.Draft202012Validator:
    text = json.loads((ROOT / "spawnlock.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(text)
    return jsonschema.Draft202012Validator(text)


def test_the_examples_are_valid_by_the_published_schema() -> None:
    examples = ROOT / "examples" / "declared"
    schema().validate(tomli.loads((examples / "spawnlock.toml").read_text()))
    schema().validate(tomli.loads((examples / "pyproject.toml").read_text())["tool"]["spawnlock"])
    schema().validate(json.loads((examples / "package.json").read_text())["spawnlock"])


@pytest.mark.parametrize(
    "server",
    [
        {"timeout": 30, "ready": "tcp:localhost:1"},
        {"timeout": "30", "ready": "tcp:localhost:1"},
        {"stop-timeot": "5s"},
        {"command": "node server.js"},
        {"command": ["x"], "shell": "x"},
        {"lock": "file"},
        {"umask": "9"},
        {"umask": 22},
        {"tail-lines": "40"},
        {"env": {"A": 1}},
        {"ready": []},
    ],
)
def test_what_we_refuse_the_published_schema_refuses(server: dict[str, object], tmp_path: Path) -> None:
    assert list(schema().iter_errors({"servers": {"web": server}}))
    file = tmp_path / "web.json"
    file.write_text(json.dumps({"servers": {"web": server}}))
    with pytest.raises(spawnlock.SpawnlockConfigError):
        spawnlock.ensure_server("web", config=file, state_dir=tmp_path / "state")
