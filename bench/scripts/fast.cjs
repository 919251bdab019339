'use strict';

// Times `ensureServer`, `withServer` and `fetch` in turns. Arguments: the checkout, and a wish as JSON; see ../src/scripts.rs.

const [root, wish] = process.argv.slice(2);
const { things, warmUp, turns, callsPerTurn, url, options } = JSON.parse(wish);

// Loaded by the first call, as `fetch` is, so that a process's first call has its whole price.
let spawnlock;
const calls = {
  peer: async () => (await fetch(url)).text(),
  ensure: async () => {
    const { origin } = await (spawnlock ??= require(root)).ensureServer(options);
    if (origin !== 'reused') throw new Error(`the server is ${origin}`);
  },
  scope: () => (spawnlock ??= require(root)).withServer(options, () => {}),
};

async function main() {
  const samples = Object.fromEntries(things.map((thing) => [thing, []]));
  for (let turn = 0; turn < warmUp + turns; turn++) {
    for (let step = 0; step < things.length; step++) {
      const thing = things[(turn + step) % things.length];
      for (let call = 0; call < callsPerTurn; call++) {
        const begin = performance.now();
        await calls[thing]();
        if (turn >= warmUp) samples[thing].push(performance.now() - begin);
      }
    }
  }
  process.stdout.write(JSON.stringify(samples));
}

main();
