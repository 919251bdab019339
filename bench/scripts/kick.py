"""Times `kick_server` of servers that are not there, that come and that run, and a bare Popen. Argument: a wish as JSON; see
../src/kick.rs."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from typing import Any

import spawnlock

wish = json.loads(sys.argv[1])
samples: dict[str, list[float]] = {"peer": [], "started": [], "starting": [], "running": []}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def kick(options: dict[str, Any], expected: str) -> float:
    begin = time.perf_counter()
    kicked = spawnlock.kick_server(**options)
    took = (time.perf_counter() - begin) * 1000
    if kicked.state != expected:
        raise kicked.error or RuntimeError(f"the server is {kicked.state}, not {expected}")
    return took


def play(number: int) -> dict[str, float]:
    port = free_port()
    command = [*wish["server"], str(port)]
    options = {"name": f"kick-{number}", "command": command, "ready": f"http://127.0.0.1:{port}/health", "state_dir": wish["stateDir"]}
    took = {"started": kick(options, "started")}
    time.sleep(0.05)
    took["starting"] = kick(options, "starting")
    spawnlock.ensure_server(**options)
    took["running"] = kick(options, "running")
    spawnlock.stop_server(options["name"], state_dir=wish["stateDir"])
    quiet = subprocess.DEVNULL
    begin = time.perf_counter()
    child = subprocess.Popen(command, start_new_session=True, stdin=quiet, stdout=quiet, stderr=quiet)
    took["peer"] = (time.perf_counter() - begin) * 1000
    child.kill()
    child.wait()
    return took


for number in range(wish["warmUp"] + wish["rounds"]):
    took = play(number)
    if number >= wish["warmUp"]:
        for thing, times in samples.items():
            times.append(took[thing])
sys.stdout.write(json.dumps(samples))
