// One of many daemons that want one socket; see tests/CONTENDERS.md.

import { appendFileSync, existsSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { claimSocket, notify, notifyReady } from 'spawnlock';

const { values: asked, positionals } = parseArgs({ allowPositionals: true, options: { gate: { type: 'string' } } });

if (asked.gate) {
  appendFileSync(`${asked.gate}.waiting`, `${process.pid}\n`);
  while (!existsSync(asked.gate)) await sleep(1);
}

const say = (line) => console.log(JSON.stringify(line));

try {
  const claim = await claimSocket(positionals[0]);
  const server = createServer((client) => client.on('error', () => {}).end(`${process.pid}\n`)).listen({ fd: claim.fd });
  await once(server, 'listening');
  notifyReady({ port: 1, status: 'claimed' });
  say({ ok: true, pid: process.pid });
  for await (const _ of process.stdin);
  const stillOwned = claim.stillOwned();
  notify({ stopping: true });
  const removed = claim.close();
  say({ stillOwned, removed });
  server.close();
} catch ({ code = 'SYSTEM', pid = null, errno = null, message }) {
  say({ ok: false, code, pid, errno, message });
  process.exitCode = code === 'ERR_SPAWNLOCK_RUNNING' ? 0 : 1;
}
