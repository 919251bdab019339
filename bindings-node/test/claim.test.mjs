// Inside a daemon: being the only one at a socket, and telling one's starter.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { claimSocket, notify, notifyReady, SpawnlockError } from 'spawnlock';

import { root, scene, until } from './scene.mjs';

function room(t) {
  const dir = mkdtempSync(join(tmpdir(), 'sl-claim-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'd.sock');
}

/** What a server at a socket says. */
async function ask(path) {
  let all = '';
  for await (const part of connect(path).setEncoding('utf8')) all += part;
  return all;
}

/** Another daemon, with the lines that it prints. */
function daemon(t, path) {
  const claimer = fileURLToPath(new URL('claimer.mjs', import.meta.url));
  const child = spawn(process.execPath, [claimer, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => JSON.parse((await lines.next()).value) };
}

const serving = (pid) => createServer((client) => client.on('error', () => {}).end(`${pid}`));
const running = (pid) => (error) => error instanceof SpawnlockError && error.code === 'ERR_SPAWNLOCK_RUNNING' && error.pid === pid;

test('a claimed socket is served by a server of Node', async (t) => {
  const path = room(t);
  const claim = await claimSocket(path);
  assert.equal(claim.path, path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const server = serving('hello').listen({ fd: claim.fd });
  assert.equal(await ask(path), 'hello');
  assert.ok(claim.stillOwned());
  assert.equal(claim.close(), true);
  server.close();
  await once(server, 'close');
  assert.ok(!existsSync(path) && existsSync(`${path}.lock`));
  assert.deepEqual([claim.close(), claim.stillOwned(), claim.fd, claim.path], [false, false, -1, path]);
});

test('a second claim is told who serves, in this process and in another', async (t) => {
  const path = room(t);
  const other = daemon(t, path);
  assert.deepEqual(await other.line(), { ok: true, pid: other.child.pid });
  await assert.rejects(claimSocket(path), running(other.child.pid));
  other.child.stdin.end();
  assert.deepEqual(await other.line(), { stillOwned: true, removed: true });
  await once(other.child, 'exit');

  const claim = await claimSocket(path);
  await assert.rejects(claimSocket(path), running(process.pid));
  const last = daemon(t, path);
  assert.equal((await last.line()).code, 'ERR_SPAWNLOCK_RUNNING');
  assert.deepEqual(await once(last.child, 'exit'), [0, null]);
  claim.close();
});

test('of many claims at once one gets the socket, and the event loop goes on', async (t) => {
  const path = room(t);
  const claims = await Promise.allSettled(Array.from({ length: 20 }, () => claimSocket(path)));
  const got = claims.filter(({ status }) => status === 'fulfilled');
  assert.equal(got.length, 1);
  assert.ok(claims.every(({ reason }) => reason === undefined || reason.code === 'ERR_SPAWNLOCK_RUNNING'));
  got[0].value.close();
});

test('the socket of a killed daemon is replaced, and what is no socket is left alone', async (t) => {
  const path = room(t);
  const other = daemon(t, path);
  await other.line();
  other.child.kill('SIGKILL');
  await once(other.child, 'exit');
  assert.ok(existsSync(path));
  (await claimSocket(path)).close();

  writeFileSync(path, 'a letter');
  await assert.rejects(claimSocket(path), { code: 'ERR_SPAWNLOCK_CONFIG', message: /no socket/ });
  assert.equal(statSync(path).size, 8);
  await assert.rejects(claimSocket(`/tmp/${'x'.repeat(200)}`), { code: 'ERR_SPAWNLOCK_CONFIG', message: /103/ });
  await assert.rejects(claimSocket(17), { code: 'ERR_SPAWNLOCK_CONFIG' });
});

test('one whose socket was replaced is told when it asks, and removes nothing', async (t) => {
  const path = room(t);
  const claim = await claimSocket(path);
  unlinkSync(path);
  assert.equal(claim.stillOwned(), false);
  const stranger = serving('stranger').listen(path);
  await once(stranger, 'listening');
  assert.equal(claim.stillOwned(), false);
  assert.equal(claim.close(), false);
  assert.equal(await ask(path), 'stranger');
  stranger.close();
});

test('a claim lasts although nobody refers to it, and an end in good order leaves no socket', async (t) => {
  const it = await scene(t);
  const path = join(it.dir, 'd.sock');
  const { code, stdout, stderr } = await it.script(
    `
    import { createServer } from 'node:net'
    import { existsSync } from 'node:fs'
    const path = ${JSON.stringify(path)}
    createServer().listen({ fd: (await spawnlock.default.claimSocket(path)).fd })
    for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)) }
    const second = await spawnlock.default.claimSocket(path).catch(({ code }) => code)
    console.log(existsSync(path), second)
    process.exit(0)`,
    { env: { NODE_OPTIONS: '--expose-gc' } },
  );
  assert.deepEqual([code, stdout.trim()], [0, 'true ERR_SPAWNLOCK_RUNNING'], stderr);
  assert.ok(!existsSync(path));
});

test('the claim of a worker thread ends with it', async (t) => {
  const path = room(t);
  const source = `const { claimSocket } = require(${JSON.stringify(fileURLToPath(import.meta.resolve('spawnlock')))})
claimSocket(${JSON.stringify(path)}).then(() => { require('node:worker_threads').parentPort.postMessage('claimed'); setInterval(() => {}, 1000) })`;
  const worker = new Worker(source, { eval: true });
  await once(worker, 'message');
  await assert.rejects(claimSocket(path), running(process.pid));
  await worker.terminate();
  (await claimSocket(path)).close();
});

test('without a variable that asks for it nobody is told', () => {
  assert.equal(process.env.NOTIFY_SOCKET, undefined);
  assert.equal(notifyReady(), false);
  assert.equal(notify({ status: 'reading' }), false);
});

test('a wrong notice is refused by the name of its option', () => {
  const wrong = (option) => ({ code: 'ERR_SPAWNLOCK_CONFIG', message: new RegExp(`option \`${option}\``) });
  assert.throws(() => notifyReady({ port: 70_000 }), wrong('port'));
  assert.throws(() => notify({ status: 'two\nlines' }), wrong('status'));
  assert.throws(() => notifyReady({ prot: 1 }), wrong('prot'));
});

test('the daemon of the guide runs', async (t) => {
  const path = room(t);
  const example = join(root, 'examples', 'daemon.mjs');
  const start = () => spawn(process.execPath, [example, path], { stdio: 'inherit' });
  const first = start();
  t.after(() => first.kill('SIGKILL'));
  const answer = await until(() => ask(path).catch(() => ''), 'the daemon answers');
  assert.equal(answer, `hello from ${first.pid}\n`);
  assert.deepEqual(await once(start(), 'exit'), [0, null]);
  first.kill('SIGTERM');
  assert.deepEqual(await once(first, 'exit'), [0, null]);
  assert.ok(!existsSync(path));
});
