// Real servers, as examples/servers declares them: each is started once by twenty clients at a gate, in all languages, and
// stopped by the last one to leave.
//
//   node scripts/test-servers.mjs COMMAND PYTHON [SERVER…]      without a word, all of them; one that is not installed is skipped

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { fetchRunners, modules, root } from './runners/fetch.mjs';

const CLIENTS = 20;

const [command, python, ...given] = process.argv.slice(2);

const { NODE_EXTRA_CA_CERTS, ...inherited } = process.env;
// The servers in Python are those of the interpreter that is tested.
const env = { ...inherited, PATH: [dirname(python), dirname(process.execPath), inherited.PATH].join(delimiter) };

const client = (file) => join(root, 'scripts', 'servers', file);
const languages = [[process.execPath, client('client.mjs')], [python, client('client.py')], [client('client.sh'), command]];

const works = (program, ...args) => spawnSync(program, args, { env, stdio: 'ignore' }).status === 0;
/** Each server, and whether it is installed. */
const servers = {
  node: () => true,
  static: () => works('python3', '--version'),
  fastapi: () => works('python3', '-c', 'import fastapi, uvicorn'),
  vite: () => fetchRunners() ?? true,
  redis: () => works('redis-server', '--version'),
  postgres: () => works('pg_isready', '--version'),
  etcd: () => works('etcd', '--version'),
};

const main = async (names) => {
  if (process.platform !== 'linux') return console.log('skipped  the servers: their processes are looked for in /proc');
  const outcomes = [];
  for (const name of names) outcomes.push(servers[name]() ? await tried(name) : skipped(name));
  if (outcomes.includes(false)) process.exitCode = 1;
};

const skipped = (name) => {
  console.log(`skipped  ${name}: it is not installed`);
  return true;
};

const tried = async (name) => {
  const project = new Project(name);
  try {
    const begun = Date.now();
    console.log(`ok       ${name.padEnd(9)}${await project.storm()} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
    return true;
  } catch (problem) {
    console.log(`FAILED   ${name}: ${problem.message}\n${project.log()}`);
    return false;
  } finally {
    project.end();
  }
};

/** A copy of the examples, with a state directory of its own. */
class Project {
  #clients = [];

  constructor(name) {
    this.name = name;
    this.home = mkdtempSync(join(tmpdir(), `spawnlock-${name}-`));
    // A server that runs as another user must get through.
    chmodSync(this.home, 0o755);
    cpSync(join(root, 'examples'), join(this.home, 'examples'), { recursive: true });
    this.cwd = join(this.home, 'examples', 'servers');
    symlinkSync(modules, join(this.cwd, 'vite', 'node_modules'));
    this.stateDir = join(this.home, 'state');
    this.env = { ...env, SPAWNLOCK_STATE_DIR: this.stateDir };
  }

  async storm() {
    const clients = Array.from({ length: CLIENTS }, (_, index) => this.#client(languages[index % languages.length]));
    await Promise.all(clients.map(({ line }) => line()));
    clients.forEach(({ go }) => go());
    const answers = await Promise.all(clients.map(async ({ line }) => JSON.parse(await line())));
    const facts = { url: unique(answers, 'url'), pid: unique(answers, 'pid'), running: this.#running(), starts: this.#status().generation };
    for (const { go, ended } of clients.slice(1)) await (go(), ended);
    const left = this.#running();
    await (clients[0].go(), clients[0].ended);
    const after = this.#running();

    const [pid] = facts.pid;
    const said = `${CLIENTS} clients, servers started: ${facts.starts}, at ${facts.url}, pid ${facts.pid}; without the last: ${after.length} processes`;
    const is = (list, pid) => list.length === 1 && list[0] === pid;
    if (facts.url.length !== 1 || facts.starts !== 1 || !is(facts.running, pid) || !is(left, pid) || after.length > 0) {
      throw new Error(`${said}; running with all clients: ${facts.running}, with the last: ${left}, without it: ${after}`);
    }
    return said;
  }

  /** A client; `line` gives the next thing it says, `go` lets it go on. */
  #client([program, ...args]) {
    const child = spawn(program, [...args, this.name], { cwd: this.cwd, env: this.env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#clients.push(child);
    const ended = new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const line = async () => (await lines.next()).value ?? Promise.reject(new Error(`a client ended with ${await ended}: ${program}`));
    return { line, ended, go: () => child.stdin.write('go\n') };
  }

  /**
   * The processes that were started as this server, whatever anybody has written down: of those that live in the project, and not in the
   * session of the clients, the ones whose parent does not.
   */
  #running() {
    const ours = new Map();
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        const { state, parent, session } = stat(pid);
        const lives = state !== 'Z' && session !== stat('self').session && readlinkSync(`/proc/${pid}/cwd`).startsWith(this.home);
        if (lives && !isMinder(pid)) ours.set(Number(pid), Number(parent));
      } catch {
        // It ended meanwhile, or is none of our business.
      }
    }
    return [...ours].filter(([, parent]) => !ours.has(parent)).map(([pid]) => pid);
  }

  #status() {
    return JSON.parse(execFileSync(command, ['status', this.name, '--json'], { cwd: this.cwd, env: this.env, encoding: 'utf8' }));
  }

  log() {
    return spawnSync(command, ['logs', this.name], { cwd: this.cwd, env: this.env, encoding: 'utf8' }).stdout;
  }

  end() {
    for (const child of this.#clients) child.stdin.end();
    spawnSync(command, ['stop', '--all', '-q'], { cwd: this.cwd, env: this.env });
    rmSync(this.home, { recursive: true, force: true });
  }
}

const stat = (pid) => {
  const [state, parent, , session] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return { state, parent, session };
};

/** Whether a process is the one that watches the server, and its parent. */
const isMinder = (pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1] === 'mind';

/** The different values of a fact, among those who know it. */
const unique = (answers, fact) => [...new Set(answers.map((answer) => answer[fact]).filter((value) => value !== undefined))];

await main(given.length > 0 ? given : Object.keys(servers));
