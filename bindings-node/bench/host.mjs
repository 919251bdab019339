// What the package costs its host, as ratios from one run: `npm run bench`.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ensureServer, stopServer } from 'spawnlock';

const root = fileURLToPath(new URL('../..', import.meta.url));
const stateDir = mkdtempSync(join(tmpdir(), 'spawnlock-bench-'));
const { NODE_EXTRA_CA_CERTS, ...env } = process.env;

const median = (all) => all.sort((a, b) => a - b)[all.length >> 1];

async function time(count, action) {
  const all = [];
  for (let i = 0; i < count; i++) {
    const begin = performance.now();
    await action();
    all.push(performance.now() - begin);
  }
  return median(all);
}

async function running(port) {
  const ready = `http://127.0.0.1:${port}/health`;
  const options = { name: `bench-${port}`, command: [process.execPath, join(root, 'examples', 'server.mjs'), String(port)], ready, stateDir };
  const server = await ensureServer(options);
  const page = async () => (await fetch(ready)).text();
  const ensure = () => ensureServer(options);
  await time(100, page);
  await time(100, ensure);
  // In turns, so that a busy machine is busy for both.
  const rounds = [];
  for (let i = 0; i < 10; i++) rounds.push([await time(40, page), await time(40, ensure)]);
  await server.stop();
  report('ensureServer on a running server', median(rounds.map(([, ours]) => ours)), 'fetch of its page', median(rounds.map(([page]) => page)));
}

async function pool(port) {
  const file = fileURLToPath(import.meta.url);
  const read = () => time(400, () => readFile(file));
  await read();
  const before = await read();
  const abort = new AbortController();
  const options = { command: ['sleep', '600'], ready: `tcp:127.0.0.1:${port}`, stateDir, signal: abort.signal, name: 'bench-pool' };
  const calls = Array.from({ length: 64 }, () => ensureServer(options).catch(() => {}));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const meanwhile = await read();
  abort.abort();
  await Promise.all(calls);
  report('readFile while 64 calls are pending', meanwhile, 'readFile without', before);
  await stopServer('bench-pool', { stateDir });
}

function load() {
  const start = (source) => {
    const begin = performance.now();
    spawnSync(process.execPath, ['--eval', source], { cwd: root, env });
    return performance.now() - begin;
  };
  const rounds = Array.from({ length: 41 }, () => [start(''), start('require("spawnlock")')]);
  const [empty, ours] = [0, 1].map((which) => median(rounds.map((round) => round[which])));
  console.log(`require('spawnlock'): ${(ours - empty).toFixed(1)} ms over an empty Node (${empty.toFixed(1)} ms)`);
}

function report(ours, ms, theirs, other) {
  console.log(`${ours}: ${ms.toFixed(3)} ms, ${theirs}: ${other.toFixed(3)} ms, ratio ${(ms / other).toFixed(2)}`);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

try {
  load();
  await running(await freePort());
  await pool(await freePort());
} finally {
  rmSync(stateDir, { recursive: true, force: true });
}
