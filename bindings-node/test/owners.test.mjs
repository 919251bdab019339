// Who excludes whom within one process: tasks, calls within `withLock`, and threads.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';

import { SpawnLock } from 'spawnlock';

import { both, scene, until, worker } from './scene.mjs';

const RECURSIVE = { name: 'SpawnlockError', code: 'ERR_SPAWNLOCK_RECURSIVE' };

both('tasks of one thread take turns', async ({ path, options }) => {
  let inside = 0;
  let turns = 0;
  const task = async () => {
    for (let turn = 0; turn < 5; turn++) {
      const lock = await SpawnLock.acquire(path, options);
      assert.equal(++inside, 1);
      await later(0);
      inside--;
      turns++;
      assert.ok(turn % 2 ? await lock.release() : lock.releaseSync());
    }
  };
  await Promise.all(Array.from({ length: 10 }, task));
  assert.equal(turns, 50);
});

both('withLock takes turns, gives what its function gives, and lets go however it ends', async ({ path, options }) => {
  let inside = 0;
  const all = Array.from({ length: 10 }, (_, index) =>
    SpawnLock.withLock(path, options, async (lock) => {
      assert.ok(lock.held && ++inside === 1);
      await later(0);
      inside--;
      return index;
    }),
  );
  assert.deepEqual(await Promise.all(all), [...all.keys()]);
  const mine = new RangeError('mine');
  const isMine = (error) => error === mine;
  await assert.rejects(SpawnLock.withLock(path, options, () => Promise.reject(mine)), isMine);
  const throwing = () => {
    throw mine;
  };
  await assert.rejects(SpawnLock.withLock(path, options, throwing), isMine);
  assert.equal(await SpawnLock.withLock(path, options, () => 5), 5);
  assert.equal(await SpawnLock.withLock(path, options, (lock) => lock.releaseSync()), true, 'the function may let go earlier');
  assert.ok(SpawnLock.tryAcquireSync(path, options).releaseSync());
});

test('withLock needs no options', async (t) => {
  const path = join((await scene(t)).dir, 'the.lock');
  assert.deepEqual(await SpawnLock.withLock(path, ({ path, kind }) => [path, kind]), [path, 'flock']);
});

both('within its own withLock a lock cannot be taken again, and says so at once', async ({ path, options }) => {
  await SpawnLock.withLock(path, options, async (lock) => {
    await later(0);
    await assert.rejects(
      SpawnLock.withLock(path, options, () => assert.fail()),
      RECURSIVE,
    );
    await assert.rejects(SpawnLock.acquire(path, options), RECURSIVE);
    await assert.rejects(SpawnLock.tryAcquire(path, options), RECURSIVE);
    assert.throws(() => SpawnLock.acquireSync(path, options), RECURSIVE);
    assert.throws(() => SpawnLock.tryAcquireSync(path, options), RECURSIVE);
    await SpawnLock.withLock(`${path}.2`, options, () => assert.rejects(SpawnLock.acquire(path, options), RECURSIVE));
    assert.ok(lock.held);
  });
  assert.ok(SpawnLock.tryAcquireSync(path, options).releaseSync());
});

both('with reentrant it is shared within its own withLock, and goes with its last share', async ({ it, path, options }) => {
  const again = { ...options, reentrant: true };
  let inner;
  await SpawnLock.withLock(path, options, async () => {
    assert.equal(await SpawnLock.withLock(path, again, ({ held }) => held), true);
    assert.ok((await SpawnLock.tryAcquire(path, again)).releaseSync());
    assert.ok(SpawnLock.tryAcquireSync(path, again).releaseSync());
    inner = await SpawnLock.acquire(path, again);
  });
  assert.ok(inner.held);
  assert.equal((await it.script(tries(path, options))).stdout, 'busy\n');
  assert.ok(await inner.release());
  assert.equal((await it.script(tries(path, options))).stdout, 'free\n');
});

