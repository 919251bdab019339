"""A SoftFileLock of filelock, driven as a lock contender is with --drive: one turn for each line on stdin.

With the arguments PATH and "stay" it takes that one lock, says so, and holds it.
"""

from __future__ import annotations

import json
import os
import sys
import time

from filelock import SoftFileLock


def turn(path: str) -> dict[str, object]:
    # It looks twenty times a second by default; a thousand times is fair to what is measured here.
    lock = SoftFileLock(path, timeout=60)
    lock.acquire(poll_interval=0.001)
    alone = True
    try:
        os.close(os.open(f"{path}.witness", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        alone = False
    time.sleep(0.001)
    if alone:
        os.unlink(f"{path}.witness")
    lock.release()
    return {"ok": True} if alone else {"ok": False, "code": "TWO_HOLDERS"}


if sys.argv[2:] == ["stay"]:
    kept = SoftFileLock(sys.argv[1])
    kept.acquire()
    print("held", flush=True)
    time.sleep(600)
for line in sys.stdin:
    try:
        outcome = turn(line.rstrip("\n"))
    except Exception as error:
        outcome = {"ok": False, "code": type(error).__name__, "message": str(error)}
    print(json.dumps(outcome), flush=True)
