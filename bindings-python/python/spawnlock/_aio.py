"""Waiting under asyncio: each wait has a thread of its own, so that neither the loop nor its executor is held up."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from ._native import ServerSpec, begin_stop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ._native import Job, Server, SpawnLock
    from .types import Done, Options, Seconds, StrPath


async def ensured(name: str | None, options: Options, undo: Callable[[Server], Coroutine[Any, Any, None]] | None = None) -> Server:
    """The server; one that came just when the task was cancelled is given to `undo`."""
    server: Server = await _waited(ServerSpec(name, **options).begin, undo)
    return server


async def stopped(server: Server) -> None:
    await _waited(server._begin_stop)


async def stopped_by_name(name: str, timeout: Seconds | None, state_dir: StrPath | None) -> None:
    await _waited(lambda done: begin_stop(done, name, timeout=timeout, state_dir=state_dir))


async def locked(lock: SpawnLock, timeout: float | None = None) -> None:
    """Takes a lock for this task; one that came just when the task was cancelled is let go of."""
    owner = _owner()

    async def undo(_: None) -> None:
        lock._release_of(owner)

    await _waited(lambda done: lock._begin_acquire(done, owner, timeout), undo)


async def entered(lock: SpawnLock) -> SpawnLock:
    await locked(lock)
    return lock


async def left(lock: SpawnLock) -> None:
    lock.release()


def this_task() -> int | None:
    """A number for the task that runs on this thread."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    return None if task is None else id(task)


def _owner() -> int:
    owner = this_task()
    if owner is None:
        raise RuntimeError("a lock can be waited for only in a task of asyncio")
    return owner


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