both('tasks that begin within a withLock exclude each other', async ({ path, options }) => {
  let inside = 0;
  const task = async () => {
    assert.equal(++inside, 1);
    await later(0);
    inside--;
  };
  await SpawnLock.withLock(path, options, () => {
    const again = { ...options, reentrant: true };
    return Promise.all(Array.from({ length: 5 }, () => SpawnLock.withLock(`${path}.2`, again, task)));
  });
});

both('a task that outlives its withLock is a stranger like any other', async ({ path, options }) => {
  let late;
  await SpawnLock.withLock(path, options, () => {
    late = later(20).then(() => SpawnLock.acquire(path, options));
  });
  const lock = await SpawnLock.acquire(path, options);
  await later(40);
  assert.ok(lock.releaseSync());
  assert.ok((await late).releaseSync());
});

both('a thread does not wait for what it holds itself', async ({ path, options }) => {
  const lock = await SpawnLock.acquire(path, options);
  assert.throws(() => SpawnLock.acquireSync(path, options), RECURSIVE);
  assert.equal(SpawnLock.tryAcquireSync(path, options), null, 'one who does not wait cannot wait for himself');
  const shares = [
    SpawnLock.acquireSync(path, { ...options, reentrant: true }),
    SpawnLock.tryAcquireSync(path, { ...options, reentrant: true }),
    await SpawnLock.acquire(path, { ...options, reentrant: true }),
    await SpawnLock.tryAcquire(path, { ...options, reentrant: true }),
  ];
  assert.ok(lock.releaseSync());
  for (const share of shares) {
    assert.equal(await SpawnLock.tryAcquire(path, options), null);
    assert.ok(share.held && share.releaseSync());
  }
  assert.ok(SpawnLock.acquireSync(path, options).releaseSync());
});

both('a task that waits for itself is told so at its deadline', async ({ path, options }) => {
  const lock = await SpawnLock.acquire(path, options);
  await assert.rejects(SpawnLock.acquire(path, { ...options, timeout: 50 }), {
    code: 'ERR_SPAWNLOCK_LOCK_TIMEOUT',
    pid: process.pid,
    hint: /this very process holds it/,
  });
  lock.releaseSync();
});

both('worker threads exclude each other', async ({ t, path, options }) => {
  const lock = SpawnLock.acquireSync(path, options);
  const body = `
    post(await SpawnLock.tryAcquire(...data))
    const lock = SpawnLock.acquireSync(...data)
    post(lock.held)
    lock.releaseSync()`;
  const other = worker(t, body, [path, { ...options, reentrant: true }]);
  assert.deepEqual(await once(other, 'message'), [null]);
  await later(20);
  lock.releaseSync();
  assert.deepEqual(await once(other, 'message'), [true]);
});

both('a worker that ends lets go of what it held', async ({ t, path, options }) => {
  const other = worker(t, `globalThis.lock = await SpawnLock.acquire(...data); post(lock.held); setInterval(() => {}, 1e6)`, [path, options]);
  assert.deepEqual(await once(other, 'message'), [true]);
  assert.equal(await SpawnLock.tryAcquire(path, options), null);
  await other.terminate();
  assert.ok(SpawnLock.tryAcquireSync(path, options).releaseSync());
});

both('a worker that ends while it waits does not keep what it is given', async ({ t, path, options }) => {
  for (let round = 0; round < 5; round++) {
    const lock = await SpawnLock.acquire(path, options);
    // Its loop is blocked, so the lock cannot be delivered any more.
    const body = `
      const call = SpawnLock.acquire(...data)
      post('waits')
      for (;;) {}`;
    const other = worker(t, body, [path, options]);
    await once(other, 'message');
    lock.releaseSync();
    if (round % 2) await until(() => SpawnLock.holder(path, options.lock === 'excl' ? { lock: 'excl' } : {}), 'the worker was given it');
    await other.terminate();
    const next = await SpawnLock.acquire(path, { ...options, timeout: 10_000 });
    assert.ok(next.releaseSync());
  }
});

/** Says whether the lock is free for another process. */
function tries(path, options) {
  return `const lock = SpawnLock.tryAcquireSync(${JSON.stringify(path)}, ${JSON.stringify(options)})
  console.log(lock ? 'free' : 'busy')
  lock?.releaseSync()`;
}
