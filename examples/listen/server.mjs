// A server that serves the socket it is passed, in Node.
//
//   server-init ensure web --port auto --listen tcp:auto -- node examples/listen/server.mjs

import { createServer } from 'node:http';

const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'ok', pid: process.pid }));
});

// LISTEN_PID says for whom the sockets are: a program that this one starts must not take them for its own.
if (process.env.LISTEN_PID === String(process.pid)) server.listen({ fd: 3 });
else server.listen(Number(process.env.PORT ?? 1987), '127.0.0.1');

process.on('SIGTERM', () => server.close(() => process.exit(0)).closeAllConnections());
