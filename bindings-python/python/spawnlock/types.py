"""Names for annotations: what the options take and what the answers hold. Nothing imports this module at run time."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypedDict, Union

from ._native import Acquired, Event, Server, SpawnLock

#: Text, or anything that has a path.
StrPath = Union[str, "os.PathLike[str]"]
#: A time: seconds, or a timedelta.
Seconds = Union[float, timedelta]

#: What a health question found; only "dead" allows a start.
Verdict = Literal["ready", "starting", "unhealthy", "dead", "busy", "denied"]
#: How a call came by its server.
Origin = Literal["started", "joined", "reused", "foreign"]
#: What a server is doing.
State = Literal["running", "starting", "stopping", "stopped"]
#: When a server is stopped without anybody saying so.
StopWhen = Literal["never", "last"]
#: What a start that is not waited for came to.
KickState = Literal["running", "starting", "started", "failed"]
#: The kinds of events.
EventKind = Literal["waiting", "starting", "adopting", "ready", "stopping", "status", "warning"]
#: How far a name reaches.
Scope = Literal["user", "project"]
#: A port, or one that is chosen when the server is started.
Port = Union[int, Literal["auto"]]
#: Addresses to listen on in the server's stead: one, several, or several with names.
Listen = Union[str, Sequence[str], Mapping[str, str]]
#: What to do where no lock can be had.
OnLockUnavailable = Literal["proceed", "fail"]
#: Which servers that run already will do.
Reuse = Literal["healthy", "owned", "never"]
#: What to do about a server of another version.
OnMismatch = Literal["restart", "reuse", "error"]
#: What to do about a server of ours that lives and does not answer.
Unresponsive = Literal["error", "replace"]
#: The signal that asks a server to end.
StopSignal = Literal["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"]
#: Why a server is no more.
EndReason = Literal["exited", "stopped", "restarted", "last-user", "replaced", "outdated"]
#: What a lock is made of.
LockKind = Literal["auto", "flock", "excl"]
#: What a file system makes of kernel locks.
FlockSupport = Literal["works", "refused", "lies"]
#: Why a call failed.
ErrorCode = Literal[
    "ERR_SPAWNLOCK_CONFIG",
    "ERR_SPAWNLOCK_CONFLICT",
    "ERR_SPAWNLOCK_PLACE",
    "ERR_SPAWNLOCK_LOCK_TIMEOUT",
    "ERR_SPAWNLOCK_LOCK_UNAVAILABLE",
    "ERR_SPAWNLOCK_SPAWN",
    "ERR_SPAWNLOCK_EXITED",
    "ERR_SPAWNLOCK_TIMEOUT",
    "ERR_SPAWNLOCK_UNHEALTHY",
    "ERR_SPAWNLOCK_UNRESPONSIVE",
    "ERR_SPAWNLOCK_FOREIGN",
    "ERR_SPAWNLOCK_PORT_IN_USE",
    "ERR_SPAWNLOCK_VERSION",
    "ERR_SPAWNLOCK_CRASH_LOOP",
    "ERR_SPAWNLOCK_RECURSIVE",
    "ERR_SPAWNLOCK_DENIED",
    "ERR_SPAWNLOCK_NOT_RUNNING",
    "ERR_SPAWNLOCK_RUNNING",
    "ERR_SPAWNLOCK_STOP",
    "ERR_SPAWNLOCK_CANCELLED",
    "ERR_SPAWNLOCK_NATIVE",
]

#: The program and its arguments.
Command = Sequence[StrPath]
#: A check: text, a dict with the details, or a function.
Check = Union[str, dict[str, Any], Callable[[], Union[bool, Verdict, None]]]
#: One check, or several that must all pass.
Ready = Union[Check, Sequence[Check]]
#: Variables for the server.
Environment = Mapping[str, str]
#: Fields of a health answer, dotted where nested, and the values they must have.
Identity = dict[str, Any]
#: Whether people are shown what happens: always, never, or only at a terminal.
ShowProgress = Union[bool, Literal["auto"]]
#: Told what happens during a call.
Listener = Callable[[Event], object]

#: Told the result of a wait, or its error, on the thread of the wait.
Done = Callable[[Any, Union[BaseException, None]], object]
#: What an exit is told of the exception that ends its block.
Ignored = object
#: A coroutine that gives a scope of a lock that is held.
Acquiring = Coroutine[Any, Any, Acquired]
#: A coroutine that gives the lock.
Locked = Coroutine[Any, Any, SpawnLock]
#: A coroutine that gives nothing back.
Nothing = Coroutine[Any, Any, None]
#: A coroutine that gives a server.
LaterServer = Coroutine[Any, Any, Server]


class NameOptions(TypedDict, total=False):
    """What belongs to the name, and is another word elsewhere: a fixture of pytest has a scope, too."""

    scope: Scope | None


class ServerOptions(TypedDict, total=False):
    """What the server is and how it is had, in whatever scope; one that is None counts as not given."""

    command: Command | None
    shell: str | None
    cwd: StrPath | None
    env: Environment | None
    inherit_env: bool | None
    umask: int | None
    host: str | None
    port: Port | None
    listen: Listen | None
    ready: Ready | None
    identity: Identity | None
    timeout: Seconds | None
    probe_timeout: Seconds | None
    log: StrPath | None
    tail_lines: int | None
    state_dir: StrPath | None
    lock: LockKind | None
    lock_file: StrPath | None
    on_lock_unavailable: OnLockUnavailable | None
    lock_patience: Seconds | None
    stop_timeout: Seconds | None
    stop: StopWhen | None
    linger: Seconds | None
    config: StrPath | None
    stop_signal: StopSignal | None
    reuse: Reuse | None
    version: str | None
    version_field: str | None
    on_mismatch: OnMismatch | None
    unresponsive: Unresponsive | None
    on_event: Listener | None
    progress: ShowProgress | None


class Options(NameOptions, ServerOptions, total=False):
    """The options of `ensure_server`."""


class RestartOptions(TypedDict, total=False):
    """The options of `restart_server`; one that is None counts as not given."""

    only_generation: int | None
    timeout: Seconds | None
    stop_timeout: Seconds | None
    break_after: Seconds | None
    state_dir: StrPath | None
    on_event: Listener | None
    progress: ShowProgress | None


class StopOptions(TypedDict, total=False):
    """The options of `stop_server`; one that is None counts as not given."""

    stop_timeout: Seconds | None
    state_dir: StrPath | None
    on_event: Listener | None
    progress: ShowProgress | None


class WaitOptions(TypedDict, total=False):
    """The options of `wait_for`; one that is None counts as not given."""

    timeout: Seconds | None
    probe_timeout: Seconds | None
    gone: bool | None
    on_event: Listener | None
    progress: ShowProgress | None
