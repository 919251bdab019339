"""One Python client of a real server: waits at the gate (a line on stdin), uses the server until the next line."""

import json
import sys

import spawnlock

print("waiting", flush=True)
input()
with spawnlock.server(sys.argv[1]) as server:
    print(json.dumps({"origin": server.origin, "pid": server.pid, "url": server.url}), flush=True)
    input()
