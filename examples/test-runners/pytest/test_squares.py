from __future__ import annotations

import json
import urllib.request

import pytest

import spawnlock


@pytest.mark.parametrize("number", range(20))
def test_a_square(api: spawnlock.Server, number: int) -> None:
    with urllib.request.urlopen(f"{api.url}/squares/{number}") as answer:
        assert json.load(answer) == number * number
