// The contender of Node; its contract is in tests/CONTENDERS.md.

import { appendFileSync, existsSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { parseArgs } from 'node:util';

import { ensureServer, restartServer, withServer } from 'spawnlock';

const flags = {
  name: { type: 'string' },
  ready: { type: 'string', multiple: true },
  'timeout-ms': { type: 'string' },
  'state-dir': { type: 'string' },
  gate: { type: 'string' },
  identity: { type: 'string' },
  port: { type: 'string' },
  scope: { type: 'string' },
  restart: { type: 'boolean' },
  scoped: { type: 'boolean' },
  rounds: { type: 'string', default: '1' },
};

function readArgs() {
  try {
    const { values, positionals } = parseArgs({ options: flags, allowPositionals: true });
    const options = { name: values.name, ready: values.ready, timeout: Number(values['timeout-ms']), stateDir: values['state-dir'] };
    if (positionals.length > 0) options.command = positionals;
    if (values.port) options.port = values.port;
    if (values.scope) options.scope = values.scope;
    if (values.identity) options.identity = JSON.parse(values.identity);
    const call = values.restart ? restarted : values.scoped ? (options) => scopes(options, Number(values.rounds)) : ensureServer;
    return { options, gate: values.gate, call };
  } catch (error) {
    console.error(`contender: ${error.message}`);
    process.exit(2);
  }
}

/** Calls `look` when something happens to the gate; a user has 128 watches, and a storm more clients: those look by themselves. */
function told(gate, look) {
  try {
    const watcher = watch(dirname(gate), (_, file) => file === basename(gate) && look());
    return () => watcher.close();
  } catch {
    const timer = setInterval(look, 5);
    return () => clearInterval(timer);
  }
}

/** Says that we wait, and waits until the file appears. */
function opened(gate) {
  return new Promise((resolve) => {
    const look = () => {
      if (!existsSync(gate)) return;
      stop();
      resolve();
    };
    const stop = told(gate, look);
    appendFileSync(`${gate}.waiting`, `${process.pid}\n`);
    look();
  });
}

function restarted({ name, timeout, stateDir }) {
  return restartServer(name, { timeout, stateDir });
}

/** One scope after the other; in each the server must answer, and be the one that we were told. */
async function scopes(options, rounds) {
  let last;
  for (let round = 0; round < rounds; round++) {
    last = await withServer(options, async (server) => {
      const pid = await (await fetch(`http://127.0.0.1:${server.port}/pid`, { headers: { connection: 'close' } })).json();
      if (pid !== server.pid) throw new Error(`the server is ${pid} and not ${server.pid}`);
      return server;
    });
  }
  return last;
}

async function ask(call, options) {
  const begin = performance.now();
  const ms = () => performance.now() - begin;
  try {
    const { origin, pid, generation } = await call(options);
    return { ok: true, origin, pid, generation, ms: ms() };
  } catch ({ code = 'none', message }) {
    return { ok: false, code, message, ms: ms() };
  }
}

const { options, gate, call } = readArgs();
if (gate) await opened(gate);
const answer = await ask(call, options);
console.log(JSON.stringify(answer));
process.exitCode = answer.ok ? 0 : 1;
