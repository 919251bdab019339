// What the lock alone costs the program that uses it: its loop, its pool, its end.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';

import { SpawnLock } from 'spawnlock';

import { both, scene, until } from './scene.mjs';

both('sixty-four pending waits leave the pool of libuv and the timers to the application', async ({ it, path, options }) => {
  const other = await it.holder(path, options);
  const script = it.script(
    `
    import { readFile } from 'node:fs/promises'
    import { pbkdf2 } from 'node:crypto'
    import { promisify } from 'node:util'
    let pending = 64
    const abort = new AbortController()
    const options = { ...${JSON.stringify(options)}, signal: abort.signal }
    const calls = Array.from({ length: 64 }, () => SpawnLock.acquire(${JSON.stringify(path)}, options).finally(() => pending--))
    for (let i = 0; i < 200; i++) await readFile('/dev/null')
    await promisify(pbkdf2)('a', 'b', 1, 8, 'sha1')
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    while (ticks < 100) await new Promise((resolve) => setTimeout(resolve, 1))
    clearInterval(timer)
    console.log(pending)
    abort.abort()
    const ends = await Promise.allSettled(calls)
    console.log(ends.filter(({ reason }) => reason === abort.signal.reason).length)
    `,
    { env: { UV_THREADPOOL_SIZE: '1' } },
  );
  const { code, stdout, stderr } = await script;
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n').map(Number), [64, 64]);
  assert.deepEqual(await other.release(), { held: true, released: true });
});

both('a script that has released its lock exits by itself, and so does one that forgot to', async ({ it, path, options }) => {
  const take = `const lock = await SpawnLock.acquire(${JSON.stringify([path, options]).slice(1, -1)})`;
  const left = `console.log(process.getActiveResourcesInfo().filter((kind) => kind !== 'PipeWrap').length)`;
  for (const after of ['await lock.release()', 'lock.releaseSync()', '', 'process.exit()']) {
    const { code, signal, stdout, stderr } = await it.script(`${take}\n${left}\n${after}`);
    assert.deepEqual([code, signal, stdout], [0, null, '0\n'], stderr);
    assert.ok((await SpawnLock.tryAcquire(path, options)).releaseSync(), after);
  }
});

both('a wait keeps the process alive until it is settled', async ({ it, path, options }) => {
  const other = await it.holder(path, options);
  const [where, waits] = [JSON.stringify(path), JSON.stringify({ ...options, timeout: 200 })];
  const { code, stdout } = await it.script(`SpawnLock.acquire(${where}, ${waits}).catch(({ code }) => console.log(code))`);
  assert.deepEqual([code, stdout], [0, 'ERR_SPAWNLOCK_LOCK_TIMEOUT\n']);
  await other.release();
});

both('an abort ends a wait and harms nobody else', async ({ it, path, options }) => {
  const other = await it.holder(path, options);
  const abort = new AbortController();
  const reason = new Error('enough');
  const call = SpawnLock.acquire(path, { ...options, signal: abort.signal });
  const next = SpawnLock.acquire(path, options);
  await later(20);
  abort.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  await other.release();
  assert.ok((await next).releaseSync());
});

both('a signal that is aborted already takes nothing', async ({ path, options }) => {
  const reason = new Error('mine');
  const aborted = { ...options, signal: AbortSignal.abort(reason) };
  const isMine = (error) => error === reason;
  await assert.rejects(SpawnLock.acquire(path, aborted), isMine);
  await assert.rejects(SpawnLock.tryAcquire(path, aborted), isMine);
  await assert.rejects(
    SpawnLock.withLock(path, aborted, () => assert.fail()),
    isMine,
  );
  assert.throws(() => SpawnLock.acquireSync(path, aborted), isMine);
  assert.throws(() => SpawnLock.tryAcquireSync(path, aborted), isMine);
  assert.ok(SpawnLock.tryAcquireSync(path, options).releaseSync());
});

both('a lock goes with the scope that disposes of it', async ({ path, options }) => {
  const first = await SpawnLock.acquire(path, options);
  assert.equal(await first[Symbol.asyncDispose](), undefined);
  assert.equal(first.held, false);
  const second = SpawnLock.acquireSync(path, options);
  assert.equal(second[Symbol.dispose](), undefined);
  assert.equal(second.held, false);
  assert.equal(await second[Symbol.asyncDispose](), undefined, 'what was released already is no error');
});

both('a lock that nobody can release any more is released when it is collected', async ({ it, path, options }) => {
  const { code, stdout, stderr } = await it.script(`
    import { setFlagsFromString } from 'node:v8'
    import { runInNewContext } from 'node:vm'
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc')
    const [path, options] = ${JSON.stringify([path, options])}
    await (async () => { await SpawnLock.acquire(path, options) })()
    let lock = null
    for (let i = 0; i < 500 && !lock; i++) {
      gc()
      await new Promise((resolve) => setTimeout(resolve, 10))
      lock = await SpawnLock.tryAcquire(path, options)
    }
    console.log(lock?.held)`);
  assert.deepEqual([code, stdout], [0, 'true\n'], stderr);
});

both('a call that waits long is told who holds the lock', async ({ it, path, options }) => {
  const other = await it.holder(path, options);
  const events = [];
  const told = { ...options, onEvent: (event) => events.push(event) };
  const call = SpawnLock.acquire(path, told);
  await until(() => events.length > 0, 'the waiter is told');
  assert.throws(() => SpawnLock.acquireSync(path, { ...told, timeout: 1_200 }), { code: 'ERR_SPAWNLOCK_LOCK_TIMEOUT' });
  assert.equal(events.length, 2);
  for (const { kind, name, message, elapsedMs, holder } of events) {
    assert.deepEqual([kind, name, holder.pid], ['waiting', path, other.pid]);
    assert.ok(message.includes(path) && elapsedMs >= 900 && holder.since instanceof Date);
  }
  await other.release();
  assert.ok((await call).releaseSync());
});

test('one signal serves many waits without a warning', async (t) => {
  const it = await scene(t);
  const { stderr, code } = await it.script(`
    const { signal } = new AbortController()
    const path = ${JSON.stringify(join(it.dir, 'the.lock'))}
    const turn = async () => (await SpawnLock.acquire(path, { signal })).release()
    await Promise.all(Array.from({ length: 30 }, turn))
    for (let i = 0; i < 30; i++) await turn()`);
  assert.deepEqual([code, stderr], [0, '']);
});
