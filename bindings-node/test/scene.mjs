// What every test needs: a state directory of its own, a port, the fixture server, and nothing left behind.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { listServers, stopServer } from 'spawnlock';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const fixture = process.env.SPAWNLOCK_FIXTURE ?? join(root, 'target', 'debug', 'fixture-server');

/** The scene of one test; `t` tears it down. */
export async function scene(t) {
  const dir = mkdtempSync(join(tmpdir(), 'spawnlock-node-'));
  const it = new Scene(dir, await freePort());
  t.after(() => it.end());
  return it;
}

class Scene {
  #children = [];

  constructor(dir, port) {
    this.dir = dir;
    this.port = port;
    this.stateDir = join(dir, 'state');
    this.startsFile = join(dir, 'starts');
    this.ready = `http://127.0.0.1:${port}/health`;
  }

  /** The fixture server with these flags. */
  command(...flags) {
    return [fixture, '--port', String(this.port), '--starts', this.startsFile, '--max-life', '60000', ...flags];
  }

  /** Options that start the fixture server with these flags. */
  options(...flags) {
    return { name: 'api', command: this.command(...flags), ready: this.ready, stateDir: this.stateDir, timeout: 20_000 };
  }

  /** The pids of all servers that began. */
  starts() {
    return lines(this.startsFile).map(Number);
  }

  /** Runs a module given as text in a Node of its own; `scene` is there, with `options`. */
  script(text, { flags = [], env = {} } = {}) {
    const known = JSON.stringify({ options: this.options(...flags), dir: this.dir, startsFile: this.startsFile });
    const source = `import * as spawnlock from ${JSON.stringify(import.meta.resolve('spawnlock'))}
const { ensureServer, serverStatus, stopServer, SpawnLock } = spawnlock.default
const scene = ${known}
${text}`;
    return this.node(['--input-type=module', '--eval', source], env);
  }

  /** Runs Node and gives what came of it. */
  node(args, env = {}) {
    return this.run(process.execPath, args, env).ended;
  }

  /** Runs a program; `ended` gives what came of it. */
  run(program, args, env = {}) {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    return { pid: child.pid, ended: ended(child) };
  }

  /** A Node of its own that holds a lock until it is told to release it, and then says what that gave. */
  async holder(path, options = {}) {
    const source = `import spawnlock from ${JSON.stringify(import.meta.resolve('spawnlock'))}
const lock = await spawnlock.SpawnLock.acquire(${JSON.stringify(path)}, ${JSON.stringify(options)})
console.log('held')
process.stdin.once('data', async () => {
  console.log(JSON.stringify({ held: lock.held, released: await lock.release() }))
  process.exit()
})`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    assert.equal((await answers.next()).value, 'held');
    const release = async () => {
      child.stdin.write('release');
      return JSON.parse((await answers.next()).value);
    };
    const kill = async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    return { pid: child.pid, release, kill };
  }

  /** Runs the fixture server without us. */
  stranger(...flags) {
    const child = spawn(fixture, ['--port', String(this.port), '--max-life', '60000', ...flags], { stdio: 'ignore' });
    this.#children.push(child);
    return child;
  }

  async end() {
    for (const { name } of await listServers({ stateDir: this.stateDir })) {
      await stopServer(name, { stateDir: this.stateDir, stopTimeout: 500 }).catch(() => {});
    }
    for (const child of this.#children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    const left = this.starts().filter(lives);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    await removed(this.dir);
    if (left.length > 0) throw new Error(`servers left behind: ${left.join(', ')}`);
  }
}

/** Removes a directory. A minder, or a thread of ours, may be about to write down in it how a server ended. */
async function removed(dir) {
  for (let left = 100; existsSync(dir); left -= 1) {
    try {
      rmSync(dir, { recursive: true, force: true });
    } catch (problem) {
      if (problem.code !== 'ENOTEMPTY' || left === 0) throw problem;
      await later(20);
    }
  }
}

/** The two kinds of locks, each with its test: `check` gets a path and options of its own. */
export function both(title, check) {
  for (const lock of ['flock', 'excl']) {
    test(`${title} (${lock})`, async (t) => {
      const it = await scene(t);
      await check({ it, t, path: join(it.dir, 'the.lock'), options: { lock, timeout: 30_000 } });
    });
  }
}

/** A worker thread that runs the body of an async function, which has `SpawnLock`, `data` and `post`. */
export function worker(t, body, data) {
  const source = `const { parentPort, workerData: data } = require('node:worker_threads')
const { SpawnLock } = require(${JSON.stringify(fileURLToPath(import.meta.resolve('spawnlock')))})
const post = (message) => parentPort.postMessage(message)
;(async () => { ${body} })()`;
  const it = new Worker(source, { eval: true, workerData: data });
  t.after(() => it.terminate());
  return it;
}

async function ended(child) {
  const texts = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = await once(child, 'exit');
  const [stdout, stderr] = await texts;
  return { code, signal, stdout, stderr };
}

async function text(stream) {
  let all = '';
  for await (const part of stream.setEncoding('utf8')) all += part;
  return all;
}

export function lines(file) {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

/** Whether a process lives; a zombie does not. */
export function lives(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until `condition` gives something, with a deadline. */
export async function until(condition, what, limit = 10_000) {
  const end = performance.now() + limit;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited ${limit} ms in vain until ${what}`);
    await later(5);
  }
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
