"""One of many daemons that want one socket; see tests/CONTENDERS.md."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import spawnlock


def wait_at(gate: str) -> None:
    with Path(gate + ".waiting").open("a") as waiting:
        waiting.write(f"{os.getpid()}\n")
    while not Path(gate).exists():
        time.sleep(0.001)


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def answer(server: socket.socket) -> None:
    while True:
        client, _ = server.accept()
        # Who only looked whether somebody is there has gone by now.
        with client, contextlib.suppress(OSError):
            client.sendall(f"{os.getpid()}\n".encode())


def serve(path: str) -> None:
    claim = spawnlock.claim_socket(path)
    server = socket.socket(fileno=claim.detach())
    threading.Thread(target=answer, args=(server,), daemon=True).start()
    spawnlock.notify_ready(port=1, status="claimed")
    say({"ok": True, "pid": os.getpid()})
    sys.stdin.read()
    still_owned = claim.still_owned()
    spawnlock.notify(stopping=True)
    say({"stillOwned": still_owned, "removed": claim.close()})


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("path")
    parser.add_argument("--gate")
    asked = parser.parse_args()
    if asked.gate is not None:
        wait_at(asked.gate)
    try:
        serve(asked.path)
    except spawnlock.SpawnlockError as error:
        say({"ok": False, "code": error.code, "pid": error.pid, "errno": error.errno, "message": str(error)})
        return 0 if isinstance(error, spawnlock.SpawnlockRunningError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
