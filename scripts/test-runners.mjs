// The examples of test runners, each run by the real runner, with the packed package: one server in all, none left behind.
//
//   node scripts/test-runners.mjs [RUNNER…]      vitest, jest, node, playwright; without a word, all of them
//
// Playwright needs a browser of the system, and is skipped without.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fetchRunners, home, modules, root } from './runners/fetch.mjs';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);

const program = (name) => join(modules, '.bin', name);
const runners = {
  vitest: { argv: [program('vitest'), 'run'], passed: /Tests +2 passed/ },
  jest: { argv: [program('jest'), '--maxWorkers=2'], passed: /Tests: +2 passed/ },
  node: { argv: [process.execPath, '--test', '--test-reporter=spec'], passed: /pass 2\n/, lingers: true },
  playwright: { argv: [program('playwright'), 'test'], passed: /2 passed/, missing: chromium ? undefined : 'no Chromium is installed' },
};

const main = (names) => {
  fetchRunners();
  unpack();
  const results = names.map((name) => ({ name, ok: tried(name, runners[name]) }));
  if (results.some(({ ok }) => !ok)) process.exitCode = 1;
};

/** What `npm install` of the packed package would put there, and the examples beside it. */
const unpack = () => {
  const dir = mkdtempSync(join(tmpdir(), 'spawnlock-pack-'));
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', dir], { cwd: root, stdio: 'ignore' });
  const [tarball] = readdirSync(dir);
  const package_ = join(modules, 'spawnlock');
  for (const old of [package_, join(home, 'examples')]) rmSync(old, { recursive: true, force: true });
  mkdirSync(package_, { recursive: true });
  execFileSync('tar', ['-xzf', join(dir, tarball), '-C', package_, '--strip-components', '1']);
  rmSync(dir, { recursive: true });
  cpSync(join(root, 'examples'), join(home, 'examples'), { recursive: true });
};

const tried = (name, { argv, passed, lingers, missing }) => {
  if (missing) {
    console.log(`skipped  ${name}: ${missing}`);
    return true;
  }
  const stateDir = mkdtempSync(join(tmpdir(), `spawnlock-${name}-`));
  const cwd = join(home, 'examples', 'test-runners', name);
  const { status, output, seconds } = run(argv, cwd, { SPAWNLOCK_STATE_DIR: stateDir, CHROMIUM: chromium });
  const server = lookAt(stateDir, cwd, lingers);
  rmSync(stateDir, { recursive: true, force: true });
  const ok = status === 0 && passed.test(output) && server.starts === 1 && server.state === 'stopped';
  console.log(`${ok ? 'ok     ' : 'FAILED '}  ${name.padEnd(11)}servers started: ${server.starts}, afterwards: ${server.state} (${seconds} s)`);
  if (!ok) console.log(`exit code ${status}\n${output}`);
  return ok;
};

const run = ([file, ...args], cwd, env) => {
  const begun = Date.now();
  const { NODE_EXTRA_CA_CERTS, ...ours } = process.env;
  const options = { cwd, env: { ...ours, ...env, NO_COLOR: '1', CI: '1' }, encoding: 'utf8', timeout: 120_000 };
  const { status, stdout, stderr, error } = spawnSync(file, args, options);
  const output = `${stdout}${stderr}${error ?? ''}`;
  return { status, output, seconds: ((Date.now() - begun) / 1000).toFixed(1) };
};

/** What became of the server: the lines that it wrote itself at each start, and its state; one that lingers is waited for. */
const lookAt = (stateDir, cwd, lingers) => {
  const [place] = existsSync(stateDir) ? readdirSync(stateDir) : [];
  if (!place) return { starts: 0, state: 'unknown' };
  const starts = readFileSync(join(stateDir, place, 'server.log'), 'utf8').match(/^listening on /gm)?.length ?? 0;
  const command = join(modules, 'spawnlock', 'bindings-node', 'js', 'server-init.cjs');
  const status = () => {
    const { stdout } = spawnSync(process.execPath, [command, 'status', 'api', '--json', '--state-dir', stateDir], { cwd, encoding: 'utf8' });
    return JSON.parse(stdout).state;
  };
  const end = Date.now() + 20_000;
  let state = status();
  while (lingers && state !== 'stopped' && Date.now() < end) state = status();
  if (state !== 'stopped') spawnSync(process.execPath, [command, 'stop', 'api', '-q', '--state-dir', stateDir], { cwd });
  return { starts, state };
};

const given = process.argv.slice(2);
main(given.length > 0 ? given : Object.keys(runners));
