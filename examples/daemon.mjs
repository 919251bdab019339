// A daemon that is the only one at its socket, however many are started:
//
//   node daemon.mjs daemon.sock

import { createServer } from 'node:net';

import { claimSocket, notifyReady } from 'spawnlock';

const path = process.argv[2] ?? 'daemon.sock';

const claim = await claimSocket(path).catch((error) => {
  // Another one serves: all is well without us.
  if (error.code === 'ERR_SPAWNLOCK_RUNNING') process.exit(0);
  throw error;
});

const server = createServer((client) => {
  // A client that has gone is no reason to end.
  client.on('error', () => {}).end(`hello from ${process.pid}\n`);
});
server.listen({ fd: claim.fd }, () => notifyReady());

process.once('SIGTERM', () => {
  claim.close();
  server.close();
});
