#!/bin/sh
# Builds what is measured, installs the peers into folders that git ignores, and prints the table.
#   bench/run.sh              everything
#   bench/run.sh rust storm   only these sections
set -eu
cd "$(dirname "$0")/.."
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

python_peers() {
    # The interpreter itself: a shim in front of it costs more than what is measured.
    python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
    [ -x build/bench/venv/bin/python ] || "$python" -m venv build/bench/venv
    build/bench/venv/bin/python -m pip --disable-pip-version-check install -q -r bench/requirements.txt
}

make=${MAKE:-make}
echo "… the release build" >&2
cargo build --release -q -p spawnlock-bench -p spawnlock-tests -p server-init --bin spawnlock-bench --bin fixture-server --bin server-init
try "the Node addon" "$make" build-node
try "the Python module" "$make" build-python
# fs-ext is compiled against the headers that came with Node.
npm_config_nodedir=$(node -p "require('node:path').resolve(process.execPath, '../..')")
export npm_config_nodedir
try "the peers in Node" npm ci --prefix bench --no-audit --no-fund
try "the peers in Python" python_peers
exec "${CARGO_TARGET_DIR:-target}/release/spawnlock-bench" "$@"
