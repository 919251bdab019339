'use strict'

// Times `ensureServer` and `fetch` in turns. Arguments: the checkout, and a wish as JSON; see ../src/scripts.rs.

const [root, wish] = process.argv.slice(2)
const { things, warmUp, rounds, url, options } = JSON.parse(wish)

// Loaded by the first call, as `fetch` is, so that a process's first call has its whole price.
let spawnlock
const calls = {
  peer: async () => (await fetch(url)).text(),
  ensure: () => (spawnlock ??= require(root)).ensureServer(options),
}

async function main() {
  const samples = Object.fromEntries(things.map((thing) => [thing, []]))
  for (let round = 0; round < warmUp + rounds; round++) {
    for (let step = 0; step < things.length; step++) {
      const thing = things[(round + step) % things.length]
      const begin = performance.now()
      await calls[thing]()
      if (round >= warmUp) samples[thing].push(performance.now() - begin)
    }
  }
  process.stdout.write(JSON.stringify(samples))
}

main()
