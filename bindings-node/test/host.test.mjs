import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { ensureServer, serverStatus } from 'spawnlock';

import { lives, scene, until } from './scene.mjs';

test('sixty-four pending calls leave the pool of libuv to the application', async (t) => {
  const it = await scene(t);
  const { code, stdout, stderr } = await it.script(
    `
    import { readFile } from 'node:fs/promises'
    import { pbkdf2 } from 'node:crypto'
    import { promisify } from 'node:util'
    let pending = 64
    const calls = Array.from({ length: 64 }, () => ensureServer(scene.options).finally(() => pending--))
    const begin = performance.now()
    for (let i = 0; i < 200; i++) await readFile(scene.startsFile).catch(() => {})
    await promisify(pbkdf2)('a', 'b', 1, 8, 'sha1')
    const took = performance.now() - begin
    const meanwhile = pending
    const pids = new Set((await Promise.all(calls)).map(({ pid }) => pid))
    console.log(JSON.stringify({ took, meanwhile, pids: pids.size }))
    `,
    { flags: ['--initializing', '2000'], env: { UV_THREADPOOL_SIZE: '1' } },
  );
  assert.equal(code, 0, stderr);
  const { took, meanwhile, pids } = JSON.parse(stdout);
  assert.equal(meanwhile, 64, `all calls were pending when the files had been read, after ${took} ms`);
  assert.equal(pids, 1);
  assert.equal(it.starts().length, 1);
});

test('a script that only ensures exits by itself, and the server lives on', async (t) => {
  const it = await scene(t);
  const { code, stdout, stderr } = await it.script(`
    const { pid } = await ensureServer({ ...scene.options, onEvent() {}, signal: new AbortController().signal })
    console.log(pid)
    process.on('exit', () => console.log(process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap').length))`);
  assert.equal(code, 0, stderr);
  const [pid, left] = stdout.trim().split('\n').map(Number);
  assert.equal(left, 0);
  assert.ok(lives(pid));
});

test('a settled call keeps nothing alive, also when it failed', async (t) => {
  const it = await scene(t);
  const { code, stdout } = await it.script(`ensureServer(scene.options).catch(({ code }) => console.log(code))`, {
    flags: ['--delay', '60000', '--exit-after', '20'],
  });
  assert.deepEqual([code, stdout.trim()], [0, 'ERR_SPAWNLOCK_EXITED']);
});

test('the output of a script can be collected while the server lives', async (t) => {
  const it = await scene(t);
  const contender = fileURLToPath(new URL('contender.mjs', import.meta.url));
  const words = [
    process.execPath,
    contender,
    '--name',
    'api',
    '--ready',
    it.ready,
    '--timeout-ms',
    '20000',
    '--state-dir',
    it.stateDir,
    '--',
    ...it.command(),
  ];
  const { pid } = JSON.parse(execSync(words.map((word) => `'${word}'`).join(' '), { timeout: 15_000, encoding: 'utf8' }));
  assert.ok(lives(pid));
  const open = await (await fetch(it.ready.replace('/health', '/fds'))).json();
  const others = Object.entries(open).filter(
    ([number, link]) => number > 2 && !/socket:|\/starts$|eventpoll|eventfd|signalfd|pipe:|\/proc\//.test(link),
  );
  assert.deepEqual(
    others.map(([, link]) => link.split('/').at(-1)),
    ['alive.lock'],
  );
});

test('a signal that is aborted already starts nothing', async (t) => {
  const it = await scene(t);
  const reason = new Error('mine');
  const begin = performance.now();
  await assert.rejects(ensureServer({ ...it.options(), signal: AbortSignal.abort(reason) }), (error) => error === reason);
  assert.ok(performance.now() - begin < 50);
  assert.deepEqual(it.starts(), []);
});

test('an abort ends the wait for a start of our own within 50 ms, and leaves the server to those who come after', async (t) => {
  const it = await scene(t);
  const abort = new AbortController();
  const call = ensureServer({ ...it.options('--initializing', '1000'), signal: abort.signal });
  await until(() => it.starts().length === 1, 'the server began');
  await rejectsAtOnce(call, abort);
  const { origin, pid } = await ensureServer(it.options());
  assert.equal(origin, 'joined');
  assert.deepEqual(it.starts(), [pid]);
});

test('an abort ends the wait for another start within 50 ms and harms nobody else', async (t) => {
  const it = await scene(t);
  const abort = new AbortController();
  const starter = ensureServer(it.options('--initializing', '1000'));
  await until(() => it.starts().length === 1, 'the server began');
  const waiter = ensureServer({ ...it.options(), signal: abort.signal });
  await until(async () => (await serverStatus('api', { stateDir: it.stateDir })).holder, 'the lock is held');
  await rejectsAtOnce(waiter, abort);
  assert.equal((await starter).origin, 'started');
});

