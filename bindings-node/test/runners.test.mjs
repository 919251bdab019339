// The helpers for test runners by themselves; the real runners are in scripts/test-runners.mjs.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ensureServer, serverStatus } from 'spawnlock';
import { globalSetup, globalTeardown, useServer } from 'spawnlock/test';
import teardownOfJest from 'spawnlock/test/teardown';

import { freePort, lives, scene, until } from './scene.mjs';

const { SPAWNLOCK_API_URL, SPAWNLOCK_API_PORT } = process.env;
const told = () => [process.env.SPAWNLOCK_API_URL, process.env.SPAWNLOCK_API_PORT];
const untold = [SPAWNLOCK_API_URL, SPAWNLOCK_API_PORT];

test('a global setup has its server until its teardown, and tells the tests where it is', async (t) => {
  const it = await scene(t);
  const teardown = await globalSetup(it.options())();
  assert.deepEqual(told(), [`http://127.0.0.1:${it.port}`, String(it.port)]);
  const [pid] = it.starts();
  assert.equal((await ensureServer({ name: 'api', stateDir: it.stateDir })).origin, 'foreign');
  await teardown();
  assert.ok(!lives(pid));
  assert.deepEqual(told(), untold);
});

test('a teardown may stand in a module of its own, and a second one does nothing', async (t) => {
  const it = await scene(t);
  const teardown = await globalSetup(it.options())();
  assert.equal(teardownOfJest, globalTeardown);
  await globalTeardown();
  assert.deepEqual(it.starts().filter(lives), []);
  assert.deepEqual(told(), untold);
  await teardown();
  await globalTeardown();
});

test('a global setup that fails leaves the servers that it has', async (t) => {
  const it = await scene(t);
  const broken = { name: 'broken', command: ['false'], ready: `tcp:127.0.0.1:${await freePort()}`, stateDir: it.stateDir };
  await assert.rejects(globalSetup(it.options(), broken)(), { code: 'ERR_SPAWNLOCK_EXITED' });
  assert.equal(it.starts().length, 1);
  assert.deepEqual(it.starts().filter(lives), []);
  assert.deepEqual(told(), untold);
});

test('of two runs at the same time the last one stops the server', async (t) => {
  const it = await scene(t);
  const other = it.script(`const { globalSetup } = await import(${JSON.stringify(import.meta.resolve('spawnlock/test'))})
await globalSetup(scene.options)()
process.kill(process.pid, 'SIGKILL')`);
  const teardown = await globalSetup(it.options())();
  await other;
  assert.equal((await serverStatus('api', { stateDir: it.stateDir })).state, 'running');
  await teardown();
  assert.equal(it.starts().length, 1);
  await until(() => it.starts().every((pid) => !lives(pid)), 'the server is gone');
});

test('a suite of node:test uses its server until its tests are over', async (t) => {
  const it = await scene(t);
  let server;
  await t.test('a suite within', async () => {
    await describe('the suite', async () => {
      server = await useServer(it.options());
      test('a test', async () => assert.ok(lives(server.pid)));
    });
  });
  await until(() => !lives(server.pid), 'the server is gone');
});

test('a server tells what programs are told that use it', async (t) => {
  const it = await scene(t);
  const server = await ensureServer(it.options());
  assert.deepEqual(server.variables(), { SPAWNLOCK_API_URL: server.url, SPAWNLOCK_API_PORT: String(server.port) });
});
