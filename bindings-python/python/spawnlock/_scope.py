"""A server for a scope."""

from __future__ import annotations

from ._native import Server, ServerSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .types import Options


class ServerScope:
    """What `server` gives: a scope that uses the server, and whose end stops it if nobody else does."""

    def __init__(self, name: str | None, options: Options) -> None:
        self._name = name
        self._options = options
        #: The servers of the scopes entered and not yet left.
        self._entered: list[Server] = []

    def __enter__(self) -> Server:
        return self._enter(ServerSpec(self._name, **self._options).ensure_scoped())

    def __exit__(self, *raised: object) -> None:
        self._entered.pop()._leave()

    async def __aenter__(self) -> Server:
        from ._aio import scoped

        return self._enter(await scoped(self._name, self._options))

    async def __aexit__(self, *raised: object) -> None:
        from ._aio import left

        await left(self._entered.pop())

    def _enter(self, server: Server) -> Server:
        self._entered.append(server)
        return server
