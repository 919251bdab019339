'use strict';

// One of many that take turns, or one that holds a lock for ever. Arguments: the checkout, and then as in
// ../src/locks/worker.rs, with the same words on stdout.

const { closeSync, openSync, readFileSync, writeFileSync } = require('node:fs');

const [root, what, path, turns, hold, rest] = process.argv.slice(2);
const LONG = 600_000;

const takers = {
  flock: () => take('flock'),
  excl: () => take('excl'),
  // Peers that poll do it ten times a second, as their users let them.
  'proper-lockfile': async () => {
    writeFileSync(path, '', { flag: 'a' });
    return require('proper-lockfile').lock(path, { retries: { forever: true, minTimeout: 100, maxTimeout: 100 } });
  },
  // The system's own queue, on a thread of libuv's pool: what is the least in Node.
  'fs-ext': () =>
    new Promise((resolve, reject) => {
      const fd = openSync(path, 'a');
      require('fs-ext').flock(fd, 'ex', (problem) => (problem ? reject(problem) : resolve(() => closeSync(fd))));
    }),
  lockfile: () =>
    new Promise((resolve, reject) => {
      const lockfile = require('lockfile');
      lockfile.lock(path, { wait: LONG, pollPeriod: 100, stale: 10_000 }, (problem) => {
        if (problem) reject(problem);
        else resolve(() => lockfile.unlockSync(path));
      });
    }),
};

async function take(kind) {
  const { SpawnLock } = require(root);
  const lock = await SpawnLock.acquire(path, { lock: kind, timeout: LONG });
  return () => lock.releaseSync();
}

const pause = new Int32Array(new SharedArrayBuffer(4));
const now = () => process.hrtime.bigint();

async function keep() {
  console.log('asking');
  await takers[what]();
  console.log(`held ${performance.timeOrigin + performance.now()}`);
  setTimeout(() => {}, LONG);
}

async function takeTurns() {
  // What a first turn loads is no part of the race.
  if (what === 'flock' || what === 'excl') require(root);
  else require(what);
  console.log('loaded');
  readFileSync(0);
  const before = process.cpuUsage();
  const lines = [];
  for (let turn = 0; turn < Number(turns); turn++) {
    const asked = now();
    const release = await takers[what]();
    const got = now();
    Atomics.wait(pause, 0, 0, Number(hold));
    lines.push(`turn ${asked} ${got} ${now()}`);
    await release();
    if (Number(rest) > 0) Atomics.wait(pause, 0, 0, Number(rest));
  }
  const used = process.cpuUsage(before);
  console.log([...lines, `done ${(used.user + used.system) / 1000}`].join('\n'));
}

if (turns === 'hold') keep();
else takeTurns();
