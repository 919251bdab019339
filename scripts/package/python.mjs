// The Python package, from its wheel and its source archive: on the oldest and the newest interpreter at hand, in an environment
// that nobody activated, and in a folder of its own.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { compiles, emptied, env, here, once, root, run, smoke } from './tools.mjs';

const tool = (name) => join(root, 'build', 'venv', 'bin', name);

export function pythonChecks(dir, fixture, wheel) {
  const packed = once(() => pack(dir));
  const interpreters = run('scripts/interpreters.sh', []).trim().split('\n');
  return [
    ['Python: twine, on wheel and source archive', () => twine(packed(), wheel)],
    ['Python: check-wheel-contents', () => run(tool('check-wheel-contents'), [wheel])],
    ['Python: abi3audit', () => run(tool('abi3audit'), ['--strict', wheel])],
    ...interpreters.map((python) => [`Python: an environment of ${version(python)}`, () => inEnvironment(dir, fixture, wheel, python)]),
    ['Python: pip install --target', () => inFolder(dir, fixture, wheel, interpreters[0])],
    ['Python: the sources in the archive are whole', () => compiles(packed(), join(dir, 'sources'), 'spawnlock-python')],
  ];
}

function twine(archive, wheel) {
  run(tool('twine'), ['check', '--strict', wheel, archive]);
}

function pack(dir) {
  run(tool('maturin'), ['sdist', '--out', join(dir, 'sdist')]);
  return join(dir, 'sdist', readdirSync(join(dir, 'sdist'))[0]);
}

const version = (python) => run(python, ['--version']).trim();

async function inEnvironment(dir, fixture, wheel, python) {
  const venv = join(dir, version(python).replace(' ', '-'));
  run(python, ['-m', 'venv', venv]);
  run(join(venv, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--no-index', wheel]);
  run(join(venv, 'bin', 'server-init'), ['--version']);
  await smoke(join(venv, 'bin', 'python'), [join(here, 'smoke.py'), fixture, emptied('state')], { cwd: dir });
}

async function inFolder(dir, fixture, wheel, python) {
  const folder = join(dir, 'folder');
  run(python, ['-m', 'pip', 'install', '--quiet', '--no-index', '--target', folder, wheel]);
  const options = { cwd: dir, env: { ...env, PYTHONPATH: folder } };
  await smoke(python, [join(here, 'smoke.py'), fixture, emptied('state')], options);
}
