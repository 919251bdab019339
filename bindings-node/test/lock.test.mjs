// The lock alone: between processes, beside the files of other tools, and when it is not to be had.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { SpawnLock, SpawnlockError } from 'spawnlock';

import native from '../js/native.cjs';
import { both, scene, until } from './scene.mjs';

const LONG = 30_000;

both('one holds it and others find it busy until it is released', async ({ path, options }) => {
  const lock = await SpawnLock.acquire(path, options);
  assert.deepEqual([lock.path, lock.kind, lock.held], [path, options.lock, true]);
  assert.equal(await SpawnLock.tryAcquire(path, options), null);
  const holder = SpawnLock.holder(path, { lock: options.lock });
  assert.deepEqual(holder, lock.holder);
  assert.equal(holder.pid, process.pid);
  assert.ok(holder.since instanceof Date && Math.abs(Date.now() - holder.since) < LONG);
  assert.ok(holder.token.length > 0 && holder.host.length > 0 && holder.program.length > 0);

  assert.equal(await lock.release(), true);
  assert.deepEqual([lock.path, lock.kind, lock.held, lock.holder], [path, options.lock, false, null]);
  assert.equal(await lock.release(), false, 'a lock is released once');
  assert.equal(SpawnLock.holder(path, { lock: options.lock }), null);
  const next = await SpawnLock.tryAcquire(path, options);
  assert.equal(next.releaseSync(), true);
});

both('the forms without a promise do the same', async ({ path, options }) => {
  const lock = SpawnLock.acquireSync(path, options);
  assert.deepEqual([lock.path, lock.kind, lock.held], [path, options.lock, true]);
  assert.equal(SpawnLock.tryAcquireSync(path, options), null);
  assert.equal(lock.releaseSync(), true);
  assert.equal(lock.releaseSync(), false);
  const next = SpawnLock.tryAcquireSync(path, options);
  assert.equal(next.held, true);
  assert.equal(await next.release(), true);
});

both('another process waits until the lock is released', async ({ it, path, options }) => {
  const other = await it.holder(path, options);
  assert.equal(await SpawnLock.tryAcquire(path, options), null);
  assert.equal(SpawnLock.tryAcquireSync(path, options), null);
  assert.equal(SpawnLock.holder(path, { lock: options.lock }).pid, other.pid);
  let waits = true;
  const call = SpawnLock.acquire(path, options).finally(() => (waits = false));
  assert.equal(await SpawnLock.tryAcquire(path, options), null);
  assert.ok(waits);
  assert.deepEqual(await other.release(), { held: true, released: true });
  assert.equal((await call).releaseSync(), true);
});

both('of many processes never two hold it', async ({ it, path, options }) => {
  const inside = join(it.dir, 'inside');
  const count = join(it.dir, 'count');
  const turns = `
    import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
    const [path, options, inside, count] = ${JSON.stringify([path, options, inside, count])}
    for (let turn = 0; turn < 25; turn++) {
      const lock = turn % 2 ? await SpawnLock.acquire(path, options) : SpawnLock.acquireSync(path, options)
      mkdirSync(inside)
      writeFileSync(count, String(Number(readFileSync(count, 'utf8')) + 1))
      rmdirSync(inside)
      if (!(turn % 3 ? await lock.release() : lock.releaseSync())) throw new Error('it was not ours')
    }`;
  writeFileSync(count, '0');
  const ends = await Promise.all(Array.from({ length: 4 }, () => it.script(turns)));
  for (const { code, stderr } of ends) assert.equal(code, 0, stderr);
  assert.equal(readFileSync(count, 'utf8'), '100');
});

both('the lock of a killed process is free, long before it would count as old', async ({ it, path, options }) => {
  const other = await it.holder(path, options);
  const call = SpawnLock.acquire(path, options);
  await other.kill();
  const begin = performance.now();
  const lock = await call;
  assert.ok(performance.now() - begin < 5_000);
  assert.ok(lock.held);
  lock.releaseSync();
});

