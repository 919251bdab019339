"""What the package offers, held to the contract that every language is held to."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

import spawnlock
from spawnlock import _native, types

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "tests/surface/contract.json").read_text())


def spelled(list_of: str) -> set[str]:
    return {entry["python"] for entry in CONTRACT[list_of] if "python" in entry}


def test_every_call_of_the_contract_is_there() -> None:
    assert all(callable(getattr(spawnlock, call)) for call in spelled("calls"))


def test_the_options_are_those_of_the_contract() -> None:
    assert set(types.Options.__annotations__) | {"name"} == spelled("options")
    assert set(inspect.signature(_native.ServerSpec).parameters) == spelled("options")


def test_the_facts_of_a_server_are_those_of_the_contract() -> None:
    facts = {name for name in dir(spawnlock.Server) if not name.startswith("_")}
    assert spelled("server") <= facts


def test_the_lock_alone_offers_what_the_contract_says_and_its_asyncio_form_and_filelocks_word() -> None:
    promised = spelled("lock") | {"acquire_async", "is_locked"}
    assert {name for name in dir(spawnlock.SpawnLock) if not name.startswith("_")} == promised


def test_the_options_of_the_lock_alone_are_those_of_the_contract() -> None:
    assert set(inspect.signature(spawnlock.SpawnLock).parameters) - {"path"} == spelled("lockOptions")


def test_a_claim_and_a_notice_offer_what_the_contract_says() -> None:
    assert {name for name in dir(spawnlock.ClaimedSocket) if not name.startswith("_")} == spelled("claim")
    assert set(inspect.signature(spawnlock.notify).parameters) == spelled("notice")


@pytest.mark.parametrize(
    ("words", "list_of"),
    [
        ("ErrorCode", "codes"),
        ("Origin", "origins"),
        ("State", "states"),
        ("EndReason", "endReasons"),
        ("Reuse", "reuse"),
        ("OnMismatch", "onMismatch"),
        ("Unresponsive", "unresponsive"),
        ("StopSignal", "stopSignals"),
        ("Verdict", "verdicts"),
        ("EventKind", "events"),
        ("LockKind", "lockKinds"),
        ("FlockSupport", "flockSupport"),
        ("KickState", "kickStates"),
        ("StopWhen", "stopWhens"),
    ],
)
def test_the_lists_of_words_are_those_of_the_contract(words: str, list_of: str) -> None:
    assert _native.words()[words] == CONTRACT[list_of]
