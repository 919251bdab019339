'use strict';

// What 64 waits for a lock do to the event loop and to libuv's pool. Arguments: the checkout, a path for the lock.

const { readFile } = require('node:fs/promises');
const { setTimeout: sleep } = require('node:timers/promises');

const [root, path] = process.argv.slice(2);
const { SpawnLock } = require(root);

const ROUNDS = 2000;
const TICKS = 100;

const median = (samples) => samples.sort((one, other) => one - other)[samples.length >> 1];

async function timed(call) {
  const begin = performance.now();
  await call();
  return (performance.now() - begin) * 1000;
}

async function look() {
  const files = [];
  for (let round = 0; round < ROUNDS; round++) files.push(await timed(() => readFile(__filename)));
  const delays = [];
  for (let tick = 0; tick < TICKS; tick++) delays.push(await timed(() => sleep(5)));
  return { readFile: median(files), delay: median(delays) };
}

async function main() {
  const lock = SpawnLock.acquireSync(path, { lock: 'flock' });
  await look();
  const alone = await look();
  const end = new AbortController();
  const waits = Array.from({ length: 64 }, () =>
    SpawnLock.acquire(path, { lock: 'flock', timeout: 600_000, signal: end.signal }).catch(() => null),
  );
  await sleep(100);
  const waiting = await look();
  end.abort();
  await Promise.all(waits);
  lock.releaseSync();
  console.log(JSON.stringify({ alone, waiting }));
}

main();
