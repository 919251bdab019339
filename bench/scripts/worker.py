"""One of many that take turns, or one that holds a lock for ever.

Arguments: where the peers are, and then as in ../src/locks/worker.rs, with the same words on stdout.
"""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Callable
from typing import IO

peers, what, path, turns = sys.argv[1:5]
sys.path.append(peers)
LONG = 600
held: list[IO[bytes]] = []


def hold_file() -> None:
    file = open(path, "ab", buffering=0)
    fcntl.flock(file, fcntl.LOCK_EX)
    held.append(file)


def taker() -> tuple[Callable[[], object], Callable[[], object]]:
    """How the lock is taken and given back, with the peers' own defaults."""
    if what in ("flock", "excl"):
        from spawnlock import SpawnLock

        ours = SpawnLock(path, lock=what, timeout=LONG)
        return ours.acquire, ours.release
    if what in ("filelock", "SoftFileLock"):
        import filelock

        lock = getattr(filelock, "FileLock" if what == "filelock" else what)(path)
        return lock.acquire, lock.release
    if what == "portalocker":
        import portalocker

        lock = portalocker.Lock(path, timeout=LONG)
        return lock.acquire, lock.release
    if what == "fcntl":
        # The system's own queue: what is the least in Python.
        return hold_file, lambda: held.pop().close()
    import fasteners

    lock = fasteners.InterProcessLock(path)
    return lock.acquire, lock.release


acquire, release = taker()
if turns == "hold":
    print("asking", flush=True)
    acquire()
    print("held", time.time() * 1000, flush=True)
    time.sleep(LONG)
else:
    hold, rest = (float(word) / 1000 for word in sys.argv[5:7])
    print("loaded", flush=True)
    sys.stdin.read()
    before = time.process_time()
    lines = []
    for _ in range(int(turns)):
        asked = time.monotonic_ns()
        acquire()
        got = time.monotonic_ns()
        time.sleep(hold)
        lines.append(f"turn {asked} {got} {time.monotonic_ns()}")
        release()
        if rest > 0:
            time.sleep(rest)
    lines.append(f"done {(time.process_time() - before) * 1000}")
    print("\n".join(lines), flush=True)
