"""One client of many, in Python; what it takes and prints stands in tests/CONTENDERS.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import spawnlock


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--name", required=True)
    parser.add_argument("--ready", action="append", required=True)
    parser.add_argument("--timeout-ms", type=float, required=True)
    parser.add_argument("--state-dir", required=True)
    parser.add_argument("--gate", type=Path)
    parser.add_argument("--identity", type=json.loads)
    parser.add_argument("--port")
    parser.add_argument("--scope")
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--scoped", action="store_true")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("command", nargs="*")
    return parser.parse_args()


def wait_at(gate: Path) -> None:
    with gate.with_name(f"{gate.name}.waiting").open("ab", buffering=0) as waiting:
        waiting.write(f"{os.getpid()}\n".encode())
    while not gate.exists():
        time.sleep(0.001)


def ask(asked: argparse.Namespace) -> spawnlock.Server:
    timeout = asked.timeout_ms / 1000
    if asked.restart:
        return spawnlock.restart_server(asked.name, timeout=timeout, state_dir=asked.state_dir)
    options: dict[str, Any] = {
        "command": asked.command,
        "ready": asked.ready,
        "timeout": timeout,
        "state_dir": asked.state_dir,
        "identity": asked.identity,
        "port": asked.port,
        "scope": asked.scope,
    }
    return scopes(asked, options) if asked.scoped else spawnlock.ensure_server(asked.name, **options)


def scopes(asked: argparse.Namespace, options: dict[str, Any]) -> spawnlock.Server:
    """One scope after the other; in each the server must answer, and be the one that we were told."""
    for _ in range(asked.rounds):
        with spawnlock.server(asked.name, **options) as server:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/pid") as page:
                pid = json.load(page)
            if pid != server.pid:
                raise RuntimeError(f"the server is {pid} and not {server.pid}")
    return server


def main() -> int:
    asked = arguments()
    if asked.gate is not None:
        wait_at(asked.gate)
    line: dict[str, Any]
    begin = time.perf_counter()
    try:
        server = ask(asked)
        line = {"ok": True, "origin": server.origin, "pid": server.pid, "generation": server.generation}
    except spawnlock.SpawnlockError as error:
        line = {"ok": False, "code": error.code, "message": str(error)}
    line["ms"] = (time.perf_counter() - begin) * 1000
    print(json.dumps(line))
    return 0 if line["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
