// The init script that people write by hand: is it healthy? Who creates the lock file starts the server; everybody polls
// its health, first after 500 ms, then after half as long again each time.
//
//   node init-script.mjs URL LOCK-FILE CMD…
//
// It tells `loaded` before it waits for the end of its stdin, and `back MS CPU-MS` like the clients it is compared with.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [url, lockFile, program, ...args] = process.argv.slice(2);
const TIMEOUT = 60_000;
const FIRST_POLL = 500;
const GROWTH = 1.5;

async function isHealthy() {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return response.ok && (await response.json()).status === 'ok';
  } catch {
    return false;
  }
}

async function untilHealthy() {
  const begin = Date.now();
  let pause = FIRST_POLL;
  while (!(await isHealthy())) {
    if (Date.now() - begin > TIMEOUT) throw new Error('the server did not become healthy');
    await sleep(pause);
    pause *= GROWTH;
  }
}

function tryLock() {
  try {
    const file = openSync(lockFile, 'wx');
    writeSync(file, JSON.stringify({ pid: process.pid, timestamp: Date.now() }));
    closeSync(file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

async function ensure() {
  if (await isHealthy()) return;
  if (!tryLock()) return untilHealthy();
  try {
    spawn(program, args, { detached: true, stdio: 'ignore' }).unref();
    await untilHealthy();
  } finally {
    unlinkSync(lockFile);
  }
}

console.log('loaded');
readFileSync(0);
const before = process.cpuUsage();
await ensure();
const used = process.cpuUsage(before);
console.log(`back ${performance.timeOrigin + performance.now()} ${(used.user + used.system) / 1000}`);
// A process that only ensures should not linger for its connections.
process.exit(0);
