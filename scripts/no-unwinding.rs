//! The build script of what ships: the command, the addon, the module. They abort on a panic and never unwind: the tables for it,
//! a seventh of each, are left out.
#![allow(clippy::disallowed_methods, reason = "the bans are for core; a build script is told everything by its environment")]

use std::path::PathBuf;
use std::{env, fs, io};

const SCRIPT: &str =
    "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table .gcc_except_table.*) } } INSERT AFTER .text;\n";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=../scripts/no-unwinding.rs");
    let is = |name, value| env::var(name).is_ok_and(|found| found == value);
    if !is("PROFILE", "release") || !is("CARGO_CFG_TARGET_OS", "linux") {
        return Ok(());
    }
    let script = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default().join("no-unwinding.ld");
    fs::write(&script, SCRIPT)?;
    println!("cargo:rustc-link-arg=-Wl,--no-eh-frame-hdr");
    println!("cargo:rustc-link-arg=-Wl,-T,{}", script.display());
    Ok(())
}
