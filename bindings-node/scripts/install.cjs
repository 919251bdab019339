'use strict';

// What npm runs when the package is installed: makes sure that there is a native part, and puts the native command
// in the place of the script that stands in for it. With `--ignore-scripts` the files that came with the package do.

const { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, sep } = require('node:path');

const { build } = require('./build.cjs');
const { commandFile, load } = require('../js/native.cjs');

const installed = __dirname.split(sep).includes('node_modules');

function main() {
  if (!installed) return build();
  if (!loads()) buildAside();
  useNativeCommand();
}

function loads() {
  try {
    load();
    return existsSync(commandFile);
  } catch {
    return false;
  }
}

/** Builds outside node_modules, which would otherwise keep hundreds of megabytes. */
function buildAside() {
  const targetDir = process.env.CARGO_TARGET_DIR ? undefined : mkdtempSync(join(tmpdir(), 'spawnlock-build-'));
  try {
    build({ targetDir });
  } finally {
    if (targetDir) rmSync(targetDir, { recursive: true, force: true });
  }
}

/** npm links the script; the file behind that link may as well be the command itself. */
function useNativeCommand() {
  if (process.platform === 'win32') return;
  const script = join(__dirname, '..', 'js', 'server-init.cjs');
  copyFileSync(commandFile, `${script}.new`);
  // By rename: the script may be a hard link into a store that other projects share.
  renameSync(`${script}.new`, script);
}

try {
  main();
} catch (error) {
  console.error(`spawnlock: ${error.message}`);
  process.exitCode = 1;
}
