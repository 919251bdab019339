'use strict';

// Times `kickServer` of servers that are not there, that come and that run, and a bare spawn. Arguments: the checkout, and a
// wish as JSON; see ../src/kick.rs.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { createServer } = require('node:net');

const [root, wish] = process.argv.slice(2);
const { rounds, warmUp, server, stateDir } = JSON.parse(wish);
const { ensureServer, kickServer, stopServer } = require(root);

const samples = { peer: [], started: [], starting: [], running: [] };

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

function timed(call) {
  const begin = performance.now();
  const result = call();
  return [performance.now() - begin, result];
}

function kick(options, expected) {
  const [took, { state, error }] = timed(() => kickServer(options));
  if (state !== expected) throw error ?? new Error(`the server is ${state}, not ${expected}`);
  return took;
}

async function round(number) {
  const port = await freePort();
  const command = [...server, `${port}`];
  const options = { name: `kick-${number}`, command, ready: `http://127.0.0.1:${port}/health`, stateDir };
  const took = { started: kick(options, 'started') };
  await new Promise((resolve) => setTimeout(resolve, 50));
  took.starting = kick(options, 'starting');
  await ensureServer(options);
  took.running = kick(options, 'running');
  await stopServer(options.name, { stateDir });
  const [spawned, child] = timed(() => {
    const child = spawn(command[0], command.slice(1), { detached: true, stdio: 'ignore' });
    child.unref();
    return child;
  });
  took.peer = spawned;
  child.ref();
  child.kill();
  await once(child, 'exit');
  return took;
}

async function main() {
  for (let number = 0; number < warmUp + rounds; number++) {
    const took = await round(number);
    if (number >= warmUp) for (const thing of Object.keys(samples)) samples[thing].push(took[thing]);
  }
  process.stdout.write(JSON.stringify(samples));
}

main();
