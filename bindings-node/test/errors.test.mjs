import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { ensureServer, listServers, serverStatus, SpawnlockError, stopServer } from 'spawnlock';

import { lives, scene } from './scene.mjs';

const ready = 'tcp:127.0.0.1:1';
const wrong = [
  [{ ready, tiemout: 5 }, /option `tiemout` is unknown; known are name, command, /],
  [{ ready, name: 5 }, /option `name` must be/],
  [{ ready, name: null }, /option `name` must be/],
  [{ ready, name: '' }, /option `name`/],
  [{ ready, command: 'node server.js' }, /option `command` must be a list/],
  [{ ready, command: ['node', 5] }, /option `command` must be a list/],
  [{ ready, command: ['node'], shell: 'node' }, /option `shell`.*`command`/],
  [{ ready, shell: ['node'] }, /option `shell` must be/],
  [{ ready, command: ['node'], cwd: '/no/such/directory' }, /option `cwd`/],
  [{ ready, env: { PORT: 1987 } }, /option `env` must be/],
  [{ ready, env: 'PORT=1' }, /option `env` must be/],
  [{ ready, command: ['node'], env: { 'A=B': '' } }, /option `env`/],
  [{ ready, inheritEnv: 1 }, /option `inheritEnv` must be/],
  [{ ready, umask: '022' }, /option `umask` must be/],
  [{ ready, umask: -1 }, /option `umask` must be/],
  [{ ready, umask: 0.5 }, /option `umask` must be/],
  [{ ready, command: ['node'], umask: 0o1777 }, /option `umask`/],
  [{ name: 'api' }, /option `ready` is missing/],
  [{ ready: Symbol('ready') }, /option `ready` must be/],
  [{ ready: 'localhost' }, /option `ready`/],
  [{ ready: [ready, 'localhost'] }, /option `ready`/],
  [{ ready: { http: 'http://127.0.0.1:1/', stauts: 200 } }, /option `ready`.*`stauts`/],
  [{ ready, identity: [] }, /option `identity`/],
  [{ ready, timeout: '5' }, /option `timeout` must be a number of milliseconds/],
  [{ ready, timeout: -1 }, /option `timeout`/],
  [{ ready, timeout: NaN }, /option `timeout`/],
  [{ ready, timeout: 0 }, /option `timeout`/],
  [{ ready, probeTimeout: Infinity }, /option `probeTimeout`/],
  [{ ready, tailLines: 1.5 }, /option `tailLines` must be/],
  [{ ready, log: 5 }, /option `log` must be/],
  [{ ready, stateDir: 5 }, /option `stateDir` must be/],
  [{ ready, lock: 'maybe' }, /option `lock` is `maybe`/],
  [{ ready, lock: true }, /option `lock` must be/],
  [{ ready, lockFile: 5 }, /option `lockFile` must be/],
  [{ ready, onLockUnavailable: 'maybe' }, /option `onLockUnavailable`/],
  [{ ready, lockPatience: -1 }, /option `lockPatience`/],
  [{ ready, stopTimeout: '1s' }, /option `stopTimeout` must be/],
  [{ ready, signal: {} }, /option `signal` must be an AbortSignal/],
  [{ ready, signal: null }, /option `signal` must be an AbortSignal/],
  [{ ready, onEvent: 'log' }, /option `onEvent` must be a function/],
  [5, /must be an object/],
  [null, /must be an object/],
];

for (const [options, message] of wrong) {
  test(`a wrong option is named: ${inspect(options, { breakLength: Infinity })}`, async () => {
    await assert.rejects(ensureServer(options), { name: 'SpawnlockError', code: 'ERR_SPAWNLOCK_CONFIG', message });
  });
}

test('the other calls name a wrong option, too', async () => {
  const config = (message) => ({ code: 'ERR_SPAWNLOCK_CONFIG', message });
  await assert.rejects(serverStatus(), config(/option `name` must be/));
  await assert.rejects(serverStatus('api', { stateDri: '/' }), config(/option `stateDri` is unknown/));
  await assert.rejects(stopServer(5), config(/option `name` must be/));
  await assert.rejects(stopServer('api', { stopTimeout: -1 }), config(/option `stopTimeout`/));
  await assert.rejects(listServers({ stateDir: 5 }), config(/option `stateDir` must be/));
});

test('what a getter among the options throws comes through as it is', async () => {
  const mine = new RangeError('mine');
  const options = {
    get name() {
      throw mine;
    },
  };
  await assert.rejects(ensureServer(options), (error) => error === mine);
});

