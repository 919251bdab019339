#!/bin/sh
# Compiles for macOS, as far as one can without one: core, command, addon and module; no linking. It takes Debian's compiler, which comes with
# the sources of its standard library (rustc-web, cargo-web, rust-web-src).
set -eu
cd "$(dirname "$0")/.."
rustc=${MACOS_RUSTC:-/usr/bin/rustc}
cargo=${MACOS_CARGO:-/usr/bin/cargo}
sources=$("$rustc" --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/std/Cargo.toml
if [ ! -x "$cargo" ] || [ ! -e "$sources" ]; then
    echo "skipped: this needs a Rust compiler with the sources of its standard library (on Debian: apt-get install rustc-web cargo-web rust-web-src)"
    exit 0
fi
wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
found=$("$rustc" --version | cut -d ' ' -f 2)
if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
    echo "skipped: $rustc is $found, older than the $wanted that we need"
    exit 0
fi
# BOOTSTRAP: building the standard library is not for everybody yet. A warning is an error, in our crates only.
RUSTC_BOOTSTRAP=1 RUSTC=$rustc CARGO_BUILD_WARNINGS=deny exec "$cargo" check --locked --target-dir build/macos \
    --target aarch64-apple-darwin -Zbuild-std=std,panic_unwind -Zwarnings \
    --package spawnlock --package server-init --package spawnlock-node --package spawnlock-python
