#!/bin/sh
# Everything that holds the Python package: lint, types, stub, and the tests on the oldest and the newest interpreter.
# Usage: bindings-python/check.sh [PYTHON…]; without arguments it takes those of pyenv, else `python3`.
set -eu
cd "$(dirname "$0")/.."

interpreters() {
  for version in 3.10 3.11 3.12 3.13 3.14 3.15; do
    find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path "*/$version.*/bin/python" 2>/dev/null | sort -V | tail -n 1
  done
}

if [ $# -eq 0 ]; then
  oldest=$(interpreters | head -n 1)
  newest=$(interpreters | tail -n 1)
  set -- "${oldest:-$(command -v python3)}"
  [ "${newest:-$1}" = "$1" ] || set -- "$1" "$newest"
fi

# The fixture may come from elsewhere, as all the tests use it.
if [ -z "${SPAWNLOCK_FIXTURE:-}" ]; then
  cargo build --quiet --package spawnlock-tests --bin fixture-server
  SPAWNLOCK_FIXTURE=${CARGO_TARGET_DIR:-target}/debug/fixture-server
fi
SPAWNLOCK_FIXTURE=$(realpath "$SPAWNLOCK_FIXTURE")
export SPAWNLOCK_FIXTURE

for python in "$@"; do
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  venv=build/venv-$version
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check '.[test]'
  echo "Python $version"
  "$venv/bin/server-init" --version
  "$venv/bin/python" -m pytest
done

bin=$venv/bin
"$bin/ruff" check
"$bin/ruff" format --check
"$bin/mypy"
"$bin/python" bindings-python/stub.py --check
# From elsewhere, so that it compares the installed stub with the installed module.
(cd build && "../$bin/python" -m mypy.stubtest spawnlock._native)
