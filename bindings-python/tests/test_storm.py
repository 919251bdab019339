"""Many processes, one gate, one server."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Scene, eventually

CLIENTS = 20


def test_twenty_processes_at_one_gate_start_one_server(scene: Scene, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    clients = [scene.contender(gate, 20_000, "--initializing", "300") for _ in range(CLIENTS)]
    waiting = gate.with_name("gate.waiting")
    eventually(lambda: waiting.exists() and len(waiting.read_text().split()) == CLIENTS, "all are at the gate", within=30)
    gate.touch()
    lines = [json.loads(client.communicate(timeout=30)[0]) for client in clients]
    assert [client.returncode for client in clients] == [0] * CLIENTS
    assert len(scene.starts()) == 1
    assert {line["pid"] for line in lines} == set(scene.starts())
    assert [line["origin"] for line in lines].count("started") == 1
    assert {line["generation"] for line in lines} == {1}
