"""Times a lock that nobody else wants, ours and its peers in turns. Arguments: where the peers are, and a wish as JSON.

See ../src/locks/uncontended.rs.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from time import perf_counter

from spawnlock import SpawnLock

sys.path.append(sys.argv[1])
wish = json.loads(sys.argv[2])
os.makedirs(wish["dir"], exist_ok=True)
logging.disable(logging.CRITICAL)


def file(name: str) -> str:
    return os.path.join(wish["dir"], name)


def ours(name: str, **options: object) -> Callable[[], object]:
    lock = SpawnLock(file(name), **options)

    def turn() -> None:
        lock.acquire()
        lock.release()

    return turn


calls: dict[str, Callable[[], object]] = {
    "plain": ours("plain", lock="flock", record_holder=False),
    "signed": ours("signed", lock="flock"),
    "excl": ours("excl", lock="excl"),
}


def filelock_peers() -> None:
    import filelock

    for name in ("FileLock", "SoftFileLock"):
        lock = getattr(filelock, name)(file(name))

        def turn(lock: filelock.BaseFileLock = lock) -> None:
            lock.acquire()
            lock.release()

        calls["filelock" if name == "FileLock" else name] = turn


def portalocker_peer() -> None:
    import portalocker

    lock = portalocker.Lock(file("portalocker"))

    def turn() -> None:
        lock.acquire()
        lock.release()

    calls["portalocker"] = turn


def fasteners_peer() -> None:
    import fasteners

    lock = fasteners.InterProcessLock(file("fasteners"))

    def turn() -> None:
        lock.acquire()
        lock.release()

    calls["fasteners"] = turn


# A peer that is not here has no row.
for peer in (filelock_peers, portalocker_peer, fasteners_peer):
    try:
        peer()
    except ImportError:
        pass

things = list(calls)
samples: dict[str, list[float]] = {thing: [] for thing in things}
for round_ in range(wish["warmUp"] + wish["rounds"]):
    for step in range(len(things)):
        thing = things[(round_ + step) % len(things)]
        call = calls[thing]
        begin = perf_counter()
        for _ in range(wish["calls"]):
            call()
        if round_ >= wish["warmUp"]:
            samples[thing].append((perf_counter() - begin) * 1000 / wish["calls"])
sys.stdout.write(json.dumps(samples))