test('a server that exits is an error with its code and its last words, soon after its death', async (t) => {
  const it = await scene(t);
  const begin = performance.now();
  const error = await failure(
    ensureServer({ ...it.options('--delay', '60000', '--print', 'no such table', '--exit-after', '50', '--exit-code', '3'), tailLines: 5 }),
  );
  assert.ok(performance.now() - begin < 350);
  assert.ok(error instanceof SpawnlockError && error instanceof Error);
  assert.deepEqual([error.name, error.code, error.exitCode, error.signal], ['SpawnlockError', 'ERR_SPAWNLOCK_EXITED', 3, undefined]);
  assert.match(error.message, /^server "api" exited with code 3 .* \[ERR_SPAWNLOCK_EXITED\]\n {2}command /);
  assert.ok(error.logTail.includes('no such table') && error.message.includes('  | no such table'));
  assert.ok(error.logFile.endsWith('server.log'));
  assert.match(error.stack, /errors\.test\.mjs/, 'the stack shows who asked');
  assert.ok(!inspect(error).includes('logTail'), 'printed, its last words are there once');

  const { lastFailure } = await serverStatus('api', { stateDir: it.stateDir });
  assert.deepEqual([lastFailure.code, lastFailure.message, lastFailure.exitCode], [error.code, error.message, 3]);
});

test('a server that is killed is an error with the signal', async (t) => {
  const it = await scene(t);
  const error = await failure(ensureServer(it.options('--delay', '60000', '--exit-after', '20', '--signal-self', 'KILL')));
  assert.deepEqual([error.code, error.signal, error.exitCode], ['ERR_SPAWNLOCK_EXITED', 'SIGKILL', undefined]);
});

test('a command that cannot be run is an error with the errno, and its cause looks like one of the system', async (t) => {
  const it = await scene(t);
  const missing = await failure(ensureServer({ ...it.options(), command: ['/no/such/program'] }));
  assert.deepEqual([missing.code, missing.errno], ['ERR_SPAWNLOCK_SPAWN', constants.errno.ENOENT]);
  assert.deepEqual([missing.cause.code, missing.cause.errno], ['ENOENT', constants.errno.ENOENT]);
  assert.ok(!missing.message.includes(missing.cause.message), 'a cause is not told twice');

  const file = join(it.dir, 'program');
  writeFileSync(file, '');
  chmodSync(file, 0o644);
  const forbidden = await failure(ensureServer({ ...it.options(), command: [file] }));
  assert.deepEqual([forbidden.code, forbidden.errno], ['ERR_SPAWNLOCK_SPAWN', constants.errno.EACCES]);
});

test('a server that never gets healthy costs all its waiters one timeout, and all get the same reason', async (t) => {
  const it = await scene(t);
  const begin = performance.now();
  const options = { ...it.options('--never-healthy'), timeout: 700 };
  const errors = await Promise.all(Array.from({ length: 30 }, () => failure(ensureServer(options))));
  assert.ok(performance.now() - begin < 2 * 700 + 1_000);
  assert.ok(it.starts().length <= 2);
  assert.deepEqual([...new Set(errors.map(({ code }) => code))], ['ERR_SPAWNLOCK_TIMEOUT']);
  assert.equal((await ensureServer(it.options())).origin, 'started', 'a later caller may try again');
});

test('a stranger on the port is not ours', async (t) => {
  const it = await scene(t);
  await ensureServer({ ...it.options('--identity', 'app=theirs'), name: 'theirs' });
  const error = await failure(ensureServer({ ...it.options(), identity: { app: 'ours' } }));
  assert.equal(error.code, 'ERR_SPAWNLOCK_FOREIGN');
  assert.equal(it.starts().length, 1);
});

test('a timeout ends the call in time, leaves no process, and names the last probe', async (t) => {
  const it = await scene(t);
  const begin = performance.now();
  const error = await failure(ensureServer({ ...it.options('--delay', '60000'), timeout: 300, stopTimeout: 100 }));
  assert.ok(performance.now() - begin < 900);
  assert.equal(error.code, 'ERR_SPAWNLOCK_TIMEOUT');
  assert.ok(!it.starts().some(lives));
  assert.match(error.message, /probe +GET http:\/\/127\.0\.0\.1:\d+\/health: connection refused/);
});

async function failure(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('the call did not fail');
}
