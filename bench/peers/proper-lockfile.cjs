'use strict';

// Waits for a lock of proper-lockfile and holds it. It looks ten times a second; by default it would give up after one try.

const { writeFileSync } = require('node:fs');
const { lock } = require('proper-lockfile');

const file = process.argv[2];

async function main() {
  writeFileSync(file, '', { flag: 'a' });
  console.log('asking');
  await lock(file, { retries: { forever: true, minTimeout: 100, maxTimeout: 100 } });
  console.log(`held ${performance.timeOrigin + performance.now()}`);
  setTimeout(() => {}, 120_000);
}

main();
