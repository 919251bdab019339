"""Start a background server exactly once, however many processes ask for it, and share it with all of them.

>>> from spawnlock import ensure_server
>>> api = ensure_server("api", command=["node", "server.js"], ready="http://localhost:1987/health")
>>> print(api.origin, api.url, api.pid)
started http://localhost:1987 4242
"""

from __future__ import annotations

from ._native import (
    ClaimedSocket,
    Ended,
    Event,
    Holder,
    Kick,
    Server,
    SpawnLock,
    Status,
    __version__,
    claim_socket,
    list_servers,
    notify,
    notify_ready,
    prune_servers,
    server_logs,
    server_status,
    stop_server,
)
from .errors import SpawnlockConfigError, SpawnlockError, SpawnlockRunningError, SpawnlockTimeoutError

# `typing` costs as much as all of this package to import; type checkers take the name for true all the same.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._scope import ServerScope
    from .types import Options, Ready, RestartOptions, StopOptions, WaitOptions

__all__ = [
    "ClaimedSocket",
    "Ended",
    "Event",
    "Holder",
    "Kick",
    "Server",
    "SpawnLock",
    "SpawnlockConfigError",
    "SpawnlockError",
    "SpawnlockRunningError",
    "SpawnlockTimeoutError",
    "Status",
    "__version__",
    "claim_socket",
    "ensure_server",
    "ensure_server_async",
    "kick_server",
    "list_servers",
    "notify",
    "notify_ready",
    "prune_servers",
    "restart_server",
    "restart_server_async",
    "server",
    "server_logs",
    "server_status",
    "stop_server",
    "stop_server_async",
    "wait_for",
    "wait_for_async",
]


def ensure_server(name: str | None = None, **options: Unpack[Options]) -> Server:
    """Gets the server: starts it if nobody has, waits until it is ready, and leaves it running.

    Other threads run while it waits, and Ctrl-C ends the wait. Every option but `ready` may be left out. A name without a
    command and without a check is a server that the project declares; nothing at all is the only one it declares.

    name                 its identity for this user on this machine; default: made from its address
    command              the program and its arguments; without one nothing is started, only looked for
    shell                a line for /bin/sh, instead of a command
    cwd, env, umask      what the server runs in; `inherit_env=False` keeps the caller's variables from it
    scope                "user", or "project" (the default with a port that is chosen): the project's root is part of the name
    host, port           its port: a number, or "auto" for one that is chosen at the start and found again by all who ask for
                         the same name. {port} and {host} stand for them everywhere; the server gets PORT and HOST
    listen               where to listen in its stead, "tcp:1987" or "unix:/path", one, a list or a dict with names: it gets
                         the sockets as descriptors 3, 4, … with LISTEN_FDS
    ready                how to tell that it is ready: "http://localhost:1987/health", "tcp:localhost:5432", "unix:/path",
                         "exec:command line", "log:pattern" (a line of its log), "file:/path", "notify" (it sends READY=1
                         to its NOTIFY_SOCKET), a dict with the details, a function, or a list of these, which must all
                         pass. A function returns True, or False when nobody is there, or a verdict such as "starting"
    identity             fields of the health answer by which it is known as ours
    timeout              how long the whole call may take, in seconds or as a timedelta, as all times; default: 60
    probe_timeout        how long one health question may take; default: 5
    log, tail_lines      where its output goes, and how many of its last lines a failure shows
    state_dir            the directory for the state of all names
    lock                 "flock", "excl" (a file that exists) or "auto": what the spawn lock is made of
    lock_file            a lock to hold as well, at any path, for old scripts that know only that file
    on_lock_unavailable  "proceed" (warn and go on, the default) or "fail" where no lock can be had
    lock_patience        start anyway after having waited this long for the lock; default: never
    stop_timeout         how long it may take to end before it is killed; default: 10
    stop                 "never" (the default), or "last": it is stopped when all who asked for it in this way are gone, by
                         `release` or with their process
    linger               how long it goes on without a user, with stop="last"; default: not at all
    config               the file that declares the server; what is said here besides wins. Default: SPAWNLOCK_CONFIG, else the
                         nearest spawnlock.toml, package.json or pyproject.toml upward that declares servers
    stop_signal          the signal that asks it to end, whoever stops it; default: "SIGTERM"
    reuse                which servers that run already will do: every "healthy" one, only one that was started here ("owned"),
                         or none ("never"), and then one of ours is replaced by a fresh one
    version              the version that is wanted: a number such as "1.4.2", or any text such as the hash of a commit
    version_field        the field of the health answer in which the server tells its version
    on_mismatch          "restart" (the newer one stays, and one that others hold leases on), "reuse" or "error"
    unresponsive         "error" or "replace": what to do about a server of ours that lives and does not answer
    on_event             a function that is told what happens meanwhile, on the waiting thread
    progress             True shows people what happens, on stderr: one live line on a terminal, plain lines elsewhere;
                         "auto" does where stderr is a terminal

    An application that has set up `logging` gets the same from the logger "spawnlock".

    Raises SpawnlockError, whose `code` says what failed and whose text says what to look at.
    """
    from ._native import ServerSpec

    return ServerSpec(name, **options).ensure()


