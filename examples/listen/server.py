"""A server that serves the socket it is passed, with nothing but the standard library.

server-init ensure web --port auto --listen tcp:auto -- python3 examples/listen/server.py
"""

from __future__ import annotations

import json
import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"status": "ok", "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    # LISTEN_PID says for whom the sockets are: a program that this one starts must not take them for its own.
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        server = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = socket.socket(fileno=3)
    else:
        server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "1987"))), Handler)
    server.serve_forever()


if __name__ == "__main__":
    main()
