"""What the package shows: words, options and types, each of them held to the native part."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing

import pytest

import spawnlock
from spawnlock import _native, types


@pytest.mark.parametrize(
    "list_of", ["ErrorCode", "EventKind", "FlockSupport", "KickState", "LockKind", "Origin", "State", "StopWhen", "Verdict"]
)
def test_the_words_of_the_types_are_those_of_the_core(list_of: str) -> None:
    assert list(typing.get_args(getattr(types, list_of))) == _native.words()[list_of]


def test_the_options_of_the_types_are_those_of_the_native_part() -> None:
    parameters = list(inspect.signature(_native.ServerSpec).parameters)
    assert parameters == ["name", *types.Options.__annotations__]


def test_every_option_is_explained() -> None:
    assert spawnlock.ensure_server.__doc__ is not None
    assert [option for option in types.Options.__annotations__ if option not in spawnlock.ensure_server.__doc__] == []


def test_every_option_of_a_lock_is_explained() -> None:
    options = [name for name in inspect.signature(spawnlock.SpawnLock).parameters if name != "path"]
    assert spawnlock.SpawnLock.__doc__ is not None
    assert [option for option in options if option not in spawnlock.SpawnLock.__doc__] == []


def test_the_options_of_a_restart_are_those_of_the_native_part_and_explained() -> None:
    parameters = list(inspect.signature(_native.Restart).parameters)
    assert parameters == ["name", *types.RestartOptions.__annotations__]
    assert spawnlock.restart_server.__doc__ is not None
    assert [option for option in parameters[1:] if option not in spawnlock.restart_server.__doc__] == []


def test_the_options_of_a_wait_are_those_of_the_native_part_and_explained() -> None:
    parameters = list(inspect.signature(_native.Wait).parameters)
    assert parameters == ["checks", *types.WaitOptions.__annotations__]
    assert spawnlock.wait_for.__doc__ is not None
    assert [option for option in parameters[1:] if option not in spawnlock.wait_for.__doc__] == []


def test_all_that_is_promised_is_there() -> None:
    assert [name for name in spawnlock.__all__ if not hasattr(spawnlock, name)] == []


def test_importing_it_brings_neither_asyncio_nor_typing() -> None:
    code = "import sys; before = set(sys.modules); import spawnlock; print(*sorted(set(sys.modules) - before))"
    brought = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [module for module in brought.stdout.split() if not module.startswith("spawnlock")] in ([], ["__future__"])
