"""`ready` as text, as a dict, as a function, and as a list of these."""

from __future__ import annotations

import socket
import time

import pytest

import spawnlock
from conftest import Scene


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_a_function_decides_whether_the_server_is_there(scene: Scene) -> None:
    asked = lambda: listens(scene.port)  # noqa: E731  as a user writes it
    assert scene.ensure(ready=asked).origin == "started"
    assert scene.ensure(ready=asked).origin == "reused"


def test_none_means_that_nobody_is_there(scene: Scene) -> None:
    assert scene.ensure(ready=lambda: True if listens(scene.port) else None).origin == "started"


def test_what_a_function_raises_means_that_nobody_is_there_and_is_told(scene: Scene) -> None:
    def ask() -> bool:
        raise ConnectionError("no such thing")

    with pytest.raises(spawnlock.SpawnlockTimeoutError) as caught:
        scene.ensure(ready=ask, timeout=0.3)
    assert "ConnectionError: no such thing" in str(caught.value)


@pytest.mark.parametrize("word", ["starting", "unhealthy", "busy", "denied"])
def test_every_word_but_dead_forbids_a_start(scene: Scene, word: str) -> None:
    with pytest.raises(spawnlock.SpawnlockError):
        scene.ensure(ready=lambda: word, timeout=0.5)
    assert scene.starts() == []


def test_an_answer_that_is_no_verdict_starts_nothing(scene: Scene) -> None:
    with pytest.raises(spawnlock.SpawnlockError) as caught:
        scene.ensure(ready=lambda: 17, timeout=0.5)
    assert scene.starts() == [] and "17" in str(caught.value)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_exit_from_within_a_function_reaches_the_caller(scene: Scene, raised: type[BaseException]) -> None:
    def ask() -> bool:
        raise raised

    with pytest.raises(raised):
        scene.ensure(ready=ask)
    assert scene.starts() == []


def test_all_checks_of_a_list_must_pass(scene: Scene) -> None:
    ready_at = time.monotonic() + 0.5
    checks = [
        scene.url,
        f"tcp:127.0.0.1:{scene.port}",
        {"http": scene.url, "status": 200},
        lambda: time.monotonic() > ready_at or "starting",
    ]
    scene.ensure(ready=lambda: listens(scene.port))
    assert scene.ensure(ready=checks).origin == "reused"
    assert time.monotonic() > ready_at


def test_a_dict_holds_the_details_of_a_check(scene: Scene) -> None:
    server = scene.ensure(
        "--status", "203", "--word", "lovely", ready={"http": scene.url, "status": ["200-202", 203], "json": {"status": "lovely"}}
    )
    assert server.origin == "started"


def test_a_function_alone_gives_no_name() -> None:
    with pytest.raises(spawnlock.SpawnlockConfigError, match="`name`"):
        spawnlock.ensure_server(ready=lambda: True)
