#!/bin/sh
# Throws bytes nobody thought of at the parsers, for some seconds each (100 unless said otherwise). What was found lands in fuzz/artifacts.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-100}
if ! rustup toolchain list 2>/dev/null | grep -q nightly; then
    echo "skipped: fuzzing needs the nightly compiler (rustup toolchain install nightly)"
    exit 0
fi
cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked
for target in lock_file record check config; do
    echo "── $target, $seconds s"
    # What the run learns goes into a folder that git ignores; the corpus in the repository is for people to read.
    mkdir -p "build/fuzz/$target"
    cargo +nightly fuzz run "$target" "build/fuzz/$target" "fuzz/corpus/$target" -- -max_total_time="$seconds" -timeout=5 -print_final_stats=1 2>&1 |
        grep -E 'panicked|ERROR|SUMMARY|stat::number_of_executed_units|Test unit written' || true
    if [ -n "$(ls "fuzz/artifacts/$target" 2>/dev/null)" ]; then
        echo "$target: found something, see fuzz/artifacts/$target"
        exit 1
    fi
done