def kick_server(name: str | None = None, **options: Unpack[Options]) -> Kick:
    """Starts the server if nobody has, and does not wait until it is ready: a few milliseconds at most.

    Takes the options of `ensure_server`. The process may end in the next moment; the server comes up, once. What goes wrong is in the
    answer; only wrong options are raised.
    """
    from ._native import ServerSpec

    return ServerSpec(name, **options).kick()


async def ensure_server_async(name: str | None = None, **options: Unpack[Options]) -> Server:
    """Gets the server without blocking the event loop; takes the options of `ensure_server`.

    Cancelling the task cancels the wait. Functions among the checks and `on_event` are called on a thread of the wait.
    """
    from ._aio import ensured

    return await ensured(name, options)


def restart_server(name: str, **options: Unpack[RestartOptions]) -> Server:
    """Stops a server and starts it again as it was declared; one that does not run is started.

    Of many who ask at the same moment one does it, and all get the same new server, or the same reason why not.

    only_generation      restart only this start of the name; when a later one runs, that one is given
    timeout              how long the whole call may take, the stop included; default: 60, or what the server was declared
                         with if that is longer
    stop_timeout         how long it may take to end before it is killed; default: what it was declared with, else 10
    break_after          go on without the lock after having waited this long for it; default: never
    state_dir            the directory for the state of all names
    on_event             a function that is told what happens meanwhile, on the waiting thread
    progress             True shows people what happens, on stderr; "auto" does where stderr is a terminal
    """
    from ._native import Restart

    return Restart(name, **options).restart()


async def restart_server_async(name: str, **options: Unpack[RestartOptions]) -> Server:
    """Restarts a server without blocking the event loop; takes the options of `restart_server`."""
    from ._aio import restarted_by_name

    return await restarted_by_name(name, options)


async def stop_server_async(name: str, **options: Unpack[StopOptions]) -> None:
    """Stops a server without blocking the event loop; takes the options of `stop_server`."""
    from ._aio import stopped_by_name

    await stopped_by_name(name, options)


def wait_for(checks: Ready, **options: Unpack[WaitOptions]) -> None:
    """Waits until all of these checks pass at once, whoever starts what they ask for.

    A check is what `ready` of `ensure_server` takes, but for "log:…" and "notify", which are about a server that was started.

    timeout              how long the whole call may take; default: 60
    probe_timeout        how long one question may take; default: 5
    gone                 whether to wait until nothing of it is there any more
    on_event             a function that is told after about a second what is waited for, on the waiting thread
    progress             True shows people what is waited for, on stderr; "auto" does where stderr is a terminal

    Raises SpawnlockTimeoutError, which names each check that failed, with its last answer.
    """
    from ._native import Wait

    Wait(checks, **options).wait()


async def wait_for_async(checks: Ready, **options: Unpack[WaitOptions]) -> None:
    """Waits for anything without blocking the event loop; takes what `wait_for` takes."""
    from ._aio import waited_for

    await waited_for(checks, options)


def server(name: str | None = None, **options: Unpack[Options]) -> ServerScope:
    """Gets the server for a scope: `with server(…) as s:` or `async with server(…) as s:`.

    Takes the options of `ensure_server`. The server is stopped when its last user is gone, killed ones included, unless `stop` says
    "never"; the scope that is the last returns when the server is gone.
    """
    from ._scope import ServerScope

    return ServerScope(name, options)
