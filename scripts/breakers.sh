#!/bin/sh
# Installs the peers into folders that git ignores, and prints the table of breakers: ours against theirs.
#   SPAWNLOCK_TEST_ROUNDS=1000 scripts/breakers.sh
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
target=${CARGO_TARGET_DIR:-target}
mkdir -p build/bench
cargo build --release -q --locked -p spawnlock-tests --bin lock-breakers --bin lock-contender

if npm ci --prefix bench --no-audit --no-fund --ignore-scripts --omit=optional >build/bench/install.log 2>&1; then
    export SPAWNLOCK_TEST_PROPER_LOCKFILE="node $root/bench/peers/proper-lockfile-driven.cjs"
fi
# The interpreter itself: a shim in front of it costs more than what is measured.
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
[ -x build/bench/venv/bin/python ] || "$python" -m venv build/bench/venv
if build/bench/venv/bin/python -m pip --disable-pip-version-check install -q -r bench/requirements.txt >>build/bench/install.log 2>&1; then
    export SPAWNLOCK_TEST_SOFT_FILE_LOCK="$root/build/bench/venv/bin/python $root/bench/peers/soft_file_lock_driven.py"
fi
exec "$target/release/lock-breakers" "$@"
