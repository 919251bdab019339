import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import * as spawnlock from 'spawnlock';
import { ensureServer, listServers, serverStatus, stopServer } from 'spawnlock';

import { lines, lives, root, scene, until } from './scene.mjs';

test('the package exports the same names to both kinds of modules', () => {
  const calls = 'claimSocket ensureServer kickServer listServers notify notifyReady pruneServers restartServer serverLogs serverStatus';
  const names = ['ClaimedSocket', 'SpawnLock', 'SpawnlockError', ...calls.split(' '), 'stopServer', 'waitFor', 'withServer'];
  const required = createRequire(import.meta.url)('spawnlock');
  assert.deepEqual(Object.keys(required).sort(), names);
  assert.deepEqual(
    Object.keys(spawnlock)
      .filter((name) => !['default', 'module.exports'].includes(name))
      .sort(),
    names,
  );
  assert.equal(required.ensureServer, ensureServer);
});

test('the first call starts the server and the next one reuses it', async (t) => {
  const { options, starts, ...it } = bound(await scene(t));
  const first = await ensureServer(options('--initializing', '50'));
  assert.equal(first.origin, 'started');
  assert.equal(first.generation, 1);
  assert.deepEqual([first.name, first.host, first.port], ['api', '127.0.0.1', it.port]);
  assert.equal(first.url, `http://127.0.0.1:${it.port}`);
  assert.deepEqual(starts(), [first.pid]);
  assert.ok(first.startedAt instanceof Date && Date.now() - first.startedAt < 10_000);
  assert.ok(first.readyMs >= 50 && first.readyMs < 5_000);
  assert.ok(first.logFile.startsWith(first.place) && first.place.startsWith(it.stateDir));

  const second = await ensureServer(options());
  assert.deepEqual({ ...second }, { ...first, origin: 'reused' });
  assert.equal(starts().length, 1);
});

test('a call during a start joins it', async (t) => {
  const { options, starts } = bound(await scene(t));
  const all = await Promise.all(Array.from({ length: 5 }, () => ensureServer(options('--delay', '200'))));
  assert.deepEqual(all.map(({ origin }) => origin).sort(), ['joined', 'joined', 'joined', 'joined', 'started']);
  assert.deepEqual([...new Set(all.map(({ pid }) => pid))], starts());
});

test('a server that somebody else started is foreign, and is not stopped', async (t) => {
  const it = await scene(t);
  const stranger = it.stranger();
  await until(() => fetch(it.ready).catch(() => null), 'the stranger answers');
  const server = await ensureServer(it.options());
  assert.deepEqual([server.origin, server.pid, server.generation], ['foreign', null, null]);
  await assert.rejects(server.stop(), { name: 'SpawnlockError' });
  assert.equal(stranger.exitCode, null);
  assert.equal((await fetch(it.ready)).status, 200);
  stranger.kill();
  await once(stranger, 'exit');
});

test('twenty processes at one moment start one server', async (t) => {
  const it = await scene(t);
  const gate = join(it.dir, 'gate');
  const contender = fileURLToPath(new URL('contender.mjs', import.meta.url));
  const asked = ['--name', 'api', '--ready', it.ready, '--timeout-ms', '20000', '--state-dir', it.stateDir, '--gate', gate];
  const runs = Array.from({ length: 20 }, () => it.node([contender, ...asked, '--', ...it.command('--initializing', '200')]));
  await until(() => lines(`${gate}.waiting`).length === 20, 'all are at the gate', 120_000);
  writeFileSync(gate, '');
  const answers = (await Promise.all(runs)).map(({ code, stdout, stderr }) => {
    assert.equal(code, 0, stdout + stderr);
    return JSON.parse(stdout);
  });
  assert.equal(it.starts().length, 1);
  assert.deepEqual([...new Set(answers.map(({ pid }) => pid))], it.starts());
  assert.equal(answers.filter(({ origin }) => origin === 'started').length, 1);
});

test('status, list and stop tell and end what runs', async (t) => {
  const it = await scene(t);
  const where = { stateDir: it.stateDir };
  assert.deepEqual(await listServers(where), []);
  assert.equal((await serverStatus('api', where)).state, 'stopped');

  const server = await ensureServer(it.options());
  const status = await serverStatus('api', where);
  const { origin, host, port, ...known } = server;
  const nothing = { holder: null, leases: [], restartedBecause: null, ended: null, lastFailure: null };
  assert.deepEqual(status, { ...known, ...nothing, state: 'running', health: 'ready', phase: 'ready' });
  assert.deepEqual(await listServers(where), [status]);

  const kinds = [];
  assert.equal(await stopServer('api', { ...where, onEvent: ({ kind }) => kinds.push(kind) }), undefined);
  assert.ok(!lives(server.pid));
  assert.deepEqual(kinds, ['stopping']);
  const { state, health, pid } = await serverStatus('api', where);
  assert.deepEqual([state, health, pid], ['stopped', null, null]);
  await assert.rejects(stopServer('api', where), { code: 'ERR_SPAWNLOCK_NOT_RUNNING' });
  await assert.rejects(server.stop(), { code: 'ERR_SPAWNLOCK_NOT_RUNNING' });
});

