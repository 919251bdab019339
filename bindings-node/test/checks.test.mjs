// Checks that are functions, or that ask no server; and waiting for anything.

import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';

import { ensureServer, waitFor } from 'spawnlock';

import { freePort, scene } from './scene.mjs';

/** Whether the fixture server answers. */
const answers = (it) => async () => (await fetch(it.ready).catch(() => null))?.ok ?? false;

test('a function as a check starts the server and knows it again', async (t) => {
  const it = await scene(t);
  const asks = { count: 0 };
  const ready = async () => {
    asks.count += 1;
    return answers(it)();
  };
  const first = await ensureServer({ ...it.options('--delay', '100'), ready });
  assert.deepEqual([first.origin, first.url, it.starts()], ['started', null, [first.pid]]);
  const second = await ensureServer({ ...it.options(), ready: [ready, 'exec:true'] });
  assert.deepEqual([second.origin, second.pid], ['reused', first.pid]);
  assert.ok(asks.count > 3, `${asks.count}`);
});

test('the words of a function are verdicts, and what is none of them starts nothing', async (t) => {
  const it = await scene(t);
  const ask = (answer) => ensureServer({ ...it.options(), ready: () => answer, timeout: 400, probeTimeout: 200 });
  await assert.rejects(ask('starting'), { code: /^ERR_SPAWNLOCK_(LOCK_)?TIMEOUT$/, message: /function: starting/ });
  await assert.rejects(ask('busy'), { code: 'ERR_SPAWNLOCK_UNRESPONSIVE' });
  await assert.rejects(ask('denied'), { code: 'ERR_SPAWNLOCK_DENIED' });
  await assert.rejects(ask('perhaps'), { code: 'ERR_SPAWNLOCK_FOREIGN', message: /function: perhaps/ });
  await assert.rejects(ask(1), { code: 'ERR_SPAWNLOCK_FOREIGN' });
  assert.deepEqual(it.starts(), []);
  for (const answer of [false, null, undefined, 'dead']) {
    await assert.rejects(ask(answer), { code: 'ERR_SPAWNLOCK_TIMEOUT' });
  }
  assert.equal(it.starts().length, 4);
});

test('what a function throws is nobody there, and its text is in the error', async (t) => {
  const it = await scene(t);
  const thrown = () => {
    throw new Error('no such table');
  };
  const options = { ...it.options(), timeout: 500 };
  await assert.rejects(ensureServer({ ...options, ready: thrown }), { code: 'ERR_SPAWNLOCK_TIMEOUT', message: /function: Error: no such table/ });
  await assert.rejects(ensureServer({ ...options, ready: () => Promise.reject('just a word') }), { message: /function: just a word/ });
  assert.equal(it.starts().length, 2);
});

test('a promise that never settles is busy after the time of a probe', async (t) => {
  const it = await scene(t);
  const begun = performance.now();
  const call = ensureServer({ ...it.options(), ready: () => new Promise(() => {}), probeTimeout: 100, timeout: 10_000 });
  await assert.rejects(call, { code: 'ERR_SPAWNLOCK_UNRESPONSIVE', message: /function: no answer in time/ });
  assert.ok(performance.now() - begun < 8_000);
  assert.deepEqual(it.starts(), []);
});

test('a signal ends a call whose function never answers, and the process ends with it', async (t) => {
  const it = await scene(t);
  const reason = new Error('enough');
  const signal = new AbortController();
  const call = ensureServer({ ...it.options(), ready: () => (signal.abort(reason), new Promise(() => {})), signal: signal.signal });
  await assert.rejects(call, reason);
  const { code, stdout } = await it.script(`
    const ready = () => new Promise(() => {})
    await ensureServer({ ...scene.options, ready, probeTimeout: 50, timeout: 5000 }).catch(({ code }) => console.log(code))`);
  assert.deepEqual([code, stdout.trim()], [0, 'ERR_SPAWNLOCK_UNRESPONSIVE']);
});

test('a line of the log, a file and the word of the server make it ready', async (t) => {
  const it = await scene(t);
  const events = [];
  const flags = ['--print', 'listening on 4321', '--notify', 'STATUS=nearly', '--notify', 'READY=1'];
  const options = { ...it.options(...flags), onEvent: (event) => events.push(event) };
  const ready = [{ log: 'listening on (?<port>\\d+)' }, 'notify', `file:${it.startsFile}`];
  const server = await ensureServer({ ...options, ready });
  assert.deepEqual([server.origin, server.port], ['started', 4321]);
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'status').map(({ name, message }) => [name, message]),
    [['api', 'nearly']],
  );
});

test('the last status of a server that never gets ready is in the error', async (t) => {
  const it = await scene(t);
  const call = ensureServer({ ...it.options('--notify', 'STATUS=step 3 of 7'), ready: 'notify', timeout: 500 });
  await assert.rejects(call, { code: 'ERR_SPAWNLOCK_TIMEOUT', status: 'step 3 of 7', message: /status   step 3 of 7/ });
});

test('a command that does not exist is a wrong option', async (t) => {
  const it = await scene(t);
  const ready = { exec: ['no-such-program-here'] };
  await assert.rejects(ensureServer({ ...it.options(), ready }), { code: 'ERR_SPAWNLOCK_CONFIG', message: /no-such-program-here/ });
  assert.deepEqual(it.starts(), []);
});

test('waitFor waits until everything is there', async (t) => {
  const it = await scene(t);
  const [port, file] = [await freePort(), join(it.dir, 'file')];
  let ready = false;
  const waiting = waitFor([`tcp:127.0.0.1:${port}`, `file:${file}`, () => ready], { timeout: 20_000 });
  let done = false;
  waiting.then(() => (done = true));
  const server = createServer().listen(port, '127.0.0.1');
  t.after(() => server.close());
  writeFileSync(file, '');
  await later(100);
  assert.equal(done, false);
  ready = true;
  assert.equal(await waiting, undefined);
});

test('waitFor can wait until something is gone', async (t) => {
  const it = await scene(t);
  const file = join(it.dir, 'file');
  writeFileSync(file, '');
  await assert.rejects(waitFor(`file:${file}`, { gone: true, timeout: 100 }), { code: 'ERR_SPAWNLOCK_TIMEOUT', message: /still there/ });
  setTimeout(() => rmSync(file), 50);
  await waitFor(`file:${file}`, { gone: true, timeout: 10_000 });
  assert.equal(existsSync(file), false);
});

test('an error of waitFor names each check that failed, and a wrong one is refused', async () => {
  const port = await freePort();
  await assert.rejects(waitFor([`tcp:127.0.0.1:${port}`, 'exec:echo no; exit 3', 'exec:true'], { timeout: 200 }), {
    code: 'ERR_SPAWNLOCK_TIMEOUT',
    message: /^2 of 3 checks were not ready .*\n.*connection refused\n.*exit code 3: no/,
  });
  for (const wrong of ['localhost', 'notify', [], 5, undefined]) {
    await assert.rejects(waitFor(wrong, {}), { code: 'ERR_SPAWNLOCK_CONFIG', message: /option `checks`/ });
  }
  await assert.rejects(waitFor('exec:true', { tiemout: 1 }), { code: 'ERR_SPAWNLOCK_CONFIG', message: /`tiemout`/ });
  await assert.rejects(waitFor('file:/no/such/file', { signal: AbortSignal.abort() }), { name: 'AbortError' });
});
