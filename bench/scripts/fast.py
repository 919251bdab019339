"""Times `ensure_server`, `server` and `urllib` in turns. Argument: a wish as JSON; see ../src/scripts.rs."""

from __future__ import annotations

import json
import sys
from time import perf_counter

wish = json.loads(sys.argv[1])
things, url, options = wish["things"], wish["url"], wish["options"]
options["state_dir"] = options.pop("stateDir")


# Imported by the first call, so that a process's first call has its whole price.
def peer() -> None:
    import urllib.request

    with urllib.request.urlopen(url) as answer:
        answer.read()


def ensure() -> None:
    import spawnlock

    origin = spawnlock.ensure_server(**options).origin
    if origin != "reused":
        raise RuntimeError(f"the server is {origin}")


def scope() -> None:
    import spawnlock

    with spawnlock.server(**options):
        pass


calls = {"peer": peer, "ensure": ensure, "scope": scope}
samples: dict[str, list[float]] = {thing: [] for thing in things}
for turn in range(wish["warmUp"] + wish["turns"]):
    for step in range(len(things)):
        thing = things[(turn + step) % len(things)]
        for _ in range(wish["callsPerTurn"]):
            begin = perf_counter()
            calls[thing]()
            took = (perf_counter() - begin) * 1000
            if turn >= wish["warmUp"]:
                samples[thing].append(took)
sys.stdout.write(json.dumps(samples))
