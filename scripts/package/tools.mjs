// What all checks use: programs run to their end, folders of their own, a server's end.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const here = join(root, 'scripts', 'package');

/** How long a server of a killed user may take to be gone. */
const END = 20_000;

/** Thrown by a check that cannot be made here; its message says why. */
export class Skipped extends Error {}

// No command of ours may be found by chance: neither in PATH nor by a variable.
const { NODE_EXTRA_CA_CERTS, SPAWNLOCK_COMMAND, ...own } = process.env;
export const env = { ...own, PATH: own.PATH.split(delimiter).filter((folder) => !folder.startsWith(root)).join(delimiter) };

/** An empty folder in build/package. */
export function emptied(name) {
  const dir = join(root, 'build', 'package', name);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** What a program printed that had to end well. */
export function run(program, args, options = {}) {
  const ended = spawnSync(program, args, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28, ...options });
  if (ended.error) throw ended.error;
  if (ended.status !== 0) {
    const how = ended.signal ?? `code ${ended.status}`;
    throw new Error(`${program} ${args.join(' ')}: ${how}\n${ended.stdout}${ended.stderr}`);
  }
  return ended.stdout;
}

/** Where no built files fit, a package is built from its sources: every member of the workspace must be there. */
export function compiles(archive, dir, crate) {
  mkdirSync(dir, { recursive: true });
  run('tar', ['-xmzf', archive, '-C', dir, '--strip-components', '1']);
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  run('cargo', ['check', '--quiet', '--locked', '--package', crate, '--package', 'server-init', '--target-dir', target], { cwd: dir });
}

/** A function that makes what it gives when it is first asked. */
export function once(make) {
  let made;
  return () => (made ??= make());
}

/** Uses an installed package as its users do, and kills one of them in its scope: the server must be stopped all the same. */
export async function smoke(program, args, options) {
  run(program, args, options);
  const killed = spawnSync(program, [...args, 'killed'], { env, encoding: 'utf8', ...options });
  const pid = Number(killed.stdout);
  if (killed.signal !== 'SIGKILL' || !pid) throw new Error(`no user was killed in a scope:\n${killed.stdout}${killed.stderr}`);
  const until = Date.now() + END;
  while (lives(pid)) {
    if (Date.now() > until) {
      process.kill(pid, 'SIGKILL');
      throw new Error('the server of a killed user lives on: nobody watched over it');
    }
    await pause(20);
  }
}

function lives(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