test('a command that is not Node and we exclude each other at one file', async (t) => {
  const it = await scene(t);
  const path = join(it.dir, 'server-init.lock');
  const lock = await SpawnLock.acquire(path, { lock: 'excl' });
  const flags = ['--ready', it.ready, '--state-dir', it.stateDir, '--lock-file', path, '--timeout'];
  const refused = await it.run(native.commandFile, ['ensure', 'api', ...flags, '200ms', '--', ...it.command()]).ended;
  assert.match(refused.stderr, new RegExp(`pid ${process.pid} .*holds the spawn lock .ERR_SPAWNLOCK_LOCK_TIMEOUT`));
  assert.deepEqual(it.starts(), []);
  lock.releaseSync();

  const call = it.run(native.commandFile, ['ensure', 'api', ...flags, '20s', '--', ...it.command('--initializing', '500')]);
  const { pid } = await until(() => SpawnLock.holder(path, { lock: 'excl' }), 'the command holds the lock');
  assert.equal(pid, call.pid);
  assert.equal(SpawnLock.tryAcquireSync(path, { lock: 'excl' }), null);
  const next = await SpawnLock.acquire(path, { lock: 'excl', timeout: LONG });
  assert.equal(it.starts().length, 1);
  assert.equal((await call.ended).code, 0);
  assert.equal(next.releaseSync(), true);
});

/** Files of other tools: whether their lock is free, and whom they name. */
const neighbours = [
  ['a script that lives', ({ pid }) => JSON.stringify({ pid, timestamp: Date.now() }), false],
  ['a script that is dead', ({ dead }) => JSON.stringify({ pid: dead, timestamp: Date.now() }), true],
  ['three lines of one that lives', ({ pid }) => `${pid}\n${Date.now()}\ntoken\n`, false],
  ['a bare pid of one that lives', ({ pid }) => `${pid}\n`, false],
  ['a bare pid of one that is dead', ({ dead }) => `${dead}\n`, true],
];

for (const [title, text, free] of neighbours) {
  test(`${title} ${free ? 'has left its lock' : 'keeps its lock'}`, async (t) => {
    const it = await scene(t);
    const path = join(it.dir, 'old.lock');
    const dead = Number((await it.script('console.log(process.pid)')).stdout);
    writeFileSync(path, text({ pid: process.ppid, dead }));
    assert.equal(SpawnLock.holder(path, { lock: 'excl' })?.pid, free ? undefined : process.ppid);
    const lock = await SpawnLock.tryAcquire(path, { lock: 'excl' });
    assert.equal(lock?.held, free ? true : undefined);
    const { pid } = JSON.parse(readFileSync(path, 'utf8').split('\n')[0]);
    if (free) assert.equal(pid, process.pid, 'a script that reads only the pid finds ours');
  });
}

test('an empty file and a directory are locks until they are old', async (t) => {
  const it = await scene(t);
  for (const [name, make] of [['empty', (path) => writeFileSync(path, '')], ['directory', (path) => mkdirSync(path)]]) {
    const path = join(it.dir, name);
    make(path);
    assert.equal(SpawnLock.tryAcquireSync(path, { lock: 'excl' }), null, name);
    assert.equal(SpawnLock.holder(path, { lock: 'excl' }).pid, 0, name);
    const anHourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(path, anHourAgo, anHourAgo);
    assert.ok(SpawnLock.tryAcquireSync(path, { lock: 'excl' }).releaseSync(), name);
  }
});

test('an owner that lives is waited for as long as breakAfter says, and is told that it was broken', async (t) => {
  const it = await scene(t);
  const path = join(it.dir, 'the.lock');
  const other = await it.holder(path, { lock: 'excl' });
  const events = [];
  const onEvent = (event) => events.push(event);
  const lock = await SpawnLock.acquire(path, { lock: 'excl', breakAfter: 100, timeout: LONG, onEvent });
  assert.ok(lock.held);
  assert.deepEqual(events.map(({ kind, name, holder }) => [kind, name, holder.pid]), [['warning', path, other.pid]]);
  assert.deepEqual(await other.release(), { held: false, released: false });
  assert.ok(lock.held && lock.releaseSync());
});

test('who removes the file of an existence lock has taken it', async (t) => {
  const it = await scene(t);
  const path = join(it.dir, 'the.lock');
  const lock = await SpawnLock.acquire(path, { lock: 'excl' });
  rmSync(path);
  assert.equal(lock.held, false);
  assert.equal(await lock.release(), false);
  assert.ok(!existsSync(path));
});

both('a wait that ends at its deadline names the holder', async ({ it, path, options }) => {
  const other = await it.holder(path, options);
  const waits = { ...options, timeout: 50 };
  const caught = await failure(() => SpawnLock.acquire(path, waits));
  for (const error of [caught, await failure(() => SpawnLock.acquireSync(path, waits))]) {
    assert.ok(error instanceof SpawnlockError);
    assert.deepEqual([error.name, error.code, error.pid], ['SpawnlockError', 'ERR_SPAWNLOCK_LOCK_TIMEOUT', other.pid]);
    assert.ok(error.message.includes(path) && error.message.includes(`pid ${other.pid}`), error.message);
    assert.match(error.stack, /lock\.test\.mjs/, 'the stack shows who asked');
  }
});

