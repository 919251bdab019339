'use strict';

// A lock of proper-lockfile, driven as a lock contender is with --drive (tests/CONTENDERS.md): one turn for each line on stdin.
// What makes a lock stale is its age, and its least is 2 s.

const { openSync, closeSync, unlinkSync } = require('node:fs');
const { createInterface } = require('node:readline');
const { setTimeout: sleep } = require('node:timers/promises');
const { lock } = require('proper-lockfile');

async function turn(path) {
  // A lock that is taken from us is told by a callback; by default that is an exception nobody can catch.
  let lost = false;
  const release = await lock(path, {
    lockfilePath: path,
    realpath: false,
    stale: 5000,
    retries: { forever: true, factor: 1, minTimeout: 1, maxTimeout: 1 },
    onCompromised: () => (lost = true),
  });
  let alone = true;
  try {
    closeSync(openSync(`${path}.witness`, 'wx'));
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    alone = false;
  }
  await sleep(1);
  if (alone) unlinkSync(`${path}.witness`);
  await release().catch(() => (lost = true));
  if (!alone) return { ok: false, code: 'TWO_HOLDERS' };
  return lost ? { ok: false, code: 'LOST' } : { ok: true };
}

async function drive() {
  for await (const path of createInterface({ input: process.stdin })) {
    const line = await turn(path).catch((error) => ({ ok: false, code: error.code ?? 'none', message: error.message }));
    console.log(JSON.stringify(line));
  }
}

drive();
