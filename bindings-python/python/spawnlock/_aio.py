"""Waiting under asyncio: each wait has a thread of its own, so that neither the loop nor its executor is held up."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from ._native import Restart, ServerSpec, Wait, begin_stop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ._native import Acquired, Guard, Job, Server, SpawnLock
    from .types import Done, Options, Ready, RestartOptions, Seconds, StopOptions, WaitOptions


async def ensured(name: str | None, options: Options) -> Server:
    server: Server = await _waited(ServerSpec(name, **options).begin)
    return server


async def scoped(name: str | None, options: Options) -> Server:
    """The server for a scope; one that came just when the task was cancelled is left at once."""
    server: Server = await _waited(ServerSpec(name, **options).begin_scoped, left)
    return server


async def left(server: Server) -> None:
    await _waited(server._begin_leave)


async def stopped(server: Server) -> None:
    await _waited(server._begin_stop)


async def stopped_by_name(name: str, options: StopOptions) -> None:
    await _waited(lambda done: begin_stop(done, name, **options))


async def restarted(server: Server) -> Server:
    new: Server = await _waited(server._begin_restart)
    return new


async def restarted_by_name(name: str, options: RestartOptions) -> Server:
    new: Server = await _waited(Restart(name, **options).begin)
    return new


async def waited_for(checks: Ready, options: WaitOptions) -> None:
    await _waited(Wait(checks, **options).begin)


def acquired(lock: SpawnLock, timeout: Seconds | None, blocking: bool) -> Coroutine[Any, Any, Acquired]:
    """Waits as the task that calls this, even if another awaits it: until Python 3.12 `asyncio.wait_for` makes one for that."""
    return _acquired(lock, timeout, blocking, this_task())


async def _acquired(lock: SpawnLock, timeout: Seconds | None, blocking: bool, task: int | None) -> Acquired:
    owner = this_task() if task is None else task
    if owner is None:
        raise RuntimeError("a lock can be waited for only in a task of asyncio")
    guard: Guard = await _waited(lambda done: lock._begin(done, owner, timeout, blocking), _let_go)
    return lock._keep(owner, guard)


async def entered(lock: SpawnLock) -> SpawnLock:
    await acquired(lock, None, True)
    return lock


async def itself(lock: SpawnLock) -> SpawnLock:
    return lock


async def released(lock: SpawnLock, task: int | None) -> None:
    await _waited(lambda done: lock._begin_release(done, task))


async def _let_go(guard: Guard) -> None:
    await _waited(guard.begin_release)


#: A number for each task that took a lock, which no other task has, now or later.
_numbers: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
_tasks: WeakValueDictionary[int, asyncio.Task[Any]] = WeakValueDictionary()
_next = itertools.count(1)


def this_task() -> int | None:
    """The number of the current task; None outside of any."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    if task is None:
        return None
    if task not in _numbers:
        number = next(_next)
        _numbers[task], _tasks[number] = number, task
    return _numbers[task]


def whose(tasks: list[int]) -> int | None:
    """As which of these the caller may release: as itself, or for one that is over, as when a fixture ends in another task."""
    mine = this_task()
    return mine if mine in tasks else next(filter(_is_over, tasks), None)


def _is_over(number: int) -> bool:
    task = _tasks.get(number)
    return task is None or task.done()


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
