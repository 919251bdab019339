"""The same page for the servers of Python's frameworks, which know how to serve a socket that they are passed.

server-init ensure web --port auto --listen tcp:auto -- uvicorn --app-dir examples/listen --fd 3 app:asgi
server-init ensure web --port auto --listen tcp:auto -- gunicorn --chdir examples/listen app:wsgi
"""

from __future__ import annotations

import json
import os
from typing import Any


def page() -> bytes:
    return json.dumps({"status": "ok", "pid": os.getpid()}).encode()


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page()})


def wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("content-type", "application/json")])
    return [page()]
