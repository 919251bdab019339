// The demo: thirty clients in three languages ask for one server at the same moment, and get one.
//
//   node scripts/demo.mjs COMMAND PYTHON      the native command, and the interpreter the Python package is installed for

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const EACH = 10;
const NAME = 'demo';

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const [command, python] = process.argv.slice(2);
const dir = join(root, 'build', 'demo');
const stateDir = join(dir, 'state');
const starts = join(dir, 'starts');

const client = (file) => join(root, 'scripts', 'demo', file);
const languages = {
  node: [process.execPath, client('client.mjs')],
  python: [python, client('client.py')],
  command: ['/bin/sh', client('client.sh'), command],
};

const initialize = (...args) => execFileSync(command, [...args, '--state-dir', stateDir], { encoding: 'utf8' });

const main = async () => {
  clear();
  const port = await freePort();
  const ready = `http://localhost:${port}/health`;
  // Whoever starts a server leaves a line first: the count of lines is the count of starts, whatever anybody claims.
  const shell = `echo $$ >> '${starts}'; exec '${process.execPath}' '${join(root, 'examples', 'server.mjs')}' ${port}`;

  say(`${EACH * 3} clients at the gate, for ${ready} (no server runs; it needs a second to get ready)`);
  const clients = Object.entries(languages).flatMap(([language, argv]) =>
    Array.from({ length: EACH }, (_, index) => begin(`${language} ${index + 1}`, argv, [NAME, ready, stateDir, shell])));
  await Promise.all(clients.map(({ waiting }) => waiting));

  const opened = performance.now();
  clients.forEach(({ go }) => go());
  const answers = await Promise.all(clients.map(({ answer }) => answer(opened)));

  say(table(answers));
  const count = readFileSync(starts, 'utf8').trim().split('\n').length;
  const pids = new Set(answers.map(({ pid }) => pid));
  say(`servers started: ${count}     pids seen by the clients: ${[...pids].join(', ')}`);
  say(`$ server-init status ${NAME}\n${initialize('status', NAME).trimEnd()}`);
  say(`$ server-init stop ${NAME}\n${initialize('stop', NAME, '-q').trimEnd()}`);
  if (count !== 1 || pids.size !== 1) throw new Error('there should be one server');
};

/** Starts a client; `waiting` settles when it stands at the gate, `answer` when it has its server. */
const begin = (name, [program, ...args], options) => {
  const child = spawn(program, [...args, ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value ?? Promise.reject(new Error(`client "${name}" ended with ${await ended}`));
  return {
    waiting: line(),
    go: () => child.stdin.end('go\n'),
    answer: async (opened) => {
      const { origin, pid } = JSON.parse(await line());
      const ms = performance.now() - opened;
      await ended;
      return { name, origin, pid, ms };
    },
  };
};

const table = (answers) => {
  const rows = answers.map(({ name, origin, pid, ms }) => [name, origin, String(pid), ms.toFixed(0)]);
  const lines = [['CLIENT', 'ORIGIN', 'PID', 'MS'], ...rows].map(([name, origin, pid, ms]) =>
    `${name.padEnd(12)}${origin.padEnd(10)}${pid.padEnd(9)}${ms.padStart(6)}`);
  return lines.join('\n');
};

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** What an interrupted demo left behind. */
const clear = () => {
  if (existsSync(stateDir)) initialize('stop', '--all', '-q');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
};

const say = (text) => console.log(`${text}\n`);

await main();
