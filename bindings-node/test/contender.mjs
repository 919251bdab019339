// The contender of Node; its contract is in tests/CONTENDERS.md.

import { appendFileSync, existsSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { parseArgs } from 'node:util';

import { ensureServer, restartServer } from 'spawnlock';

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
};

function readArgs() {
  try {
    const { values, positionals } = parseArgs({ options: flags, allowPositionals: true });
    const options = { name: values.name, ready: values.ready, timeout: Number(values['timeout-ms']), stateDir: values['state-dir'] };
    if (positionals.length > 0) options.command = positionals;
    if (values.port) options.port = values.port;
    if (values.scope) options.scope = values.scope;
    if (values.identity) options.identity = JSON.parse(values.identity);
    return { options, gate: values.gate, restart: values.restart };
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

async function ask({ name, timeout, stateDir, ...others }, restart) {
  const begin = performance.now();
  const ms = () => performance.now() - begin;
  try {
    const { origin, pid, generation } = restart
      ? await restartServer(name, { timeout, stateDir })
      : await ensureServer({ name, timeout, stateDir, ...others });
    return { ok: true, origin, pid, generation, ms: ms() };
  } catch ({ code = 'none', message }) {
    return { ok: false, code, message, ms: ms() };
  }
}

const { options, gate, restart } = readArgs();
if (gate) await opened(gate);
const answer = await ask(options, restart);
console.log(JSON.stringify(answer));
process.exitCode = answer.ok ? 0 : 1;
