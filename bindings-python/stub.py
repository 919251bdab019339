"""Writes python/spawnlock/_native.pyi from the module itself; with --check, only says whether it is up to date."""

from __future__ import annotations

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
STUB = HERE / "python" / "spawnlock" / "_native.pyi"
NOTE = "# Written by `python bindings-python/stub.py` from the Rust sources; do not edit.\n"


def generated() -> str:
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([sys.executable, "-m", "maturin", "generate-stubs", "--quiet", "--out", out], cwd=HERE.parent, check=True)
        return NOTE + (Path(out) / "spawnlock" / "_native.pyi").read_text()


def main() -> int:
    new, old = generated(), STUB.read_text() if STUB.exists() else ""
    if sys.argv[1:] != ["--check"]:
        STUB.write_text(new)
        return 0
    sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "committed", "generated"))
    return int(old != new)


if __name__ == "__main__":
    sys.exit(main())
