"""One of many who want a lock, in Python; what it takes and prints stands in tests/CONTENDERS.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spawnlock


class NotAloneError(Exception):
    """Somebody else was inside, or it was no longer ours when we let go."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("path")
    parser.add_argument("--lock", default="auto")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--hold-ms", type=float, default=0)
    parser.add_argument("--timeout-ms", type=float)
    parser.add_argument("--stale-after-ms", type=float)
    parser.add_argument("--break-after-ms", type=float)
    parser.add_argument("--gate", type=Path)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--stay", action="store_true")
    parser.add_argument("--drive", action="store_true")
    return parser.parse_args()


def options(asked: argparse.Namespace) -> dict[str, Any]:
    """The options of the lock; what was not asked for keeps its default."""
    times = {
        "timeout": asked.timeout_ms,
        "stale_after": asked.stale_after_ms,
        "break_after": asked.break_after_ms,
    }
    return {"lock": asked.lock} | {name: ms / 1000 for name, ms in times.items() if ms is not None}


def wait_at(gate: Path) -> None:
    with gate.with_name(f"{gate.name}.waiting").open("ab", buffering=0) as waiting:
        waiting.write(f"{os.getpid()}\n".encode())
    while not gate.exists():
        time.sleep(0.001)


def note(asked: argparse.Namespace, what: str) -> None:
    if asked.log is not None:
        with asked.log.open("ab", buffering=0) as log:
            log.write(f"{what} {os.getpid()} {time.monotonic_ns()}\n".encode())


def enter(witness: Path) -> bool:
    """A file that only one can have made."""
    try:
        os.close(os.open(witness, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def turn(asked: argparse.Namespace, path: Path, hold: Callable[[], None]) -> str:
    """Takes the lock, is inside during `hold`, lets go."""
    lock = spawnlock.SpawnLock(path, **options(asked))
    witness = path.with_name(f"{path.name}.witness")
    lock.acquire()
    note(asked, "enter")
    alone = enter(witness)
    hold()
    if alone:
        witness.unlink()
    note(asked, "leave")
    was_ours: object = lock.release()
    if not alone:
        raise NotAloneError("TWO_HOLDERS")
    if was_ours is False:
        raise NotAloneError("LOST")
    return str(asked.lock)


def say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


def done(kind: str, turns: int, begin: float) -> dict[str, Any]:
    ms = (time.perf_counter() - begin) * 1000
    return {"ok": True, "kind": kind, "pid": os.getpid(), "turns": turns, "ms": ms}


def failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, NotAloneError):
        return {"ok": False, "code": str(error), "errno": None, "message": "the lock did not exclude"}
    code = getattr(error, "code", "SYSTEM")
    return {"ok": False, "code": code, "errno": getattr(error, "errno", None), "message": str(error)}


def contend(asked: argparse.Namespace) -> int:
    begin = time.perf_counter()

    def stay() -> None:
        say(done(asked.lock, 1, begin))
        sys.stdin.read()

    turns = 1 if asked.stay else asked.turns
    hold = stay if asked.stay else lambda: time.sleep(asked.hold_ms / 1000)
    kind = asked.lock
    try:
        for _ in range(turns):
            kind = turn(asked, Path(asked.path), hold)
    except (spawnlock.SpawnlockError, NotAloneError, OSError) as error:
        say(failure(error))
        return 3 if isinstance(error, NotAloneError) else 1
    if not asked.stay:
        say(done(kind, turns, begin))
    return 0


def drive(asked: argparse.Namespace) -> int:
    for line in sys.stdin:
        begin = time.perf_counter()
        path = Path(line.rstrip("\n") or asked.path)
        try:
            say(done(turn(asked, path, lambda: time.sleep(asked.hold_ms / 1000)), 1, begin))
        except (spawnlock.SpawnlockError, NotAloneError, OSError) as error:
            say(failure(error))
    return 0


def main() -> int:
    asked = arguments()
    if asked.gate is not None:
        wait_at(asked.gate)
    return drive(asked) if asked.drive else contend(asked)


if __name__ == "__main__":
    sys.exit(main())
