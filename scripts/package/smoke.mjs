// What a user of the installed package does first: a server, a scope. With `killed` the scope's user is killed inside it.
//   node smoke.mjs FIXTURE STATE_DIR [killed]

import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';

import { ensureServer, serverStatus, withServer } from 'spawnlock';

const [fixture, stateDir, killed] = process.argv.slice(2);
const warnings = [];
const options = {
  name: 'smoke',
  scope: 'user',
  stateDir,
  port: 'auto',
  command: [fixture, '--port', '{port}'],
  onEvent: (event) => event.kind === 'warning' && warnings.push(event.message),
};

if (killed) {
  await withServer(options, (server) => {
    writeSync(1, `${server.pid}\n`);
    process.kill(process.pid, 'SIGKILL');
  });
}

const server = await ensureServer(options);
assert.equal(server.origin, 'started');
assert.equal((await fetch(new URL('/health', server.url))).status, 200);
await server.stop();

await withServer(options, (scoped) => assert.notEqual(scoped.pid, server.pid));
assert.equal((await serverStatus('smoke', { stateDir })).state, 'stopped');
assert.deepEqual(warnings, [], 'the native command is found, which watches over servers in scopes');
