"""One Python client of the demo: imports the package, waits at the gate (a line on stdin), asks, prints one line."""

import json
import sys

from spawnlock import ensure_server

name, ready, state_dir, shell = sys.argv[1:]

print("waiting", flush=True)
sys.stdin.readline()
server = ensure_server(name, ready=ready, state_dir=state_dir, shell=shell)
print(json.dumps({"origin": server.origin, "pid": server.pid}))
