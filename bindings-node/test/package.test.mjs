import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { root, scene } from './scene.mjs';

const env = { ...process.env, npm_config_update_notifier: 'false' };
const run = (program, args, cwd) => execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Packs what is built and installs it into an empty project. */
function installed(dir, ...flags) {
  const project = join(dir, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', dir], root);
  const [tarball] = readdirSync(dir).filter((file) => file.endsWith('.tgz'));
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', ...flags, join(dir, tarball)], project);
  return project;
}

test('the packed package works in an empty project where no install script may run', async (t) => {
  const it = await scene(t);
  const project = installed(it.dir, '--ignore-scripts');
  const check = 'console.log(typeof ensureServer, new SpawnlockError({ message: "m" }) instanceof Error)';
  writeFileSync(join(project, 'a.mjs'), `import { ensureServer, SpawnlockError } from 'spawnlock'\n${check}`);
  writeFileSync(join(project, 'b.cjs'), `const { ensureServer, SpawnlockError } = require('spawnlock')\n${check}`);
  assert.equal(run(process.execPath, ['a.mjs'], project), 'function true\n');
  assert.equal(run(process.execPath, ['b.cjs'], project), 'function true\n');

  writeFileSync(
    join(project, 'c.mjs'),
    `import { ensureServer } from 'spawnlock'
    console.log((await ensureServer(${JSON.stringify(it.options())})).origin)`,
  );
  assert.equal(run(process.execPath, ['c.mjs'], project), 'started\n');
  assert.equal(it.starts().length, 1);
});

test('its types are found by a project of each kind', async (t) => {
  const it = await scene(t);
  const project = installed(it.dir, '--ignore-scripts');
  mkdirSync(join(project, 'node_modules', '@types'));
  symlinkSync(join(root, 'node_modules', '@types', 'node'), join(project, 'node_modules', '@types', 'node'));
  symlinkSync(join(root, 'node_modules', 'undici-types'), join(project, 'node_modules', 'undici-types'));
  for (const file of ['types.test.mts', 'types.test.cts']) {
    writeFileSync(join(project, file), readFileSync(join(root, 'bindings-node', 'test', file)));
  }
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  assert.equal(run(process.execPath, [tsc, ...flags, 'types.test.mts', 'types.test.cts'], project), '');
});

test('the command is there without install scripts, and passes on what it says and how it ends', async (t) => {
  const it = await scene(t);
  const project = installed(it.dir, '--ignore-scripts');
  const link = join(project, 'node_modules', '.bin', 'server-init');
  assert.match(realpathSync(link), /server-init\.cjs$/);
  assert.match(readFileSync(link, 'utf8'), /^#!\/usr\/bin\/env node/);
  assert.match(run(link, ['--version'], project), /^server-init \d/);
  assert.throws(() => run(link, ['--no-such-flag'], project), { status: 2 });
});

test('with install scripts the command is the native one', async (t) => {
  const it = await scene(t);
  const project = installed(it.dir);
  const link = join(project, 'node_modules', '.bin', 'server-init');
  assert.equal(readFileSync(link).subarray(0, 4).toString('latin1'), '\x7fELF');
  assert.ok(lstatSync(realpathSync(link)).mode & 0o111);
  assert.match(run(link, ['--version'], project), /^server-init \d/);
});
