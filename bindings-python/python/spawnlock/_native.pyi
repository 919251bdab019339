# Written by `python bindings-python/stub.py` from the Rust sources; do not edit.
"""
The native part of spawnlock. Import `spawnlock`, not this.
"""

from datetime import datetime
from pathlib import Path
from spawnlock.errors import SpawnlockError
from spawnlock.types import Acquiring, Command, Done, EndReason, Environment, EventKind, FlockSupport, Identity, Ignored, KickState, LaterServer, Listen, Listener, LockKind, Locked, Nothing, OnLockUnavailable, OnMismatch, Origin, Port, Ready, Reuse, Scope, Seconds, ShowProgress, State, StopSignal, StopWhen, StrPath, Unresponsive, Verdict
from typing import Final, SupportsIndex, final

__all__ = ["__version__", "Acquired", "ClaimedSocket", "Ended", "Event", "Guard", "Holder", "Job", "Kick", "Restart", "Server", "ServerSpec", "SpawnLock", "Status", "Wait", "begin_stop", "claim_socket", "list_servers", "notify", "notify_ready", "prune_servers", "server_logs", "server_status", "stop_server", "words"]

__version__: Final[str]
"""
The version of the package.
"""

@final
class Acquired:
    """
    What `acquire` gives: a scope of the lock that is held already.
    """
    def __aenter__(self, /) -> Locked: ...
    def __aexit__(self, /, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> Nothing: ...
    def __enter__(self, /) -> SpawnLock: ...
    def __exit__(self, /, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> None: ...

@final
class ClaimedSocket:
    """
    A Unix socket of which this process is the only server. It listens already; whoever serves it takes its descriptor:
    `socket.socket(fileno=claim.detach())`.

    A claim whose descriptor was taken lasts until it is closed or the process ends, whether or not anybody refers to it. Closing
    removes the socket's file if that is still ours. A forked child may serve the socket; its copy of the claim closes nothing.
    """
    def __enter__(self, /) -> ClaimedSocket: ...
    def __exit__(self, /, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> None: ...
    def __repr__(self, /) -> str: ...
    def close(self, /) -> bool:
        """
        Gives the socket up: removes its file if that is still ours, closes the descriptor unless it was taken, frees the lock.

        `False` when the file was no longer ours, it was closed before, or this is a forked child's copy.
        """
    def detach(self, /) -> int:
        """
        Gives the descriptor to the caller, who serves it and closes it; the socket stays claimed.
        """
    def fileno(self, /) -> int:
        """
        The number of the descriptor, which stays the claim's; -1 once it was taken or closed.
        """
    @property
    def path(self, /) -> Path:
        """
        The whole path of the socket.
        """
    def still_owned(self, /) -> bool:
        """
        Whether the name still leads to our socket: when somebody has removed or replaced it, no client finds us any more.
        """

@final
class Ended:
    """
    How a server that had been ready ended.
    """
    def __repr__(self, /) -> str: ...
    @property
    def ended_at(self, /) -> datetime:
        """
        When it ended, or was found dead, in UTC.
        """
    @property
    def exit_code(self, /) -> int | None:
        """
        The code with which it exited, where somebody saw it.
        """
    @property
    def generation(self, /) -> int:
        """
        Which start of its name it was.
        """
    @property
    def log_tail(self, /) -> list[str]:
        """
        The last lines it wrote, oldest first.
        """
    @property
    def reason(self, /) -> EndReason:
        """
        Why it ended.
        """
    @property
    def signal(self, /) -> str | None:
        """
        The signal that ended it, by name, where somebody saw it.
        """

@final
class Event:
    """
    One thing that happened during a call.
    """
    def __repr__(self, /) -> str: ...
    @property
    def elapsed(self, /) -> float:
        """
        Seconds since the call began.
        """
    @property
    def holder(self, /) -> Holder | None:
        """
        Who holds the spawn lock, while waiting for it.
        """
    @property
    def kind(self, /) -> EventKind:
        """
        What kind of thing.
        """
    @property
    def log_file(self, /) -> Path | None:
        """
        Where the server's output goes, while it starts.
        """
    @property
    def message(self, /) -> str:
        """
        One line for people.
        """
    @property
    def name(self, /) -> str:
        """
        The name of the server.
        """
    @property
    def pid(self, /) -> int | None:
        """
        The server's process, where it is known.
        """

@final
class Guard:
    """
    What a wait on another thread was given, until a lock object keeps it. Without one it is let go.
    """
    def begin_release(self, /, done: Done) -> Job:
        """
        Lets go on a thread of its own, then calls `done(None, error)` there.
        """

@final
class Holder:
    """
    The process that holds a lock.
    """
    def __repr__(self, /) -> str: ...
    @property
    def host(self, /) -> str:
        """
        The machine it runs on.
        """
    @property
    def pid(self, /) -> int:
        """
        Its process id.
        """
    @property
    def program(self, /) -> str:
        """
        What it was run as, short.
        """
    @property
    def since(self, /) -> datetime | None:
        """
        Since when it holds the lock; `None` when it did not say.
        """
    @property
    def token(self, /) -> str:
        """
        Tells this holding from every other.
        """

@final
class Job:
    """
    A wait that goes on elsewhere.
    """
    def cancel(self, /) -> None:
        """
        Ends the wait; `done` is called all the same, once everything of the call is released.
        """

@final
class Kick:
    """
    What `kick_server` gives.
    """
    def __repr__(self, /) -> str: ...
    @property
    def error(self, /) -> SpawnlockError | None:
        """
        Why it could not be started.
        """
    @property
    def server(self, /) -> Server | None:
        """
        The server, when it runs.
        """
    @property
    def state(self, /) -> KickState:
        """
        running; starting: by another, or not ready yet; started: by this call; failed.
        """

@final
class Restart:
    """
    A restart to be made. Use `spawnlock.restart_server` and its kin, which take the same options.
    """
    def __new__(cls, /, name: str, *, only_generation: SupportsIndex | None = None, timeout: Seconds | None = None, stop_timeout: Seconds | None = None, break_after: Seconds | None = None, state_dir: StrPath | None = None, on_event: Listener | None = None, progress: ShowProgress | None = None) -> Restart: ...
    def begin(self, /, done: Done) -> Job:
        """
        Restarts it on a thread of its own, then calls `done(server, error)` there.
        """
    def restart(self, /) -> Server:
        """
        Restarts it; other threads run meanwhile, and Ctrl-C ends the wait.
        """

@final
class Server:
    """
    A running, healthy server. Letting go of it does nothing: the server goes on for everybody else.
    """
    def __repr__(self, /) -> str: ...
    def _begin_leave(self, /, done: Done) -> Job:
        """
        The same on a thread of its own, then calls `done(None, error)` there.
        """
    def _begin_restart(self, /, done: Done) -> Job:
        """
        Restarts it on a thread of its own, then calls `done(server, error)` there.
        """
    def _begin_stop(self, /, done: Done) -> Job:
        """
        Stops it on a thread of its own, then calls `done(None, error)` there.
        """
    def _leave(self, /) -> None:
        """
        The same, and returns when the server is gone, if it goes.
        """
    @property
    def generation(self, /) -> int | None:
        """
        Which start of its name it is, from 1; `None` for a foreign one.
        """
    @property
    def host(self, /) -> str | None:
        """
        The host of its address.
        """
    @property
    def log_file(self, /) -> Path | None:
        """
        Where its output goes.
        """
    @property
    def name(self, /) -> str:
        """
        Its name.
        """
    @property
    def origin(self, /) -> Origin:
        """
        How this call came by it: started, joined, reused or foreign.
        """
    @property
    def pid(self, /) -> int | None:
        """
        Its main process; `None` for a foreign one.
        """
    @property
    def place(self, /) -> Path:
        """
        The private directory of its name.
        """
    @property
    def port(self, /) -> int | None:
        """
        The port of its address.
        """
    @property
    def ready_seconds(self, /) -> float | None:
        """
        How long it took from its start to its first healthy answer.
        """
    def release(self, /) -> None:
        """
        Says that this call uses it no more; of a server that is stopped with its last user, the last word stops it.
        """
    def restart(self, /) -> Server:
        """
        Stops it and starts it again as it was declared. When a later generation runs by now, that one is given.
        """
    def restart_async(self, /) -> LaterServer:
        """
        Restarts it without blocking the event loop.
        """
    @property
    def started_at(self, /) -> datetime | None:
        """
        When it was started, in UTC.
        """
    def stop(self, /) -> None:
        """
        Stops it, unless another generation runs by now.
        """
    def stop_async(self, /) -> Nothing:
        """
        Stops it without blocking the event loop.
        """
    def tail(self, /, lines: SupportsIndex) -> list[str]:
        """
        The last lines it wrote, oldest first.
        """
    @property
    def url(self, /) -> str | None:
        """
        Where it answers: `http://localhost:1987`, `tcp://localhost:5432`, `unix:/path`; `None` when only a function knows.
        """
    def variables(self, /) -> dict[str, str]:
        """
        What programs that use it are told, as variables: `SPAWNLOCK_API_URL` and `SPAWNLOCK_API_PORT`, as far as they are known.
        """
    @property
    def version(self, /) -> str | None:
        """
        Which version it was started as, or says that it is; `None` when nobody said.
        """

@final
class ServerSpec:
    """
    A server to have exactly once. Use `spawnlock.ensure_server` and its kin, which take the same options.
    """
    def __new__(cls, /, name: str | None = None, *, scope: Scope | None = None, command: Command | None = None, shell: str | None = None, cwd: StrPath | None = None, env: Environment | None = None, inherit_env: bool | None = None, umask: SupportsIndex | None = None, host: str | None = None, port: Port | None = None, listen: Listen | None = None, ready: Ready | None = None, identity: Identity | None = None, timeout: Seconds | None = None, probe_timeout: Seconds | None = None, log: StrPath | None = None, tail_lines: SupportsIndex | None = None, state_dir: StrPath | None = None, lock: LockKind | None = None, lock_file: StrPath | None = None, on_lock_unavailable: OnLockUnavailable | None = None, lock_patience: Seconds | None = None, stop_timeout: Seconds | None = None, stop: StopWhen | None = None, linger: Seconds | None = None, config: StrPath | None = None, stop_signal: StopSignal | None = None, reuse: Reuse | None = None, version: str | None = None, version_field: str | None = None, on_mismatch: OnMismatch | None = None, unresponsive: Unresponsive | None = None, on_event: Listener | None = None, progress: ShowProgress | None = None) -> ServerSpec: ...
    def begin(self, /, done: Done) -> Job:
        """
        Gets the server on a thread of its own, then calls `done(server, error)` there.
        """
    def begin_scoped(self, /, done: Done) -> Job:
        """
        The same for a scope, on a thread of its own.
        """
    def ensure(self, /) -> Server:
        """
        Gets the server; other threads run meanwhile, and Ctrl-C ends the wait.
        """
    def ensure_scoped(self, /) -> Server:
        """
        The same for a scope.
        """
    def kick(self, /) -> Kick:
        """
        Starts the server if nobody has, without waiting for it.
        """

@final
class SpawnLock:
    """
    A lock between processes, threads and tasks, at a path.

    To make the object takes nothing. `with` and `acquire` wait as the calling thread, `async with` and `acquire_async` as the
    calling task; all who share the object exclude each other, and each releases its own. In a forked child nothing is held.

    lock           "flock" (a kernel lock), "excl" (held while the file exists), or "auto", the default: "flock" wherever the
                   file system has it
    timeout        how long to wait, in seconds or as a timedelta, as all times; default: 60
    stale_after    after how long an "excl" lock of whose owner nothing is known counts as left behind; default: 10
    break_after    takes an "excl" lock even from an owner that lives, after having waited for it so long; default: never
    reentrant      whether whoever holds it may take it again; default: no, that is an error at once
    record_holder  whether to write down who holds it; default: yes
    on_event       a function that is told on whom one waits, and from whom a lock was taken
    """
    def __aenter__(self, /) -> Locked: ...
    def __aexit__(self, /, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> Nothing: ...
    def __enter__(self, /) -> SpawnLock: ...
    def __exit__(self, /, _kind: Ignored, _raised: Ignored, _trace: Ignored) -> None: ...
    def __new__(cls, /, path: StrPath, *, lock: LockKind | None = None, timeout: Seconds | None = None, stale_after: Seconds | None = None, break_after: Seconds | None = None, reentrant: bool | None = None, record_holder: bool | None = None, on_event: Listener | None = None) -> SpawnLock: ...
    def __repr__(self, /) -> str: ...
    def _begin(self, /, done: Done, task: SupportsIndex, timeout: Seconds | None, blocking: bool) -> Job:
        """
        Waits for it on a thread of its own, as the task of that number, then calls `done(guard, error)` there.
        """
    def _begin_release(self, /, done: Done, task: SupportsIndex | None) -> Job:
        """
        Lets go on a thread of its own of what the task of that number holds, or the caller, then calls `done(None, error)` there.
        """
    def _keep(self, /, task: SupportsIndex, guard: Guard) -> Acquired:
        """
        Keeps what the task of that number was given.
        """
    def acquire(self, /, timeout: Seconds | None = None, *, blocking: bool = True) -> Acquired:
        """
        Waits for it: for as long as the lock says, or for `timeout`; without `blocking` it is one try.

        Other threads run meanwhile, and Ctrl-C ends the wait. `with lock.acquire(timeout=1):` releases it at the end.
        """
    def acquire_async(self, /, timeout: Seconds | None = None, *, blocking: bool = True) -> Acquiring:
        """
        Waits for it without blocking the event loop, as the task that calls this; cancelling the task ends the wait.

        `async with await lock.acquire_async(timeout=1):` releases it at the end.
        """
    @property
    def held(self, /) -> bool:
        """
        Whether this thread or task holds it still: not if it was broken or removed meanwhile.
        """
    @property
    def holder(self, /) -> Holder | None:
        """
        Ourselves, as others read it; `None` while nobody holds it through this object.
        """
    @staticmethod
    def holder_of(path: StrPath, *, lock: LockKind | None = None) -> Holder | None:
        """
        Who holds a lock now; `None` when it is free. A holder that wrote nothing down has the pid 0.
        """
    @property
    def is_locked(self, /) -> bool:
        """
        Whether anybody holds it through this object: the name that filelock has for it.
        """
    @property
    def kind(self, /) -> LockKind:
        """
        What it is made of: "auto" while it is not held and was not asked for by its name.
        """
    @property
    def path(self, /) -> Path:
        """
        Its file.
        """
    def release(self, /) -> bool:
        """
        Lets go; a lock that was taken more than once is let go with its last release. `False` when this caller did not hold it
        any more.
        """
    @staticmethod
    def test_flock(directory: StrPath) -> FlockSupport:
        """
        Whether the kernel locks of the file system of this directory exclude anybody: it "works", it is "refused", or it "lies".
        """
    def try_acquire(self, /) -> bool:
        """
        Takes it if it is free.
        """

@final
class Status:
    """
    What is known about a name.
    """
    def __repr__(self, /) -> str: ...
    @property
    def ended(self, /) -> Ended | None:
        """
        How a server of this name ended last.
        """
    @property
    def generation(self, /) -> int:
        """
        Which start of its name the last one was; 0 before the first.
        """
    @property
    def health(self, /) -> Verdict | None:
        """
        What its checks say now; `None` when it is stopped or its checks cannot be asked from here.
        """
    @property
    def holder(self, /) -> Holder | None:
        """
        Who holds the spawn lock now: somebody is starting or stopping it.
        """
    @property
    def last_failure(self, /) -> SpawnlockError | None:
        """
        Why the last start failed, if the last one did.
        """
    @property
    def leases(self, /) -> list[Holder]:
        """
        Who holds a lease on it.
        """
    @property
    def log_file(self, /) -> Path | None:
        """
        Where its output goes.
        """
    @property
    def name(self, /) -> str:
        """
        The name.
        """
    @property
    def phase(self, /) -> str | None:
        """
        How far the last start has come, as its record says: starting, ready, stopping or stopped.
        """
    @property
    def pid(self, /) -> int | None:
        """
        Its main process, when it lives.
        """
    @property
    def place(self, /) -> Path:
        """
        The private directory of the name.
        """
    @property
    def ready_seconds(self, /) -> float | None:
        """
        How long that start took to the first healthy answer.
        """
    @property
    def restarted_because(self, /) -> str | None:
        """
        Why this start took the place of the one before it, where it did: `by hand`, `version 1 → 2`, `unresponsive`, `reuse never`.
        """
    @property
    def started_at(self, /) -> datetime | None:
        """
        When it was last started, in UTC.
        """
    @property
    def state(self, /) -> State:
        """
        Whether something of it lives: running, starting or stopped.
        """
    @property
    def url(self, /) -> str | None:
        """
        Where it answers.
        """
    @property
    def version(self, /) -> str | None:
        """
        Which version it was started as.
        """

@final
class Wait:
    """
    A wait to be made. Use `spawnlock.wait_for` and its kin, which take the same options.
    """
    def __new__(cls, /, checks: Ready, *, timeout: Seconds | None = None, probe_timeout: Seconds | None = None, gone: bool | None = None, on_event: Listener | None = None, progress: ShowProgress | None = None) -> Wait: ...
    def begin(self, /, done: Done) -> Job:
        """
        Waits on a thread of its own, then calls `done(None, error)` there.
        """
    def wait(self, /) -> None:
        """
        Waits; other threads run meanwhile, and Ctrl-C ends the wait.
        """

def begin_stop(done: Done, name: str, *, stop_timeout: Seconds | None = None, state_dir: StrPath | None = None, on_event: Listener | None = None, progress: ShowProgress | None = None) -> Job:
    """
    Stops a server on a thread of its own, then calls `done(None, error)` there.
    """

def claim_socket(path: StrPath) -> ClaimedSocket:
    """
    Binds a Unix socket and listens on it, if no other daemon serves it: of any number that try at once, one gets it.

    Raises SpawnlockRunningError when another daemon serves it: exit with 0. What a dead daemon left is replaced; one that answers,
    or of which nobody can tell, is left alone, and so is what is no socket. Only this user may connect, until the file is given
    other rights. It takes a second at most, and other threads run meanwhile.
    """

def list_servers(*, state_dir: StrPath | None = None) -> list[Status]:
    """
    Every name that was ever used here, in order.
    """

def notify(*, ready: bool = False, port: SupportsIndex | None = None, status: str | None = None, stopping: bool = False) -> bool:
    """
    Says how far this server is, to whoever waits at `$NOTIFY_SOCKET`: spawnlock or systemd.

    ready     it serves
    port      the port on which it listens, where it chose one itself
    status    what it is doing, in one line for people
    stopping  it is about to end

    `False` when nobody has asked for it, or nobody listens any more.
    """

def notify_ready(*, port: SupportsIndex | None = None, status: str | None = None) -> bool:
    """
    Says that this server is ready, to whoever waits at `$NOTIFY_SOCKET`: spawnlock or systemd.

    port    the port on which it listens, where it chose one itself
    status  what it is doing, in one line for people

    `False` when nobody has asked for it, or nobody listens any more.
    """

def prune_servers(*, dry_run: bool = False, state_dir: StrPath | None = None) -> list[str]:
    """
    Removes the places in which nothing lives: no process, no holder of the spawn lock, no lease. Returns their names.
    """

def server_logs(name: str, *, lines: SupportsIndex | None = None, all_starts: bool = False, state_dir: StrPath | None = None) -> list[str]:
    """
    The last lines a server wrote, oldest first, whether it runs or not.
    """

def server_status(name: str, *, state_dir: StrPath | None = None) -> Status:
    """
    What is known about a name; its checks are asked once when it lives.
    """

def stop_server(name: str, *, stop_timeout: Seconds | None = None, state_dir: StrPath | None = None, on_event: Listener | None = None, progress: ShowProgress | None = None) -> None:
    """
    Stops a server: its stop signal (SIGTERM) to its group, up to `stop_timeout` of grace, SIGKILL. Returns when it is gone.
    """

def words() -> dict[str, list[str]]:
    """
    Every word of each list, so that the lists of `spawnlock.types` can be held against them.
    """
