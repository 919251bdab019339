"""A daemon that is the only one at its socket, however many are started:

python daemon.py daemon.sock
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

from spawnlock import SpawnlockRunningError, claim_socket, notify_ready


async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"hello from {os.getpid()}\n".encode())
    writer.close()


async def serve(listener: socket.socket) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with await asyncio.start_unix_server(answer, sock=listener):
        notify_ready()
        await stop.wait()


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else "daemon.sock"
    try:
        claim = claim_socket(path)
    except SpawnlockRunningError:
        return  # Another one serves: all is well without us.
    with claim:
        asyncio.run(serve(socket.socket(fileno=claim.detach())))


if __name__ == "__main__":
    main()
