// A real HTTP server that needs a second before it is ready, as real servers do.
//
//   node server.mjs [port]        or PORT=1987 node server.mjs
//
// GET /health says {"status":"initializing"} at first, then {"status":"ok"}. SIGTERM ends it cleanly.

import { createServer } from 'node:http';

const port = Number(process.argv[2] ?? process.env.PORT ?? 1987);
const host = process.env.HOST ?? '127.0.0.1';
const readyAt = Date.now() + 1000;

const page = () => `<!doctype html>
<title>A shared server</title>
<h1>Hello from process ${process.pid}</h1>
<p>I was started once, and everybody who asked for me shares me. I have been up for ${process.uptime().toFixed(1)} s.</p>
<p>My health is at <a href="/health">/health</a>.</p>
`;

const pages = {
  '/': (response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page()),
  '/health': (response) => {
    const status = Date.now() < readyAt ? 'initializing' : 'ok';
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status, pid: process.pid }));
  },
};

const server = createServer((request, response) => {
  const show = pages[request.url.split('?')[0]];
  if (show) show(response);
  else response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such page.\n');
});

server.on('error', (error) => {
  console.error(`cannot listen: ${error.message}`);
  process.exitCode = 1;
});

server.listen(port, host, () => console.log(`listening on http://${host}:${server.address().port}, ready in a second`));

process.on('SIGTERM', () => {
  console.log('asked to stop');
  server.close();
  server.closeAllConnections();
});