test('one signal serves many calls at once and one after the other, without a warning', async (t) => {
  const it = await scene(t);
  const { stderr, code } = await it.script(`
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 30 }, () => ensureServer({ ...scene.options, signal })))
    for (let i = 0; i < 30; i++) await ensureServer({ ...scene.options, signal })`);
  assert.deepEqual([code, stderr], [0, '']);
});

test('one abort ends all calls of its signal', async (t) => {
  const it = await scene(t);
  const abort = new AbortController();
  const options = { ...it.options('--never-healthy'), signal: abort.signal };
  const calls = Array.from({ length: 20 }, () => ensureServer(options));
  await until(() => it.starts().length === 1, 'the server began');
  const reason = new Error('enough');
  abort.abort(reason);
  const ends = await Promise.allSettled(calls);
  assert.ok(ends.every((end) => end.reason === reason));
});

test('events come on the main thread, in order, and before the call is settled', async (t) => {
  const it = await scene(t);
  const events = [];
  let settled = false;
  const server = await ensureServer({
    ...it.options('--initializing', '100'),
    onEvent(event) {
      assert.ok(!settled);
      events.push(event);
    },
  }).finally(() => (settled = true));
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['starting', 'ready'],
  );
  assert.ok(events.every(({ name, message }) => name === 'api' && message.length > 0));
  assert.ok(events[0].elapsedMs <= events[1].elapsedMs && events[1].elapsedMs >= 100);
  assert.equal(events[0].pid, server.pid);
});

test('a call that waits long is told who holds the lock', async (t) => {
  const it = await scene(t);
  const starter = ensureServer(it.options('--initializing', '1600'));
  await until(() => it.starts().length === 1, 'the server began');
  const events = [];
  await ensureServer({ ...it.options(), onEvent: (event) => events.push(event) });
  await starter;
  const { holder } = events.find(({ kind }) => kind === 'waiting');
  assert.equal(holder.pid, process.pid);
  assert.ok(holder.since instanceof Date && Math.abs(Date.now() - holder.since) < 30_000);
});

test('what a listener throws is an uncaught exception, and the call goes on', async (t) => {
  const it = await scene(t);
  const throwing = `const call = ensureServer({ ...scene.options, onEvent: ({ kind }) => { throw new Error('from ' + kind) } })`;
  const caught = await it.script(`process.on('uncaughtException', ({ message }) => console.log(message))
    ${throwing}
    console.log((await call).origin)`);
  assert.deepEqual([caught.code, caught.stdout.trim().split('\n').sort()], [0, ['from ready', 'from starting', 'started']]);
  await (await ensureServer(it.options())).stop();

  const { code, signal, stderr } = await it.script(`${throwing}\nawait call`);
  assert.deepEqual([code, signal], [1, null]);
  assert.match(stderr, /Error: from starting/);
});

test('no signal handler is installed', async (t) => {
  const it = await scene(t);
  const { code, stdout } = await it.script(`
    import { readFileSync } from 'node:fs'
    const caught = () => /SigCgt:\\s*(\\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]
    const ignored = () => /SigIgn:\\s*(\\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]
    const before = caught() + ignored()
    await ensureServer(scene.options)
    console.log(before === caught() + ignored())`);
  assert.deepEqual([code, stdout.trim()], [0, 'true']);
});

test('a worker that is ended in the middle of a wait does not harm the process', async (t) => {
  const it = await scene(t);
  const { code, stdout, stderr } = await it.script(
    `
    import { Worker } from 'node:worker_threads'
    import { readFileSync } from 'node:fs'
    const text = 'import { workerData } from "node:worker_threads"; const { options, module } = workerData;'
      + 'import(module).then(({ ensureServer }) => ensureServer({ ...options, onEvent() {} }))'
    const module = ${JSON.stringify(import.meta.resolve('spawnlock'))}
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(text)), { workerData: { options: scene.options, module } })
    const began = () => { try { return readFileSync(scene.startsFile, 'utf8') } catch { return '' } }
    while (!began()) await new Promise((resolve) => setTimeout(resolve, 5))
    await worker.terminate()
    console.log((await ensureServer(scene.options)).origin)`,
    { flags: ['--initializing', '500'] },
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^(joined|reused)$/m);
  assert.equal(it.starts().length, 1);
});

async function rejectsAtOnce(call, abort) {
  const reason = new Error('enough');
  let begin;
  queueMicrotask(() => {
    begin = performance.now();
    abort.abort(reason);
  });
  await assert.rejects(call, (error) => error === reason);
  const took = performance.now() - begin;
  assert.ok(took < 50, `the call was rejected ${took.toFixed(1)} ms after the abort`);
}
