"""What spawnlock raises. The native part makes these errors; their words come from it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from .types import ErrorCode

__all__ = ["SpawnlockConfigError", "SpawnlockError", "SpawnlockRunningError", "SpawnlockTimeoutError"]


class SpawnlockError(Exception):
    """A failed call. The text says what was attempted, and what to look at; the cause, if there is one, is its ``__cause__``."""

    #: What kind of failure it is: the text to match on, the same in every language.
    code: ErrorCode = "ERR_SPAWNLOCK_NATIVE"
    #: The code with which the server exited.
    exit_code: int | None = None
    #: The signal that ended the server, by name.
    signal: str | None = None
    #: The error number of the system call that failed.
    errno: int | None = None
    #: The process concerned: the server, or the holder of the lock.
    pid: int | None = None
    #: In how many seconds the next start is allowed, for ERR_SPAWNLOCK_CRASH_LOOP.
    retry_after: float | None = None
    #: What to look at or change next.
    hint: str | None = None
    #: What the server last said it was doing, by `STATUS=`.
    status: str | None = None
    #: The log of the server.
    log_file: Path | None = None
    #: The last lines the server wrote in this attempt, oldest first.
    log_tail: tuple[str, ...] = ()


class SpawnlockTimeoutError(SpawnlockError, TimeoutError):
    """The server was not ready in time, or another process held the spawn lock until then."""


class SpawnlockConfigError(SpawnlockError, ValueError):
    """An option or variable is wrong; the message names it."""


class SpawnlockRunningError(SpawnlockError):
    """Another daemon serves this socket already: a daemon that is told so exits with 0."""


_KINDS = {
    "ERR_SPAWNLOCK_TIMEOUT": SpawnlockTimeoutError,
    "ERR_SPAWNLOCK_LOCK_TIMEOUT": SpawnlockTimeoutError,
    "ERR_SPAWNLOCK_CONFIG": SpawnlockConfigError,
    "ERR_SPAWNLOCK_RUNNING": SpawnlockRunningError,
}


def _from_core(code: ErrorCode, message: str, cause: str | None, **facts: object) -> SpawnlockError:
    error = _KINDS.get(code, SpawnlockError)(message)
    error.code = code
    for fact, value in facts.items():
        setattr(error, fact, value)
    if cause is not None:
        # With its number Python makes it a FileNotFoundError, a PermissionError, and so on.
        error.__cause__ = OSError(cause) if error.errno is None else OSError(error.errno, os.strerror(error.errno))
    return error
