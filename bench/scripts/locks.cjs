'use strict';

// Times a lock that nobody else wants, ours and its peers in turns. Arguments: the checkout, and a wish as JSON;
// see ../src/locks/uncontended.rs.

const { mkdirSync, writeFileSync, openSync, closeSync } = require('node:fs');
const { join } = require('node:path');

const [root, text] = process.argv.slice(2);
const wish = JSON.parse(text);
const { SpawnLock } = require(root);

mkdirSync(wish.dir, { recursive: true });
const file = (name) => join(wish.dir, name);

/** A peer that may not be here. */
function optional(name) {
  try {
    return require(name);
  } catch {
    return null;
  }
}

const proper = optional('proper-lockfile');
const lockfile = optional('lockfile');
const fsExt = optional('fs-ext');

const plain = { lock: 'flock', recordHolder: false };
const signed = { lock: 'flock' };
const excl = { lock: 'excl' };

const calls = {
  plain: () => SpawnLock.acquireSync(file('plain'), plain).releaseSync(),
  signed: () => SpawnLock.acquireSync(file('signed'), signed).releaseSync(),
  excl: () => SpawnLock.acquireSync(file('excl'), excl).releaseSync(),
  'signed, async': async () => (await SpawnLock.acquire(file('async'), signed)).release(),
};
if (proper) {
  writeFileSync(file('proper'), '');
  calls['proper-lockfile'] = () => proper.lockSync(file('proper'))();
  calls['proper-lockfile, async'] = async () => (await proper.lock(file('proper')))();
}
if (lockfile) {
  calls.lockfile = () => {
    lockfile.lockSync(file('lockfile'));
    lockfile.unlockSync(file('lockfile'));
  };
}
if (fsExt) {
  calls['fs-ext'] = () => {
    const fd = openSync(file('fs-ext'), 'a');
    fsExt.flockSync(fd, 'ex');
    fsExt.flockSync(fd, 'un');
    closeSync(fd);
  };
}

async function main() {
  const things = Object.keys(calls);
  const samples = Object.fromEntries(things.map((thing) => [thing, []]));
  for (let round = 0; round < wish.warmUp + wish.rounds; round++) {
    for (let step = 0; step < things.length; step++) {
      const thing = things[(round + step) % things.length];
      const call = calls[thing];
      const waits = thing.endsWith('async');
      const begin = performance.now();
      for (let turn = 0; turn < wish.calls; turn++) {
        if (waits) await call();
        else call();
      }
      if (round >= wish.warmUp) samples[thing].push((performance.now() - begin) / wish.calls);
    }
  }
  process.stdout.write(JSON.stringify(samples));
}

main();
