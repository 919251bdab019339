"""A server as a fixture of pytest.

>>> api = server_fixture("api", command=["node", "server.js"], ready="http://localhost:1987/health")

Only who imports this module needs pytest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from . import Server, server

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .types import Scope, ServerOptions

#: How long a fixture lives.
FixtureScope = Literal["session", "package", "module", "class", "function"]


def server_fixture(
    name: str | None = None,
    scope: FixtureScope = "session",
    *,
    server_scope: Scope | None = None,
    **options: Unpack[ServerOptions],
) -> object:
    """A fixture that is a healthy server; a test that asks for it gets the `Server`, with its `url`.

    Assigned to a variable of a conftest.py or a test module, it has the variable's name. It takes the options of `ensure_server`, and
    nothing but a name for a server that the project declares. All workers of pytest-xdist, and all other runs at the same time, share
    one server; the last of them has it stopped.

    scope         how long the fixture lives, as with every fixture
    server_scope  what `scope` is to `ensure_server`: whether the project is part of the name
    """

    @pytest.fixture(scope=scope)
    def shared_server() -> Iterator[Server]:
        with server(name, scope=server_scope, **options) as shared:
            yield shared

    return shared_server
