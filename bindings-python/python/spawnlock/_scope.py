"""A server for a scope."""

from __future__ import annotations

import os

from ._native import Server, ServerSpec
from .errors import SpawnlockError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .types import Options


class ServerScope:
    """What `server` gives: a scope that has the server, and at its end stops it if it started it."""

    def __init__(self, name: str | None, options: Options) -> None:
        self._name = name
        self._options = options
        #: The servers of the scopes entered and not yet left, and the process that entered each.
        self._entered: list[tuple[Server, int]] = []

    def __enter__(self) -> Server:
        return self._enter(ServerSpec(self._name, **self._options).ensure())

    def __exit__(self, *raised: object) -> None:
        server = self._leave()
        if server is not None:
            try:
                server.stop()
            except SpawnlockError as error:
                _unless_gone(error)

    async def __aenter__(self) -> Server:
        from ._aio import ensured

        return self._enter(await ensured(self._name, self._options, undo=_stop_if_ours))

    async def __aexit__(self, *raised: object) -> None:
        server = self._leave()
        if server is not None:
            await _stop_if_ours(server)

    def _enter(self, server: Server) -> Server:
        self._entered.append((server, os.getpid()))
        return server

    def _leave(self) -> Server | None:
        """The server to stop: one that this very process started, and not the parent it was forked from."""
        server, entered_by = self._entered.pop()
        return server if server.origin == "started" and entered_by == os.getpid() else None


async def _stop_if_ours(server: Server) -> None:
    if server.origin == "started":
        try:
            await server.stop_async()
        except SpawnlockError as error:
            _unless_gone(error)


def _unless_gone(error: SpawnlockError) -> None:
    """Somebody else may have stopped it, or replaced it, before the scope ended."""
    if error.code != "ERR_SPAWNLOCK_NOT_RUNNING":
        raise error
