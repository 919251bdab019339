// One Node client of a real server: waits at the gate (a line on stdin), uses the server until the next line.

import { createInterface } from 'node:readline';

import { withServer } from 'spawnlock';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

console.log('waiting');
await lines.next();
await withServer(process.argv[2], async ({ origin, pid, url }) => {
  console.log(JSON.stringify({ origin, pid, url }));
  await lines.next();
});
process.exit();
