"""maturin's build hooks, with the native command `server-init` put into the wheel beside the module."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from maturin import *
from maturin import build_editable as _build_editable
from maturin import build_wheel as _build_wheel

_ROOT = Path(__file__).resolve().parent.parent.parent
_SCRIPTS = _ROOT / "build" / "spawnlock.data" / "scripts"

# maturin refuses to run any hook while the directory that pyproject.toml names is missing.
_SCRIPTS.mkdir(parents=True, exist_ok=True)

# The wheel is installed far more often than it is built.
os.environ.setdefault("MATURIN_PEP517_ARGS", "--compression-level 9")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _put_command()
    return _build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    _put_command()
    return _build_editable(wheel_directory, config_settings, metadata_directory)


def _put_command() -> None:
    cargo = [os.environ.get("CARGO", "cargo"), "build", "--release", "--locked", "--package", "server-init"]
    built = subprocess.run(
        [*cargo, "--message-format", "json-render-diagnostics"], cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    messages = map(json.loads, built.splitlines())
    (command,) = [message["executable"] for message in messages if message.get("executable")]
    target = _SCRIPTS / Path(command).name
    target.unlink(missing_ok=True)
    shutil.copy2(command, target)
