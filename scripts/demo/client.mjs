// One Node client of the demo: loads the package, waits at the gate (a line on stdin), asks, prints one line.

import { createInterface } from 'node:readline';

import { ensureServer } from 'spawnlock';

const [name, ready, stateDir, shell] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin });

console.log('waiting');
lines.once('line', async () => {
  lines.close();
  const { origin, pid } = await ensureServer({ name, ready, stateDir, shell });
  console.log(JSON.stringify({ origin, pid }));
});
