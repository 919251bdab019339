// A server that runs already and will not do, what it wrote, and what is left of it.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { ensureServer, pruneServers, restartServer, serverLogs, serverStatus, stopServer } from 'spawnlock';

import { lives, scene, until } from './scene.mjs';

const code = (name) => ({ name: 'SpawnlockError', code: `ERR_SPAWNLOCK_${name}` });

test('a newer version takes the place of an older one, and an older one uses the newer', async (t) => {
  const it = await scene(t);
  const old = await ensureServer({ ...it.options(), version: '1.9' });
  const next = await ensureServer({ ...it.options(), version: '1.10' });
  assert.deepEqual([next.origin, next.generation, next.version], ['started', 2, '1.10']);
  assert.ok(!lives(old.pid));
  const warnings = [];
  const onEvent = ({ kind, message }) => kind === 'warning' && warnings.push(message);
  const same = await ensureServer({ ...it.options(), version: '1.9', onEvent });
  assert.equal(same.pid, next.pid);
  assert.match(warnings[0], /version 1\.10 and not 1\.9/);
  await assert.rejects(ensureServer({ ...it.options(), version: '2', onMismatch: 'error' }), code('VERSION'));
  const status = await serverStatus('api', { stateDir: it.stateDir });
  assert.deepEqual([status.version, status.phase, status.leases, status.restartedBecause], ['1.10', 'ready', [], 'version 1.9 → 1.10']);
  assert.deepEqual([status.ended.generation, status.ended.reason], [1, 'outdated']);
  assert.ok(status.ended.endedAt instanceof Date && Date.now() - status.ended.endedAt < 20_000);
});

test('a server that dies soon after every ready is not started for ever', async (t) => {
  const it = await scene(t);
  const options = it.options('--exit-after-ready', '50', '--exit-code', '3', '--print', 'out of cheese');
  for (let start = 1; start <= 3; start += 1) {
    await ensureServer(options);
    await until(async () => (await serverStatus('api', { stateDir: it.stateDir })).ended?.generation === start, 'its end is noted');
  }
  await assert.rejects(ensureServer(options), (error) => {
    assert.equal(error.code, 'ERR_SPAWNLOCK_CRASH_LOOP');
    assert.ok(error.retryAfterMs > 0 && error.retryAfterMs <= 60_000);
    assert.deepEqual(error.logTail, ['out of cheese']);
    return true;
  });
  assert.equal(it.starts().length, 3);
  assert.equal((await serverStatus('api', { stateDir: it.stateDir })).ended.exitCode, 3);
  assert.equal((await restartServer('api', { stateDir: it.stateDir })).generation, 4);
});

test('a hung server is an error, or replaced', async (t) => {
  const it = await scene(t);
  const { pid } = await ensureServer(it.options());
  process.kill(pid, 'SIGSTOP');
  const options = { ...it.options(), probeTimeout: 300, stopTimeout: 200 };
  await assert.rejects(ensureServer(options), code('UNRESPONSIVE'));
  assert.equal((await ensureServer({ ...options, unresponsive: 'replace' })).generation, 2);
  assert.ok(!lives(pid));
});

test('a fresh server can be asked for, and a stranger refused', async (t) => {
  const it = await scene(t);
  await ensureServer(it.options());
  assert.equal((await ensureServer({ ...it.options(), reuse: 'never' })).generation, 2);
  await stopServer('api', { stateDir: it.stateDir });
  it.stranger();
  await until(() => fetch(it.ready).catch(() => null), 'the stranger answers');
  await assert.rejects(ensureServer({ ...it.options(), reuse: 'owned' }), code('FOREIGN'));
  await assert.rejects(ensureServer({ ...it.options(), reuse: 'sometimes' }), code('CONFIG'));
});

test('a server ends by its own signal', async (t) => {
  const it = await scene(t);
  await ensureServer({ ...it.options('--ignore-term'), stopSignal: 'SIGINT' });
  await stopServer('api', { stateDir: it.stateDir });
  await until(async () => (await serverStatus('api', { stateDir: it.stateDir })).ended?.signal === 'SIGINT', 'its parent tells how it ended');
  assert.equal((await serverStatus('api', { stateDir: it.stateDir })).ended.reason, 'stopped');
});

test('the lines of a server can be read by its name and from itself', async (t) => {
  const it = await scene(t);
  await assert.rejects(serverLogs('api', { stateDir: it.stateDir }), code('NOT_RUNNING'));
  const server = await ensureServer(it.options('--print', 'one', '--print', 'two'));
  assert.deepEqual(await serverLogs('api', { stateDir: it.stateDir }), ['one', 'two']);
  assert.deepEqual(await serverLogs('api', { stateDir: it.stateDir, lines: 1 }), ['two']);
  assert.deepEqual(await server.tail(1), ['two']);
  await assert.rejects(server.tail(-1), code('CONFIG'));
});

test('prune removes what is dead', async (t) => {
  const it = await scene(t);
  const { place } = await ensureServer(it.options());
  assert.deepEqual(await pruneServers({ stateDir: it.stateDir }), []);
  await stopServer('api', { stateDir: it.stateDir });
  assert.deepEqual(await pruneServers({ stateDir: it.stateDir, dryRun: true }), ['api']);
  assert.ok(existsSync(place));
  assert.deepEqual(await pruneServers({ stateDir: it.stateDir }), ['api']);
  assert.ok(!existsSync(place));
});
