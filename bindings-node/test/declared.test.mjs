import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { ensureServer, SpawnlockError } from 'spawnlock';

import { scene, until } from './scene.mjs';

/** A scene whose directory is the project: its package.json declares these servers, and it is where we are. */
async function project(t, servers) {
  const it = await scene(t);
  const declared = (name) => ({ command: it.command(), ready: it.ready, 'state-dir': 'state', timeout: '20s', ...servers[name] });
  const entries = Object.keys(servers).map((name) => [name, declared(name)]);
  const file = join(it.dir, 'package.json');
  writeFileSync(file, JSON.stringify({ name: 'an-app', spawnlock: { servers: Object.fromEntries(entries) } }, null, 2));
  const before = process.cwd();
  process.chdir(it.dir);
  t.after(() => process.chdir(before));
  return Object.assign(it, { file });
}

test('a name alone is a server that the project declares', async (t) => {
  const it = await project(t, { web: {}, other: { ready: 'tcp:localhost:1' } });
  const web = await ensureServer('web');
  assert.deepEqual([web.name, web.origin, web.port], ['web', 'started', it.port]);
  mkdirSync(join(it.dir, 'below'));
  process.chdir(join(it.dir, 'below'));
  assert.equal((await ensureServer('web')).pid, web.pid);
  assert.equal((await ensureServer({ name: 'web' })).origin, 'reused');
  assert.equal(it.starts().length, 1);
});

test('nothing at all is the only server that is declared', async (t) => {
  const it = await project(t, { web: {} });
  assert.equal((await ensureServer()).name, 'web');
  assert.equal((await ensureServer({ timeout: 5_000 })).origin, 'reused');
  assert.equal(it.starts().length, 1);
});

test('of several declared servers one must be named', async (t) => {
  await project(t, { web: {}, db: {} });
  await assert.rejects(ensureServer(), { code: 'ERR_SPAWNLOCK_CONFIG', message: /declares several servers: "db", "web"|"web", "db"/ });
  await assert.rejects(ensureServer('wbe'), { code: 'ERR_SPAWNLOCK_CONFIG', message: /did you mean "web"\?/ });
});

test('options win over the file', async (t) => {
  const it = await project(t, { web: { timeout: '1ms', command: ['false'] } });
  const web = await ensureServer({ name: 'web', config: it.file, command: it.command(), timeout: 20_000 });
  assert.deepEqual([web.origin, it.starts()], ['started', [web.pid]]);
});

test('a call that says it all reads no file', async (t) => {
  const it = await project(t, { api: { nonsense: 1 } });
  assert.equal((await ensureServer(it.options())).origin, 'started');
  await assert.rejects(ensureServer('api'), (error) => {
    assert.ok(error instanceof SpawnlockError);
    assert.equal(error.code, 'ERR_SPAWNLOCK_CONFIG');
    assert.match(error.message, /package\.json:\d+: server "api" has the unknown key `nonsense`/);
    return true;
  });
});

test('what somebody else runs is foreign, at their address', async (t) => {
  const it = await project(t, { web: { ready: 'http://localhost:1/health' } });
  it.stranger();
  process.env.SPAWNLOCK_WEB_URL = `http://127.0.0.1:${it.port}`;
  t.after(() => delete process.env.SPAWNLOCK_WEB_URL);
  // The stranger may not have bound its port yet.
  const web = await until(() => ensureServer('web').catch(notRunning), 'the stranger answers');
  assert.deepEqual([web.origin, web.url, web.pid], ['foreign', process.env.SPAWNLOCK_WEB_URL, null]);
});

function notRunning(error) {
  assert.equal(error.code, 'ERR_SPAWNLOCK_NOT_RUNNING');
}
