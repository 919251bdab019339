// The npm package, from its tarball: in projects that let no install script run, on each Node that is supported, and on Bun.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { snippets } from './snippets.mjs';
import { compiles, emptied, here, once, root, run, smoke } from './tools.mjs';

const { NODES, fetched, node } = createRequire(import.meta.url)('../../bindings-node/scripts/nodes.cjs');

const PUBLINT = '0.3.25';
const ATTW = '0.18.5';
const BUN = '1.4.5';

/** Files without which the package is of no use; `prebuilt` ones are those of the platform that packed it. */
const NEEDED = [
  'package.json',
  'LICENSE-MIT',
  'LICENSE-APACHE',
  'README.md',
  'spawnlock.schema.json',
  'bindings-node/index.d.ts',
  'bindings-node/js/index.cjs',
  'bindings-node/js/server-init.cjs',
  `bindings-node/prebuilt/${process.platform}-${process.arch}/spawnlock.node`,
  `bindings-node/prebuilt/${process.platform}-${process.arch}/server-init`,
];

export function npmChecks(dir, fixture) {
  const packed = once(() => pack(dir));
  const project = once(() => install(dir, packed().file));
  const runs = (program) => {
    copyFileSync(join(here, 'smoke.mjs'), join(project(), 'smoke.mjs'));
    return smoke(program, ['smoke.mjs', fixture, emptied('state')], { cwd: project() });
  };
  return [
    ['npm: the tarball holds what it needs, and no tests', () => holds(packed().files)],
    ['npm: publint', () => publint(packed().file)],
    ['npm: are the types wrong', () => attw(packed().file)],
    ['npm: the snippets have the types they should', () => snippets(project())],
    ...Object.values(NODES).map((version) => [`npm: without install scripts, on Node ${version}`, () => runs(node(version))]),
    [`npm: without install scripts, on Bun ${BUN}`, () => runs(bun())],
    ['npm: the sources in the tarball are whole', () => compiles(packed().file, join(dir, 'package'), 'spawnlock-node')],
  ];
}

function pack(dir) {
  // The build it would make has been made.
  const [made] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir]));
  return { file: join(dir, made.filename), files: made.files.map(({ path }) => path) };
}

function install(dir, tarball) {
  const project = join(dir, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund', tarball], { cwd: project });
  return project;
}

function holds(files) {
  const missing = NEEDED.filter((file) => !files.includes(file));
  const strange = files.filter((file) => /(^|\/)(target|build|node_modules|__pycache__)\/|bindings-node\/test\//.test(file));
  if (missing.length + strange.length > 0) throw new Error(`missing: ${missing.join(' ')}\nnot to be there: ${strange.join(' ')}`);
}

function publint(tarball) {
  const tool = fetched('package/publint', [`publint@${PUBLINT}`], 'publint/src/cli.js');
  run(process.execPath, [tool, 'run', '--strict', tarball]);
}

function attw(tarball) {
  const tool = fetched('package/attw', [`@arethetypeswrong/cli@${ATTW}`], '@arethetypeswrong/cli/dist/index.js');
  run(process.execPath, [tool, '--no-emoji', tarball]);
}

function bun() {
  const name = `bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;
  return fetched(`package/bun-${BUN}`, [`@oven/${name}@${BUN}`], join('@oven', name, 'bin', 'bun'));
}
