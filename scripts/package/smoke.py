"""What a user of the installed package does first: a server, a scope. With `killed` the scope's user is killed inside it.

python smoke.py FIXTURE STATE_DIR [killed]
"""

from __future__ import annotations

import os
import signal
import sys
import urllib.request
from typing import Any

import spawnlock

fixture, state_dir, *killed = sys.argv[1:]
warnings: list[object] = []


def hear(event: spawnlock.Event) -> None:
    if event.kind == "warning":
        warnings.append(event)


options: dict[str, Any] = {
    "scope": "user",
    "state_dir": state_dir,
    "port": "auto",
    "command": [fixture, "--port", "{port}"],
    "on_event": hear,
}

if killed:
    with spawnlock.server("smoke", **options) as scoped:
        print(scoped.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

server = spawnlock.ensure_server("smoke", **options)
assert server.origin == "started", server
assert server.url is not None
with urllib.request.urlopen(f"{server.url}/health") as answer:
    assert answer.status == 200, answer.status
server.stop()

with spawnlock.server("smoke", **options) as scoped:
    assert scoped.pid != server.pid
assert spawnlock.server_status("smoke", state_dir=state_dir).state == "stopped"
assert warnings == [], f"the native command is not found, which watches over servers in scopes: {warnings}"
