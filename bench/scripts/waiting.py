"""What a wait for a lock does to the other threads of Python. Argument: a path for the lock."""

from __future__ import annotations

import json
import sys
import threading
import time

from spawnlock import SpawnLock

path = sys.argv[1]


def turn() -> float:
    """Microseconds of a piece of plain work: the middle of many."""
    samples = []
    for _ in range(400):
        begin = time.perf_counter()
        sum(range(2000))
        samples.append((time.perf_counter() - begin) * 1e6)
    return sorted(samples)[len(samples) // 2]


held = SpawnLock(path, lock="flock")
held.acquire()
turn()
alone = turn()
waiter = threading.Thread(target=SpawnLock(path, lock="flock", timeout=600).acquire, daemon=True)
waiter.start()
time.sleep(0.1)
waiting = turn()
print(json.dumps({"alone": alone, "waiting": waiting}))
held.release()
waiter.join()
