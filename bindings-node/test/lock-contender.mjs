// The lock contender of Node; its contract is in tests/CONTENDERS.md.

import { appendFileSync, closeSync, existsSync, openSync, unlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { SpawnLock } from 'spawnlock';

const flags = {
  lock: { type: 'string', default: 'auto' },
  turns: { type: 'string', default: '1' },
  'hold-ms': { type: 'string', default: '0' },
  'timeout-ms': { type: 'string' },
  'stale-after-ms': { type: 'string' },
  'break-after-ms': { type: 'string' },
  gate: { type: 'string' },
  log: { type: 'string' },
  stay: { type: 'boolean', default: false },
  drive: { type: 'boolean', default: false },
};

class NotAlone extends Error {
  constructor(code) {
    super('the lock did not exclude');
    this.code = code;
  }
}

function readArgs() {
  try {
    const { values, positionals } = parseArgs({ options: flags, allowPositionals: true });
    if (positionals.length !== 1) throw new Error('which lock?');
    return { path: positionals[0], ...values };
  } catch (error) {
    console.error(`lock-contender: ${error.message}`);
    process.exit(2);
  }
}

const asked = readArgs();

/** The options of the lock; what was not asked for keeps its default. */
function options() {
  const chosen = { lock: asked.lock };
  for (const [flag, name] of [['timeout-ms', 'timeout'], ['stale-after-ms', 'staleAfter'], ['break-after-ms', 'breakAfter']]) {
    if (asked[flag] !== undefined) chosen[name] = Number(asked[flag]);
  }
  return chosen;
}

function note(what) {
  if (asked.log) appendFileSync(asked.log, `${what} ${process.pid} ${process.hrtime.bigint()}\n`);
}

/** A file that only one can have made. */
function enter(path) {
  try {
    closeSync(openSync(`${path}.witness`, 'wx'));
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes the lock, is inside during `hold`, lets go. */
async function turn(path, hold) {
  const lock = await SpawnLock.acquire(path, options());
  note('enter');
  const alone = enter(path);
  await hold();
  if (alone) unlinkSync(`${path}.witness`);
  note('leave');
  const wasOurs = (await lock.release()) !== false;
  if (!alone) throw new NotAlone('TWO_HOLDERS');
  if (!wasOurs) throw new NotAlone('LOST');
  return lock.kind ?? asked.lock;
}

const say = (line) => console.log(JSON.stringify(line));
const failure = ({ code = 'SYSTEM', message, errno = null }) => ({ ok: false, code, errno, message });
const exitCode = (error) => (error instanceof NotAlone ? 3 : 1);
const done = (kind, turns, begin) => ({ ok: true, kind, pid: process.pid, turns, ms: performance.now() - begin });
const held = () => (Number(asked['hold-ms']) > 0 ? sleep(Number(asked['hold-ms'])) : undefined);

async function contend() {
  const turns = asked.stay ? 1 : Number(asked.turns);
  const begin = performance.now();
  let kind = null;
  const hold = asked.stay ? () => stay(begin) : held;
  try {
    for (let at = 0; at < turns; at += 1) kind = await turn(asked.path, hold);
  } catch (error) {
    say(failure(error));
    process.exitCode = exitCode(error);
    return;
  }
  if (!asked.stay) say(done(kind, turns, begin));
}

/** Says that it is held, and returns when stdin ends. */
async function stay(begin) {
  say(done(asked.lock, 1, begin));
  for await (const _ of process.stdin);
}

async function drive() {
  for await (const line of createInterface({ input: process.stdin })) {
    const begin = performance.now();
    try {
      say(done(await turn(line || asked.path, held), 1, begin));
    } catch (error) {
      say(failure(error));
    }
  }
}

if (asked.gate) {
  appendFileSync(`${asked.gate}.waiting`, `${process.pid}\n`);
  while (!existsSync(asked.gate)) await sleep(1);
}
await (asked.drive ? drive() : contend());
