import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ensureServer, restartServer, SpawnlockError, stopServer } from 'spawnlock';

import { lives, scene, until } from './scene.mjs';

test('a restart ends the server and starts it again as it was declared', async (t) => {
  const it = await scene(t);
  const first = await ensureServer({ ...it.options(), env: { COLOUR: 'blue' } });
  const kinds = [];
  const second = await restartServer('api', { stateDir: it.stateDir, onEvent: ({ kind }) => kinds.push(kind) });
  assert.deepEqual([second.origin, second.generation, second.url], ['started', 2, first.url]);
  assert.deepEqual(it.starts(), [first.pid, second.pid]);
  assert.ok(!lives(first.pid));
  assert.deepEqual(kinds, ['stopping', 'starting', 'ready']);
  assert.equal((await (await fetch(new URL('/env', it.ready))).json()).COLOUR, 'blue');
});

test('many who restart at once are one restart', async (t) => {
  const it = await scene(t);
  await ensureServer(it.options('--die-slowly', '700'));
  const all = await Promise.all(Array.from({ length: 16 }, () => restartServer('api', { stateDir: it.stateDir })));
  assert.deepEqual(new Set(all.map(({ generation }) => generation)), new Set([2]));
  assert.equal(all.filter(({ origin }) => origin === 'started').length, 1);
  assert.equal(it.starts().length, 2);
});

test('a server restarts itself, once for all who hold it', async (t) => {
  const it = await scene(t);
  const first = await ensureServer(it.options());
  const second = await first.restart();
  assert.deepEqual([second.origin, second.generation], ['started', 2]);
  const told = await first.restart();
  assert.deepEqual([told.origin, told.generation, told.pid], ['joined', 2, second.pid]);
  assert.ok(told.startedAt instanceof Date);
  assert.equal((await told.restart()).generation, 3);
  assert.deepEqual(Object.keys(told), Object.keys(first), 'its calls are not among its facts');
});

test('only the generation that was asked for is restarted', async (t) => {
  const it = await scene(t);
  await ensureServer(it.options());
  const only = (onlyGeneration) => restartServer('api', { stateDir: it.stateDir, onlyGeneration });
  assert.deepEqual([(await only(1)).origin, (await only(1)).origin], ['started', 'joined']);
  await assert.rejects(only(7), { code: 'ERR_SPAWNLOCK_NOT_RUNNING' });
  await stopServer('api', { stateDir: it.stateDir });
  assert.equal((await only(2)).generation, 3);
});

test('a restart that cannot be has its code', async (t) => {
  const it = await scene(t);
  await assert.rejects(restartServer('api', { stateDir: it.stateDir }), (error) => {
    return error instanceof SpawnlockError && error.code === 'ERR_SPAWNLOCK_NOT_RUNNING' && error.hint.includes('ensure');
  });
  await assert.rejects(restartServer('api', { stateDir: it.stateDir, breakAfter: -1 }), /`breakAfter`/);
  await assert.rejects(restartServer('api', { stateDir: it.stateDir, generation: 1 }), /onlyGeneration/);
  await assert.rejects(restartServer(1), /`name`/);
});

test('a signal ends the wait of a restart', async (t) => {
  const it = await scene(t);
  const { pid } = await ensureServer(it.options('--die-slowly', '1500'));
  const controller = new AbortController();
  const onEvent = ({ kind }) => kind === 'stopping' && controller.abort(new Error('enough'));
  await assert.rejects(restartServer('api', { stateDir: it.stateDir, signal: controller.signal, onEvent }), { message: 'enough' });
  await until(() => !lives(pid), 'it dies of the signal it was sent');
  assert.equal(it.starts().length, 1);
});