both('a place where no lock can be had is an error at once, with the reason of the system', async ({ options }) => {
  const path = '/proc/no/such/place.lock';
  const forms = [SpawnLock.acquire, SpawnLock.tryAcquire, SpawnLock.acquireSync, SpawnLock.tryAcquireSync];
  for (const form of forms) {
    const error = await failure(() => form(path, options));
    assert.deepEqual([error.code, error.errno], ['ERR_SPAWNLOCK_LOCK_UNAVAILABLE', constants.errno.ENOENT], form.name);
    assert.deepEqual([error.cause.code, error.message.includes(path)], ['ENOENT', true], form.name);
  }
});

const wrong = [
  [{ tiemout: 5 }, /option `tiemout` is unknown; known are lock, timeout, /],
  [{ lock: 'fcntl' }, /option `lock` is `fcntl`/],
  [{ lock: 1 }, /option `lock` must be/],
  [{ timeout: '5' }, /option `timeout` must be a number of milliseconds/],
  [{ timeout: -1 }, /option `timeout`/],
  [{ timeout: NaN }, /option `timeout`/],
  [{ lock: 'excl', staleAfter: 0 }, /option `staleAfter`/],
  [{ breakAfter: 5 }, /option `breakAfter`/],
  [{ reentrant: 1 }, /option `reentrant` must be/],
  [{ recordHolder: 'no' }, /option `recordHolder` must be/],
  [{ signal: {} }, /option `signal` must be an AbortSignal/],
  [{ signal: null }, /option `signal` must be an AbortSignal/],
  [{ onEvent: 'log' }, /option `onEvent` must be a function/],
  [5, /must be an object/],
  [null, /must be an object/],
];

for (const [options, message] of wrong) {
  test(`a wrong option of a lock is named: ${inspect(options, { breakLength: Infinity })}`, async (t) => {
    const { dir } = await scene(t);
    const forms = [SpawnLock.acquire, SpawnLock.tryAcquire, SpawnLock.acquireSync, SpawnLock.tryAcquireSync];
    forms.push((path, options) => SpawnLock.withLock(path, options, () => {}));
    for (const form of forms) {
      const error = await failure(() => form(join(dir, 'the.lock'), options));
      assert.deepEqual([error.name, error.code], ['SpawnlockError', 'ERR_SPAWNLOCK_CONFIG'], form.name);
      assert.match(error.message, message);
    }
  });
}

test('options are read anew when they have changed', async (t) => {
  const it = await scene(t);
  const path = join(it.dir, 'the.lock');
  const options = { recordHolder: false };
  for (let i = 0; i < 3; i++) SpawnLock.acquireSync(path, options).releaseSync();
  options.recordHolder = undefined;
  const lock = SpawnLock.acquireSync(path, options);
  assert.equal(SpawnLock.holder(path).pid, process.pid);
  options.terms = true;
  assert.throws(() => SpawnLock.tryAcquireSync(path, options), { code: 'ERR_SPAWNLOCK_CONFIG', message: /option `terms` is unknown/ });
  delete options.terms;
  assert.equal(SpawnLock.tryAcquireSync(path, options), null);
  lock.releaseSync();
});

test('the other calls name what is wrong, too', async (t) => {
  const config = (message) => ({ name: 'SpawnlockError', code: 'ERR_SPAWNLOCK_CONFIG', message });
  await assert.rejects(SpawnLock.acquire(), config(/option `path` must be a text/));
  assert.throws(() => SpawnLock.acquireSync(5), config(/option `path` must be a text/));
  assert.throws(() => SpawnLock.holder(), config(/option `path` must be a text/));
  assert.throws(() => SpawnLock.holder('/tmp', { timeout: 5 }), config(/option `timeout` is unknown; known are lock/));
  assert.throws(() => SpawnLock.testFlock('/no/such/directory'), { name: 'SpawnlockError', code: 'ERR_SPAWNLOCK_LOCK_UNAVAILABLE' });
  assert.throws(() => new SpawnLock('/tmp/lock'), TypeError);
  assert.equal(SpawnLock.testFlock((await scene(t)).dir), 'works');
});

test('a holder that does not want to be known is nobody, and its lock holds', async (t) => {
  const it = await scene(t);
  const path = join(it.dir, 'the.lock');
  const lock = await SpawnLock.acquire(path, { recordHolder: false });
  assert.equal(SpawnLock.holder(path).pid, 0);
  assert.equal(await SpawnLock.tryAcquire(path), null);
  lock.releaseSync();
});

/** What a call fails with, whether it throws or rejects. */
async function failure(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('the call did not fail');
}
