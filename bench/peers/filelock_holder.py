"""Waits for a lock of filelock, with its defaults, and holds it."""

from __future__ import annotations

import sys
import time

from filelock import FileLock

print("asking", flush=True)
with FileLock(sys.argv[1]):
    print("held", time.time() * 1000, flush=True)
    time.sleep(120)
