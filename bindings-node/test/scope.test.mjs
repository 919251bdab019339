import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ensureServer, kickServer, serverStatus, withServer } from 'spawnlock';

import { lives, scene, until } from './scene.mjs';

const status = (it) => serverStatus('api', { stateDir: it.stateDir });

test('a scope has the server for as long as its function runs, and gives what that returns', async (t) => {
  const it = await scene(t);
  const pid = await withServer(it.options(), async (server) => {
    assert.equal(server.origin, 'started');
    assert.equal(await (await fetch(new URL('/pid', it.ready))).json(), server.pid);
    return server.pid;
  });
  assert.ok(!lives(pid), 'and is over when the server is gone');
  assert.equal((await status(it)).state, 'stopped');
});

test('a scope whose function throws stops its server and passes the error on', async (t) => {
  const it = await scene(t);
  let pid;
  const broken = withServer(it.options(), (server) => {
    ({ pid } = server);
    throw new RangeError('broken');
  });
  await assert.rejects(broken, RangeError);
  assert.ok(!lives(pid));
});

test('the last of several scopes stops the server', async (t) => {
  const it = await scene(t);
  await withServer(it.options(), async (outer) => {
    await withServer(it.options(), (inner) => assert.deepEqual([inner.origin, inner.pid], ['reused', outer.pid]));
    assert.ok(lives(outer.pid));
  });
  assert.deepEqual(it.starts().filter(lives), []);
});

test('a scope leaves a server alone that somebody wants kept', async (t) => {
  const it = await scene(t);
  const pid = await withServer(it.options(), async () => (await ensureServer(it.options())).pid);
  await withServer(it.options(), () => {});
  assert.ok(lives(pid));
});

test('a killed scope has its server stopped all the same', async (t) => {
  const it = await scene(t);
  const client = it.script(`spawnlock.default.withServer(scene.options, () => { process.kill(process.pid, 'SIGKILL') })`);
  assert.equal((await client).signal, 'SIGKILL');
  assert.equal(it.starts().length, 1);
  await until(() => it.starts().every((pid) => !lives(pid)), 'the server is gone');
});

test('a process that ends without a word has the server it uses stopped', async (t) => {
  const it = await scene(t);
  const { code } = await it.script(`await ensureServer({ ...scene.options, stop: 'last' })`);
  assert.equal(code, 0);
  await until(() => it.starts().every((pid) => !lives(pid)), 'the server is gone');
});

test('a server lingers until it is used again, and a release is the end of a use', async (t) => {
  const it = await scene(t);
  const first = await ensureServer({ ...it.options(), linger: 700 });
  first.release();
  first.release();
  const second = await ensureServer({ ...it.options(), linger: 700 });
  assert.deepEqual([second.origin, second.pid], ['reused', first.pid]);
  second.release();
  await until(() => !lives(first.pid), 'the server is gone');
});

test('a server in use stays although nothing refers to it any more', async (t) => {
  const it = await scene(t);
  const { stdout } = await it.node([
    '--expose-gc',
    '--input-type=module',
    '--eval',
    `import spawnlock from ${JSON.stringify(import.meta.resolve('spawnlock'))}
    const { pid } = await spawnlock.ensureServer(${JSON.stringify({ ...it.options(), stop: 'last' })})
    for (let round = 0; round < 20; round++) { gc(); await new Promise((go) => setTimeout(go, 10)) }
    console.log((await spawnlock.serverStatus('api', { stateDir: ${JSON.stringify(it.stateDir)} })).pid === pid)`,
  ]);
  assert.equal(stdout, 'true\n');
});

test('a kick returns at once, and the server comes up although the process ends in the next statement', async (t) => {
  const it = await scene(t);
  const { stdout } = await it.script(`process.stdout.write(spawnlock.default.kickServer(scene.options).state); process.exit(0)`, {
    flags: ['--delay', '300'],
  });
  assert.equal(stdout, 'started');
  await until(async () => (await status(it)).state === 'running', 'the server is ready');
  assert.equal(it.starts().length, 1);
});

test('a kick tells what it found', async (t) => {
  const it = await scene(t);
  assert.deepEqual(kickServer(it.options('--delay', '300')), { state: 'started', server: null, error: null });
  const server = await ensureServer(it.options());
  const kick = kickServer(it.options());
  assert.deepEqual([kick.state, kick.server.pid], ['running', server.pid]);
  assert.equal(it.starts().length, 1);
});

test('a kick whose signal is aborted starts nothing, and what happens in one is told', async (t) => {
  const it = await scene(t);
  const reason = new Error('no more');
  assert.throws(() => kickServer({ ...it.options(), signal: AbortSignal.abort(reason) }), reason);
  assert.equal(it.starts().length, 0);
  const events = [];
  const { SPAWNLOCK_COMMAND } = process.env;
  t.after(() => SPAWNLOCK_COMMAND === undefined ? delete process.env.SPAWNLOCK_COMMAND : Object.assign(process.env, { SPAWNLOCK_COMMAND }));
  // Without a minder this process starts the server itself.
  process.env.SPAWNLOCK_COMMAND = `${it.dir}/no-such-command`;
  kickServer({ ...it.options(), onEvent: (event) => events.push(event.kind) });
  assert.deepEqual(events, ['warning', 'starting']);
});

test('a kick throws for options that are wrong, and for nothing else', async (t) => {
  const it = await scene(t);
  assert.throws(() => kickServer({ ...it.options(), shell: 'true' }), { code: 'ERR_SPAWNLOCK_CONFIG' });
  assert.throws(() => kickServer({ ...it.options(), linger: 1, stop: 'never' }), { code: 'ERR_SPAWNLOCK_CONFIG' });
  assert.throws(() => kickServer({ ...it.options(), ready: async () => true }), { code: 'ERR_SPAWNLOCK_CONFIG', message: /function/ });
  const { command, ...looking } = it.options();
  const { state, error } = kickServer(looking);
  assert.deepEqual([state, error.code, error.name], ['failed', 'ERR_SPAWNLOCK_NOT_RUNNING', 'SpawnlockError']);
});
