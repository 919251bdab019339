'use strict';

// Builds the addon and the native command with cargo and puts them where the package looks for them.
//   node build.cjs [--dev]

const { spawnSync } = require('node:child_process');
const { chmodSync, copyFileSync, mkdirSync, renameSync } = require('node:fs');
const { dirname, join } = require('node:path');

const { addonFile, commandFile } = require('../js/native.cjs');

const root = join(__dirname, '..', '..');

/** Builds both; `targetDir` is cargo's own unless given. */
exports.build = function build({ dev = false, targetDir } = {}) {
  const args = ['-p', 'spawnlock-node', '-p', 'server-init'];
  if (!dev) args.push('--release');
  if (targetDir) args.push('--target-dir', targetDir);
  const made = exports.cargo(args);
  place(exports.artifact(made, 'cdylib', 'spawnlock_node'), addonFile);
  place(exports.artifact(made, 'bin', 'server-init'), commandFile);
};

/** Runs `cargo build` and gives its messages. */
exports.cargo = function cargo(args) {
  const all = ['build', '--locked', '--message-format=json-render-diagnostics', ...args];
  const { error, status, stdout } = spawnSync('cargo', all, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  });
  if (error) throw new Error(`cannot run cargo, which builds the native part: ${error.message}; see https://rustup.rs`);
  if (status !== 0) throw new Error('cargo could not build the native part');
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
};

/** The file that cargo made of a target. */
exports.artifact = function artifact(made, kind, name) {
  const found = made.find(({ reason, target }) => reason === 'compiler-artifact' && target.name === name && target.kind.includes(kind));
  if (!found) throw new Error(`cargo made no ${kind} ${name}`);
  return found.executable ?? found.filenames.find((file) => /\.(so|dylib|dll)$/.test(file));
};

/** Replaces a file in one step: a process that has the old one mapped keeps it. */
function place(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, `${to}.new`);
  chmodSync(`${to}.new`, 0o755);
  renameSync(`${to}.new`, to);
}

if (require.main === module) exports.build({ dev: process.argv.includes('--dev') });
