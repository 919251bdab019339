"""Waiting under asyncio: each wait has a thread of its own, so that neither the loop nor its executor is held up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from ._native import Restart, ServerSpec, begin_stop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ._native import Job, Server
    from .types import Done, Options, RestartOptions, Seconds, StrPath


async def ensured(name: str | None, options: Options, undo: Callable[[Server], Coroutine[Any, Any, None]] | None = None) -> Server:
    """The server; one that came just when the task was cancelled is given to `undo`."""
    server: Server = await _waited(ServerSpec(name, **options).begin, undo)
    return server


async def stopped(server: Server) -> None:
    await _waited(server._begin_stop)


async def stopped_by_name(name: str, timeout: Seconds | None, state_dir: StrPath | None) -> None:
    await _waited(lambda done: begin_stop(done, name, timeout=timeout, state_dir=state_dir))


async def restarted(server: Server) -> Server:
    new: Server = await _waited(server._begin_restart)
    return new


async def restarted_by_name(name: str, options: RestartOptions) -> Server:
    new: Server = await _waited(Restart(name, **options).begin)
    return new


async def _waited(begin: Callable[[Done], Job], undo: Callable[[Any], Coroutine[Any, Any, None]] | None = None) -> Any:
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Any] = loop.create_future()

    def settle(result: object, error: BaseException | None) -> None:
        if error is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(error)

    def done(result: object, error: BaseException | None) -> None:
        # A loop that is closed by now has nobody who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    job = begin(done)
    try:
        await asyncio.wait([outcome])
    except asyncio.CancelledError:
        job.cancel()
        await _released(outcome)
        if outcome.exception() is None and undo is not None:
            await undo(outcome.result())
        raise
    return outcome.result()


async def _released(outcome: asyncio.Future[Any]) -> None:
    """Waits until a cancelled call has let go of everything, however often the task is cancelled meanwhile."""
    while not outcome.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([outcome])