test('a server stops the generation it stands for and no later one', async (t) => {
  const it = await scene(t);
  const first = await ensureServer(it.options());
  await first.stop();
  assert.ok(!lives(first.pid));
  const second = await ensureServer(it.options());
  assert.equal(second.generation, 2);
  await assert.rejects(first.stop(), { code: 'ERR_SPAWNLOCK_NOT_RUNNING' });
  assert.ok(lives(second.pid));
});

test('the command runs with the directory, the variables and the umask that were asked for', async (t) => {
  const it = await scene(t);
  const log = join(it.dir, 'log');
  const show = `pwd; umask; env; exec "$0" "$@"`;
  const command = ['/bin/sh', '-c', show, ...it.command()];
  const env = { GIVEN: 'yes', LEFT_OUT: undefined };
  const server = await ensureServer({ ...it.options(), command, cwd: it.dir, env, inheritEnv: false, umask: 0o027, log });
  assert.equal(server.logFile, log);
  const said = lines(log);
  assert.ok(said.includes(it.dir) && said.includes('0027') && said.includes('GIVEN=yes'), said.join('\n'));
  assert.ok(!said.some((line) => line.startsWith('LEFT_OUT') || line.startsWith('npm_') || line.startsWith('NODE_TEST')));
});

test('a lock file that another tool holds is waited for, and ours is one that it can read', async (t) => {
  const it = await scene(t);
  const lockFile = join(it.dir, 'server-init.lock');
  writeFileSync(lockFile, JSON.stringify({ pid: process.pid, timestamp: Date.now() }));
  const waiting = { ...it.options(), lock: 'auto', lockFile, timeout: 300 };
  await assert.rejects(ensureServer(waiting), { code: 'ERR_SPAWNLOCK_LOCK_TIMEOUT', pid: process.pid });
  assert.deepEqual(it.starts(), []);
  rmSync(lockFile);

  const call = ensureServer({ ...it.options('--initializing', '300'), lockFile });
  await until(() => it.starts().length === 1, 'the server began');
  const { pid, timestamp } = JSON.parse(readFileSync(lockFile, 'utf8'));
  assert.ok(pid === process.pid && Math.abs(Date.now() - timestamp) < 30_000);
  assert.equal((await call).origin, 'started');
  assert.ok(!existsSync(lockFile));
});

test('several checks, as texts and as objects, must all pass', async (t) => {
  const it = await scene(t);
  const socket = join(it.dir, 'socket');
  const checks = [
    it.ready,
    { http: it.ready, status: [200, '201-299'], json: { version: '3' } },
    `tcp:127.0.0.1:${it.port}`,
    { unix: socket },
  ];
  const flags = ['--unix', socket, '--version-field', '3', '--initializing', '100'];
  const server = await ensureServer({ ...it.options(...flags), ready: checks, identity: { version: '3' } });
  assert.equal(server.origin, 'started');
  assert.ok(server.readyMs >= 100);
});

test('a server without a name is named after its endpoint, and a shell line starts it', async (t) => {
  const it = await scene(t);
  const shell = `exec ${it.command().join(' ')}`;
  const server = await ensureServer({ shell, ready: it.ready, stateDir: it.stateDir });
  assert.match(server.name, new RegExp(`_${it.port}$`));
  assert.deepEqual(it.starts(), [server.pid]);
});

test('the example server is started once and found again', async (t) => {
  const it = await scene(t);
  const options = { ...it.options(), command: [process.execPath, join(root, 'examples', 'server.mjs'), String(it.port)] };
  const first = await ensureServer(options);
  const second = await ensureServer(options);
  assert.deepEqual([first.origin, second.origin, second.pid], ['started', 'reused', first.pid]);
  assert.ok(first.readyMs >= 900);
});

/** A scene whose methods can be taken apart. */
function bound(it) {
  return { options: it.options.bind(it), starts: it.starts.bind(it), port: it.port, stateDir: it.stateDir };
}
