// Ports that are chosen, sockets that are passed, names that belong to a project.

import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

import { ensureServer, restartServer, serverStatus, stopServer } from 'spawnlock';

import { fixture, root, scene } from './scene.mjs';

/** Options for the fixture server on a port that is chosen for it. */
function auto(it, ...flags) {
  const command = [fixture, '--port', '{port}', '--starts', it.startsFile, '--max-life', '60000', ...flags];
  return { name: 'api', command, port: 'auto', scope: 'user', stateDir: it.stateDir, timeout: 20_000 };
}

test('twenty calls at once get one server and one port', async (t) => {
  const it = await scene(t);
  const all = await Promise.all(Array.from({ length: 20 }, () => ensureServer(auto(it, '--delay', '50'))));
  assert.equal(it.starts().length, 1);
  assert.equal(new Set(all.map(({ port, pid, url }) => `${port} ${pid} ${url}`)).size, 1);
  assert.equal(all[0].url, `http://localhost:${all[0].port}`);
});

test('the port stays over a stop and a restart', async (t) => {
  const it = await scene(t);
  const first = await ensureServer(auto(it));
  await stopServer('api', { stateDir: it.stateDir });
  const second = await ensureServer(auto(it));
  const third = await restartServer('api', { stateDir: it.stateDir });
  assert.deepEqual([second.port, third.port, third.generation], [first.port, first.port, 3]);
});

test('the port and the host are told to the server', async (t) => {
  const it = await scene(t);
  const { command, stateDir } = it.options();
  const server = await ensureServer({ name: 'api', command, stateDir, port: it.port, host: '127.0.0.1', env: { AT: '{host}:{port}' } });
  const env = await (await fetch(new URL('/env', server.url))).json();
  assert.deepEqual([env.PORT, env.HOST, env.AT], [String(it.port), '127.0.0.1', `127.0.0.1:${it.port}`]);
});

test('a server in Node serves the socket it is passed', async (t) => {
  const it = await scene(t);
  const command = [process.execPath, join(root, 'examples/listen/server.mjs')];
  const options = { name: 'api', command, port: 'auto', scope: 'user', listen: { web: 'tcp:auto' }, stateDir: it.stateDir };
  const server = await ensureServer(options);
  assert.equal((await (await fetch(server.url)).json()).pid, server.pid);
});

test('an address that somebody else has is an error with its code', async (t) => {
  const it = await scene(t);
  const stranger = createServer().listen(0, '127.0.0.1');
  t.after(() => stranger.close());
  await new Promise((resolve) => stranger.once('listening', resolve));
  const listen = [`tcp:${stranger.address().port}`];
  await assert.rejects(ensureServer({ ...it.options(), listen }), { code: 'ERR_SPAWNLOCK_PORT_IN_USE' });
  assert.deepEqual(it.starts(), []);
});

test('inside a project its short name does', async (t) => {
  const it = await scene(t);
  const project = join(it.dir, 'project');
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{}');
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(join(project, 'src'));
  const server = await ensureServer({ ...auto(it), scope: undefined });
  assert.equal(server.name, `api@${realpathSync(project)}`);
  assert.equal((await serverStatus('api', { stateDir: it.stateDir })).pid, server.pid);
  await stopServer('api', { stateDir: it.stateDir });
});

test('a wrong address is named', async (t) => {
  const it = await scene(t);
  for (const [options, words] of [
    [{ port: 0 }, /`port`/],
    [{ port: 1.5 }, /`port`/],
    [{ port: 'some' }, /`port`/],
    [{ host: '::1' }, /`host` needs/],
    [{ listen: 'ftp:21' }, /`listen`/],
    [{ listen: [7] }, /`listen`/],
    [{ scope: 'team' }, /`scope`/],
  ]) {
    await assert.rejects(ensureServer({ ...it.options(), ...options }), words);
  }
});
