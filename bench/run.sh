#!/bin/sh
# Builds what is measured, installs the peers into folders that git ignores, and prints the table.
#   bench/run.sh              everything
#   bench/run.sh rust storm   only these sections
set -eu
cd "$(dirname "$0")/.."
unset NODE_EXTRA_CA_CERTS
log=build/bench/install.log
mkdir -p build/bench
: >"$log"

# A part that cannot be built or installed here is told, and its rows are skipped.
try() {
    what=$1
    shift
    echo "… $what" >&2
    "$@" >>"$log" 2>&1 || echo "  not here: $what failed, see $log" >&2
}

with_python() {
    # The interpreter itself: a shim in front of it costs more than what is measured.
    python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
    [ -x build/bench/venv/bin/python ] || "$python" -m venv build/bench/venv
    pip="build/bench/venv/bin/python -m pip --disable-pip-version-check"
    $pip install -q -r bench/requirements.txt
    [ -f pyproject.toml ] || { echo "there is no Python package"; return 1; }
    rm -rf build/bench/wheel
    $pip wheel -q --no-deps -w build/bench/wheel .
    $pip install -q --no-deps --force-reinstall build/bench/wheel/*.whl
}

with_node() {
    npm ci --prefix bench --no-audit --no-fund
    [ -f package.json ] || { echo "there is no Node package"; return 1; }
    npm install --no-audit --no-fund
}

echo "… the release build" >&2
cargo build --release -q -p spawnlock-bench -p spawnlock-tests -p server-init --bin spawnlock-bench --bin fixture-server --bin server-init
try "Node: the addon and the peers" with_node
try "Python: the wheel and the peers" with_python
exec "${CARGO_TARGET_DIR:-target}/release/spawnlock-bench" "$@"
